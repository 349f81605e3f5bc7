"""What `inspect` reads from a quote's bytes, and which bytes are no quote (DCAP rules 1)."""
from __future__ import annotations

import json
from typing import Any

from casebook import identity, outcome
from casebook.book import Book
from casebook.tables import FIELDS
from simulator.recipe import DELIVERED_TRAILING

KINDS = {"tdx-v4": "tdx-v4", "tdx-v5-type2": "tdx-v5", "tdx-v5-type3": "tdx-v5", "sgx-v3": "sgx-v3", "sgx-v4": "sgx-v4", "sgx-v5": "sgx-v5"}
#: Length of what is signed, by kind.
SIGNED = {"tdx-v4": 632, "tdx-v5-type2": 638, "tdx-v5-type3": 702, "sgx-v3": 432, "sgx-v4": 432, "sgx-v5": 438}


def put(quote: bytes, offset: int, content: bytes) -> bytes:
    return quote[:offset] + content + quote[offset + len(content):]


def u16(value: int) -> bytes:
    return value.to_bytes(2, "little")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def write(book: Book) -> None:
    for kind, shown in KINDS.items():
        quote = book.world.mint(kind=kind).quote
        book.inspect(f"kind-{kind}", f"a sound quote of kind {kind}", quote, outcome.inspected(quote, kind=shown, platform=book.platform()))
        cut = SIGNED[kind]
        book.inspect(f"kind-{kind}-cut", f"a {kind} quote that ends inside its body", quote[:cut - 1], "EVIDENCE_QUOTE_TRUNCATED")
    quote = book.sound.quote
    book.inspect("trailing-zeros", "70 zero bytes after the quote are counted", quote + bytes(70),
                 outcome.inspected(quote, kind="tdx-v4", trailing=70, platform=book.platform()))
    book.inspect("trailing-bytes", "39 bytes after the quote are counted", quote + bytes(range(1, 40)),
                 outcome.inspected(quote, kind="tdx-v4", trailing=39, platform=book.platform()))
    debug = book.world.mint("debug").quote
    book.inspect("debug", "a debug TD is shown as such, without judgement", debug, outcome.inspected(debug, kind="tdx-v4", platform=book.platform()))
    processor = book.world.mint(platform={"ca": "processor"}).quote
    book.inspect("processor-ca", "a PCK certificate of the Processor CA has no platform instance id", processor, outcome.inspected(
        processor, kind="tdx-v4", platform={**book.platform(), "platform_instance_id": None}))
    write_refusals(book)
    write_certificates(book)


def write_certificates(book: Book) -> None:
    """A certificate is shown as its quote, with the event log beside it."""
    events = book.sound.guest.events
    kept = [event for event in events if event.imr == 3]
    complete = json.loads(book.sound.event_log)
    stripped = [{**entry, "digest": ""} for entry in complete if entry["imr"] == 3]
    legacy = identity.shown_events(events)
    certificates: dict[str, tuple[Any, Any, list[dict[str, Any]] | None]] = {
        "v0": (kept, stripped, identity.shown_events(kept, with_digests=False)),
        "v0-full": (events, [entry if entry["imr"] < 3 else {**entry, "digest": ""} for entry in complete], identity.shown_events(events, with_digests=False)),
        "legacy": (events, complete, legacy), "legacy-no-log": (None, None, None), "legacy-bad-log": (None, "bar", None),
    }
    for form, (known, event_log, shown) in certificates.items():
        minted = book.world.mint(form=form)
        expected = outcome.inspected(minted.quote, kind="tdx-v4", trailing=len(DELIVERED_TRAILING), platform=book.platform(), events=known)
        expected["fields"] |= {"event_log": event_log, "events": shown}
        book.inspect_certificate(form, f"a certificate with its evidence as {form}", minted.certificate_der, expected)
    nothing = {"accepted": True, "fields": {name: None for name, row in FIELDS.items() if row["in"] != "result"}}
    for form in ("none", "legacy-log-only"):
        book.inspect_certificate(form, f"a certificate without a quote ({form}) shows nothing", book.world.mint(form=form).certificate_der, nothing)
    book.inspect_certificate("attestation-garbage", "unusable evidence is not shown", book.world.mint(form="attestation-garbage").certificate_der,
                             outcome.failure("EVIDENCE_ENVELOPE_VERSION"))


