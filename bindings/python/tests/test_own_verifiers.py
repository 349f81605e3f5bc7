"""Verifiers written in Python: claims, refusals, coroutines, deadlines; the core still applies policy and key binding."""
from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from datetime import datetime, timezone
from typing import Any, Callable

import pytest

from ra_tls_verify import CLAIMS, RaTlsVerifier, RefusedError, UnavailableError, UsageError, VerifyOptions
from simulator.minted import Minted
from simulator.world import World


class Own(RaTlsVerifier):
    """Answers what a function says."""

    def __init__(self, answer: Callable[[bytes, VerifyOptions], Any]) -> None:
        self.answer = answer

    def verify(self, quote: bytes, options: VerifyOptions) -> Any:
        return self.answer(quote, options)


def saying(claims: Any) -> Own:
    return Own(lambda quote, options: claims)


def raising(error: BaseException) -> Own:
    def fail(quote: bytes, options: VerifyOptions) -> Any:
        raise error
    return Own(fail)


def test_claims_become_the_result(minted: Minted) -> None:
    verifier = saying({"tcb_status": "SWHardeningNeeded", "advisory_ids": ("INTEL-SA-2", "INTEL-SA-1"), "fmspc": "00806f050000",
                       "tcb_date": datetime(2026, 1, 1, tzinfo=timezone.utc), "ppid": None})
    result = verifier.verify_certificate_sync(minted.certificate_der)
    assert (result.verifier, result.tcb_status, result.advisory_ids, result.fmspc) == (
        "custom", "SWHardeningNeeded", ["INTEL-SA-1", "INTEL-SA-2"], "00806f050000")
    assert result.tcb_date == datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert (result.mr_td, result.key_bound) == (minted.mr_td, True)


def test_it_gets_the_quote_and_the_options(minted: Minted) -> None:
    seen: list[Any] = []

    def answer(quote: bytes, options: VerifyOptions) -> Any:
        seen.append((quote, options))
        return {"tcb_status": "OK"}

    verifier, options = Own(answer), VerifyOptions(allowed_mr_td=[minted.mr_td])
    verifier.verify_sync(minted.quote, options)
    verifier.verify_sync(minted.quote)
    assert seen == [(minted.quote, options), (minted.quote, VerifyOptions())]


def test_claims_may_be_an_object(minted: Minted) -> None:
    class Verdict:
        tcb_status = "OK"
        fmspc = "00806f050000"
        unrelated = object()

    assert saying(Verdict()).verify_sync(minted.quote).fmspc == "00806f050000"


def test_the_result_of_another_verifier_is_claims(minted: Minted) -> None:
    inner = saying({"tcb_status": "OK", "advisory_ids": ["INTEL-SA-1"]})
    outer = Own(lambda quote, options: inner.verify_sync(quote))
    assert outer.verify_sync(minted.quote).advisory_ids == ["INTEL-SA-1"]


def test_a_coroutine_is_allowed(minted: Minted) -> None:
    loops = []

    class Slow(RaTlsVerifier):
        async def verify(self, quote: bytes, options: VerifyOptions) -> Any:
            loops.append(asyncio.get_running_loop())
            await asyncio.sleep(0)
            return {"tcb_status": "OK"}

    verifier = Slow()
    assert verifier.verify_certificate_sync(minted.certificate_der).verifier == "custom"
    assert verifier.verify_sync(minted.quote).verifier == "custom"
    assert asyncio.run(verifier.verify_certificate(minted.certificate_der, VerifyOptions(cache_ttl_s=0))).accepted
    assert len(loops) == 3 and len(set(loops)) == 1, "what it keeps open stays on one loop"


def test_its_refusal_is_a_refusal(minted: Minted) -> None:
    with pytest.raises(RefusedError) as caught:
        raising(RefusedError("not today")).verify_certificate_sync(minted.certificate_der)
    assert caught.value.code == "USER_VERIFIER_REFUSED"
    assert str(caught.value) == "the verifier given by the caller refused the quote: not today"


@pytest.mark.parametrize("error", [
    RuntimeError("no network"), UnavailableError("no network"), UsageError("no network"), KeyboardInterrupt("no network"),
    SystemExit("no network")])
def test_any_other_exception_is_unavailable(minted: Minted, error: BaseException) -> None:
    with pytest.raises(UnavailableError, match="no network") as caught:
        raising(error).verify_certificate_sync(minted.certificate_der)
    assert caught.value.code == "USER_VERIFIER"


def test_a_coroutine_that_raises(minted: Minted) -> None:
    class Failing(RaTlsVerifier):
        async def verify(self, quote: bytes, options: VerifyOptions) -> Any:
            raise self.error

        def __init__(self, error: BaseException) -> None:
            self.error = error

    with pytest.raises(RefusedError):
        Failing(RefusedError("no")).verify_sync(minted.quote)
    for error in (ValueError("x"), asyncio.CancelledError()):
        with pytest.raises(UnavailableError):
            Failing(error).verify_sync(minted.quote)


@pytest.mark.parametrize("claims", [
    None, {}, {"tcb_status": None}, {"tcb_status": "Fine"}, {"tcb_status": "OK", "mr_td": "00" * 48}, {"tcb_status": 5}, "OK", 5,
    {"tcb_status": "OK", "verified": True}])
