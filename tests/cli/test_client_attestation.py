"""This client's own certificate: the command, a simulated guest agent, and a sidecar that demands and verifies it."""
from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from command import Files, Run, command_path, ratls
from simulator.agent import MANNERS, GuestAgent, changed
from simulator.client_check import ClientCheck
from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World
from test_proxy import proxy, psql

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture
def agent(world: World, tmp_path: Path) -> Iterator[GuestAgent]:
    with GuestAgent(world, tmp_path / "dstack.sock") as running:
        yield running


@pytest.fixture(scope="module")
def check(sound: Minted) -> Iterator[ClientCheck]:
    with ClientCheck(sound) as running:
        yield running


@pytest.fixture
def socket_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "socket"
    directory.mkdir(mode=0o700)
    return directory


@contextmanager
def demanding(sound: Minted, cluster: Cluster, check: ClientCheck | None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
              demand: str = "required") -> Iterator[Sidecar]:
    with Sidecar(sound, cluster.socket_path, client_ca=sound.kms_root_pem, client_certificate=demand, client_check=check,
                 minimum_version=version, maximum_version=version) as running:
        yield running


@pytest.fixture(params=VERSIONS, ids=["tls1.2", "tls1.3"])
def sidecar(request: pytest.FixtureRequest, sound: Minted, cluster: Cluster, check: ClientCheck) -> Iterator[Sidecar]:
    with demanding(sound, cluster, check, request.param) as running:
        yield running


@pytest.fixture
def modern(sound: Minted, cluster: Cluster, check: ClientCheck) -> Iterator[Sidecar]:
    """The sidecar with TLS 1.3 alone, for tests that take their time."""
    with demanding(sound, cluster, check) as running:
        yield running


def connect(sidecar: Sidecar, files: Files, *flags: str | Path) -> Run:
    return ratls("verify", "--connect", f"127.0.0.1:{sidecar.port}", *files.dcap, *flags, "--json")


def error_of(run: Run, code: str, status: int) -> dict[str, Any]:
    assert run.status == status and run.json["error"]["code"] == code, run
    error: dict[str, Any] = run.json["error"]
    return error


def test_rows_through_a_server_that_demands_it(
        sidecar: Sidecar, agent: GuestAgent, files: Files, socket_dir: Path, cluster: Cluster) -> None:
    with proxy(sidecar, files, socket_dir, "--client-attestation", "--dstack-socket", str(agent.address)):
        for _ in range(3):
            assert psql(socket_dir, cluster, "-c", "select 6 * 7").stdout == "42\n"
    seen = sidecar.wait_closed(4)
    assert {item.client_certificate for item in seen} == {agent.minted[0].certificate_der}, "one fetch serves all"
    assert agent.called("GetTlsKey") == 1 and all(item.client_refused is None for item in seen)
    assert agent.calls[0].arguments == {"subject": "libratls", "usage_ra_tls": True, "usage_server_auth": False, "usage_client_auth": True}


def test_presented_because_the_server_asks(sidecar: Sidecar, agent: GuestAgent, files: Files) -> None:
    assert connect(sidecar, files, "--dstack-socket", str(agent.address)).json["accepted"] is True
    assert sidecar.wait_closed()[0].client_certificate == agent.minted[0].certificate_der


def test_not_presented_to_who_does_not_ask(sound: Minted, cluster: Cluster, agent: GuestAgent, files: Files) -> None:
    with Sidecar(sound, cluster.socket_path) as sidecar:
        assert connect(sidecar, files, "--dstack-socket", str(agent.address)).status == 0
        assert agent.calls == []
        assert connect(sidecar, files, "--client-attestation", "--dstack-socket", str(agent.address)).status == 0
        assert agent.called("GetTlsKey") == 1, "it had to be there before anything was dialled"


def test_inspect_presents_it_too(sidecar: Sidecar, agent: GuestAgent) -> None:
    run = ratls("inspect", "--connect", f"127.0.0.1:{sidecar.port}", "--dstack-socket", agent.address, "--json")
    assert run.status == 0 and sidecar.wait_closed()[0].client_certificate is not None


@pytest.mark.parametrize("demand", ["optional", "required"])
def test_never(demand: str, sound: Minted, cluster: Cluster, agent: GuestAgent, files: Files) -> None:
    for version in VERSIONS:
        with demanding(sound, cluster, None, version, demand) as sidecar:
            run = connect(sidecar, files, "--no-client-attestation", "--dstack-socket", str(agent.address))
            if demand == "optional":
                assert run.status == 0 and sidecar.wait_closed()[0].client_certificate is None
            else:
                error = error_of(run, "CLIENT_CERTIFICATE_REQUIRED", 1)
                assert "it was forbidden (--client-attestation, --dstack-socket)" in error["message"] and error["details"]["alert"]
    assert agent.calls == []


