"""The guest agent, asked as dstack's own tools ask it: curl over its socket, in both protocols."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from simulator.agent import MANNERS, GuestAgent, changed
from simulator.certificate import bind
from simulator.client_check import command_path
from simulator.process import TESTS, SidecarProcess
from simulator.world import World

CLIENT = {"subject": "me", "usage_ra_tls": True, "usage_server_auth": False, "usage_client_auth": True}


def ask(agent: GuestAgent, path: str, body: Any) -> tuple[int, str]:
    """Status and body."""
    place = ["--unix-socket", str(agent.address), "http://localhost" + path] if isinstance(agent.address, Path) else [agent.endpoint + path]
    done = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "-H", "Content-Type: application/json", "-d", json.dumps(body), *place],
                          capture_output=True, text=True, timeout=30, check=True)
    text, _, status = done.stdout.rpartition("\n")
    return int(status), text


@pytest.fixture
def world() -> World:
    return World("agent tests")


def test_a_client_s_certificate(world: World, tmp_path: Path) -> None:
    with GuestAgent(world, tmp_path / "dstack.sock") as agent:
        answers = [json.loads(ask(agent, "/GetTlsKey", CLIENT)[1]) for _ in range(2)]
    assert answers[0]["key"] != answers[1]["key"], "a new key each time"
    chain = [x509.load_pem_x509_certificate(item.encode()) for item in answers[0]["certificate_chain"]]
    key = load_pem_private_key(answers[0]["key"].encode(), None)
    assert key.public_key() == chain[0].public_key() and len(chain) == 3
    for issued, issuer in zip(chain, chain[1:]):
        issued.verify_directly_issued_by(issuer)
    usage = chain[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    spki = chain[0].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert agent.minted[0].field("report_data") == bind(spki).hex()


def test_both_protocols(world: World, tmp_path: Path) -> None:
    with GuestAgent(world, tmp_path / "tappd.sock", legacy=True) as old, GuestAgent(world, ("127.0.0.1", 0)) as new:
        assert ask(old, "/prpc/Tappd.DeriveKey?json", {**CLIENT, "path": "", "random_seed": True})[0] == 200
        assert ask(old, "/prpc/DeriveKey", {**CLIENT, "path": ""}) == (400, '{"error": "this agent makes random keys only"}')
        assert ask(old, "/GetTlsKey", CLIENT)[0] == 404
        assert ask(new, "/GetTlsKey", CLIENT)[0] == 200
        assert ask(new, "/prpc/Tappd.DeriveKey", CLIENT)[0] == 404
        assert json.loads(ask(new, "/GetQuote", {"report_data": "abcd"})[1])["report_data"].startswith("abcd00")


def test_what_it_may_do_wrong(world: World, tmp_path: Path) -> None:
    with GuestAgent(world, tmp_path / "dstack.sock") as agent:
        agent.manner = MANNERS["error"]
        assert ask(agent, "/GetTlsKey", CLIENT) == (400, '{"error":"failed to get a quote:\\n the QGS is not there"}')
        agent.manner = changed("chunked", lifetime_s=100)
        leaf = json.loads(ask(agent, "/GetTlsKey", CLIENT)[1])["certificate_chain"][0]
        assert x509.load_pem_x509_certificate(leaf.encode()).not_valid_after_utc.year < 2040
    assert agent.called("GetTlsKey") == 2 and not Path(str(agent.address)).exists()


def test_the_agent_as_a_program_and_a_sidecar_that_verifies_its_clients(tmp_path: Path) -> None:
    """Agent and sidecar of one world, each in a process of its own, and the command between them."""
    path = tmp_path / "dstack.sock"
    agent = subprocess.Popen([sys.executable, "-m", "simulator", "agent", "--socket", str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True, env={**os.environ, "PYTHONPATH": str(TESTS)})
    assert agent.stdin is not None and agent.stdout is not None
    with agent:
        assert json.loads(agent.stdout.readline()) == {"event": "listening", "endpoint": str(path)}
        with SidecarProcess("--upstream", "127.0.0.1:1", "--client-certificate", "attested", "--out", str(tmp_path)) as sidecar:
            command = [command_path(), "verify", "--connect", f"127.0.0.1:{sidecar.port}", "--collateral", str(tmp_path / "collateral.json"),
                       "--trust-anchor", str(tmp_path / "root.pem"), "--at", (tmp_path / "now.txt").read_text().strip(), "--dstack-socket", str(path)]
            assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
            closed, = sidecar.wait_closed()
            assert closed["client_certificate"] is not None and closed["client_refused"] is None
            agent.stdin.write('{"manner": "error"}\n')
            agent.stdin.flush()
            assert json.loads(agent.stdout.readline())["calls"] == 1
            assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 3
        agent.stdin.close()
    assert not path.exists()
