"""The built-in verifiers: verdicts, refusals in the words of the documentation, inputs."""
from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ra_tls_verify import (
    DcapVerifier, IntelApiVerifier, NoopVerifier, RaTlsVerifier, RefusedError, UnavailableError, UsageError, VerifyOptions, VerifyResult)
from ra_tls_verify._codes import RESULT_FIELDS
from simulator.minted import Minted
from simulator.world import World


def refusal(verifier: RaTlsVerifier, minted: Minted, options: VerifyOptions) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        verifier.verify_certificate_sync(minted.certificate_der, options)
    return caught.value


def test_a_sound_certificate_is_verified(dcap: DcapVerifier, minted: Minted, then: VerifyOptions) -> None:
    result = dcap.verify_certificate_sync(minted.certificate_der, then)
    assert (result.accepted, result.verified, result.verifier, result.key_bound, result.tee) == (True, True, "dcap", True, "tdx")
    assert (result.mr_td, result.rtmr3, result.tcb_status, result.waived) == (minted.mr_td, minted.field("rtmr3"), "OK", [])
    assert (result.identity_pinned, result.from_cache, result.is_debug_mode) == (False, False, False)
    assert result.verified_at == datetime.fromtimestamp(minted.now, timezone.utc)


def test_the_documented_snippet(dcap: DcapVerifier, minted: Minted) -> None:
    async def snippet() -> VerifyResult:
        return await dcap.verify(minted.quote, VerifyOptions(allowed_mr_td=[minted.mr_td], now=minted.now))

    result = asyncio.run(snippet())
    assert (result.mr_td, result.tcb_status, result.key_bound) == (minted.mr_td, "OK", None)
    assert dcap.verify_sync(minted.quote, VerifyOptions(now=minted.now)).mr_td == minted.mr_td


def test_a_certificate_as_a_coroutine(dcap: DcapVerifier, minted: Minted, then: VerifyOptions) -> None:
    result = asyncio.run(dcap.verify_certificate(minted.certificate_pem, then))
    assert result.key_bound


def test_the_result_in_every_form(dcap: DcapVerifier, minted: Minted, then: VerifyOptions) -> None:
    result = dcap.verify_certificate_sync(minted.certificate_der, then)
    fields = result.to_dict()
    assert fields == json.loads(result.json)
    assert list(fields) == list(RESULT_FIELDS)
    for name, kind in RESULT_FIELDS.items():
        value = getattr(result, name)
        assert fields[name] == (value.strftime("%Y-%m-%dT%H:%M:%SZ") if kind == "time" and value else value)
    assert hash(result) == hash(dcap.verify_certificate_sync(minted.certificate_der, then))
    with pytest.raises(AttributeError):
        result.verified = True  # type: ignore[misc]


def test_no_quote(dcap: DcapVerifier, world: World, then: VerifyOptions) -> None:
    error = refusal(dcap, world.mint("no_quote"), then)
    assert error.code == "QUOTE_MISSING"
    assert str(error) == "upstream cert has no TDX attestation extension; set allow_simulator=True for non-TEE targets"


def test_debug_mode(dcap: DcapVerifier, world: World, then: VerifyOptions) -> None:
    error = refusal(dcap, world.mint("debug"), then)
    assert error.code == "DEBUG_MODE"
    assert str(error) == (
        "TDX TD is in debug mode — connection refused. Debug TDs have no confidentiality guarantees. "
        "Set allow_debug_mode=True to override (not recommended for production).")
    allowed = dcap.verify_certificate_sync(world.mint("debug").certificate_der, replace(then, allow_debug_mode=True))
    assert allowed.is_debug_mode and allowed.waived == ["debug_mode"]


def test_an_unacceptable_tcb_status(dcap: DcapVerifier, world: World, then: VerifyOptions) -> None:
    error = refusal(dcap, world.mint("out_of_date"), then)
    assert error.code == "TCB_STATUS"
    assert str(error) == (
        'Unacceptable TCB status: "OutOfDate". Acceptable statuses: OK, SWHardeningNeeded. '
        "Update the platform firmware/microcode or check Intel's advisory.")
    assert error.tcb is not None and error.tcb["tcb_status"] == "OutOfDate"


def test_another_mrtd(dcap: DcapVerifier, world: World, minted: Minted, then: VerifyOptions) -> None:
    other = world.mint("other_mrtd")
    error = refusal(dcap, other, replace(then, allowed_mr_td=[minted.mr_td]))
    assert error.code == "MRTD_NOT_ALLOWED"
    short = f"{other.mr_td[:10]}…{other.mr_td[-4:]}"
    assert str(error) == (
        f'MRTD "{short}" is not in the allowlist. Update allowed_mr_td if you intentionally upgraded the CVM image.')
    assert error.details["found"] == other.mr_td


