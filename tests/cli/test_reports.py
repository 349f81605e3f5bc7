"""`verify --report`, `inspect --report` and `watch`: a sidecar's reports, from files and over HTTP."""
from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import Files, command_path, ratls
from simulator import report
from simulator.report import PostgresState
from simulator.report_server import ReportServer
from simulator.world import World


@pytest.fixture
def server(world: World) -> Iterator[ReportServer]:
    with ReportServer(world) as running:
        yield running


def verify(server: ReportServer, files: Files, *more: str) -> Any:
    return ratls("verify", "--report", server.url, *files.dcap, "--json", *more)


def test_a_report_over_http(server: ReportServer, files: Files, world: World) -> None:
    run = verify(server, files)
    result = run.json["result"]
    assert run.status == 0 and (result["key_bound"], result["report_encoding"]) == (False, "A")
    assert (result["compose_hash"], result["compose_hash_source"]) == (world.guest.compose_hash.hex(), "mr_config_id")
    assert server.requests == ["/attestation"]
    told = ratls("verify", "--report", server.url, *files.dcap).output
    assert "monitoring data" in told and "encoding A" in told


def test_a_report_in_a_file(world: World, files: Files, tmp_path: Path) -> None:
    content = report.to_json(report.make(world, world.now))
    path = tmp_path / "report.json"
    path.write_bytes(content)
    assert ratls("verify", "--report", path, *files.dcap).status == 0
    assert ratls("verify", "--report", "-", *files.dcap, stdin=content).status == 0
    assert ratls("inspect", "--report", path, "--json").json["mr_td"] == world.mint().mr_td


def test_inspect_over_http(server: ReportServer, world: World) -> None:
    assert ratls("inspect", "--report", server.url, "--json").json["compose_hash"] == world.guest.compose_hash.hex()


#: Manner of the server, exit status, code.
FAULTS = {
    "stale": (1, "REPORT_STALE"), "wrong-lsn": (1, "REPORT_DATA_UNRECOGNISED"), "other-cluster": (1, "REPORT_DATA_UNRECOGNISED"),
    "tampered-tcb-info": (1, "REPORT_CONTRADICTION"), "debug": (1, "DEBUG_MODE"), "out-of-date": (1, "TCB_STATUS"),
    "garbage": (1, "REPORT_FORMAT"), "huge": (3, "REPORT_TOO_LARGE"), "redirect": (3, "REPORT_HTTP_STATUS"), "error": (3, "REPORT_HTTP_STATUS"),
}


@pytest.mark.parametrize("manner", FAULTS)
def test_faults(manner: str, server: ReportServer, files: Files) -> None:
    server.manner = manner
    status, code = FAULTS[manner]
    run = verify(server, files)
    assert (run.status, run.json["error"]["code"]) == (status, code)
    assert "/elsewhere" not in server.requests


def test_a_report_that_comes_too_slowly(server: ReportServer, files: Files) -> None:
    server.manner = "slow"
    run = verify(server, files, "--timeout-ms", "700")
    assert run.status == 3 and run.json["error"]["code"] == "TIMEOUT" and "700ms" in run.json["error"]["message"]


def test_a_report_that_is_sent_again(server: ReportServer, files: Files, world: World) -> None:
    """Within max_age_s nobody can tell; later everybody does."""
    server.manner = "replayed"
    for later, status in ((0, 0), (60, 0), (61, 1)):
        flags = [*files.dcap[:-1], str(world.now + later)]
        run = ratls("verify", "--report", server.url, *flags, "--json")
        assert run.status == status, run.json
    assert run.json["error"]["code"] == "REPORT_STALE"
    assert ratls("verify", "--report", server.url, *flags, "--max-age-s", "3600").status == 0


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "http:///attestation", "http://user:secret@127.0.0.1/", "HTTP://127.0.0.1/", "http://a b/"])
def test_urls_that_are_refused(url: str, files: Files) -> None:
    run = ratls("verify", "--report", url, *files.dcap, "--json")
    assert run.status == 2 and run.json["error"]["code"] == "REPORT_URL" and "secret" not in run.output


def test_nobody_listens(server: ReportServer, files: Files) -> None:
    server.server.server_close()
    run = verify(server, files)
    assert run.status == 3 and run.json["error"]["code"] == "REPORT_UNREACHABLE" and server.url in run.json["error"]["message"]


