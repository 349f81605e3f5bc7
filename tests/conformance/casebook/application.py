"""Which application it is: event logs, their rules, MRCONFIGID, and the pins that rest on them (evidence format 4.3 to 4.7)."""
from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, Callable, Sequence

from casebook import identity, outcome
from casebook.book import HEALTHY, Book, Expectation
from casebook.evidence import with_payload
from simulator import messagepack
from simulator.event_log import ACPI_EVENT, Event, entry, to_json
from simulator.guest import other_application
from simulator.minted import Minted
from simulator.recipe import DELIVERED_TRAILING

RULE, REPLAY, CONTRADICTION = (f"EVIDENCE_{name}" for name in ("EVENT_LOG_RULE", "EVENT_LOG_REPLAY", "MR_CONFIG_ID"))
IDENTITY = ("mr_td", "rtmr0", "rtmr1", "rtmr2")
Events = tuple[Event, ...]


def write(book: Book) -> None:
    write_forms(book)
    write_inspected(book)
    write_rules(book)
    write_entries(book)
    write_tampered(book)
    write_versions(book)
    write_mr_config_id(book)
    write_hashed(book)
    write_pins(book)
    write_impostors(book)
    write_malformed(book)


def answer(minted: Minted, **changes: Any) -> bytes:
    """What GetQuote answers, with members changed; None takes one out."""
    said = {**json.loads(minted.getquote_json), **changes}
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


def refused(expect: str) -> Expectation:
    """These are found after the verdict on the TCB."""
    return (expect, HEALTHY)


# ---- forms

def write_forms(book: Book) -> None:
    sound, events = book.sound, book.sound.guest.events
    accepted = book.accepted(sound, events=events)
    forms = {
        "v0": ("an envelope V0", sound.attestation.v0()), "v1": ("an envelope V1", sound.attestation.v1()),
        "v0-full": ("an envelope V0 with the complete log", sound.attestation.complete().v0()),
        "getquote": ("what GetQuote answers", answer(sound)), "attest": ("what Attest answers", sound.attest_json.encode()),
        "getquote-array": ("an answer whose log is an array, not text", answer(sound, event_log=json.loads(sound.event_log))),
        "getquote-0x": ("an answer with 0x", answer(sound, quote="0x" + sound.attestation.quote.hex())),
        "getquote-attestation": ("an answer with the envelope beside the quote", answer(sound, attestation=sound.attestation.v0().hex())),
        "getquote-space": ("an answer with white space around it", b"\n  " + answer(sound) + b"\n"),
    }
    for name, (description, evidence) in forms.items():
        book.verify_evidence(f"application/{name}", description, evidence, sound, accepted)
    book.verify_evidence("application/getquote-without-log", "an answer without a log: MRCONFIGID tells the compose hash",
                         answer(sound, event_log=None), sound, book.accepted(sound))
    book.verify_evidence("application/getquote-empty-log", "an answer whose log is empty text", answer(sound, event_log=""), sound, book.accepted(sound))
    for form in ("legacy-no-log", "legacy-bad-log"):
        minted = book.world.mint(form=form)
        book.verify(f"application/{form}", f"a certificate without a log that can be read: {form}", minted, book.accepted(minted, bound=True, events=None), bound=True)
    nothing = book.world.mint(guest={"events": ()}, body={"mr_config_id": bytes(48)})
    book.verify_evidence("application/no-events", "no event and a register of zeros is legal, and tells nothing", nothing.attestation.v0(), nothing,
                         book.accepted(nothing, events=()))
    kms = events[:next(number for number, event in enumerate(events) if event.event == "os-image-hash")]
    minted = book.world.mint(guest={"events": kms})
    book.verify_evidence("application/kms", "a log that ends before system-ready, as a KMS has it", minted.attestation.v0(), minted, book.accepted(minted, events=kms))


