"""IntelApiVerifier and verifiers made of others, against the stand-in."""
from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from ra_tls_verify import (
    AllVerifiers, DcapVerifier, FirstVerifier, IntelApiVerifier, NoopVerifier, RaTlsVerifier, RefusedError, UnavailableError, UsageError,
    VerifyOptions)
from simulator.intel import TrustAuthority
from simulator.intel.scenarios import SCENARIOS
from simulator.world import Minted, World


@pytest.fixture(scope="module")
def authority(world: World) -> Iterator[TrustAuthority]:
    with TrustAuthority(now=world.mint().now) as running:
        yield running


@pytest.fixture(autouse=True)
def sound(authority: TrustAuthority) -> None:
    authority.service.play(SCENARIOS["sound"])


def intel(authority: TrustAuthority, **more: Any) -> IntelApiVerifier:
    settings: dict[str, Any] = {"base_url": authority.api_url, "portal_url": authority.portal_url, "ca_file": authority.ca_file, **more}
    return IntelApiVerifier(authority.api_key, **settings)


def dcap(minted: Minted) -> DcapVerifier:
    return DcapVerifier(minted.collateral_json.encode(), minted.trust_anchor_pem.encode())


def test_documented_snippet(authority: TrustAuthority, minted: Minted) -> None:
    verifier = intel(authority)
    result = asyncio.run(verifier.verify(minted.quote, VerifyOptions(allowed_mr_td=[minted.mr_td], now=minted.now)))
    assert (result.mr_td, result.tcb_status, result.verifier, result.verified) == (minted.mr_td, "OK", "intel", True)
    assert result.qe_tcb_status is None and result.tcb_evaluation_data_number is None
    assert authority.service.problems == []


def test_same_refusals_as_dcap(authority: TrustAuthority, minted: Minted) -> None:
    options = VerifyOptions(allowed_mr_td=["00" * 48], now=minted.now)
    messages = []
    for verifier in (intel(authority), dcap(minted)):
        with pytest.raises(RefusedError) as caught:
            verifier.verify_sync(minted.quote, options)
        messages.append((caught.value.code, str(caught.value)))
    assert messages[0] == messages[1] and messages[0][0] == "MRTD_NOT_ALLOWED"


def test_refused_token(authority: TrustAuthority, minted: Minted) -> None:
    authority.service.play(SCENARIOS["N15"])
    with pytest.raises(RefusedError) as caught:
        intel(authority).verify_sync(minted.quote, VerifyOptions(now=minted.now))
    assert (caught.value.code, caught.value.stage) == ("INTEL_TOKEN_SIGNATURE", "intel")


@pytest.mark.parametrize(("name", "value", "code"), [
    ("region", "mars", "OPTION_VALUE"), ("base_url", "http://api.test", "OPTION_VALUE"), ("api_version", 3, "OPTION_VALUE"),
    ("api_version", True, "OPTION_TYPE"), ("api_version", "2", "OPTION_TYPE"), ("policy_ids", "text", "OPTION_TYPE"),
    ("policy_ids", ["x"], "OPTION_VALUE"), ("policy_ids", [], "OPTION_EMPTY_LIST"), ("crl_policy", "never", "OPTION_VALUE"),
    ("policy_must_match", 1, "OPTION_TYPE"), ("pinned_roots", b"no certificate", "OPTION_VALUE"), ("pinned_roots", "/no/such/file", "FILE_UNREADABLE"),
    ("proxy", "a\0b", "OPTION_VALUE"), ("attempts", 2**40, "OPTION_VALUE"), ("allowed_algorithms", ["none"], "OPTION_VALUE"),
])
def test_settings_that_are_refused(name: str, value: Any, code: str) -> None:
    settings: dict[str, Any] = {"base_url": "https://api.test", "portal_url": "https://portal.test", name: value}
    if name == "region":
        del settings["base_url"], settings["portal_url"]
    with pytest.raises(UsageError) as caught:
        IntelApiVerifier("a key that is not shown".replace(" ", "-"), **settings)
    assert caught.value.code == code
    assert "not-shown" not in str(caught.value)