def test_no_agent(sidecar: Sidecar, files: Files, tmp_path: Path) -> None:
    error = error_of(connect(sidecar, files, "--client-attestation", "--dstack-socket", tmp_path / "none.sock"), "DSTACK_UNAVAILABLE", 3)
    assert error["message"] == f"no dstack guest agent to attest this client with: tried {tmp_path}/none.sock (No such file or directory)"
    assert sidecar.connections == [], "nothing was dialled"


def test_no_agent_in_the_usual_places(sidecar: Sidecar, files: Files, sound: Minted, cluster: Cluster) -> None:
    if any(Path(place).exists() for place in ("/run/dstack.sock", "/run/dstack", "/run/tappd.sock")):
        pytest.skip("there is a guest agent on this machine")
    message = error_of(connect(sidecar, files, "--client-attestation"), "DSTACK_UNAVAILABLE", 3)["message"]
    for place in ("/var/run/dstack.sock", "/run/dstack.sock", "/var/run/dstack/dstack.sock", "/run/dstack/dstack.sock", "/run/tappd.sock"):
        assert place + ", " in message
    assert message.endswith("and DSTACK_SIMULATOR_ENDPOINT") and sidecar.connections == []
    required = error_of(connect(sidecar, files), "CLIENT_CERTIFICATE_REQUIRED", 1)
    assert "none was presented: no dstack guest agent" in required["message"]
    with demanding(sound, cluster, None, demand="optional") as lenient:
        assert connect(lenient, files).status == 0


