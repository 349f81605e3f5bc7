"""The sidecar's attestation report: what it must say, and what it must not (evidence format 3.5, 7)."""
from __future__ import annotations

import hashlib
import json
from typing import Any, Mapping

from casebook import outcome
from casebook.application import pins
from casebook.book import HEALTHY, Book, Expectation
from simulator import report
from simulator.recipe import DELIVERED_TRAILING
from simulator.report import ENCODINGS, PostgresState

STATE = PostgresState()
FORMAT, CONTRADICTION, UNRECOGNISED = "REPORT_FORMAT", "REPORT_CONTRADICTION", ("REPORT_DATA_UNRECOGNISED", HEALTHY)


def write(book: Book) -> None:
    write_encodings(book)
    write_times(book)
    write_contradictions(book)
    write_format(book)
    write_policy(book)


def accepted(book: Book, said: Mapping[str, Any], encoding: str = "A", **more: Any) -> dict[str, Any]:
    return book.accepted(book.sound, quote=bytes.fromhex(said["quote"])[:-len(DELIVERED_TRAILING)], key_bound=False, encoding=encoding, **more)


def verify(book: Book, name: str, description: str, said: Mapping[str, Any], expect: Expectation, **more: Any) -> None:
    book.verify_report(f"report/{name}", description, report.to_json(said), expect, **more)


def write_encodings(book: Book) -> None:
    for name in ENCODINGS:
        said = report.make(book.world, book.now, encoding=name)
        verify(book, f"encoding-{name}", f"REPORTDATA in encoding {name}", said, accepted(book, said, name))
    lsn, digest, time = STATE.wal_lsn, STATE.controldata_hash, str(book.now)
    others = {
        "separators": hashlib.sha256(f"{lsn}|{digest.hex()}|{time}".encode()).digest() + bytes(32),
        "binary-lsn": hashlib.sha256(int(lsn.replace("/", ""), 16).to_bytes(8, "big") + digest + time.encode()).digest() + bytes(32),
        "capitals": hashlib.sha256(f"{lsn}{digest.hex().upper()}{time}".encode()).digest() + bytes(32),
        "milliseconds": hashlib.sha256(f"{lsn}{digest.hex()}{time}000".encode()).digest() + bytes(32),
        "sha512": hashlib.sha512(f"{lsn}{digest.hex()}{time}".encode()).digest(),
        "not-padded-with-zeros": report.report_data(STATE, book.now)[:32] + b"\x01" + bytes(31),
        "right-aligned": bytes(32) + report.report_data(STATE, book.now)[:32],
        "first-bit": bytes([report.report_data(STATE, book.now)[0] ^ 0x80]) + report.report_data(STATE, book.now)[1:],
        "zero": bytes(64),
    }
    for name, report_data in others.items():
        verify(book, f"encoding-other-{name}", f"REPORTDATA in an encoding that is not known: {name}", report.make(book.world, book.now, report_data=report_data), UNRECOGNISED)
    certificate = book.world.mint()
    verify(book, "certificate-quote", "the quote of a certificate, which commits to a key", report.document(certificate, STATE, book.now), UNRECOGNISED)
    for name, fault in report.REPORT_FAULTS.items():
        if name in ("wrong-lsn", "other-cluster"):
            verify(book, name, f"a report with a fault: {name}", fault(book.world, book.now, STATE), UNRECOGNISED)
    for member, value in (("wal_lsn", "0/1A2B3C9"), ("wal_lsn", "0/1a2b3c8"), ("controldata_hash", "ab" * 32)):
        said = report.make(book.world, book.now)
        said["postgres_state"][member] = value
        verify(book, f"other-{member}-{value[:9].replace('/', '-')}", f"another {member} than REPORTDATA commits to", said, UNRECOGNISED)
    said = {**report.make(book.world, book.now), "timestamp": book.now - 1}
    verify(book, "other-timestamp", "another time than REPORTDATA commits to", said, UNRECOGNISED)


def write_times(book: Book) -> None:
    for age, options, expect in (
        (0, {}, None), (60, {}, None), (61, {}, "REPORT_STALE"), (61, {"max_age_s": 61}, None), (5, {"max_age_s": 4}, "REPORT_STALE"),
        (86400 * 365, {"max_age_s": 86400 * 366}, None), (-5, {}, None), (-6, {}, "REPORT_NOT_YET"), (-6, {"max_age_s": 3600}, "REPORT_NOT_YET"),
    ):
        said = report.make(book.world, book.now - age)
        limit = f"-limit-{options['max_age_s']}" if options else ""
        name = f"age-{age}{limit}" if age >= 0 else f"ahead-{-age}{limit}"
        verify(book, name, f"a report {age} seconds old", said, accepted(book, said) if expect is None else (expect, HEALTHY), options=options)


def write_contradictions(book: Book) -> None:
    for member in ("mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3"):
        said = report.make(book.world, book.now)
        said["tcb_info"][member] = "ab" * 48
        verify(book, f"tcb-info-{member}", f"tcb_info's {member} is not the quote's", said, (CONTRADICTION, HEALTHY))
    said = {**report.make(book.world, book.now), "compose_hash": "ab" * 32}
    verify(book, "compose-hash-other", "another compose hash than MRCONFIGID's", said, (CONTRADICTION, HEALTHY))
    unused = report.make(book.world, book.now, body={"mr_config_id": bytes(48)})
    verify(book, "compose-hash-unproved", "a compose hash that nothing proves is not in the result", {**unused, "compose_hash": "ab" * 32}, accepted(book, unused))
    said = {**report.make(book.world, book.now), "app_id": "ab" * 20, "instance_id": "whatever"}
    verify(book, "app-id-unproved", "an app id that nothing proves is not in the result", said, accepted(book, said))