def test_unusable_claims_are_no_verdict(minted: Minted, claims: Any) -> None:
    with pytest.raises(UnavailableError) as caught:
        saying(claims).verify_sync(minted.quote)
    assert caught.value.code == "USER_VERIFIER_CLAIMS"


@pytest.mark.parametrize("claims", [
    {"tcb_status": object()}, {"tcb_status": "OK", "tcb_date": datetime(2026, 1, 1)}, {1: 2, "tcb_status": {"a": {"b"}}}])
def test_claims_that_json_cannot_carry(minted: Minted, claims: Any) -> None:
    with pytest.raises(UnavailableError) as caught:
        saying(claims).verify_sync(minted.quote)
    assert caught.value.code in ("USER_VERIFIER", "USER_VERIFIER_CLAIMS")


def test_a_reason_with_every_odd_character(minted: Minted) -> None:
    with pytest.raises(RefusedError) as caught:
        raising(RefusedError("nul \0 surrogate \ud800 newline \n" + "x" * 10_000)).verify_sync(minted.quote)
    assert "nul ?" in str(caught.value)


def test_policy_and_key_binding_still_hold(world: World, minted: Minted) -> None:
    trusting = saying({"tcb_status": "OK"})
    for fault, code in (("no_quote", "QUOTE_MISSING"), ("other_key", "KEY_BINDING"), ("debug", "DEBUG_MODE")):
        with pytest.raises(RefusedError) as caught:
            trusting.verify_certificate_sync(world.mint(fault).certificate_der)
        assert caught.value.code == code
    with pytest.raises(RefusedError) as caught:
        trusting.verify_certificate_sync(minted.certificate_der, VerifyOptions(allowed_mr_td=["00" * 48]))
    assert caught.value.code == "MRTD_NOT_ALLOWED"
    with pytest.raises(RefusedError) as caught:
        saying({"tcb_status": "OutOfDate"}).verify_certificate_sync(minted.certificate_der)
    assert caught.value.code == "TCB_STATUS"


def test_the_deadline_holds(minted: Minted) -> None:
    release = threading.Event()
    verifier = Own(lambda quote, options: release.wait(30) and {"tcb_status": "OK"})
    with pytest.raises(UnavailableError) as caught:
        verifier.verify_sync(minted.quote, VerifyOptions(timeout_ms=20))
    release.set()
    assert caught.value.code == "TIMEOUT"


def test_other_threads_run_while_it_is_waited_for(minted: Minted) -> None:
    asked, ran = threading.Event(), threading.Event()

    def answer(quote: bytes, options: VerifyOptions) -> Any:
        asked.set()
        return ran.wait(30) and {"tcb_status": "OK"}

    def run() -> None:
        if asked.wait(30):
            ran.set()

    other = threading.Thread(target=run)
    other.start()
    assert Own(answer).verify_sync(minted.quote).accepted
    other.join()


def test_its_verdicts_are_kept(minted: Minted) -> None:
    calls = []

    def answer(quote: bytes, options: VerifyOptions) -> Any:
        calls.append(options)
        return {"tcb_status": "OK"}

    verifier = Own(answer)
    for _ in range(3):
        verifier.verify_certificate_sync(minted.certificate_der)
    assert len(calls) == 1


def test_a_class_that_does_not_call_super_and_has_equality(minted: Minted) -> None:
    class Odd(RaTlsVerifier):
        def __init__(self) -> None:
            pass

        def verify(self, quote: bytes, options: VerifyOptions) -> Any:
            return {"tcb_status": "OK"}

        def __eq__(self, other: object) -> bool:
            return True

    assert Odd().verify_sync(minted.quote).accepted


def test_it_is_let_go(minted: Minted) -> None:
    verifier = saying({"tcb_status": "OK"})
    verifier.verify_sync(minted.quote)
    gone = weakref.ref(verifier)
    del verifier
    gc.collect()
    assert gone() is None


def test_verify_must_be_defined() -> None:
    with pytest.raises(TypeError):
        RaTlsVerifier()  # type: ignore[abstract]


def test_the_claims_are_those_of_the_core(minted: Minted) -> None:
    values = {"tcb_date": "2026-01-01T00:00:00Z", "advisory_ids": [], "fmspc": "00" * 6, "ppid": "00" * 16,
              "platform_instance_id": "00" * 16, "tcb_evaluation_data_number": 1, "collateral_expires_at": "2036-01-01T00:00:00Z",
              "tcb_status_dcap": "UpToDate", "platform_tcb_status": "UpToDate", "tdx_module_tcb_status": "UpToDate",
              "qe_tcb_status": "UpToDate", "tcb_status": "OK"}
    assert set(values) == set(CLAIMS)
    assert saying(values).verify_sync(minted.quote).accepted


def test_a_copy_judges_for_itself(minted: Minted) -> None:
    import copy

    verifier = saying({"tcb_status": "OK"})
    assert verifier.verify_sync(minted.quote).tcb_status == "OK"
    other = copy.copy(verifier)
    other.answer = lambda quote, options: {"tcb_status": "SWHardeningNeeded"}
    assert other.verify_sync(minted.quote).tcb_status == "SWHardeningNeeded"
