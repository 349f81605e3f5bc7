"""`ratls proxy` and `--connect`: a real psql, a real PostgreSQL, the simulator's sidecar between them."""
from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from command import Files, TIMEOUT_S, command_path, ratls
from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.sidecar import BEHAVIOURS, Sidecar
from simulator.world import World

REFUSED_BY_PROXY = {
    "no_quote": "upstream cert has no TDX attestation extension; set --allow-simulator for non-TEE targets",
    "other_key": "quote report_data does not bind the TLS certificate's public key",
    "debug": "TDX TD is in debug mode — connection refused. Debug TDs have no confidentiality guarantees. "
             "Set --allow-debug to override (not recommended for production).",
    "out_of_date": 'Unacceptable TCB status: "OutOfDate". Acceptable statuses: OK, SWHardeningNeeded. '
                   "Update the platform firmware/microcode or check Intel's advisory.",
    "other_mrtd": "is not in the allowlist. Update --mrtd if you intentionally upgraded the CVM image.",
    "tampered_signature": "quote signature does not verify under its attestation key",
}


@pytest.fixture
def sidecar(sound: Minted, cluster: Cluster) -> Iterator[Sidecar]:
    with Sidecar(sound, cluster.socket_path) as running:
        yield running


@pytest.fixture
def socket_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "socket"
    directory.mkdir(mode=0o700)
    return directory


class Proxy:
    """A running `ratls proxy`; `line` is what it said when it was ready."""

    def __init__(self, process: subprocess.Popen[str], line: str) -> None:
        self.process = process
        self.line = line

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT_S)


def proxy(sidecar: Sidecar, files: Files, socket_dir: Path, *more: str) -> AbstractContextManager[Proxy]:
    return proxy_of(files, socket_dir, "--upstream", f"127.0.0.1:{sidecar.port}", *more)


@contextmanager
def proxy_of(files: Files, socket_dir: Path, *more: str) -> Iterator[Proxy]:
    command = [command_path(), "proxy", "--socket-dir", str(socket_dir), *files.dcap, *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield Proxy(process, line)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=TIMEOUT_S)


def psql_command(directory: Path, *arguments: str) -> list[str]:
    """psql as the line of the proxy says, with the port of the one socket in the directory."""
    name, = (path.name for path in directory.iterdir() if re.fullmatch(r"\.s\.PGSQL\.\d+", path.name))
    return ["psql", "-h", str(directory), "-p", name.rpartition(".")[2], "-U", "postgres", "-d", "postgres", "-X", "-A", "-t", *arguments]