def write_inspected(book: Book) -> None:
    """Evidence and reports, inspected."""
    sound, events = book.sound, book.sound.guest.events
    for name, evidence, shown, log in (
        ("getquote", answer(sound), identity.shown_events(events), json.loads(sound.event_log)),
        ("v0-full", sound.attestation.complete().v0(), identity.shown_events(events, with_digests=False),
         [item if item["imr"] < 3 else {**item, "digest": ""} for item in json.loads(sound.event_log)]),
    ):
        expected = outcome.inspected(sound.quote, kind="tdx-v4", trailing=len(DELIVERED_TRAILING), platform=book.platform(), events=events)
        expected["fields"] |= {"events": shown, "event_log": log}
        book.add(f"inspect/evidence-{name}", f"evidence as {name}, inspected", "inspect", {"evidence": book.vector(f"application/{name}.evidence", evidence)}, expected)
    log = json.loads(sound.event_log)
    log[-1]["event_payload"] = "00"
    changed = [*events[:-1], replace(events[-1], payload=b"\0")]
    expected = outcome.inspected(sound.quote, kind="tdx-v4", trailing=len(DELIVERED_TRAILING), platform=book.platform())
    shown = identity.shown_events(changed)
    shown[-1]["digest_ok"] = False
    expected["fields"] |= {"events": shown, "event_log": log, "explained_registers": ["rtmr0", "rtmr1", "rtmr2"], "compose_hash": None,
                           "compose_hash_source": None}
    book.add("inspect/evidence-wrong-digest", "a log that breaks a rule explains nothing, and nothing is told of the application", "inspect",
             {"evidence": book.vector("application/wrong-digest.evidence", answer(sound, event_log=json.dumps(log)))}, expected)


# ---- the rules of 4.5: each broken alone, in a log that replays

def insert(events: Events, before: str, *more: Event) -> Events:
    at = next(number for number, event in enumerate(events) if event.event == before)
    return (*events[:at], *more, *events[at:])


def change(events: Events, name: str, **changes: Any) -> Events:
    return tuple(replace(event, **changes) if event.event == name else event for event in events)


def without(events: Events, name: str) -> Events:
    return tuple(event for event in events if event.event != name)


def write_rules(book: Book) -> None:
    guest = book.sound.guest
    events = guest.events
    compose = guest.compose_hash
    broken: dict[str, tuple[str, Events]] = {}
    for name, payload in (("app-id", bytes(20)), ("compose-hash", compose), ("instance-id", bytes(20)), ("key-provider", guest.key_provider),
                          ("os-image-hash", guest.os_image_hash)):
        broken[f"{name}-twice"] = (f"a second {name} before system-ready", insert(events, "storage-fs", Event(3, name, payload)))
    for name, lengths in (("app-id", (0, 19, 21)), ("compose-hash", (0, 31, 33)), ("instance-id", (1, 19, 21)), ("os-image-hash", (31, 33))):
        for length in lengths:
            broken[f"{name}-{length}"] = (f"{name} of {length} bytes", change(events, name, payload=bytes(length)))
    for name, payload in (("text", b"kms"), ("empty", b""), ("array", b"[]"), ("no-id", b'{"name":"kms"}'), ("no-name", b'{"id":""}'),
                          ("id-not-hex", b'{"name":"kms","id":"xy"}'), ("id-odd", b'{"name":"kms","id":"abc"}'),
                          ("name-with-colon", b'{"name":"kms:ab","id":""}'), ("name-empty", b'{"name":"","id":""}'),
                          ("name-twice", b'{"name":"kms","name":"tpm","id":""}'), ("number", b'{"name":"kms","id":1}')):
        broken[f"key-provider-{name}"] = (f"a key provider that cannot be read: {name}", change(events, "key-provider", payload=payload))
    for name, (description, log) in broken.items():
        minted = book.world.mint(guest={"events": log})
        book.verify_evidence(f"application/rule-{name}", description, minted.attestation.v0(), minted, refused(RULE))
    write_unbroken(book)
    # Its digest is what name and payload have under that type, so that nothing but the type is wrong.
    measured = hashlib.sha384(ACPI_EVENT.to_bytes(4, "little") + b":storage-fs:zfs").digest()
    other_type = change(events, "storage-fs", event_type=ACPI_EVENT, digest=measured)
    minted = book.world.mint(guest={"events": other_type})
    book.verify_evidence("application/rule-type", "an event of another type in RTMR3", answer(minted), minted, refused(RULE))