# ---- watch

class Watch:
    """A running `ratls watch`, and its lines."""

    def __init__(self, server: ReportServer, files: Files, *more: str) -> None:
        self.process = subprocess.Popen([command_path(), "watch", "--report", server.url, "--interval", "1", *files.dcap, *more],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.strip())
                self.changed.notify_all()

    def wait_for(self, text: str) -> str:
        """The first line with this text. Raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(lambda: any(text in line for line in self.lines), 20):
                raise TimeoutError(f"no {text!r} in {self.lines}")
            return next(line for line in self.lines if text in line)

    def end(self, how: int | None = None) -> int:
        if how is not None:
            self.process.send_signal(how)
        status = self.process.wait(timeout=20)
        self.reader.join(timeout=20)
        return status


@pytest.fixture
def watch(server: ReportServer, files: Files) -> Iterator[Watch]:
    running = Watch(server, files, "--json")
    yield running
    running.process.kill()
    running.process.wait(timeout=20)


def event(line: str) -> dict[str, Any]:
    said = json.loads(line)
    assert isinstance(said, dict)
    return said


def test_changes_are_told_once(watch: Watch, server: ReportServer) -> None:
    assert event(watch.wait_for('"is","field":"wal_lsn"'))["to"] == "0/1A2B3C8"
    first = [event(line) for line in watch.lines]
    assert [item["field"] for item in first] == ["mr_td", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "mr_config_id", "compose_hash", "tcb_status", "wal_lsn"]
    assert event(watch.wait_for('"stuck"'))["to"] == "0/1A2B3C8"
    server.state = PostgresState(wal_lsn="0/1A2B3C9")
    moving = event(watch.wait_for('"moving"'))
    assert (moving["from"], moving["to"]) == ("0/1A2B3C8", "0/1A2B3C9")
    server.manner = "error"
    assert event(watch.wait_for('"unavailable"'))["error"]["code"] == "REPORT_HTTP_STATUS"
    server.manner = "normal"
    watch.wait_for('"available"')
    assert watch.end(signal.SIGTERM) == 0
    assert sum('"unavailable"' in line for line in watch.lines) == 1 and not any('"changed"' in line for line in watch.lines)


def test_the_first_refusal_ends_it(watch: Watch, server: ReportServer) -> None:
    watch.wait_for('"wal_lsn"')
    server.manner = "out-of-date"
    assert watch.end() == 1
    last = event(watch.lines[-1])
    assert last["accepted"] is False and last["error"]["code"] == "TCB_STATUS" and last["tcb"]["tcb_status"] == "OutOfDate"


def test_a_change_of_measurement(server: ReportServer, files: Files, world: World) -> None:
    """In words; under another root of measurements the report is still acceptable where nothing is pinned."""
    running = Watch(server, files)
    running.wait_for("is wal_lsn 0/1A2B3C8")
    server.world = World("command tests", world.now)
    server.world.guest = type(world.guest)(**{**vars(world.guest), "mr_td": bytes(range(48))})
    line = running.wait_for("changed mr_td")
    assert line.endswith(f"{world.mint().mr_td} -> {bytes(range(48)).hex()}")
    assert running.end(signal.SIGINT) == 0


def test_a_signal_ends_it_while_it_waits_for_an_answer(server: ReportServer, files: Files) -> None:
    server.manner = "slow"
    running = Watch(server, files)
    deadline = time.monotonic() + 20
    while not server.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    assert running.end(signal.SIGTERM) == 0 and running.lines == []


@pytest.mark.parametrize("arguments", [[], ["--report", "report.json"], ["--report", "http://a/", "--interval", "0"], ["--report", "http://a/", "--interval", "x"],
                                       ["--report", "http://a/", "--interval", "86401"], ["--report", "http://a/", "--connect-timeout", "1"],
                                       ["--report", "file:///etc/passwd"], ["--report", "http://a/", "--cert", "x"]])
def test_mistakes_with_watch(arguments: list[str], files: Files) -> None:
    assert ratls("watch", *arguments, "--collateral", files["collateral.json"], "--trust-anchor", files["root.pem"], "--json").status == 2
