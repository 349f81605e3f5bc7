"""Verdicts of Intel Trust Authority: the cases of tests/intel that need no fault on the wire."""
from __future__ import annotations

import hashlib
from typing import Any

from casebook import outcome
from casebook.book import Book
from intel.cases import CASES, Case, quote_of
from simulator.intel.pki import TokenPki
from simulator.intel.rsa_key import DEFAULT_SEED
from simulator.keys import Seed

#: What a token for a healthy server says of its TCB, by the result's names.
HEALTHY: dict[str, Any] = {
    **{name: None for name in outcome.Verdict().tcb(0, "")}, "tcb_status": "OK", "tcb_status_dcap": "UpToDate",
    "tcb_date": "2025-05-14T00:00:00Z", "advisory_ids": [],
}


def write(book: Book) -> None:
    root = TokenPki(Seed(DEFAULT_SEED), book.now, "").root
    pinned = book.vector("intel/root.pem", root.pem.encode())
    anchor = hashlib.sha256(root.der).hexdigest()
    for case in CASES:
        if not case.wire:
            write_case(book, case, pinned, anchor)


def write_case(book: Book, case: Case, pinned: str, anchor: str) -> None:
    quote = quote_of(book.world, case.quote)
    intel = {name: value for name, value in case.intel.items() if name != "pinned_roots"}
    inputs = {"quote": book.vector(f"intel/{case.quote}.quote", quote)}
    if "pinned_roots" in case.intel:
        inputs["pinned_roots"] = pinned
    book.add(
        f"intel/{case.name}", case.describe, "verify_quote", inputs, expected(book, case, quote, anchor),
        verifier={"intel": {"scenario": case.played, **({"options": intel} if intel else {})}},
        options={"now": outcome.rfc3339(book.now), **case.options})


def expected(book: Book, case: Case, quote: bytes, anchor: str) -> dict[str, Any]:
    fmspc = None if case.intel.get("api_version") == 1 else book.world.platform.fmspc.hex()
    if case.code is not None:
        return outcome.failure(case.code, None if case.tcb is None else {**HEALTHY, "fmspc": fmspc, **case.tcb})
    waived = tuple(case.result.get("waived", ()))
    return outcome.result(
        quote, now=book.now, verifier="intel", trust_anchor=anchor, waived=waived, claims={**HEALTHY, "fmspc": fmspc, **case.result})