def write_unbroken(book: Book) -> None:
    """What looks like a broken rule and is none."""
    guest = book.sound.guest
    events = guest.events
    late = (*events, Event(3, "app-id", bytes(20)), Event(3, "compose-hash", bytes(32)), Event(3, "key-provider", b"mine"), Event(3, "LIUM_MINER_HOTKEY", b"5D3"))
    fine: dict[str, tuple[str, Events]] = {
        "after-ready": ("what the application measures after system-ready is not the system's", late),
        "instance-id-empty": ("an instance id that is disabled", change(events, "instance-id", payload=b"")),
        "os-image-hash-empty": ("an image hash that nobody gave", change(events, "os-image-hash", payload=b"")),
        "app-id-late-only": ("an app id that only the application wrote is none", (*without(events, "app-id"), Event(3, "app-id", bytes(20)))),
        "unknown-event": ("events of other names", insert(events, "instance-id", Event(3, "init-script-hash", bytes(32)), Event(3, "init-script-hash", b"\1" * 32))),
        "key-provider-none": ("a key provider without an id", change(events, "key-provider", payload=b'{"name":"none","id":""}')),
        "key-provider-more": ("a key provider with a member more", change(events, "key-provider", payload=b'{"id":"abcd","name":"local-sgx","more":[1]}')),
        "no-key-provider": ("no key provider", without(events, "key-provider")),
        "ready-twice": ("system-ready twice", (*events, Event(3, "system-ready"))),
    }
    for name, (description, log) in fine.items():
        minted = book.world.mint(guest={"events": log})
        book.verify_evidence(f"application/{name}", description, minted.attestation.v0(), minted, book.accepted(minted, events=log))


def write_entries(book: Book) -> None:
    """The JSON form, entry by entry: the quote is sound, and so is every other entry."""
    sound = book.sound
    entries = json.loads(sound.event_log)
    at = next(number for number, item in enumerate(entries) if item["event"] == "app-id")
    event = sound.guest.events[at]
    accepted = book.accepted(sound, events=sound.guest.events)
    variants: dict[str, tuple[str, dict[str, Any], Expectation]] = {
        "digest-missing": ("a digest that is left out", {"digest": None}, accepted),
        "digest-empty": ("a digest that is empty", {"digest": ""}, accepted),
        "preimage": ("a preimage that is right", {"preimage": event.preimage.hex()}, accepted),
        "unknown-member": ("a member that is not known", {"colour": "red"}, accepted),
        "version-1": ("a version that is written out", {"version": 1}, accepted),
        "digest-wrong": ("a digest that is another event's", {"digest": entries[at + 1]["digest"]}, RULE),
        "digest-short": ("a digest of 47 bytes", {"digest": entries[at]["digest"][2:]}, RULE),
        "digest-upper-case": ("a digest in capitals", {"digest": entries[at]["digest"].upper()}, RULE),
        "digest-number": ("a digest that is a number", {"digest": 1}, RULE),
        "preimage-wrong": ("a preimage that is another", {"preimage": "00" + event.preimage.hex()[2:]}, RULE),
        "preimage-number": ("a preimage that is a number", {"preimage": 1}, RULE),
        "version-0": ("version 0", {"version": 0}, RULE), "version-3": ("version 3", {"version": 3}, RULE),
        "version-text": ("a version that is text", {"version": "1"}, RULE),
        "version-2": ("version 2 with version 1's digest", {"version": 2}, RULE),
        "register-4": ("register 4", {"imr": 4}, RULE), "register-missing": ("no register", {"imr": None}, RULE),
        "register-text": ("a register that is text", {"imr": "3"}, RULE),
        "type-missing": ("no type", {"event_type": None}, RULE), "type-large": ("a type of 33 bits", {"event_type": 1 << 32}, RULE),
        "name-missing": ("no name", {"event": None}, RULE), "name-long": ("a name of 257 bytes", {"event": "x" * 257}, RULE),
        "payload-missing": ("no payload", {"event_payload": None}, RULE), "payload-odd": ("half a byte", {"event_payload": entries[at]["event_payload"][1:]}, RULE),
        "payload-upper-case": ("a payload in capitals", {"event_payload": entries[at]["event_payload"].upper()}, RULE),
        "payload-0x": ("a payload with 0x", {"event_payload": "0x" + entries[at]["event_payload"]}, RULE),
    }
    for name, (description, changes, expect) in variants.items():
        entry_changed = {key: value for key, value in {**entries[at], **changes}.items() if value is not None}
        log = json.dumps([*entries[:at], entry_changed, *entries[at + 1:]])
        code = isinstance(expect, str)
        # In an answer of the guest agent the log is read before anything is verified, so that no verdict is there yet.
        early = code and name not in ("digest-wrong", "preimage-wrong", "version-2")
        book.verify_evidence(f"application/entry-{name}", description, answer(sound, event_log=log), sound,
                             RULE if early else refused(RULE) if code else expect)


