"""Verifiers other than dcap, and what may be waived."""
from __future__ import annotations

from typing import Any

from casebook import outcome
from casebook.book import HEALTHY, Book

GOOD = {"tcb_status": "OK", "tcb_status_dcap": "UpToDate", "advisory_ids": [], "tcb_evaluation_data_number": 20}


def write(book: Book) -> None:
    write_noop(book)
    write_simulator(book)
    write_custom(book)


def plain(book: Book, minted: Any, verifier: str, **more: Any) -> dict[str, Any]:
    more.setdefault("events", minted.guest.events if "key_bound" in more else None)
    return outcome.result(minted.quote, now=book.now, verifier=verifier, **more)


def write_noop(book: Book) -> None:
    book.verify("noop/quote", "noop checks no signature", book.sound, plain(book, book.sound, "noop"), verifier="noop")
    book.verify("noop/certificate", "noop with a certificate", book.sound, plain(book, book.sound, "noop", key_bound=True), bound=True, verifier="noop")
    tampered = book.world.mint("tampered_signature")
    book.verify("noop/tampered-signature", "noop accepts a quote whose signature is wrong", tampered, plain(book, tampered, "noop"), verifier="noop")
    enclave = book.world.mint(kind="sgx-v3")
    book.verify("noop/enclave", "noop with an enclave", enclave, plain(book, enclave, "noop"), verifier="noop")
    for name, fault, options, code in (
        ("debug", "debug", {}, "DEBUG_MODE"), ("sept-ve", "sept_ve_clear", {}, "TD_SEPT_VE"),
        ("mr-td", None, {"allowed_mr_td": ["ab" * 48]}, "MRTD_NOT_ALLOWED"), ("pin", None, {"pins": {"rtmr0": ["ab" * 48]}}, "PIN_MISMATCH"),
        ("evaluation-number", None, {"min_tcb_evaluation_data_number": 1}, "TCB_EVALUATION_DATA_NUMBER"),
        ("no-quote", "no_quote", {}, "QUOTE_MISSING"),
    ):
        minted = book.world.mint(fault)
        book.verify(f"noop/{name}", f"noop does not waive: {name}", minted, code, bound=True, verifier="noop", options=options)
    book.verify("noop/garbage", "noop wants a quote", book.sound, "EVIDENCE_QUOTE_TRUNCATED", quote=b"no quote", verifier="noop")


def write_simulator(book: Book) -> None:
    """allow_simulator waives a missing quote, and only while nothing is pinned."""
    allowed = {"allow_simulator": True}
    none = book.world.mint("no_quote")

    def without_quote(verifier: str) -> dict[str, Any]:
        return outcome.result(None, now=book.now, verifier=verifier, key_bound=False, waived=("quote",))

    book.verify("simulator/no-quote", "no quote, and allowed", none, without_quote("dcap"), bound=True, options=allowed)
    book.verify("simulator/no-quote-noop", "no quote under noop, and allowed", none, without_quote("noop"), bound=True, verifier="noop", options=allowed)
    for name, options in (("mr-td", {"allowed_mr_td": ["ab" * 48]}), ("pin", {"pins": {"rtmr0": ["ab" * 48]}})):
        book.verify(f"simulator/no-quote-{name}", "no quote, allowed, and something is pinned", none, "QUOTE_MISSING", bound=True, options={**allowed, **options})
    for name, fault, code in (("debug", "debug", "DEBUG_MODE"), ("other-key", "other_key", "KEY_BINDING"),
                              ("tampered", "tampered_signature", "DCAP_QUOTE_SIGNATURE"), ("rogue-root", "rogue_root", "COLLATERAL_CERT_ROOT_UNTRUSTED")):
        minted = book.world.mint(fault)
        expect: Any = (code, HEALTHY) if code in ("DEBUG_MODE", "KEY_BINDING") else code
        book.verify(f"simulator/{name}", f"allow_simulator does not waive: {name}", minted, expect, bound=True, options=allowed)
    malformed = book.world.mint(form="attestation-garbage")
    book.verify("simulator/malformed", "allow_simulator does not waive evidence that is present and malformed", malformed, "EVIDENCE_ENVELOPE_VERSION",
                bound=True, options=allowed)
    sound = book.world.mint()
    book.verify("simulator/quote", "a sound quote waives nothing", sound, book.accepted(sound, bound=True), bound=True, options=allowed)
    write_development(book)