def write_refusals(book: Book) -> None:
    v4, v5 = book.sound.quote, book.world.mint(kind="tdx-v5-type3").quote
    v3 = book.world.mint(kind="sgx-v3").quote
    cases: dict[str, tuple[str, bytes, str]] = {
        "empty": ("no bytes", b"", "EVIDENCE_QUOTE_TRUNCATED"),
        "header-cut": ("47 bytes of header", v4[:47], "EVIDENCE_QUOTE_TRUNCATED"),
        "too-large": ("more than 64 KiB", v4 + bytes(65 * 1024 - len(v4)), "EVIDENCE_QUOTE_TOO_LARGE"),
        **{f"version-{version}": (f"version {version}", put(v4, 0, u16(version)), "EVIDENCE_QUOTE_VERSION") for version in (0, 1, 2, 6, 255, 65535)},
        **{f"key-type-{kind}": (f"attestation key type {kind}", put(v4, 2, u16(kind)), "EVIDENCE_QUOTE_KEY_TYPE") for kind in (0, 1, 3, 255)},
        **{f"tee-type-{tee:x}": (f"TEE type {tee:#x}", put(v4, 4, u32(tee)), "EVIDENCE_QUOTE_TEE_TYPE") for tee in (1, 0x80, 0x82, 0x81000000)},
        "tee-type-v3-tdx": ("version 3 that says TDX", put(v3, 4, u32(0x81)), "EVIDENCE_QUOTE_TEE_TYPE"),
        "vendor": ("a QE vendor that is not Intel", put(v4, 12, bytes([v4[12] ^ 1])), "EVIDENCE_QUOTE_VENDOR"),
        "reserved-1": ("the first reserved word is not zero", put(v4, 8, u16(1)), "EVIDENCE_QUOTE_RESERVED"),
        "reserved-2": ("the second reserved word is not zero", put(v4, 10, u16(0x8000)), "EVIDENCE_QUOTE_RESERVED"),
        **{f"body-type-{kind}": (f"version 5 body type {kind}", put(v5, 48, u16(kind)), "EVIDENCE_QUOTE_BODY_TYPE") for kind in (0, 4, 5, 65535)},
        **{f"body-size-{size}": (f"version 5 body size {size}", put(v5, 50, u32(size)), "EVIDENCE_QUOTE_BODY_SIZE")
           for size in (0, 584, 647, 649, 0xFFFFFFFF)},
        "body-type-sgx-in-tdx": ("TDX with an SGX body", put(v5, 48, u16(1)), "EVIDENCE_QUOTE_TEE_MISMATCH"),
        "body-type-tdx-in-sgx": ("SGX with a TDX body", put(book.world.mint(kind="sgx-v5").quote, 48, u16(2)), "EVIDENCE_QUOTE_TEE_MISMATCH"),
        "v5-on-v4-bytes": ("a version 4 quote that says version 5", put(v4, 0, u16(5)), "EVIDENCE_QUOTE_BODY_TYPE"),
    }
    for name, (description, quote, code) in cases.items():
        book.inspect(name, description, quote, code)


def signature_cases(book: Book) -> dict[str, tuple[str, dict[str, Any] | bytes, str]]:
    """Faults of the signature data, for verification: name to description, mint arguments or bytes, code."""
    v4 = book.sound.quote
    size = int.from_bytes(v4[632:636], "little")
    inner = 1252
    return {
        "sig-len-plus-one": ("a signature length one too large", put(v4, 632, u32(size + 1)), "EVIDENCE_QUOTE_TRUNCATED"),
        "sig-len-huge": ("a signature length of 4 GiB", put(v4, 632, u32(0xFFFFFFFF)), "EVIDENCE_QUOTE_TRUNCATED"),
        "sig-len-zero": ("a signature length of zero", put(v4, 632, u32(0)), "EVIDENCE_QUOTE_TRUNCATED"),
        "sig-len-133": ("a signature length that ends before the certification data", put(v4, 632, u32(133)), "EVIDENCE_QUOTE_TRUNCATED"),
        "sig-len-minus-one": ("a signature length one too small", put(v4, 632, u32(size - 1)), "EVIDENCE_QUOTE_CERT_SIZE"),
        "cut-last-byte": ("a quote without its last byte", v4[:-1], "EVIDENCE_QUOTE_TRUNCATED"),
        "cut-in-signature": ("a quote that ends inside its signature", v4[:700], "EVIDENCE_QUOTE_TRUNCATED"),
        "cut-in-chain": ("a quote that ends inside its PCK chain", v4[:2000], "EVIDENCE_QUOTE_TRUNCATED"),
        **{f"outer-type-{kind}": (f"outer certification data type {kind}", {"signature": {"outer_type": kind}}, "EVIDENCE_QUOTE_CERT_TYPE")
           for kind in (1, 5, 7)},
        "outer-size-plus-one": ("an outer size one too large", put(v4, 766, u32(size - 133)), "EVIDENCE_QUOTE_CERT_SIZE"),
        "outer-size-minus-one": ("an outer size one too small", put(v4, 766, u32(size - 135)), "EVIDENCE_QUOTE_CERT_SIZE"),
        **{f"inner-type-{kind}": (f"inner certification data type {kind}", {"signature": {"certification_type": kind}}, "EVIDENCE_QUOTE_CERT_TYPE")
           for kind in (0, 6, 7, 65535)},
        "inner-size-wraps": ("an inner size that wraps where sizes have 32 bits", put(v4, inner + 2, u32(0xFFFFFFFA)), "EVIDENCE_QUOTE_TRUNCATED"),
        "authentication-data-huge": ("QE authentication data longer than the quote", put(v4, 1218, u16(65535)), "EVIDENCE_QUOTE_TRUNCATED"),
        "outer-slack": ("bytes after the certification data, inside the outer size", {"signature": {"outer_slack": b"\0"}},
                        "EVIDENCE_QUOTE_SIG_SLACK"),
        "v3-slack": ("version 3: a byte after the certification data, inside the signature length", {"kind": "sgx-v3", "signature": {"slack": b"\0"}},
                     "EVIDENCE_QUOTE_SIG_SLACK"),
        "certification-data-huge": ("certification data of more than 32 KiB", {"signature": {"certification_data": bytes(33 * 1024)}},
                                    "EVIDENCE_QUOTE_TOO_LARGE"),
        **{f"certification-type-{kind}": (f"certification data of type {kind}, which carries no chain",
                                          {"signature": {"certification_type": kind, "certification_data": bytes(length)}}, "DCAP_PCK_CHAIN_MISSING")
           for kind, length in ((1, 36), (2, 276), (3, 404))},
    }