# ---- logs that are not the one that was measured

def write_tampered(book: Book) -> None:
    events = book.sound.guest.events
    at = next(number for number, event in enumerate(events) if event.event == "app-id")
    app_id = events[at]
    flipped = replace(app_id, payload=bytes([app_id.payload[0] ^ 1]) + app_id.payload[1:])
    logs: dict[str, tuple[str, Sequence[Event]]] = {
        "payload-flipped": ("one bit of a payload is another", [*events[:at], flipped, *events[at + 1:]]),
        "name-flipped": ("one letter of a name is another", change(events, "storage-fs", event="storage-ft")),
        "moved": ("two events have changed places", [*events[:at], events[at + 1], app_id, *events[at + 2:]]),
        "dropped": ("an event is missing", without(events, "storage-fs")),
        "last-dropped": ("the last event is missing", events[:-1]),
        "doubled": ("an event is there twice", insert(events, "storage-fs", Event(3, "storage-fs", b"zfs"))),
        "appended": ("an event more at the end", (*events, Event(3, "mine"))),
        "forged": ("an event of the application's is put before system-ready", insert(events, "system-ready", Event(3, "LIUM_MINER_HOTKEY", b"5D3"))),
        "replaced": ("another application's log", tuple(replace(event, payload=hashlib.sha256(event.payload).digest()[:len(event.payload)])
                                                        if event.event in ("app-id", "compose-hash") else event for event in events)),
        "empty": ("no event at all", tuple(event for event in events if event.imr < 3)),
    }
    for name, (description, log) in logs.items():
        v0 = book.world.mint(attestation={"events": list(log)})
        book.verify(f"application/tampered-{name}-v0", f"{description} (V0)", v0, refused(REPLAY), bound=True)
        legacy = book.world.mint(form="legacy", event_log=to_json(log))
        book.verify(f"application/tampered-{name}-legacy", f"{description} (legacy)", legacy, refused(REPLAY), bound=True)
    kernel = book.world.mint(body={"rtmr3": bytes(range(48))})
    book.verify("application/other-register", "the right log beside another RTMR3", kernel, refused(REPLAY), bound=True)


