"""Reports and their server, and what the guest agent says of the application."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from simulator import report
from simulator.agent import AgentError, GuestAgent
from simulator.event_log import Event, replay
from simulator.report_server import ReportServer
from simulator.world import World

#: Evidence format 3.5: the same state and time in every encoding.
VECTORS = {
    "A": "53eedc9249aaa3923ad6945811dc991e02153e0950e9d4718e0cc1b4f7ef47c2", "B": "40de40427245a6deb8dedbe207dee762f717c53b685c4ba05ebb3a08cbf2849f",
    "C": "bb87eea20bc5e04d9281b939b1abceb40ceaa758b67d3d1246abc08c1f4233aa", "D": "4682e6d168c84e29b7b4df0feaac7bdc10273028596f4eed5ad4b986d85c2a55",
    "E": "f2afa8f8cc7b970c8d6281e5490afcbda0c3855d4e6a936095fc53a2c283baa6", "F": "0efa0e1bf9ebe438e1bb7074b3d50e51d0005c8a74a9e079aa36bc6dbdf48640",
}


@pytest.fixture
def world() -> World:
    return World("report tests")


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
        return json.loads(answer.read())


@pytest.mark.parametrize("encoding", VECTORS)
def test_encodings(encoding: str) -> None:
    state = report.PostgresState(controldata_hash=bytes.fromhex("fe604dae479c8166c5aa158d1546083e1f167e5a1b056cd6d3e9359c58783976"))
    assert report.report_data(state, 1777777777, encoding).hex() == VECTORS[encoding] + "00" * 32


def test_a_report_repeats_its_quote(world: World) -> None:
    said = report.make(world, world.now)
    minted = world.mint(report_data=report.report_data(report.PostgresState(), world.now))
    assert said["quote"] == minted.attestation.quote.hex() and said["tcb_info"]["mrtd"] == minted.mr_td


def test_the_server(world: World) -> None:
    moment = [world.now]
    with ReportServer(world, clock=lambda: moment[0]) as server:
        assert get(server.url)["timestamp"] == world.now
        server.manner = "replayed"
        first = get(server.url)
        moment[0] += 10
        assert get(server.url) == first
        server.manner = "normal"
        assert get(server.url)["timestamp"] == world.now + 10
        server.manner = "stale"
        assert get(server.url)["timestamp"] == world.now + 10 - 3600
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/health", timeout=10) as answer:
            assert answer.read() == b"ok"
        with pytest.raises(urllib.error.HTTPError):
            get(f"http://127.0.0.1:{server.port}/elsewhere")
        assert server.requests.count("/attestation") == 5


def test_the_server_as_a_program(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with subprocess.Popen([sys.executable, "-m", "simulator", "report", "--out", str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True, env=environment) as program:
        assert program.stdin is not None and program.stdout is not None
        where = json.loads(program.stdout.readline())
        assert get(where["url"])["compose_hash"] == where["compose_hash"] and (tmp_path / "root.pem").exists()
        program.stdin.write('{"wal_lsn": "0/2"}\n')
        program.stdin.flush()
        assert json.loads(program.stdout.readline())["event"] == "done"
        assert get(where["url"])["postgres_state"]["wal_lsn"] == "0/2"
        program.stdin.close()
        assert program.wait(timeout=10) == 0


# ---- the guest agent

def test_what_the_agent_says_of_its_guest(world: World, tmp_path: Path) -> None:
    agent = GuestAgent(world, tmp_path / "dstack.sock")
    said = agent.info({})
    tcb_info = json.loads(said["tcb_info"])
    assert (said["app_id"], said["compose_hash"]) == (world.guest.app_id.hex(), world.guest.compose_hash.hex())
    assert tcb_info["rtmr3"] == world.mint().field("rtmr3") and tcb_info["app_compose"].encode() == world.guest.app_compose


def test_events_of_the_application(world: World, tmp_path: Path) -> None:
    agent = GuestAgent(world, tmp_path / "dstack.sock")
    before = agent.quoted({}).field("rtmr3")
    assert agent.emit_event({"event": "mine", "payload": "abcd"}) == {}
    after = agent.quoted({"report_data": "01"})
    assert after.field("rtmr3") == replay([*world.guest.events, Event(3, "mine", b"\xab\xcd")], 3).hex() != before
    assert json.loads(agent.get_quote({})["event_log"])[-1]["event"] == "mine"
    assert bytes.fromhex(str(agent.attest({})["attestation"]))[0] == 0
    with pytest.raises(AgentError):
        agent.get_quote({"report_data": "00" * 65})
