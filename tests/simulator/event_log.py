"""Event logs of dstack guests and their replay (evidence format, section 4)."""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Iterable

RUNTIME_EVENT = 0x08000001
PLATFORM_EVENT = 0x8000000B
ACPI_EVENT = 0x0A


@dataclass(frozen=True)
class Event:
    """One entry: register (0 to 3), type, name, payload, digest (None: the version's own, from name and payload)."""

    imr: int
    event: str
    payload: bytes = b""
    event_type: int = RUNTIME_EVENT
    digest: bytes | None = None
    version: int = 1  # of the digest

    @property
    def measured(self) -> bytes:
        """What the register was extended with, 48 bytes."""
        if self.digest is not None:
            return self.digest
        return hashlib.sha384(self.preimage).digest()

    @property
    def preimage(self) -> bytes:
        """What is hashed, in either version (evidence format 4.3)."""
        if self.version == 2:
            return canonical(self.event, self.payload)
        return RUNTIME_EVENT.to_bytes(4, "little") + b":" + self.event.encode() + b":" + self.payload


def canonical(name: str, payload: bytes) -> bytes:
    """RFC 8785: Python's escapes are the same, but for what is not ASCII and for 7f."""
    return json.dumps({"name": name, "payload": payload.hex(), "type": RUNTIME_EVENT}, separators=(",", ":"), ensure_ascii=False).encode()


def replay(events: Iterable[Event], imr: int) -> bytes:
    """Value of a register after the events; 48 zero bytes after none."""
    register = bytes(48)
    for event in events:
        if event.imr == imr:
            register = hashlib.sha384(register + event.measured).digest()
    return register


def stripped(events: Iterable[Event]) -> list[tuple[Event, bytes]]:
    """Event and written digest as certificates carry them: register 3 only, digests left out."""
    return [(event, b"") for event in events if event.imr == 3]


def complete(events: Iterable[Event]) -> list[tuple[Event, bytes]]:
    """Event and written digest, all of them."""
    return [(event, event.measured) for event in events]


def entry(event: Event) -> dict[str, Any]:
    """An event as an entry of the JSON form."""
    written = {"imr": event.imr, "event_type": event.event_type, "digest": event.measured.hex(), "event": event.event,
               "event_payload": event.payload.hex()}
    return written if event.version == 1 else {**written, "version": event.version}


def to_json(events: Iterable[Event]) -> str:
    """The JSON form: the .2 extension and `event_log` of GetQuote."""
    return json.dumps([entry(event) for event in events], separators=(",", ":"))