def write_versions(book: Book) -> None:
    """Digests of version 2 (evidence format 4.3)."""
    events = tuple(replace(event, version=2) if event.imr == 3 else event for event in book.sound.guest.events)
    mixed = tuple(replace(event, version=1 + number % 2) if event.imr == 3 else event for number, event in enumerate(events))
    odd = (*events, Event(3, 'quote " backslash \\ tab \t bell \a slash / umlaut ü', b"\xff", version=2), Event(3, "\b\f\n\r\x7f", version=2))
    for name, log in (("two", events), ("mixed", mixed), ("odd-names", odd)):
        minted = book.world.mint(guest={"events": log}, form="v1")
        book.verify(f"application/version-{name}-v1", f"digests of version 2 in V1: {name}", minted, book.accepted(minted, bound=True, events=log), bound=True)
        book.verify_evidence(f"application/version-{name}-json", f"digests of version 2 in JSON: {name}", answer(minted), minted, book.accepted(minted, events=log))
    minted = book.world.mint(guest={"events": events}, form="v0")
    book.verify("application/version-two-v0", "digests of version 2 in V0, which cannot say so", minted, refused(REPLAY), bound=True)
    wrong = book.world.mint(guest={"events": events}, attestation={"events": list(mixed)}, form="v1")
    book.verify("application/version-wrong", "a version that was not measured", wrong, refused(REPLAY), bound=True)
    document = book.sound.attestation.v1_document()
    document["stack"]["data"]["runtime_events"][0]["version"] = 3
    book.verify("application/version-three-v1", "version 3 in V1", book.sound, "EVIDENCE_MESSAGEPACK_FORMAT",
                certificate=with_payload(book, messagepack.pack(document)))


# ---- MRCONFIGID