def test_another_key(dcap: DcapVerifier, world: World, then: VerifyOptions) -> None:
    error = refusal(dcap, world.mint("other_key"), then)
    assert error.code == "KEY_BINDING"
    assert str(error) == "quote report_data does not bind the TLS certificate's public key"


def test_a_tampered_quote(dcap: DcapVerifier, world: World, then: VerifyOptions) -> None:
    assert refusal(dcap, world.mint("tampered_signature"), then).stage == "dcap"


def test_intels_root_is_the_anchor_unless_another_is_given(minted: Minted, then: VerifyOptions) -> None:
    with pytest.raises(UnavailableError) as caught:
        DcapVerifier(minted.collateral_json.encode()).verify_certificate_sync(minted.certificate_der, then)
    assert "ROOT" in caught.value.code


def test_without_collateral_nothing_is_accepted(minted: Minted, then: VerifyOptions) -> None:
    verifier = DcapVerifier(trust_anchor=minted.trust_anchor_pem.encode())
    with pytest.raises(UnavailableError) as caught:
        verifier.verify_certificate_sync(minted.certificate_der, then)
    assert caught.value.stage == "collateral"


def test_the_collateral_in_other_forms(minted: Minted, then: VerifyOptions, tmp_path: Path) -> None:
    minted.write(tmp_path)
    bundle, anchor = tmp_path / "collateral.json", tmp_path / "root.pem"
    for collateral in (str(bundle), bundle, bundle.read_bytes(), json.loads(bundle.read_text())):
        for trust_anchor in (str(anchor), anchor, bytearray(anchor.read_bytes())):
            verifier = DcapVerifier(collateral, trust_anchor)
            assert verifier.verify_certificate_sync(minted.certificate_der, then).verified


def test_an_unreadable_file_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="cannot read /nonexistent: No such file or directory") as caught:
        DcapVerifier("/nonexistent")
    assert caught.value.code == "FILE_UNREADABLE"
    with pytest.raises(UsageError):
        DcapVerifier(trust_anchor="/")


def test_a_trust_anchor_that_is_none(minted: Minted) -> None:
    with pytest.raises(UsageError) as caught:
        DcapVerifier(minted.collateral_json.encode(), b"no certificate")
    assert caught.value.code == "TRUST_ANCHOR_INVALID"


def test_an_empty_trust_anchor_is_not_intels(minted: Minted) -> None:
    with pytest.raises(UsageError):
        DcapVerifier(minted.collateral_json.encode(), b"")


def test_noop_accepts_without_verifying(minted: Minted) -> None:
    result = NoopVerifier().verify_certificate_sync(minted.certificate_der)
    assert (result.accepted, result.verified, result.verifier, result.tcb_status, result.key_bound) == (True, False, "noop", None, True)


def test_noop_still_wants_a_quote_a_bound_key_and_no_debug(world: World) -> None:
    for fault, code in (("no_quote", "QUOTE_MISSING"), ("other_key", "KEY_BINDING"), ("debug", "DEBUG_MODE")):
        assert refusal(NoopVerifier(), world.mint(fault), VerifyOptions()).code == code


def test_a_simulator_is_accepted_when_asked_for(dcap: DcapVerifier, world: World, then: VerifyOptions) -> None:
    certificate = world.mint("no_quote").certificate_der
    result = dcap.verify_certificate_sync(certificate, replace(then, allow_simulator=True))
    assert (result.accepted, result.verified) == (True, False)
    assert result.waived


def test_a_verdict_is_kept(minted: Minted) -> None:
    verifier = NoopVerifier()
    results = [verifier.verify_certificate_sync(minted.certificate_der) for _ in range(2)]
    assert [result.from_cache for result in results] == [False, True]
    off = VerifyOptions(cache_ttl_s=0)
    assert not verifier.verify_certificate_sync(minted.certificate_der, off).from_cache


def test_warnings_of_the_core_are_logged(minted: Minted, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "ra_tls_verify"):
        NoopVerifier().verify_certificate_sync(minted.certificate_der)
    assert any("MRTD" in record.getMessage() or "mr_td" in record.getMessage() for record in caplog.records)
    assert {record.name for record in caplog.records} == {"ra_tls_verify"}


def test_intel_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTEL_TRUST_AUTHORITY_API_KEY", raising=False)
    for key in (None, ""):
        with pytest.raises(UsageError) as caught:
            IntelApiVerifier(key)
        assert caught.value.code == "INTEL_API_KEY_MISSING"
        assert str(caught.value) == (
            "Intel Trust Authority API key required. Pass api_key or set INTEL_TRUST_AUTHORITY_API_KEY. "
            "Register at https://portal.trustauthority.intel.com")


def test_intel_takes_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTEL_TRUST_AUTHORITY_API_KEY", "key")
    IntelApiVerifier()


def test_a_built_in_verifier_cannot_be_subclassed() -> None:
    with pytest.raises(TypeError, match="derive from RaTlsVerifier"):
        class Stricter(DcapVerifier):
            pass
