"""Signatures, and what is signed with them (DCAP rules 3.6; cases 7.5, 7.6)."""
from __future__ import annotations

from typing import Any

from casebook.book import Book
from simulator.keys import P256_ORDER

ORDER = P256_ORDER


def raw(r: int, s: int) -> bytes:
    return (r % 2**256).to_bytes(32, "big") + (s % 2**256).to_bytes(32, "big")


def write(book: Book) -> None:
    quote = book.sound.quote
    r, s = int.from_bytes(quote[636:668], "big"), int.from_bytes(quote[668:700], "big")
    high = quote[:636] + raw(r, ORDER - s) + quote[700:]
    book.verify("signature/high-s", "the other of the two valid values of s", book.sound, book.accepted(book.sound), quote=high)
    for name, signature in {
        "r-zero": raw(0, s), "s-zero": raw(r, 0), "r-order": raw(ORDER, s), "s-order": raw(r, ORDER), "r-all-ones": raw(2**256 - 1, s),
        "r-plus-one": raw(r + 1, s), "swapped": raw(s, r), "one-one": raw(1, 1), "all-zero": bytes(64),
    }.items():
        book.verify(f"signature/quote-{name}", f"signature over the quote: {name.replace('-', ' ')}", book.sound, "DCAP_QUOTE_SIGNATURE",
                    quote=quote[:636] + signature + quote[700:])
    for name, offset in {"user-data": 30, "tee-tcb-svn": 48, "mr-seam": 64, "td-attributes": 170, "mr-td": 184, "mr-owner": 280, "rtmr0": 376,
                         "rtmr3": 567, "report-data": 568, "report-data-end": 631}.items():
        flipped = bytearray(quote)
        flipped[offset] ^= 0x20
        book.verify(f"signature/bit-in-{name}", f"one bit flipped in {name}", book.sound, "DCAP_QUOTE_SIGNATURE", quote=bytes(flipped))
    write_qe(book)
    other = book.world.mint(label="other-server").quote
    book.verify("signature/body-of-another", "the body of another genuine quote", book.sound, "DCAP_QUOTE_SIGNATURE", quote=other[:632] + quote[632:])
    v5 = book.world.mint(kind="tdx-v5-type3", signature={"signed": lambda header, descriptor, body: header + body})
    book.verify("signature/descriptor-not-signed", "version 5: a signature that leaves the descriptor out", v5, "DCAP_QUOTE_SIGNATURE")
    body = book.world.mint(signature={"signed": lambda header, descriptor, body: body})
    book.verify("signature/header-not-signed", "a signature over the body alone", body, "DCAP_QUOTE_SIGNATURE")


def write_qe(book: Book) -> None:
    """The QE's report: signed by the PCK, committing to the attestation key."""
    sound_authentication = bytes(range(32))
    off_curve = bytes(63) + b"\x01"
    cases: dict[str, tuple[str, dict[str, Any], str | None]] = {
        "report-signature": ("the QE report's signature is another", {"signature": {"qe_report_signature": raw(1, 1)}}, "DCAP_QE_REPORT_SIGNATURE"),
        "report-signature-zero": ("the QE report's signature is zero", {"signature": {"qe_report_signature": bytes(64)}}, "DCAP_QE_REPORT_SIGNATURE"),
        "report-signed-by-another": ("the QE report is signed by another key", {"pck_signing_key": "stranger"}, "DCAP_QE_REPORT_SIGNATURE"),
        "report-data": ("the QE report commits to another key", {"qe_report": {"report_data": bytes(64)}}, "DCAP_QE_REPORT_DATA"),
        "report-data-tail": ("the QE report's data is not zero after the hash", {"qe_report": {"report_data": None}}, "DCAP_QE_REPORT_DATA"),
        "key-off-curve": ("the attestation key is no point of the curve", {"signature": {"attestation_key": off_curve}}, "DCAP_ATTESTATION_KEY"),
        "key-zero": ("the attestation key is zero", {"signature": {"attestation_key": bytes(64)}}, "DCAP_ATTESTATION_KEY"),
        "authentication-none": ("no QE authentication data", {"signature": {"authentication_data": b""}}, None),
        "authentication-31": ("31 bytes of QE authentication data", {"signature": {"authentication_data": bytes(31)}}, None),
        "authentication-64": ("64 bytes of QE authentication data", {"signature": {"authentication_data": bytes(64)}}, None),
    }
    for name, (description, arguments, code) in cases.items():
        if name == "report-data-tail":
            import hashlib
            digest = hashlib.sha256(book.world.seed.key("attestation").point + sound_authentication).digest()
            arguments = {"qe_report": {"report_data": digest + bytes(31) + b"\x01"}}
        minted = book.world.mint(**arguments)
        book.verify(f"signature/qe-{name}", description, minted, code if code is not None else book.accepted(minted))
    flipped = bytearray(book.sound.quote)
    flipped[1220] ^= 1
    book.verify("signature/qe-authentication-flipped", "one bit of the QE authentication data", book.sound, "DCAP_QE_REPORT_DATA", quote=bytes(flipped))