def write_development(book: Book) -> None:
    """noop with allow_simulator and no pins: dstack's old simulators."""
    allowed = {"allow_simulator": True}
    for form in ("legacy-empty", "legacy-garbage", "attestation-garbage"):
        minted = book.world.mint(form=form)
        expected = outcome.result(None, now=book.now, verifier="noop", key_bound=False, waived=("evidence",))
        book.verify(f"simulator/development-{form}", f"unusable evidence in development: {form}", minted, expected, bound=True, verifier="noop", options=allowed)
    unbound = book.world.mint("other_key")
    book.verify("simulator/development-unbound", "unbound evidence in development", unbound,
                plain(book, unbound, "noop", key_bound=False, waived=("key_binding",)), bound=True, verifier="noop", options=allowed)
    book.verify("simulator/development-unbound-pinned", "unbound evidence in development, and something is pinned", unbound, "KEY_BINDING", bound=True,
                verifier="noop", options={**allowed, "allowed_mr_td": [unbound.mr_td]})


def write_custom(book: Book) -> None:
    def verifier(claims: Any) -> dict[str, Any]:
        return {"custom": {"claims": claims}}

    full = {**GOOD, "platform_tcb_status": "UpToDate", "tdx_module_tcb_status": "UpToDate", "qe_tcb_status": "UpToDate", "tcb_date": "2025-05-14T00:00:00Z",
            "fmspc": "510a7e000000", "ppid": "ab" * 16, "platform_instance_id": "cd" * 16, "collateral_expires_at": "2026-07-01T00:00:00Z"}
    shown = {"tcb_status": "OK", "tcb_status_dcap": "UpToDate"}

    def taken(claims: dict[str, Any], **more: Any) -> dict[str, Any]:
        return plain(book, book.sound, "custom", verified=True, claims=claims, **more)

    book.verify("custom/least", "a custom verifier that says the least", book.sound, taken(shown),
                verifier=verifier({"tcb_status": "OK"}))
    book.verify("custom/full", "a custom verifier that says everything", book.sound, taken(full), verifier=verifier(full))
    book.verify("custom/certificate", "a custom verifier with a certificate", book.sound, taken(shown, key_bound=True),
                bound=True, verifier=verifier({"tcb_status": "OK"}))
    book.verify("custom/refused", "a custom verifier that refuses", book.sound, "USER_VERIFIER_REFUSED", verifier={"custom": {"reject": "refused"}})
    book.verify("custom/unavailable", "a custom verifier that could not check", book.sound, "USER_VERIFIER", verifier={"custom": {"reject": "unavailable"}})
    for name, claims in {
        "empty": {}, "key-unknown": {**GOOD, "colour": "red"}, "measurement": {**GOOD, "mr_td": "ab" * 48}, "status-unknown": {"tcb_status": "Fine"},
        "status-number": {"tcb_status": 1}, "fmspc-short": {**GOOD, "fmspc": "ab"}, "advisories-text": {**GOOD, "advisory_ids": "INTEL-SA-00001"},
        "not-an-object": [], "statuses-disagree": {"tcb_status": "OK", "tcb_status_dcap": "OutOfDate"},
    }.items():
        book.verify(f"custom/claims-{name}", f"claims that are not usable: {name.replace('-', ' ')}", book.sound, "USER_VERIFIER_CLAIMS", verifier=verifier(claims))
    other = book.world.mint("other_key")
    known = {name: full.get(name) if name in GOOD else None for name in outcome.Verdict().tcb(book.now, "")}
    book.verify("custom/other-key", "a custom verifier does not decide about the key", other, outcome.failure("KEY_BINDING", known), bound=True,
                verifier=verifier(GOOD))
