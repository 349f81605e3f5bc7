"""The rows of the DCAP rules' table of cases (7.1 to 7.8), each under its own number; where the table leaves a choice, it is made here.

A row that has several cases numbers them by what differs. What a single verification cannot show is shown by tests in C beside the
case here: every length of a quote (F2), a CRL of 100,000 entries (L19), raw DER (L14), kept verdicts (X3 to X5), the clock (X9).
"""
from __future__ import annotations

from typing import Any, Iterable

from casebook.book import Book, Expectation
from simulator.minted import Minted

#: How many rows each part of the table has.
PARTS = {"f": 29, "c": 31, "l": 20, "t": 40, "e": 26, "s": 18, "r": 15, "x": 10}
ROWS = [f"{part}{number:02}" for part, count in PARTS.items() for number in range(1, count + 1)]


class Rows:
    """Writes cases under the row's number."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.written: set[str] = set()

    def case(self, row: str, what: str, minted: Minted, expect: Expectation | None, **more: Any) -> None:
        """One case of a row; `expect` None is acceptance."""
        assert row in ROWS, row
        self.written.add(row)
        name = f"dcap/{row}-{'-'.join(what.lower().replace('_', '-').split())}"
        expected = self.book.accepted(minted, quote=more.get("quote")) if expect is None else expect
        self.book.verify(name, f"{row.upper()}: {what}", minted, expected, folder=True, **more)

    def cases(self, row: str, entries: Iterable[tuple[str, Minted, Expectation | None]], **more: Any) -> None:
        for what, minted, expect in entries:
            self.case(row, what, minted, expect, **more)


def write(book: Book) -> None:
    from casebook import rows_certificates, rows_collateral, rows_quote, rows_relaunch

    rows = Rows(book)
    for part in (rows_quote, rows_certificates, rows_collateral, rows_relaunch):
        part.write(rows)
    missing = sorted(set(ROWS) - rows.written)
    assert not missing, f"rows without a case: {missing}"
    assert len(ROWS) == 189