def test_the_environment_counts_where_a_simulator_is_allowed(
        sidecar: Sidecar, agent: GuestAgent, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTACK_SIMULATOR_ENDPOINT", str(agent.address))
    assert connect(sidecar, files, "--client-attestation", "--allow-simulator").status == 0
    assert agent.called("GetTlsKey") == 1
    message = error_of(connect(sidecar, files, "--client-attestation"), "DSTACK_UNAVAILABLE", 3)["message"]
    assert message.endswith("which is set but counts only where a simulator is allowed") and agent.called("GetTlsKey") == 1


@pytest.mark.parametrize("name", ["DSTACK_SIMULATOR_ENDPOINT", "TAPPD_SIMULATOR_ENDPOINT"])
def test_a_simulator_s_url(name: str, sidecar: Sidecar, world: World, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    with GuestAgent(world, ("127.0.0.1", 0), legacy=name.startswith("TAPPD")) as agent:
        monkeypatch.setenv(name, agent.endpoint + "/")
        assert connect(sidecar, files, "--client-attestation", "--allow-simulator").status == 0
        assert len(agent.calls) == 1


def test_the_older_protocol(sidecar: Sidecar, world: World, files: Files, tmp_path: Path) -> None:
    for name in ("tappd.sock", "agent.sock"):
        with GuestAgent(world, tmp_path / name, legacy=True) as agent:
            assert connect(sidecar, files, "--client-attestation", "--dstack-socket", tmp_path / name).status == 0
            assert [call.arguments["random_seed"] for call in agent.calls] == [True]


@pytest.mark.parametrize("manner", ["chunked", "cert", "more-fields"])
def test_answers_that_differ_and_are_right(manner: str, sidecar: Sidecar, agent: GuestAgent, files: Files) -> None:
    agent.manner = MANNERS[manner]
    assert connect(sidecar, files, "--client-attestation", "--dstack-socket", str(agent.address)).status == 0
    assert sidecar.wait_closed()[0].client_refused is None


ANSWERS = {
    "error": ("DSTACK_ERROR", "answers 400 instead of a certificate: failed to get a quote: the QGS is not there"),
    "error-without-words": ("DSTACK_ERROR", "answers 500 instead of a certificate: (it says nothing)"),
    "error-page": ("DSTACK_ERROR", "answers 503 instead of a certificate: <html> <h1>Service Unavailable</h1></html>"),
    "error-with-key": ("DSTACK_ERROR", "answers 500 instead of a certificate: (a body with a key)"),
    "moved": ("DSTACK_ERROR", "answers 302 instead of a certificate: (it says nothing)"),
    "null": ("DSTACK_ANSWER", "cannot be used: it is not JSON"),
    "garbage": ("DSTACK_ANSWER", "cannot be used: it is not JSON"),
    "not-an-object": ("DSTACK_ANSWER", "cannot be used: it has no key"),
    "huge": ("DSTACK_ANSWER", "cannot be used: it is larger than 2 MiB"),
    "gzip": ("DSTACK_ANSWER", "cannot be used: its body is in an encoding that was not asked for"),
    "truncated": ("DSTACK_ANSWER", "cannot be used: "),
    "silent": ("DSTACK_ANSWER", "cannot be used: "),
    "expired": ("DSTACK_ANSWER", "cannot be used: its certificate has expired"),
    "not-yet": ("DSTACK_ANSWER", "cannot be used: its certificate is not valid yet"),
    "no-key": ("DSTACK_ANSWER", "cannot be used: it has no key"),
    "no-chain": ("DSTACK_ANSWER", "cannot be used: it has no certificate_chain"),
    "empty-chain": ("DSTACK_ANSWER", "cannot be used: its certificate chain is empty"),
    "bad-chain": ("DSTACK_ANSWER", "cannot be used: its certificate chain is malformed"),
    "issuers-first": ("DSTACK_ANSWER", "cannot be used: its key is not the certificate's"),
    "other-key": ("DSTACK_ANSWER", "cannot be used: its key is not the certificate's"),
    "not-a-key": ("DSTACK_ANSWER", "cannot be used: its key is not one on P-256 in PKCS#8"),
}


@pytest.mark.parametrize("manner", ANSWERS)
def test_answers_that_are_wrong(manner: str, sound: Minted, cluster: Cluster, agent: GuestAgent, files: Files) -> None:
    code, words = ANSWERS[manner]
    agent.manner = MANNERS[manner]
    with demanding(sound, cluster, None) as sidecar:
        for flags in (["--client-attestation"], []):
            run = connect(sidecar, files, *flags, "--dstack-socket", str(agent.address))
            error = error_of(run, code, 3)
            assert words in error["message"] and str(agent.address) in error["message"], error
            assert "PRIVATE" not in run.output + run.errors


def test_every_manner_is_tested() -> None:
    assert set(ANSWERS) | {"normal", "chunked", "cert", "more-fields", "slow"} == set(MANNERS)


def test_an_agent_that_takes_too_long(sidecar: Sidecar, agent: GuestAgent, files: Files) -> None:
    agent.manner = MANNERS["slow"]
    run = connect(sidecar, files, "--client-attestation", "--dstack-socket", str(agent.address), "--dstack-timeout-ms", "300")
    assert "gave no certificate within 300ms (--dstack-timeout-ms)" in error_of(run, "DSTACK_TIMEOUT", 3)["message"]
    assert sidecar.connections == []
    run = connect(sidecar, files, "--client-attestation", "--dstack-socket", str(agent.address), "--connect-timeout", "1")
    error_of(run, "TIMEOUT", 3)


def test_a_server_that_waits_for_a_slow_agent(modern: Sidecar, agent: GuestAgent, files: Files) -> None:
    """Slower than libcurl's idea of a stalled transfer would be, and than the time that the server has for its part."""
    agent.manner = changed("normal", delay_s=6)
    assert connect(modern, files, "--dstack-socket", str(agent.address)).status == 0
    assert modern.wait_closed()[0].client_certificate is not None


REFUSED = {
    "another world's": ({}, "decrypt error", "other"),
    "self-signed": ({"chain": "self-signed"}, "unknown CA", "own"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_server_that_does_not_trust_the_issuer(name: str, sidecar: Sidecar, world: World, files: Files, tmp_path: Path, socket_dir: Path,
                                                 cluster: Cluster) -> None:
    arguments, alert, whose = REFUSED[name]
    with GuestAgent(world if whose == "own" else World("another"), tmp_path / "dstack.sock", arguments=arguments) as agent:
        run = connect(sidecar, files, "--client-attestation", "--dstack-socket", str(agent.address))
        error = error_of(run, "CLIENT_CERTIFICATE_REFUSED", 1)
        assert alert in error["details"]["alert"] and "Check that the server trusts the KMS that issued it" in error["message"]
        run = ratls("proxy", "--upstream", f"127.0.0.1:{sidecar.port}", "--socket-dir", socket_dir, *files.dcap,
                    "--client-attestation", "--dstack-socket", str(agent.address), "--json")
        error_of(run, "CLIENT_CERTIFICATE_REFUSED", 1)


def test_psql_shows_that_the_server_does_not_accept_it(
        sidecar: Sidecar, world: World, files: Files, tmp_path: Path, socket_dir: Path, cluster: Cluster, sound: Minted) -> None:
    """The tunnel opened, and then the server changed its mind: psql says so, with TLS 1.3 although the handshake was over."""
    with GuestAgent(world, tmp_path / "dstack.sock") as agent:
        with proxy(sidecar, files, socket_dir, "--client-attestation", "--dstack-socket", str(agent.address)):
            sidecar.client_ca = World("another").mint().kms_root_pem
            sidecar.present(sound)
            done = psql(socket_dir, cluster, "-c", "select 1")
            assert done.returncode == 2 and "FATAL:  upstream does not accept this client's own certificate (TLS alert" in done.stderr, done.stderr
            sidecar.client_ca = sound.kms_root_pem
            sidecar.present(sound)
            assert psql(socket_dir, cluster, "-c", "select 1").stdout == "1\n"


def test_a_new_certificate_when_the_old_one_is_no_longer_accepted(
        modern: Sidecar, agent: GuestAgent, files: Files, socket_dir: Path, cluster: Cluster, sound: Minted) -> None:
    """The KMS changed its root, and the agent with it: the proxy finds out by itself, without a restart and before its certificate is old."""
    with proxy(modern, files, socket_dir, "--client-attestation", "--dstack-socket", str(agent.address)):
        assert psql(socket_dir, cluster, "-c", "select 1").stdout == "1\n"
        agent.world = World("another")
        modern.client_ca, modern.client_check = agent.world.mint().kms_root_pem, None
        modern.present(sound)
        end = time.monotonic() + 60
        while (done := psql(socket_dir, cluster, "-c", "select 1")).returncode != 0 and time.monotonic() < end:
            assert "does not accept this client's own certificate" in done.stderr, done.stderr
        assert done.stdout == "1\n" and agent.called("GetTlsKey") == 2, "not before it is old enough for another to be any use"


@pytest.mark.parametrize("fault", ["debug", "other_key", "out_of_date", "no_quote"])
def test_a_server_that_refuses_our_quote(fault: str, world: World, sound: Minted, cluster: Cluster, check: ClientCheck, files: Files,
                                         tmp_path: Path) -> None:
    with GuestAgent(world, tmp_path / "dstack.sock", arguments={"fault": fault}) as agent, demanding(sound, cluster, check) as sidecar:
        connect(sidecar, files, "--client-attestation", "--dstack-socket", str(agent.address))
        assert sidecar.wait_closed()[0].client_refused is not None, "the sidecar verifies"


@pytest.mark.parametrize("version", VERSIONS)
def test_certificate_messages_above_16_kib_both_ways(
        version: ssl.TLSVersion, world: World, files: Files, cluster: Cluster, check: ClientCheck, tmp_path: Path) -> None:
    """Old signers put the whole event log into the leaf; here with a large configuration as well."""
    large = {"form": "v0-full", "attestation": {"config": json.dumps({"padding": "x" * 45_000})}}
    server = world.mint(**large)
    with GuestAgent(world, tmp_path / "dstack.sock", arguments=large) as agent, demanding(server, cluster, check, version) as sidecar:
        run = connect(sidecar, files, "--client-attestation", "--dstack-socket", str(agent.address))
        assert run.status == 0, run
        seen = sidecar.wait_closed()[0]
        assert seen.client_certificate == agent.minted[0].certificate_der and seen.client_refused is None
        assert len(agent.minted[0].certificate_der) > 3 * 16384 and len(server.certificate_der) > 3 * 16384


def test_renewed_under_load(modern: Sidecar, agent: GuestAgent, files: Files, socket_dir: Path, cluster: Cluster) -> None:
    """Certificates of a few seconds, and connection after connection, several at a time: none fails, and each new certificate serves."""
    agent.manner = changed("normal", lifetime_s=6)
    end = time.monotonic() + 60

    def connect_again_and_again(_: int) -> int:
        served = 0
        while agent.called("GetTlsKey") < 3 and time.monotonic() < end:
            done = psql(socket_dir, cluster, "-c", "select 1")
            assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
            served += 1
        return served

    with proxy(modern, files, socket_dir, "--client-attestation", "--dstack-socket", str(agent.address)), ThreadPoolExecutor(4) as threads:
        assert min(threads.map(connect_again_and_again, range(4))) > 0
    modern.wait_for(lambda seen: all(item.closed for item in seen))
    used = {item.client_certificate for item in modern.connections}
    assert used >= {minted.certificate_der for minted in agent.minted[:2]} and agent.called("GetTlsKey") <= 4


def test_the_old_one_serves_while_the_agent_is_down(
        modern: Sidecar, world: World, files: Files, tmp_path: Path, socket_dir: Path, cluster: Cluster) -> None:
    agent = GuestAgent(world, tmp_path / "dstack.sock", manner=changed("normal", lifetime_s=6))
    with agent:
        running = proxy(modern, files, socket_dir, "--client-attestation", "--dstack-socket", str(agent.address))
        live = running.__enter__()
    started, first_done = time.monotonic(), 0.0
    try:
        end = time.monotonic() + 60
        outcomes = []
        while time.monotonic() < end and not (outcomes and "no dstack guest agent to attest this client with" in outcomes[-1].stderr):
            outcomes.append(psql(socket_dir, cluster, "-c", "select 1"))
            first_done = first_done or time.monotonic()
        served = [done for done in outcomes if done.returncode == 0]
        # One that was under way when the certificate ended may hear so from the server.
        assert served == outcomes[:len(served)] and all("certificate expired" in done.stderr for done in outcomes[len(served):-1]), outcomes
        assert served or first_done > started + 4, "it serves, unless the machine is too slow to see it"
        with agent:
            assert psql(socket_dir, cluster, "-c", "select 1").stdout == "1\n"
        live.process.terminate()
        _, errors = live.process.communicate(timeout=30)
        assert re.search(r"no dstack guest agent .*dstack\.sock \(No such file or directory\)", errors), "the renewal that failed is warned about"
    finally:
        running.__exit__(None, None, None)


def test_contradictions_and_values(files: Files) -> None:
    def refused(*flags: str) -> str:
        run = ratls("verify", "--connect", "127.0.0.1:1", *files.dcap, *flags, "--json")
        assert run.status == 2
        return str(run.json["error"]["code"])
    assert refused("--client-attestation", "--no-client-attestation") == "ARGUMENT_INVALID"
    assert refused("--dstack-socket", "/" + "a" * 107) == "OPTION_VALUE"
    assert refused("--dstack-socket", "") == "OPTION_VALUE"
    assert refused("--dstack-socket", "http://127.0.0.1:8090") == "OPTION_VALUE"
    assert refused("--dstack-timeout-ms", "-1") == "OPTION_VALUE"


def test_the_key_is_nowhere_in_the_process(modern: Sidecar, agent: GuestAgent, files: Files, socket_dir: Path, cluster: Cluster,
                                           tmp_path: Path) -> None:
    """A core dump of a proxy that has shaken hands several times does not hold the key: not as PEM, not as a number."""
    with proxy(modern, files, socket_dir, "--client-attestation", "--dstack-socket", str(agent.address)) as running:
        assert psql(socket_dir, cluster, "-c", "select 1").stdout == "1\n"
        pieces = secrets_of(agent.minted[0])
        memory = dumpable_memory(running.process.pid)
        for name, piece in pieces.items():
            assert piece not in memory, name
        assert agent.minted[0].quote in memory, "it was searched where it should be"
        assert all(piece in readable_memory(running.process.pid) for name, piece in pieces.items() if name == "little-endian")


def secrets_of(minted: Minted) -> dict[str, bytes]:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    scalar = load_pem_private_key(minted.key_pem.encode(), None).private_numbers().private_value  # type: ignore[union-attr]
    lines = minted.key_pem.splitlines()
    return {"PEM": lines[1][20:60].encode(), "big-endian": scalar.to_bytes(32, "big"), "little-endian": scalar.to_bytes(32, "little")}


def regions(pid: int) -> Iterator[tuple[int, int, str]]:
    """Readable private mappings with their flags."""
    start = end = 0
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        header = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
        if header:
            start, end = int(header[1], 16), int(header[2], 16)
        elif line.startswith("VmFlags:"):
            yield start, end, line


def read_regions(pid: int, dumpable_only: bool) -> bytes:
    pieces = []
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for start, end, flags in regions(pid):
            if (dumpable_only and " dd" in flags) or " io" in flags:
                continue
            try:
                memory.seek(start)
                pieces.append(memory.read(end - start))
            except (OSError, ValueError, OverflowError):
                continue
    return b"\n".join(pieces)


def dumpable_memory(pid: int) -> bytes:
    """What a core dump would hold."""
    return read_regions(pid, True)


def readable_memory(pid: int) -> bytes:
    return read_regions(pid, False)
