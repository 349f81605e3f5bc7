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
    """One entry: register (0 to 3), type, name, payload, digest (None: version 1's, from name and payload)."""

    imr: int
    event: str
    payload: bytes = b""
    event_type: int = RUNTIME_EVENT
    digest: bytes | None = None

    @property
    def measured(self) -> bytes:
        """What the register was extended with, 48 bytes."""
        return digest_v1(self.event, self.payload) if self.digest is None else self.digest


def digest_v1(name: str, payload: bytes, event_type: int = RUNTIME_EVENT) -> bytes:
    return hashlib.sha384(event_type.to_bytes(4, "little") + b":" + name.encode() + b":" + payload).digest()


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


def to_json(events: Iterable[Event]) -> str:
    """The JSON form: the .2 extension and `event_log` of GetQuote."""
    def entry(event: Event) -> dict[str, Any]:
        return {"imr": event.imr, "event_type": event.event_type, "digest": event.measured.hex(), "event": event.event,
                "event_payload": event.payload.hex()}
    return json.dumps([entry(event) for event in events], separators=(",", ":"))