def keccak256(content: bytes) -> bytes:
    """Keccak-256 with the padding of before FIPS 202."""
    rate, lanes = 136, [[0] * 5 for _ in range(5)]
    padded = bytearray(content) + b"\x01" + bytes(-(len(content) + 1) % rate)
    padded[-1] |= 0x80
    for start in range(0, len(padded), rate):
        for lane in range(rate // 8):
            lanes[lane % 5][lane // 5] ^= int.from_bytes(padded[start + 8 * lane:start + 8 * lane + 8], "little")
        lanes = permute(lanes)
    return b"".join(lanes[lane % 5][lane // 5].to_bytes(8, "little") for lane in range(4))


def rotate(value: int, by: int) -> int:
    return ((value << by % 64) | (value >> (64 - by % 64))) & (1 << 64) - 1


def permute(lanes: list[list[int]]) -> list[list[int]]:
    """Keccak-f[1600]."""
    state = 1
    for _ in range(24):
        columns = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        lanes = [[lanes[x][y] ^ columns[(x + 4) % 5] ^ rotate(columns[(x + 1) % 5], 1) for y in range(5)] for x in range(5)]
        x, y, current = 1, 0, lanes[1][0]
        for turn in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], rotate(current, (turn + 1) * (turn + 2) // 2)
        lanes = [[lanes[x][y] ^ (~lanes[(x + 1) % 5][y] & lanes[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
        for bit in range(7):
            state = (state << 1 ^ (state >> 7) * 0x71) % 256
            if state & 2:
                lanes[0][0] ^= 1 << (1 << bit) - 1
    return lanes


def second(compose_hash: bytes, app_id: bytes, provider_id: bytes, kind: int = 2) -> bytes:
    """Version 02."""
    return b"\x02" + keccak256(compose_hash + app_id + bytes([kind]) + provider_id) + bytes(15)


def third(document: str) -> bytes:
    """Version 03."""
    return b"\x03" + hashlib.sha256(b"dstack-mr-config-v3:\0" + document.encode()).digest() + bytes(15)


def provider_id(minted: Minted) -> bytes:
    return bytes.fromhex(json.loads(minted.guest.key_provider)["id"])


def config_document(minted: Minted, **changes: Any) -> str:
    """The document as dstack's host writes it."""
    members = {"app_id": minted.guest.app_id.hex(), "compose_hash": minted.guest.compose_hash.hex(), "instance_id": minted.guest.instance_id.hex(),
               "key_provider": "kms", "key_provider_id": provider_id(minted).hex(), "version": 3, **changes}
    return json.dumps({name: value for name, value in sorted(members.items()) if value is not None}, separators=(",", ":"))


def write_mr_config_id(book: Book) -> None:
    """Beside a log: what agrees, and what contradicts."""
    sound = book.sound
    guest = sound.guest
    other = bytes(32)
    agreeing = {
        "unused": ("MRCONFIGID is not used", bytes(48), None),
        "two": ("version 02 of what the log says", second(guest.compose_hash, guest.app_id, provider_id(sound)), None),
        "three": ("version 03 of what the log says", third(config_document(sound)), {"mr_config": config_document(sound)}),
        "three-inner": ("version 03, whose document is in the VM's configuration", third(config_document(sound)),
                        {"vm_config": json.dumps({"mr_config": config_document(sound)})}),
        "three-unknown": ("version 03 of a document that is not there", third(config_document(sound, gpu_policy_hash="ab" * 32)), {}),
        "three-unproved": ("a document that is not the one that is hashed proves nothing", third(config_document(sound)),
                           {"mr_config": config_document(sound, app_id="ab" * 20)}),
        "four": ("a version that is not known", b"\x04" + guest.compose_hash + bytes(15), None),
        "padded": ("version 01 with more than zeros behind it", b"\x01" + other + bytes(14) + b"\x01", None),
    }
    for name, (description, value, config) in agreeing.items():
        minted = book.world.mint(body={"mr_config_id": value}, attestation={} if config is None else {"config": json.dumps(config)})
        book.verify_evidence(f"application/mr-config-id-{name}", description, minted.attestation.v0(), minted, book.accepted(minted, events=guest.events))
    contradicting = {
        "one": ("version 01 of another compose file", b"\x01" + other + bytes(15), None),
        "two": ("version 02 of another compose file", second(other, guest.app_id, provider_id(sound)), None),
        "two-kind": ("version 02 of another kind of key provider", second(guest.compose_hash, guest.app_id, provider_id(sound), 3), None),
    }
    for member, value in (("compose_hash", "ab" * 32), ("app_id", "ab" * 20), ("instance_id", "ab" * 20), ("key_provider", "tpm"),
                          ("key_provider_id", "abcd")):
        document = config_document(sound, **{member: value})
        contradicting[f"three-{member}"] = (f"version 03 of another {member}", third(document), {"mr_config": document})
    for name, (description, value, config) in contradicting.items():
        minted = book.world.mint(body={"mr_config_id": value}, attestation={} if config is None else {"config": json.dumps(config)})
        book.verify_evidence(f"application/contradiction-{name}", description, minted.attestation.v0(), minted, refused(CONTRADICTION))


def pins(minted: Minted, **more: Any) -> dict[str, Any]:
    """Firmware, kernel, and what else is said."""
    return {"pins": {**{name: [minted.field(name)] for name in IDENTITY}, **more}}


def write_hashed(book: Book) -> None:
    """A quote alone: what is pinned is confirmed where MRCONFIGID is its hash."""
    sound = book.sound
    guest = sound.guest
    provider = f"kms:{provider_id(sound).hex()}"
    right = {"compose_hash": ["ab" * 32, guest.compose_hash.hex()], "app_id": ["ab" * 20, guest.app_id.hex()], "key_provider": ["kms:abcd", provider]}
    whole = {**right, "instance_id": guest.instance_id.hex()}
    values = {
        "two": (second(guest.compose_hash, guest.app_id, provider_id(sound)), right),
        "three": (third(config_document(sound)), whole),
        "three-least": (third(config_document(sound, app_id=None, instance_id=None)), {key: right[key] for key in ("compose_hash", "key_provider")}),
    }
    for name, (value, chosen) in values.items():
        minted = book.world.mint(body={"mr_config_id": value})
        expected = book.accepted(minted, identity_pinned=True)
        expected["result"] |= {"compose_hash": guest.compose_hash.hex(), "compose_hash_source": "mr_config_id", "key_provider": provider,
                               "app_id": guest.app_id.hex() if "app_id" in chosen else None,
                               "instance_id": guest.instance_id.hex() if "instance_id" in chosen else None}
        book.verify(f"application/hashed-{name}", f"a quote whose MRCONFIGID is a hash of what is pinned: {name}", minted, expected, options=pins(minted, **chosen))
        wrong = {**chosen, "compose_hash": "ab" * 32}
        book.verify(f"application/hashed-{name}-other", f"the same, and another compose file is pinned: {name}", minted, ("PIN_UNVERIFIABLE", HEALTHY),
                    options=pins(minted, **wrong))
        book.verify(f"application/hashed-{name}-unpinned", f"the same, and nothing is pinned: {name}", minted, book.accepted(minted))


# ---- pins

def write_pins(book: Book) -> None:
    sound = book.sound
    fields = book.accepted(sound, bound=True)["result"]
    provider = fields["key_provider"]
    for name in ("compose_hash", "app_id", "instance_id", "os_image_hash", "key_provider"):
        beside: dict[str, Any] = {"key_provider": ["kms"]} if name == "app_id" else {}
        accepted = book.accepted(sound, bound=True, identity_pinned=True)
        book.verify(f"application/pin-{name}", f"{name} is pinned and has the value", sound, accepted, bound=True, options=pins(sound, **beside, **{name: [fields[name]]}))
        other = "tpm" if name == "key_provider" else f"{int(fields[name][:2], 16) ^ 1:02x}{fields[name][2:]}"
        book.verify(f"application/pin-{name}-other", f"{name} is pinned and has another value", sound, ("PIN_MISMATCH", HEALTHY), bound=True,
                    options=pins(sound, **beside, **{name: [other]}))
        code = ("PIN_UNVERIFIABLE", HEALTHY)
        if name == "compose_hash":
            continue
        book.verify(f"application/pin-{name}-unverifiable", f"{name} is pinned and there is no log", sound, code, options=pins(sound, **beside, **{name: [fields[name]]}))
    write_providers(book, provider)
    alone = {"pins": {"compose_hash": fields["compose_hash"]}, "allow_partial_pins": True}
    book.verify("application/pin-partial", "an application alone, which is allowed", sound, book.accepted(sound, bound=True), bound=True, options=alone)
    book.verify("application/pin-quote-compose-hash", "a compose hash that MRCONFIGID tells", sound, book.accepted(sound, identity_pinned=True),
                options=pins(sound, compose_hash=fields["compose_hash"]))
    disabled = book.world.mint(guest={"events": change(sound.guest.events, "instance-id", payload=b"")})
    book.verify("application/pin-instance-disabled", "an instance is pinned and ids are disabled", disabled, ("PIN_UNVERIFIABLE", HEALTHY), bound=True,
                options=pins(disabled, instance_id="ab" * 20))


def write_impostors(book: Book) -> None:
    """What a pinned MRTD alone lets in: another application, and another kernel that replays the right application's log."""
    sound = book.sound
    guest = sound.guest
    whole = pins(sound, compose_hash=guest.compose_hash.hex(), app_id=guest.app_id.hex(), key_provider="kms")
    stranger = other_application(guest)
    for name, minted, events in (("application", book.world.mint(guest=stranger), stranger["events"]), ("kernel", book.world.mint("other_kernel"), guest.events)):
        book.verify(f"application/impostor-{name}-mr-td", f"another {name} on the same firmware, which alone is pinned", minted,
                    book.accepted(minted, bound=True, events=events), bound=True, options={"allowed_mr_td": [sound.mr_td]})
        book.verify(f"application/impostor-{name}", f"another {name} on the same firmware, and everything is pinned", minted, ("PIN_MISMATCH", HEALTHY), bound=True,
                    options=whole)
    kernel = book.world.mint("other_kernel")
    partial = {"pins": {"mr_td": sound.mr_td, "compose_hash": guest.compose_hash.hex()}, "allow_partial_pins": True}
    book.verify("application/impostor-kernel-partial", "another kernel, and only firmware and compose file are pinned", kernel,
                book.accepted(kernel, bound=True, events=guest.events), bound=True, options=partial)


def write_providers(book: Book, provider: str) -> None:
    """key_provider: a name allows every id, a name and an id only that one."""
    sound = book.sound
    accepted = book.accepted(sound, bound=True, identity_pinned=True)
    for name, value, expect in (
        ("name", "kms", accepted), ("capitals", f"kms:0X{provider[4:].upper()}", accepted), ("alternatives", ["tpm", "kms"], accepted),
        ("id", f"kms:{provider[4:-2]}00", ("PIN_MISMATCH", HEALTHY)), ("id-longer", f"{provider}00", ("PIN_MISMATCH", HEALTHY)),
        ("other-name", f"tpm:{provider[4:]}", ("PIN_MISMATCH", HEALTHY)), ("not-hex", "kms:xy", "OPTION_VALUE"), ("odd", "kms:abc", "OPTION_VALUE"),
        ("name-capitals", "KMS", "OPTION_VALUE"),
    ):
        book.verify(f"application/provider-{name}", f"a key provider is pinned: {name}", sound, expect, bound=True, options=pins(sound, key_provider=value))


# ---- what is no evidence

def write_malformed(book: Book) -> None:
    sound = book.sound
    log: Callable[[Any], bytes] = lambda value: answer(sound, event_log=value)
    many = json.dumps([entry(Event(0, "x"))] * 4097)
    cases: dict[str, tuple[str, bytes, Expectation]] = {
        "empty": ("nothing at all", b"", "EVIDENCE_FORMAT"), "array": ("an array", b"[]", "EVIDENCE_ENVELOPE_VERSION"),
        "object": ("an object without a quote", b"{}", "EVIDENCE_FORMAT"), "not-json": ("a brace alone", b"{", "EVIDENCE_FORMAT"),
        "quote-empty": ("a quote that is empty", answer(sound, quote=""), "EVIDENCE_FORMAT"),
        "quote-number": ("a quote that is a number", answer(sound, quote=1), "EVIDENCE_FORMAT"),
        "quote-not-hex": ("a quote that is not hexadecimal", answer(sound, quote="xy"), "EVIDENCE_FORMAT"),
        "quote-odd": ("a quote with half a byte", answer(sound, quote=sound.quote.hex()[:-1]), "EVIDENCE_FORMAT"),
        "quote-cut": ("a quote that is cut", answer(sound, quote=sound.quote.hex()[:-2]), "EVIDENCE_QUOTE_TRUNCATED"),
        "quote-twice": ("a quote twice", b'{"quote":"' + sound.quote.hex().encode() + b'",' + answer(sound)[1:], "EVIDENCE_FORMAT"),
        "sgx": ("an enclave's quote", answer(sound, quote=book.world.mint(kind="sgx-v4").quote.hex(), event_log=None), "EVIDENCE_QUOTE_NOT_TDX"),
        "attestation-other": ("an envelope of another quote", answer(sound, attestation=book.world.mint(report_data=bytes(64)).attestation.v0().hex()), "EVIDENCE_CONFLICT"),
        "report-data-other": ("another report_data than the quote's", answer(sound, report_data="ab" * 64), "EVIDENCE_REPORT_DATA_COPY"),
        "report-data-long": ("a report_data of 65 bytes", answer(sound, report_data=sound.field("report_data") + "00"), "EVIDENCE_REPORT_DATA_COPY"),
        "log-text": ("a log that is no JSON", log("bar"), "EVIDENCE_EVENT_LOG_FORMAT"), "log-object": ("a log that is an object", log("{}"), "EVIDENCE_EVENT_LOG_FORMAT"),
        "log-of-numbers": ("a log of numbers", log("[1]"), "EVIDENCE_EVENT_LOG_FORMAT"), "log-number": ("a log that is a number", log(1), "EVIDENCE_EVENT_LOG_FORMAT"),
        "log-cut": ("a log that is cut", log(sound.event_log[:-1]), "EVIDENCE_EVENT_LOG_FORMAT"),
        "log-key-twice": ("an entry with a key twice", log(sound.event_log.replace('"imr":3', '"imr":3,"imr":3', 1)), "EVIDENCE_EVENT_LOG_FORMAT"),
        "log-fraction": ("a number with a fraction", log(sound.event_log.replace('"imr":3', '"imr":3.0', 1)), "EVIDENCE_EVENT_LOG_FORMAT"),
        "log-too-long": ("4097 events", log(many), "EVIDENCE_EVENT_LOG_FORMAT"),
    }
    for name, (description, evidence, expect) in cases.items():
        book.verify_evidence(f"application/malformed-{name}", description, evidence, sound, expect)