def test_key_that_cannot_be_one_is_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        IntelApiVerifier("line\r\nbreak")
    assert caught.value.code == "OPTION_VALUE" and "break" not in str(caught.value) + str(caught.value.details)


def test_all_take_the_worst(authority: TrustAuthority, minted: Minted) -> None:
    authority.service.tcb_status = "SWHardeningNeeded"
    try:
        result = AllVerifiers(dcap(minted), intel(authority)).verify_sync(minted.quote, VerifyOptions(now=minted.now))
    finally:
        authority.service.tcb_status = "UpToDate"
    assert (result.verifier, result.tcb_status, result.verified) == ("all", "SWHardeningNeeded", True)
    assert result.qe_tcb_status == "UpToDate"


def test_all_refuse_when_one_does(authority: TrustAuthority, minted: Minted) -> None:
    authority.service.play(SCENARIOS["N40"])
    with pytest.raises(RefusedError) as caught:
        AllVerifiers(dcap(minted), intel(authority)).verify_sync(minted.quote, VerifyOptions(now=minted.now))
    assert caught.value.code == "INTEL_TOKEN_BINDING"


def test_first_goes_on_when_one_could_not_check(authority: TrustAuthority, minted: Minted) -> None:
    nobody = DcapVerifier(trust_anchor=minted.trust_anchor_pem.encode(), pccs_url="http://127.0.0.1:1", cache_dir="")
    result = FirstVerifier(nobody, intel(authority)).verify_sync(minted.quote, VerifyOptions(now=minted.now))
    assert result.verifier == "first" and result.qe_tcb_status is None


def test_first_stops_at_a_refusal(authority: TrustAuthority, minted: Minted) -> None:
    authority.service.play(SCENARIOS["N40"])
    with pytest.raises(RefusedError):
        FirstVerifier(intel(authority), dcap(minted)).verify_sync(minted.quote, VerifyOptions(now=minted.now))


def test_combined_with_ones_own(minted: Minted) -> None:
    class Own(RaTlsVerifier):
        seen: list[VerifyOptions] = []

        def verify(self, quote: bytes, options: VerifyOptions) -> Any:
            self.seen.append(options)
            return {"tcb_status": "OutOfDate", "advisory_ids": ["INTEL-SA-00001"]}

    own = Own()
    both = AllVerifiers(dcap(minted), own)
    options = VerifyOptions(now=minted.now, acceptable_tcb_statuses=["OK", "OutOfDate"])
    result = both.verify_sync(minted.quote, options)
    assert result.tcb_status == "OutOfDate" and "INTEL-SA-00001" in (result.advisory_ids or [])
    assert own.seen == [options]
    with pytest.raises(RefusedError) as caught:
        both.verify_sync(minted.quote, VerifyOptions(now=minted.now, acceptable_tcb_statuses=["OutOfDate"]))
    assert caught.value.code == "TCB_STATUS"


def test_combinations_that_are_refused(minted: Minted) -> None:
    for wrong in ((), (NoopVerifier(),), (dcap(minted), "dcap"), (dcap(minted),) * 9):
        for kind in (AllVerifiers, FirstVerifier):
            with pytest.raises(UsageError) as caught:
                kind(*wrong)  # type: ignore[arg-type]
            assert caught.value.code == "ARGUMENT_INVALID"


def test_unreachable_service(minted: Minted) -> None:
    verifier = IntelApiVerifier("key", base_url="https://127.0.0.1:1", portal_url="https://127.0.0.1:1", attempts=1, proxy="")
    with pytest.raises(UnavailableError) as caught:
        verifier.verify_sync(minted.quote)
    assert caught.value.code == "INTEL_NETWORK"
