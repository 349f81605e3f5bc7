"""The quote and the certificate's key belong together, or not (evidence format 3)."""
from __future__ import annotations

import hashlib

from casebook.book import HEALTHY, Book


def write(book: Book) -> None:
    for form in ("v0", "v1", "legacy", "both-equal"):
        minted = book.world.mint(form=form)
        book.verify(f"binding/{form}", f"a certificate with its evidence as {form}, bound to its key", minted,
                    book.accepted(minted, bound=True), bound=True)
    refused = {
        "other-key": ("a quote that commits to another key", {"bound_key": "another-key"}),
        "report-data-zero": ("a quote that commits to nothing", {"report_data": bytes(64)}),
        "stolen-quote": ("a genuine quote in a certificate of somebody else's key", {"certificate_key": "thief", "bound_key": "leaf"}),
    }
    for name, (description, arguments) in refused.items():
        book.verify(f"binding/{name}", description, book.world.mint(**arguments), ("KEY_BINDING", HEALTHY), bound=True)
    write_report_data(book)
    copy = book.world.mint(attestation={"report_data": bytes(64)})
    book.verify("binding/envelope-copy-differs", "the envelope's copy of report_data is not the quote's", copy, "EVIDENCE_REPORT_DATA_COPY", bound=True)
    book.verify("binding/no-quote", "a certificate without evidence", book.world.mint(form="none"), "QUOTE_MISSING", bound=True)
    noop = book.world.mint(bound_key="another-key")
    book.verify("binding/noop-other-key", "noop checks the binding, too", noop, "KEY_BINDING", bound=True, verifier="noop")


def write_report_data(book: Book) -> None:
    """REPORTDATA that is nearly right."""
    spki = book.sound.spki
    right = hashlib.sha512(b"ratls-cert:" + spki).digest()
    wrong = {
        "first-bit": bytes([right[0] ^ 0x80]) + right[1:],
        "last-bit": right[:-1] + bytes([right[-1] ^ 1]),
        "sha256-of-key": hashlib.sha256(spki[-65:]).digest() + bytes(32),
        "sha512-without-tag": hashlib.sha512(spki).digest(),
        "tag-of-application-data": hashlib.sha512(b"app-data:" + spki).digest(),
        "point-instead-of-spki": hashlib.sha512(b"ratls-cert:" + spki[-65:]).digest(),
    }
    for name, report_data in wrong.items():
        minted = book.world.mint(report_data=report_data)
        book.verify(f"binding/report-data-{name}", f"REPORTDATA is nearly right: {name.replace('-', ' ')}", minted, ("KEY_BINDING", HEALTHY), bound=True)
