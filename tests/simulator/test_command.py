"""The command line, and the sidecar in a process of its own."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from simulator.__main__ import main
from simulator.postgres import Cluster
from simulator.process import TESTS, SidecarProcess
from simulator.world import World

LINE_LIMIT_S = 30


def connect(cluster: Cluster, port: int) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(cluster.dsn(
        host="localhost", hostaddr="127.0.0.1", port=port, sslmode="require", sslnegotiation="direct", connect_timeout=10))


@pytest.mark.parametrize("fault", [None, "debug", "no_quote", "rogue_root"])
def test_mint_writes_what_the_world_mints(tmp_path: Path, fault: str | None) -> None:
    options = ["--fault", fault] if fault else []
    assert main(["mint", "--seed", "7", "--out", str(tmp_path), *options]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == World(7).mint(fault).files()


def test_mint_knows_forms_and_kinds(tmp_path: Path) -> None:
    assert main(["mint", "--seed", "7", "--kind", "sgx-v3", "--form", "legacy", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "quote.bin").read_bytes() == World(7).mint(kind="sgx-v3", form="legacy").quote


def test_the_sidecar_tells_what_happened_and_obeys() -> None:
    with Cluster() as cluster, SidecarProcess("--upstream", f"127.0.0.1:{cluster.port}", "--seed", "7") as sidecar:
        with connect(cluster, sidecar.port) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        seen, = sidecar.wait_closed()
        assert (seen["sni"], seen["upstream_opened"]) == ("localhost", True)
        assert sidecar.listening["mr_td"] == World(7).mint().mr_td

        sidecar.tell(behaviour="close-handshake")
        with pytest.raises(psycopg.OperationalError):
            connect(cluster, sidecar.port)
        *_, refused = sidecar.wait_closed(2)
        assert (refused["handshake_done"], refused["application_bytes"]) == (False, 0)

        sidecar.tell(behaviour="normal", mint={"fault": "debug", "label": "second"})
        connect(cluster, sidecar.port).close()


def test_a_query_is_cancelled_through_the_process() -> None:
    with Cluster() as cluster, SidecarProcess("--upstream", str(cluster.socket_path)) as sidecar:
        with connect(cluster, sidecar.port) as connection:
            canceller = threading.Thread(target=connection.cancel_safe)
            connection.add_notice_handler(lambda _: canceller.start())
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("do $$ begin raise notice 'it runs'; perform pg_sleep(60); end $$")
            canceller.join()


def test_a_signal_ends_the_sidecar(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "sidecar", "--upstream", "127.0.0.1:1", "--out", str(tmp_path)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(TESTS)})
    assert process.stdout is not None
    with process.stdout:
        assert json.loads(process.stdout.readline())["event"] == "listening"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=LINE_LIMIT_S) == 0
    assert (tmp_path / "root.pem").read_text() == World().trust_anchor_pem


def test_postgresql_ends_with_its_parent() -> None:
    """Also when the parent is killed and can do nothing about it."""
    script = ("import sys; from simulator.postgres import Cluster; cluster = Cluster(); cluster.start();"
              "print(cluster.directory, flush=True); sys.stdin.read()")
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(TESTS)})
    assert process.stdin is not None and process.stdout is not None
    with process.stdin, process.stdout:
        directory = Path(process.stdout.readline().strip())
        server = int((directory / "data/postmaster.pid").read_text().split()[0])
        guard = os.pidfd_open(int(Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()[1]))
        process.kill()
        process.wait()
    waited = wait_for_end(guard)
    assert waited and not directory.exists()


def wait_for_end(pidfd: int) -> bool:
    """Whether the process behind the descriptor ends in time."""
    import select
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    ended = bool(poller.poll(LINE_LIMIT_S * 1000))
    os.close(pidfd)
    return ended
