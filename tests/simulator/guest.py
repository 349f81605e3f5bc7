"""A dstack guest: what runs in the TD, and the measurements and events that follow from it."""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from simulator.event_log import ACPI_EVENT, PLATFORM_EVENT, Event, replay
from simulator.keys import Seed


@dataclass(frozen=True)
class Guest:
    """An application on an image: its identity, its events, the TD it boots in."""

    app_compose: bytes  # the file whose SHA-256 is the compose hash
    app_id: bytes  # 20
    instance_id: bytes  # 20
    os_image_hash: bytes  # 32
    key_provider: bytes  # JSON
    mr_td: bytes  # 48
    mr_seam: bytes  # 48
    events: tuple[Event, ...]

    @property
    def compose_hash(self) -> bytes:
        return hashlib.sha256(self.app_compose).digest()

    @property
    def config(self) -> str:
        """The host's claims beside the quote."""
        return json.dumps({"cpu_count": 4, "memory_size": 8 << 30, "os_image_hash": self.os_image_hash.hex()}, separators=(",", ":"))

    def td_report(self) -> dict[str, bytes | int]:
        """Fields of the TD report that the guest decides; REPORTDATA apart."""
        return {
            "mr_seam": self.mr_seam, "mr_td": self.mr_td,
            "td_attributes": bytes.fromhex("0000001000000000"),  # SEPT_VE_DISABLE
            "xfam": bytes.fromhex("e702060000000000"),
            "mr_config_id": b"\x01" + self.compose_hash + bytes(15),
            **{f"rtmr{imr}": replay(self.events, imr) for imr in range(4)},
        }


def default_guest(seed: Seed, kms_root_spki: bytes) -> Guest:
    """A TeeSQL-like application whose keys come from a KMS with this root key."""
    compose = json.dumps({"manifest_version": 2, "name": "simulated-postgres", "runner": "docker-compose", "kms_enabled": True,
                          "salt": seed.derive("app-compose", 8).hex()}).encode()
    app_id = seed.derive("app-id", 20)
    instance_id = seed.derive("instance-id", 20)
    os_image_hash = seed.derive("os-image-hash", 32)
    key_provider = json.dumps({"name": "kms", "id": kms_root_spki.hex()}, separators=(",", ":")).encode()
    events = (
        *boot_events(seed),
        Event(3, "system-preparing"), Event(3, "app-id", app_id), Event(3, "compose-hash", hashlib.sha256(compose).digest()),
        Event(3, "instance-id", instance_id), Event(3, "boot-mr-done"), Event(3, "os-image-hash", os_image_hash),
        Event(3, "key-provider", key_provider), Event(3, "storage-fs", b"zfs"), Event(3, "system-ready"),
    )
    return Guest(compose, app_id, instance_id, os_image_hash, key_provider, seed.derive("mr-td", 48), seed.derive("mr-seam", 48), events)


def boot_events(seed: Seed) -> list[Event]:
    """Firmware, kernel and command line: opaque digests in registers 0 to 2."""
    def boot(imr: int, number: int, kind: int = PLATFORM_EVENT, payload: bytes = b"") -> Event:
        return Event(imr, "", payload, kind, seed.derive(f"boot-event/{imr}/{number}", 48))
    acpi = [boot(0, number, ACPI_EVENT, b"ACPI DATA") for number in range(1, 4)]
    return [boot(0, 0), *acpi, boot(1, 0), boot(1, 1), boot(2, 0), boot(2, 1)]


def other_application(guest: Guest) -> dict[str, Any]:
    """Fields of a guest on the same firmware and kernel that runs something else: an argument of `World.mint`."""
    compose = json.dumps({"manifest_version": 2, "name": "somebody-elses", "runner": "docker-compose", "kms_enabled": True}).encode()
    compose_hash = hashlib.sha256(compose).digest()
    measured = {"app-id": compose_hash[:20], "compose-hash": compose_hash}
    events = tuple(replace(event, payload=measured.get(event.event, event.payload)) for event in guest.events)
    return {"app_compose": compose, "app_id": compose_hash[:20], "events": events}
