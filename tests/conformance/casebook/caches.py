"""The verdict cache: what a second look at a certificate may rest on, and what it may not."""
from __future__ import annotations

from typing import Any

from casebook.book import Book
from casebook.outcome import failure, kept

OFF = {"cache_ttl_s": -1}


def write(book: Book) -> None:
    good = {"custom": {"claims": {"tcb_status": "OK"}}}
    mine, other = book.sound.certificate_der, book.world.mint("other_mrtd").certificate_der
    debug, unbound = book.world.mint("debug").certificate_der, book.world.mint("other_key").certificate_der
    wrong_mr_td = {"allowed_mr_td": ["ab" * 48]}
    healthy = known("OK", "UpToDate")

    book.in_turn("cache/same", "the same certificate again", good, [(mine, {}, kept(False)), (mine, {}, kept(True)), (mine, {}, kept(True))])
    book.in_turn("cache/other-certificate", "another certificate in between", good,
                 [(mine, {}, kept(False)), (other, {}, kept(False)), (mine, {}, kept(True)), (other, {}, kept(True))])
    book.in_turn("cache/off", "a caller who wants no cache neither fills nor uses it", good,
                 [(mine, OFF, kept(False)), (mine, {}, kept(False)), (mine, OFF, kept(False)), (mine, {}, kept(True))])
    book.in_turn("cache/short-ttl", "the shortest life, looked up at once", good, [(mine, {"cache_ttl_s": 60}, kept(False)), (mine, {"cache_ttl_s": 60}, kept(True))])
    book.in_turn("cache/pinned-later", "a kept verdict is held against the options of now", good,
                 [(mine, {}, kept(False)), (mine, wrong_mr_td, failure("MRTD_NOT_ALLOWED", healthy)), (mine, {}, kept(True))])
    book.in_turn("cache/pinned-rightly-later", "a kept verdict under a pin that it meets", "noop",
                 [(mine, {}, kept(False)), (mine, {"allowed_mr_td": [book.sound.mr_td]}, kept(True))])
    application: dict[str, Any] = {"allowed_mr_td": [book.sound.mr_td],
                   "pins": {**{name: [book.sound.field(name)] for name in ("rtmr0", "rtmr1", "rtmr2")}, "compose_hash": [book.sound.guest.compose_hash.hex()],
                            "instance_id": [book.sound.guest.instance_id.hex()]}}
    other_instance = {**application, "pins": {**application["pins"], "instance_id": ["ab" * 20]}}
    book.in_turn("cache/application-later", "a kept verdict knows the application, and is held against its pins", "noop",
                 [(mine, {}, kept(False)), (mine, application, kept(True)), (mine, other_instance, failure("PIN_MISMATCH"))])
    book.in_turn("cache/refused-before", "a refusal by the options leaves nothing behind", good,
                 [(mine, wrong_mr_td, failure("MRTD_NOT_ALLOWED", healthy)), (mine, {}, kept(False))])
    book.in_turn("cache/debug-later", "debug allowed once is not allowed for ever", good,
                 [(debug, {"allow_debug_mode": True}, kept(False)), (debug, {}, failure("DEBUG_MODE", healthy)),
                  (debug, {"allow_debug_mode": True}, kept(True))])
    book.in_turn("cache/unbound", "a certificate whose key is not bound is never kept", good,
                 [(unbound, {}, failure("KEY_BINDING", healthy)), (unbound, {}, failure("KEY_BINDING", healthy))])
    book.in_turn("cache/refusing-verifier", "a verifier's refusal is not kept as anything else", {"custom": {"reject": "refused"}},
                 [(mine, {}, failure("USER_VERIFIER_REFUSED")), (mine, {}, failure("USER_VERIFIER_REFUSED"))])
    book.in_turn("cache/unavailable-verifier", "could not check stays could not check", {"custom": {"reject": "unavailable"}},
                 [(mine, {}, failure("USER_VERIFIER")), (mine, {}, failure("USER_VERIFIER"))])
    out_of_date = {"custom": {"claims": {"tcb_status": "OutOfDate"}}}
    lenient = {"acceptable_tcb_statuses": ["OK", "OutOfDate"]}
    book.in_turn("cache/status-later", "a status accepted once is judged anew", out_of_date,
                 [(mine, lenient, kept(False)), (mine, {}, failure("TCB_STATUS", known("OutOfDate", "OutOfDate"))), (mine, lenient, kept(True))])
    book.in_turn("cache/noop", "noop's verdicts are kept like others", "noop", [(mine, {}, kept(False)), (mine, {}, kept(True))])
    book.in_turn("cache/noop-unbound", "noop keeps nothing that is not bound", "noop",
                 [(unbound, {}, failure("KEY_BINDING")), (unbound, {}, failure("KEY_BINDING"))])
    expired = {"custom": {"claims": {"tcb_status": "OK", "collateral_expires_at": "2026-06-02T00:00:00Z"}}}
    stale = failure("COLLATERAL_STALE", {**healthy, "collateral_expires_at": "2026-06-02T00:00:00Z"})
    book.in_turn("cache/expired-claims", "claims that have run out already are no verdict, however often they are asked for", expired,
                 [(mine, {}, stale), (mine, {}, stale)])


def known(status: str, dcap: str) -> dict[str, object]:
    """What a refusal tells of the least that a custom verifier may say."""
    nothing = ("platform_tcb_status", "tdx_module_tcb_status", "qe_tcb_status", "launch_tcb_status", "current_tcb_status", "tcb_date", "advisory_ids", "fmspc",
               "tcb_evaluation_data_number", "collateral_expires_at")
    return {"tcb_status": status, "tcb_status_dcap": dcap, **dict.fromkeys(nothing)}
