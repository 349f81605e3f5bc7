"""What evidence proves of the application, worked out from its events and the bytes of the quote (evidence format 4.5 to 4.7)."""
from __future__ import annotations

import hashlib
import json
from typing import Any, Iterable, Sequence

from simulator.event_log import Event, replay
from simulator.quote import read_field

REGISTERS = tuple(f"rtmr{number}" for number in range(4))
OWNER = ("mr_config_id", "mr_owner", "mr_owner_config")


def field(quote: bytes, name: str) -> bytes:
    return read_field(quote, name)


def system_events(events: Iterable[Event]) -> dict[str, bytes]:
    """Payloads by name, up to the end of what the system measured."""
    found: dict[str, bytes] = {}
    for event in events:
        if event.imr != 3:
            continue
        if event.event == "system-ready":
            break
        found.setdefault(event.event, event.payload)
    return found


def provider(payload: bytes) -> str:
    said = json.loads(payload)
    return f"{said['name']}:{said['id']}" if said["id"] else str(said["name"])


def known(quote: bytes, events: Sequence[Event] | None) -> dict[str, Any]:
    """The fields of the application. `events` None: there is no log; else one that RTMR3 was extended with."""
    config_id = field(quote, "mr_config_id")
    shown: dict[str, Any] = {}
    if config_id[0] == 1 and not any(config_id[33:]):
        shown |= {"compose_hash": config_id[1:33].hex(), "compose_hash_source": "mr_config_id"}
    if events is None or not any(field(quote, "rtmr3")):
        return shown
    assert replay(events, 3) == field(quote, "rtmr3"), "no such log is accepted"
    found = system_events(events)
    if "compose-hash" in found:
        shown |= {"compose_hash": found["compose-hash"].hex(), "compose_hash_source": "event_log"}
    for name, event in (("app_id", "app-id"), ("instance_id", "instance-id"), ("os_image_hash", "os-image-hash")):
        shown[name] = found[event].hex() if found.get(event) else None
    shown["key_provider"] = provider(found["key-provider"]) if "key-provider" in found else None
    return {**shown, **derived(quote, found.get("key-provider"))}


def derived(quote: bytes, key_provider: bytes | None) -> dict[str, str]:
    """dstack's own sums (evidence format 4.6)."""
    system = b"".join(field(quote, name) for name in ("mr_td", "rtmr0", "rtmr1", "rtmr2"))
    mr_key_provider = bytes(32) if key_provider is None else hashlib.sha256(key_provider).digest()
    owner = b"".join(field(quote, name) for name in OWNER)
    return {"mr_system": hashlib.sha256(system + mr_key_provider).hexdigest(),
            "mr_aggregated": hashlib.sha256(system + field(quote, "rtmr3") + (owner if any(owner) else b"")).hexdigest()}


def shown_events(events: Iterable[Event], *, with_digests: bool = True) -> list[dict[str, Any]]:
    """Events as `inspect` shows them. Without digests in the log nothing says whether they are right."""
    return [{"register": event.imr, "event_type": event.event_type, "event": event.event, "payload": event.payload.hex(),
             "digest": event.measured.hex(), "digest_ok": True if event.imr == 3 and with_digests else None} for event in events]


def explained(quote: bytes, events: Sequence[Event]) -> list[str]:
    return [name for number, name in enumerate(REGISTERS) if replay(events, number) == field(quote, name)]