def changed(said: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one member changed; None takes it out."""
    copy: dict[str, Any] = json.loads(json.dumps(said))
    *parents, last = path.split(".")
    inside = copy
    for parent in parents:
        inside = inside[parent]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return copy


def write_format(book: Book) -> None:
    sound = report.make(book.world, book.now)
    fine: dict[str, dict[str, Any]] = {
        "quote-0x": changed(sound, "quote", "0x" + sound["quote"]), "capitals": changed(sound, "tcb_info.mrtd", sound["tcb_info"]["mrtd"].upper()),
        "unknown-member": changed(sound, "colour", "red"), "no-version": changed(sound, "postgres_state.pg_version", None),
        "hash-capitals": changed(sound, "postgres_state.controldata_hash", sound["postgres_state"]["controldata_hash"].upper()),
    }
    for name, said in fine.items():
        verify(book, f"form-{name}", f"a report in another form: {name}", said, accepted(book, sound))
    wrong: dict[str, tuple[str, Any]] = {}
    for path in ("app_id", "compose_hash", "instance_id", "quote", "tcb_info", "tcb_info.mrtd", "tcb_info.rtmr3", "postgres_state",
                 "postgres_state.wal_lsn", "postgres_state.controldata_hash", "timestamp"):
        wrong[f"no-{path}"] = (path, None)
        wrong[f"number-{path}"] = (path, 1.5 if path == "timestamp" else 1)
    wrong |= {
        "quote-empty": ("quote", ""), "quote-not-hex": ("quote", "xy"), "quote-odd": ("quote", "abc"), "app-id-short": ("app_id", "ab" * 19),
        "compose-hash-long": ("compose_hash", "ab" * 33), "instance-id-long": ("instance_id", "x" * 129), "mrtd-short": ("tcb_info.mrtd", "ab" * 47),
        "timestamp-text": ("timestamp", str(book.now)), "timestamp-negative": ("timestamp", -1), "timestamp-huge": ("timestamp", 1 << 60),
        "hash-short": ("postgres_state.controldata_hash", "ab" * 31),
    }
    for number, lsn in enumerate(("", "0", "/", "0/", "/0", "0/123456789", "123456789/0", "0/1A2B3CG", " 0/1", "0/1/2", "0\\/1")):
        wrong[f"lsn-{number}"] = ("postgres_state.wal_lsn", lsn)
    for name, (path, value) in wrong.items():
        verify(book, f"form-{name}", f"a report that is not in form: {name}", changed(sound, path, value), FORMAT)
    text = report.to_json(sound)
    raw: dict[str, bytes] = {
        "empty": b"", "html": b"<html></html>", "array": b"[]", "cut": text[:-1], "trailing": text + b"}", "nul": text + b"\0",
        "key-twice": text.replace(b'"timestamp"', b'"timestamp": 1, "timestamp"'), "exponent": text.replace(str(book.now).encode(), b"1.7e9"),
        "too-large": text[:-1] + b" " * (256 << 10) + b"}",
    }
    for name, content in raw.items():
        book.verify_report(f"report/form-raw-{name}", f"what is no report: {name}", content, FORMAT)


def write_policy(book: Book) -> None:
    sound = report.make(book.world, book.now)
    verify(book, "mr-td-other", "an MRTD is pinned and differs", sound, ("MRTD_NOT_ALLOWED", HEALTHY), options={"allowed_mr_td": ["ab" * 48]})
    verify(book, "pinned", "firmware, kernel and compose hash are pinned", sound, accepted(book, sound, identity_pinned=True),
           options=pins(book.sound, compose_hash=book.sound.guest.compose_hash.hex()))
    verify(book, "pinned-other", "another compose hash is pinned", sound, ("PIN_MISMATCH", HEALTHY), options=pins(book.sound, compose_hash="ab" * 32))
    verify(book, "app-id-pinned", "an app id is pinned, which no report proves", sound, ("PIN_UNVERIFIABLE", HEALTHY),
           options=pins(book.sound, app_id=book.sound.guest.app_id.hex(), key_provider="kms"))
    verify(book, "debug", "a report of a debug TD", report.make(book.world, book.now, fault="debug"), ("DEBUG_MODE", HEALTHY))
    verify(book, "tampered-signature", "a quote that nobody signed", report.make(book.world, book.now, fault="tampered_signature"), "DCAP_QUOTE_SIGNATURE")
    enclave = {**sound, "quote": book.world.mint(kind="sgx-v4").quote.hex()}
    verify(book, "enclave", "an enclave's quote", enclave, "EVIDENCE_QUOTE_NOT_TDX")
    garbage = {**sound, "quote": "00" * 700}
    verify(book, "quote-garbage", "a quote that is none", garbage, "EVIDENCE_QUOTE_VERSION")
    book.add("inspect/report", "a report, inspected", "inspect", {"report": book.vector("report/sound.report", report.to_json(sound))},
             outcome.inspected(bytes.fromhex(sound["quote"])[:-len(DELIVERED_TRAILING)], kind="tdx-v4", trailing=len(DELIVERED_TRAILING), platform=book.platform()))
