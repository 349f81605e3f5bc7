"""Evidence without a certificate, the sidecar's report, and which application runs."""
from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ra_tls_verify
from ra_tls_verify import (DcapVerifier, NoopVerifier, RefusedError, UnavailableError, UsageError, VerifyOptions, compose_hash, fetch_report,
                           fetch_report_async, inspect_evidence, inspect_report, verify_report, verify_report_async)
from simulator.minted import Minted
from simulator.report import make, to_json
from simulator.report_server import ReportServer
from simulator.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return World("reports")


@pytest.fixture(scope="module")
def minted(world: World) -> Minted:
    return world.mint()


@pytest.fixture(scope="module")
def options(minted: Minted) -> VerifyOptions:
    return VerifyOptions(allowed_mr_td=[minted.mr_td], now=minted.now)


@pytest.fixture(scope="module")
def verifier(minted: Minted) -> DcapVerifier:
    return DcapVerifier(minted.collateral_json.encode(), minted.trust_anchor_pem.encode())


@pytest.fixture
def server(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReportServer]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ReportServer(world) as running:
        yield running


# ---- the report ----

def test_a_report_in_every_form(world: World, minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    report = make(world, minted.now)
    for form in (report, json.dumps(report), to_json(report), bytearray(to_json(report))):
        result = verifier.verify_report_sync(form, options)
        assert (result.verified, result.key_bound, result.report_encoding, result.tcb_status) == (True, False, "A", "OK")
        assert (result.compose_hash, result.compose_hash_source) == (minted.guest.compose_hash.hex(), "mr_config_id")
        assert inspect_report(form)["mr_td"] == minted.mr_td
    assert asyncio.run(verifier.verify_report(report, options)).mr_td == minted.mr_td


def test_a_report_by_its_url(server: ReportServer, minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    assert verify_report(server.url, verifier, options).mr_td == minted.mr_td
    assert asyncio.run(verify_report_async(server.url, verifier, options, timeout_ms=20_000)).mr_td == minted.mr_td
    assert server.requests == ["/attestation"] * 2


def test_a_report_that_was_fetched_before(server: ReportServer, verifier: DcapVerifier, options: VerifyOptions) -> None:
    body = fetch_report(server.url)
    assert verify_report(body, verifier, options) == verify_report(json.loads(body), verifier, options)
    assert asyncio.run(fetch_report_async(server.url)) == body
    assert asyncio.run(verify_report_async(body, verifier, options)).verified
    assert len(server.requests) == 2


@pytest.mark.parametrize(("manner", "kind", "code"), [
    ("stale", RefusedError, "REPORT_STALE"), ("wrong-lsn", RefusedError, "REPORT_DATA_UNRECOGNISED"), ("garbage", RefusedError, "REPORT_FORMAT"),
    ("tampered-tcb-info", RefusedError, "REPORT_CONTRADICTION"), ("debug", RefusedError, "DEBUG_MODE"), ("out-of-date", RefusedError, "TCB_STATUS"),
    ("redirect", UnavailableError, "REPORT_HTTP_STATUS"), ("error", UnavailableError, "REPORT_HTTP_STATUS"),
    ("huge", UnavailableError, "REPORT_TOO_LARGE")])
def test_a_report_with_a_fault(
        server: ReportServer, verifier: DcapVerifier, options: VerifyOptions, manner: str, kind: type[Exception], code: str) -> None:
    server.manner = manner
    with pytest.raises(kind) as caught:
        verify_report(server.url, verifier, options)
    assert getattr(caught.value, "code") == code


def test_the_deadline_of_the_options_bounds_the_fetching(server: ReportServer, verifier: DcapVerifier, options: VerifyOptions) -> None:
    server.manner = "slow"
    with pytest.raises(UnavailableError) as caught:
        verify_report(server.url, verifier, replace(options, timeout_ms=200))
    assert caught.value.code == "TIMEOUT"


def test_ctrl_c_ends_the_fetching(server: ReportServer) -> None:
    server.manner = "slow"

    def interrupt() -> None:
        while not server.requests:
            threading.Event().wait(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        fetch_report(server.url)
    thread.join()


def test_the_proxy_of_the_environment(server: ReportServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    assert b"no such page" not in fetch_report(server.url, proxy="")
    with pytest.raises(UnavailableError):
        fetch_report("http://db.example/other")  # the proxy, asked for a page that it does not have
    assert server.requests[-1] == "http://db.example/other"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    fetch_report(server.url)
    assert server.requests[-1] == "/attestation"


@pytest.mark.parametrize(("arguments", "code"), [
    ({"url": "file:///etc/passwd"}, "REPORT_URL"), ({"url": "ftp://db.example/"}, "REPORT_URL"), ({"url": "db.example:8080"}, "REPORT_URL"),
    ({"url": ""}, "ARGUMENT_INVALID"), ({"url": None}, "ARGUMENT_INVALID"), ({"url": "http://db.example/\0"}, "ARGUMENT_INVALID"),
    ({"timeout_ms": 0}, "ARGUMENT_INVALID"), ({"timeout_ms": True}, "ARGUMENT_INVALID"), ({"proxy": 5}, "ARGUMENT_INVALID"),
    ({"ca_file": "/nowhere.pem"}, "FILE_UNREADABLE")])
def test_wrong_arguments(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        fetch_report(**{"url": "http://127.0.0.1:1/", **arguments})
    assert caught.value.code == code


def test_wrong_arguments_of_verifying(world: World, verifier: DcapVerifier, options: VerifyOptions) -> None:
    report = make(world, world.now)
    for call in (lambda: verify_report(report, None, options), lambda: verify_report(report, verifier, options, timeout_ms=5),  # type: ignore[arg-type]
                 lambda: verify_report(5, verifier, options), lambda: verify_report({"quote": object()}, verifier, options)):  # type: ignore[arg-type]
        with pytest.raises(UsageError) as caught:
            call()
        assert caught.value.code == "ARGUMENT_INVALID"
    with pytest.raises(UsageError) as caught:
        verify_report("file:///attestation", verifier, options)
    assert caught.value.code == "REPORT_URL"


def test_own_verifiers_judge_reports_too(world: World) -> None:
    class Own(ra_tls_verify.RaTlsVerifier):
        def verify(self, quote: bytes, options: VerifyOptions) -> Any:
            return {"tcb_status": "OK"}

    options = VerifyOptions(now=world.now)
    assert verify_report(make(world, world.now), Own(), options).verifier == "custom"
    assert asyncio.run(verify_report_async(make(world, world.now), Own(), options)).report_encoding == "A"


# ---- evidence ----

def test_evidence_tells_the_application(minted: Minted, verifier: DcapVerifier, options: VerifyOptions, tmp_path: Path) -> None:
    minted.write(tmp_path)
    for name in ("getquote.json", "attestation-v0.bin", "attestation-v1.bin"):
        evidence = (tmp_path / name).read_bytes()
        result = verifier.verify_evidence_sync(evidence, options)
        assert (result.app_id, result.compose_hash) == (minted.guest.app_id.hex(), minted.guest.compose_hash.hex()), name
        assert asyncio.run(verifier.verify_evidence(evidence, options)).instance_id == minted.guest.instance_id.hex()
        assert "rtmr3" in inspect_evidence(evidence)["explained_registers"]
    parsed = json.loads((tmp_path / "getquote.json").read_text())
    assert verifier.verify_evidence_sync(parsed, options).app_id == minted.guest.app_id.hex()
    with pytest.raises(RefusedError) as caught:
        verifier.verify_evidence_sync(b"neither", options)
    assert caught.value.stage == "evidence"


def test_the_application_can_be_pinned(minted: Minted, verifier: DcapVerifier, options: VerifyOptions, tmp_path: Path) -> None:
    minted.write(tmp_path)
    evidence = (tmp_path / "getquote.json").read_bytes()
    (tmp_path / "app-compose.json").write_bytes(minted.guest.app_compose)
    firmware = {name: minted.field(name) for name in ("rtmr0", "rtmr1", "rtmr2")}
    pinned = replace(options, pins={**firmware, "compose_hash": compose_hash(tmp_path / "app-compose.json")})
    result = verifier.verify_evidence_sync(evidence, pinned)
    assert (result.identity_pinned, result.compose_hash) == (True, compose_hash(minted.guest.app_compose))
    with pytest.raises(RefusedError) as caught:
        verifier.verify_evidence_sync(evidence, replace(options, pins={**firmware, "compose_hash": "00" * 32}))
    assert caught.value.details["field"] == "compose_hash" and "compose_hash" in str(caught.value)
    with pytest.raises(UsageError) as usage:
        verifier.verify_evidence_sync(evidence, VerifyOptions(now=minted.now, pins={"compose_hash": "00" * 32}))
    assert usage.value.code == "PINS_INCOMPLETE"


def test_what_the_command_pins_is_read_as_a_policy_file(minted: Minted, verifier: DcapVerifier, options: VerifyOptions, tmp_path: Path) -> None:
    minted.write(tmp_path)
    evidence = tmp_path / "getquote.json"
    done = subprocess.run([os.environ["RATLS_COMMAND"], "inspect", "--evidence", evidence, "--print-pins", "--json"],
                          capture_output=True, text=True, timeout=60, check=False)
    (tmp_path / "policy.json").write_text(done.stdout)
    read = VerifyOptions.from_file(tmp_path / "policy.json")
    assert read.pins is not None and read.pins["compose_hash"] == (minted.guest.compose_hash.hex(),)
    assert verifier.verify_evidence_sync(evidence.read_bytes(), replace(read, now=minted.now)).identity_pinned


def test_what_is_no_app_compose_file_has_no_hash(tmp_path: Path) -> None:
    for wrong in (b"", b"services:\n  db:\n", b"[]", tmp_path / "nowhere.json"):
        with pytest.raises(UsageError):
            compose_hash(wrong)


def test_the_third_way_of_the_documentation(server: ReportServer, minted: Minted) -> None:
    """It asks for the quote alone, as monitoring does."""
    verifier = NoopVerifier()
    quote = bytes.fromhex(json.loads(fetch_report(server.url))["quote"])
    assert asyncio.run(verifier.verify(quote)).mr_td == minted.mr_td
