"""Pins: fields and the values that they may have."""
from __future__ import annotations

from typing import Any

from casebook.book import HEALTHY, Book
from casebook.outcome import Verdict
from casebook.tables import FIELDS

IDENTITY = ("mr_td", "rtmr0", "rtmr1", "rtmr2")
APPLICATION = {"compose_hash": "ab" * 32, "app_id": "ab" * 20, "instance_id": "ab" * 20, "key_provider": "kms:abcd", "os_image_hash": "ab" * 32}


def write(book: Book) -> None:
    fields = book.accepted(book.sound)["result"]
    for name, row in FIELDS.items():
        if row.get("pin") is not True or row["type"] != "hex":
            continue
        value = fields[name] if name in fields else book.sound.quote[12:28].hex()  # qe_vendor_id: header only
        other = f"{int(value[:2], 16) ^ 1:02x}{value[2:]}"
        code = "MRTD_NOT_ALLOWED" if name == "mr_td" else "PIN_MISMATCH"
        book.verify(f"pins/{name}", f"{name} is pinned and has the value", book.sound, book.accepted(book.sound), options={"pins": {name: [value]}})
        book.verify(f"pins/{name}-other", f"{name} is pinned and has another value", book.sound, (code, HEALTHY), options={"pins": {name: [other]}})
    write_identity(book)
    write_mistakes(book)
    write_application(book)
    enclave = book.world.mint(kind="sgx-v3")
    book.verify("pins/mr-td-of-an-enclave", "an MRTD is pinned and the quote is an enclave's", enclave, ("PIN_UNVERIFIABLE", Verdict(module=None)),
                options={"allowed_mr_td": ["ab" * 48]})
    book.verify("pins/noop-fmspc", "what only a verifier can establish, under noop", book.sound, "PIN_UNVERIFIABLE", verifier="noop",
                options={"pins": {"fmspc": [fields["fmspc"]]}})
    processor = book.world.mint(platform={"ca": "processor"})
    book.verify("pins/platform-instance-id-missing", "a platform instance id is pinned and the machine has none", processor,
                ("PIN_UNVERIFIABLE", HEALTHY), options={"pins": {"platform_instance_id": ["ab" * 16]}})


def write_identity(book: Book) -> None:
    """MRTD and RTMR0 to RTMR2 pinned: the result says so."""
    values: dict[str, Any] = {name: [book.sound.field(name)] for name in IDENTITY}
    book.verify("pins/identity", "firmware and kernel are pinned", book.sound, book.accepted(book.sound, identity_pinned=True), options={"pins": values})
    split = {name: value for name, value in values.items() if name != "mr_td"}
    book.verify("pins/identity-mr-td-apart", "the same with the MRTD in its own option", book.sound, book.accepted(book.sound, identity_pinned=True),
                options={"allowed_mr_td": values["mr_td"], "pins": split})
    for left_out in IDENTITY:
        fewer = {name: value for name, value in values.items() if name != left_out}
        book.verify(f"pins/identity-without-{left_out}", f"firmware and kernel without {left_out}", book.sound, book.accepted(book.sound),
                    options={"pins": fewer})
    book.verify("pins/single-value", "a value without a list around it", book.sound, book.accepted(book.sound), options={"pins": {"rtmr3": book.sound.field("rtmr3")}})
    book.verify("pins/alternatives", "the second of two values", book.sound, book.accepted(book.sound),
                options={"pins": {"rtmr3": ["ab" * 48, f"0X{book.sound.field('rtmr3').upper()}"]}})
    book.verify("pins/two-fields-one-wrong", "fields are joined by and", book.sound, ("PIN_MISMATCH", HEALTHY),
                options={"pins": {"rtmr0": book.sound.field("rtmr0"), "rtmr1": "ab" * 48}})


def write_mistakes(book: Book) -> None:
    mr_td = book.sound.mr_td
    mistakes: dict[str, tuple[str, dict[str, Any], str]] = {
        "field-unknown": ("a field that does not exist", {"pins": {"rtmr4": ["ab" * 48]}}, "PIN_UNKNOWN"),
        "field-not-pinnable": ("a field that cannot be pinned", {"pins": {"tcb_status": ["OK"]}}, "PIN_UNKNOWN"),
        "field-case": ("a field in the wrong case", {"pins": {"RTMR0": ["ab" * 48]}}, "PIN_UNKNOWN"),
        "values-empty": ("a pin with no values", {"pins": {"rtmr0": []}}, "OPTION_EMPTY_LIST"),
        "pins-empty": ("pins that are given and empty", {"pins": {}}, "OPTION_EMPTY_LIST"),
        "value-short": ("a value that is too short", {"pins": {"rtmr0": ["ab" * 47]}}, "OPTION_VALUE"),
        "value-long": ("a value that is too long", {"pins": {"fmspc": ["ab" * 7]}}, "OPTION_VALUE"),
        "value-number": ("a value that is a number", {"pins": {"rtmr0": 1}}, "OPTION_TYPE"),
        "pins-list": ("pins as a list", {"pins": [{"rtmr0": "ab" * 48}]}, "OPTION_TYPE"),
        "mr-td-both-ways": ("the MRTD by its option and as a pin", {"allowed_mr_td": [mr_td], "pins": {"mr_td": [mr_td]}}, "OPTION_DUPLICATE"),
    }
    for name, (description, options, code) in mistakes.items():
        book.verify(f"pins/mistake-{name}", description, book.sound, code, options=options)
    book.verify("pins/mistake-field-twice", "a field twice", book.sound, "OPTION_DUPLICATE",
                options_text='{"pins":{"rtmr0":"' + "ab" * 48 + '","rtmr0":"' + "cd" * 48 + '"}}')


def write_application(book: Book) -> None:
    """An application counts only under pinned firmware and kernel."""
    identity: dict[str, Any] = {name: [book.sound.field(name)] for name in IDENTITY}
    for name, value in APPLICATION.items():
        book.verify(f"pins/application-{name}-alone", f"{name} without firmware and kernel", book.sound, "PINS_INCOMPLETE", options={"pins": {name: [value]}})
    for left_out in IDENTITY:
        fewer = {name: value for name, value in identity.items() if name != left_out}
        book.verify(f"pins/application-without-{left_out}", f"compose_hash with everything but {left_out}", book.sound, "PINS_INCOMPLETE",
                    options={"pins": {**fewer, "compose_hash": [APPLICATION["compose_hash"]]}})
    book.verify("pins/application-app-id-without-provider", "app_id without a key provider", book.sound, "PINS_INCOMPLETE",
                options={"pins": {**identity, "app_id": [APPLICATION["app_id"]]}})