def psql(directory: Path, cluster: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PGPASSWORD": cluster.password, "LC_ALL": "C.UTF-8"}
    return subprocess.run(psql_command(directory, *arguments), capture_output=True, text=True, env=environment, timeout=TIMEOUT_S, check=False)


def test_rows(sidecar: Sidecar, files: Files, socket_dir: Path, cluster: Cluster) -> None:
    with proxy(sidecar, files, socket_dir) as running:
        assert running.line.startswith("psql -h ") and str(socket_dir) in running.line
        done = psql(socket_dir, cluster, "-c", "select 6 * 7", "-c", "select count(*) from generate_series(1, 100000)")
        assert (done.returncode, done.stdout) == (0, "42\n100000\n"), done.stderr
        assert running.end() == 0
    assert list(socket_dir.iterdir()) == []


def test_the_line_is_a_command(sidecar: Sidecar, files: Files, tmp_path: Path, cluster: Cluster) -> None:
    """A directory with a quote and a space in its name: the line still is what a shell understands."""
    directory = tmp_path / "it's here"
    directory.mkdir(mode=0o700)
    with proxy(sidecar, files, directory) as running:
        environment = {**os.environ, "PGPASSWORD": cluster.password}
        done = subprocess.run(f"{running.line.strip()} -U postgres -d postgres -XAtc 'select 1'", shell=True, capture_output=True, text=True,
                              env=environment, timeout=TIMEOUT_S, check=False)
        assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_in_order(number: int, sidecar: Sidecar, files: Files, socket_dir: Path) -> None:
    with proxy(sidecar, files, socket_dir) as running:
        assert running.end(number) == 0
    assert list(socket_dir.iterdir()) == []


def test_json(sidecar: Sidecar, files: Files, socket_dir: Path, sound: Minted) -> None:
    with proxy(sidecar, files, socket_dir, "--json") as running:
        document = json.loads(running.line)
        assert document["accepted"] is True and document["result"]["mr_td"] == sound.mr_td and document["socket_dir"] == str(socket_dir)
        assert running.end() == 0


def test_cancel(sidecar: Sidecar, files: Files, socket_dir: Path, cluster: Cluster) -> None:
    """Ctrl-C in psql cancels over a second connection, which is attested like the first."""
    with proxy(sidecar, files, socket_dir):
        environment = {**os.environ, "PGPASSWORD": cluster.password}
        process = subprocess.Popen(psql_command(socket_dir, "-c", "select pg_sleep(60)"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        wait_for_query(cluster, "select pg_sleep(60)")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert "canceling statement due to user request" in errors


def wait_for_query(cluster: Cluster, text: str) -> None:
    """Until PostgreSQL runs this query: polled at the server itself."""
    environment = {**os.environ, "PGPASSWORD": cluster.password}
    watch = ("do $$ begin for i in 1..600 loop perform 1 from pg_stat_activity where state = 'active' and query = '" + text + "'; "
             "if found then return; end if; perform pg_stat_clear_snapshot(); perform pg_sleep(0.05); end loop; raise 'it never ran'; end $$")
    subprocess.run(["psql", "-h", "127.0.0.1", "-p", str(cluster.port), "-U", "postgres", "-d", "postgres", "-X", "-q", "-c", watch],
                   check=True, env=environment, timeout=TIMEOUT_S)


@pytest.mark.parametrize("fault", REFUSED_BY_PROXY)
def test_psql_shows_the_refusal(fault: str, sidecar: Sidecar, files: Files, socket_dir: Path, cluster: Cluster, world: World, sound: Minted) -> None:
    """A server that turns bad after the start: psql says why, and not one byte of its startup message reached the server."""
    with proxy(sidecar, files, socket_dir, "--mrtd", sound.mr_td):
        started = len(sidecar.connections)
        sidecar.present(world.mint(fault))
        done = psql(socket_dir, cluster, "-c", "select 1")
        assert done.returncode == 2 and REFUSED_BY_PROXY[fault] in done.stderr, done.stderr
        later = sidecar.wait_closed(started + 1)[started:]
        assert later and all(connection.application_bytes == 0 and not connection.upstream_opened for connection in later)
        sidecar.present(sound)
        assert psql(socket_dir, cluster, "-c", "select 1").stdout == "1\n"


@pytest.mark.parametrize("fault, status", [("no_quote", 1), ("debug", 1), ("out_of_date", 1), ("other_key", 1)])
def test_refusal_at_the_start(fault: str, status: int, sidecar: Sidecar, files: Files, socket_dir: Path, world: World) -> None:
    sidecar.present(world.mint(fault))
    run = ratls("proxy", "--upstream", f"127.0.0.1:{sidecar.port}", "--socket-dir", socket_dir, *files.dcap)
    assert (run.status, run.output) == (status, "") and REFUSED_BY_PROXY[fault] in run.errors
    told = ratls("proxy", "--upstream", f"127.0.0.1:{sidecar.port}", "--socket-dir", socket_dir, *files.dcap, "--json").json
    assert told["accepted"] is False and REFUSED_BY_PROXY[fault] == told["error"]["message"]
    assert list(socket_dir.iterdir()) == []
    assert all(connection.application_bytes == 0 for connection in sidecar.wait_closed(2))


def test_silent_server(sidecar: Sidecar, files: Files, socket_dir: Path) -> None:
    sidecar.behaviour = BEHAVIOURS["silent"]
    run = ratls("proxy", "--upstream", f"127.0.0.1:{sidecar.port}", "--socket-dir", socket_dir, *files.dcap)
    assert run.status == 3 and run.errors.splitlines()[-1] == "ratls: HANDSHAKE_TIMEOUT: upstream TLS handshake timed out after 5000ms"


def test_no_server(files: Files, socket_dir: Path) -> None:
    run = ratls("proxy", "--upstream", "127.0.0.1:1", "--socket-dir", socket_dir, *files.dcap, "--json")
    assert run.status == 3 and run.json["error"]["code"] == "CONNECT_FAILED"


def test_directory_that_is_open_to_others(sidecar: Sidecar, files: Files, tmp_path: Path) -> None:
    directory = tmp_path / "open"
    directory.mkdir()
    directory.chmod(0o755)
    run = ratls("proxy", "--upstream", f"127.0.0.1:{sidecar.port}", "--socket-dir", directory, *files.dcap, "--json")
    assert run.status == 2 and run.json["error"]["code"] == "SOCKET_DIRECTORY"


def test_interrupt_while_it_waits(sidecar: Sidecar, files: Files, socket_dir: Path) -> None:
    sidecar.behaviour = BEHAVIOURS["silent"]
    process = subprocess.Popen([command_path(), "proxy", "--upstream", f"127.0.0.1:{sidecar.port}", "--socket-dir", str(socket_dir), *files.dcap],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    sidecar.wait_for(lambda seen: len(seen) == 1 and seen[0].received_bytes > 0)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, output) == (3, "") and "ratls: CANCELLED: " in errors


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_closed_standard_streams_become_no_sockets(closed: str, sidecar: Sidecar, files: Files, socket_dir: Path) -> None:
    command = [command_path(), "proxy", "--upstream", f"127.0.0.1:{sidecar.port}", "--socket-dir", str(socket_dir), *files.dcap]
    with subprocess.Popen(["sh", "-c", f'exec "$@" {closed}', "sh", *command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline().startswith("psql ")
        for number, redirection in ((0, "<&-"), (2, "2>&-")):
            if redirection in closed:
                assert os.readlink(f"/proc/{process.pid}/fd/{number}") == "/dev/null"
        process.terminate()
        assert process.wait(TIMEOUT_S) == 0


def test_verify_connect(sidecar: Sidecar, files: Files, world: World, sound: Minted) -> None:
    server = f"localhost:{sidecar.port}"
    document = ratls("verify", "--connect", server, *files.dcap, "--json").json
    assert document["accepted"] is True and document["result"]["key_bound"] is True and document["result"]["mr_td"] == sound.mr_td
    assert ratls("verify", "--connect", server, *files.dcap).status == 0
    sidecar.present(world.mint("debug"))
    refused = ratls("verify", "--connect", server, *files.dcap, "--json")
    assert refused.status == 1 and refused.json["error"]["code"] == "DEBUG_MODE"
    assert all(connection.application_bytes == 0 for connection in sidecar.wait_closed(3))


def fields_of(run: Any) -> dict[str, Any]:
    assert run.status == 0, run
    fields: dict[str, Any] = run.json
    return fields


def test_inspect_connect_judges_nothing(sidecar: Sidecar, world: World, tmp_path: Path) -> None:
    for fault in (None, "debug", "tampered_signature", "no_quote"):
        minted = world.mint(fault)
        sidecar.present(minted)
        (tmp_path / "cert.der").write_bytes(minted.certificate_der)
        shown = fields_of(ratls("inspect", "--connect", f"127.0.0.1:{sidecar.port}", "--json"))
        assert shown == fields_of(ratls("inspect", "--cert", tmp_path / "cert.der", "--json"))
    assert all(connection.application_bytes == 0 for connection in sidecar.wait_closed(4))


def test_inspect_connect_of_a_server_that_is_none(sidecar: Sidecar) -> None:
    sidecar.behaviour = BEHAVIOURS["plain"]
    run = ratls("inspect", "--connect", f"127.0.0.1:{sidecar.port}", "--json")
    assert run.status == 3 and run.json["error"]["class"] == "unavailable"
    assert ratls("inspect", "--connect", "127.0.0.1:1", "--json").json["error"]["code"] == "CONNECT_FAILED"
