"""dstack's attestation envelopes, V0 (SCALE) and V1 (MessagePack), for every platform (evidence format, section 2)."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable

from simulator import messagepack, scale
from simulator.event_log import RUNTIME_EVENT, Event, complete, stripped

#: Platform kinds and V0's tags.
PLATFORMS = {"tdx": 0, "gcp-tdx": 1, "nitro-enclave": 2, "sev-snp": 3, "aws-nitro-tpm": 4}


@dataclass
class Attestation:
    """What an envelope carries. `raw` is the platform's own evidence where it is not a TDX quote."""

    quote: bytes
    report_data: bytes  # the envelope's claim, 64 bytes
    events: list[Event] = field(default_factory=list)
    config: str = ""
    platform: str = "tdx"
    full: bool = False  # the whole event log, not the stripped one of certificates
    raw: bytes = b"not a quote"
    empty_body: bool = False  # V0 tags 1 and 2, V1 gcp-tdx and nitro-enclave of old releases
    bytes_as_bin: bool = False  # V1: bin instead of arrays of integers

    @property
    def runtime_events(self) -> list[Event]:
        return [event for event in self.events if event.event_type == RUNTIME_EVENT]

    @property
    def listed_events(self) -> list[tuple[Event, bytes]]:
        return complete(self.events) if self.full else stripped(self.events)

    def complete(self) -> Attestation:
        """The same with the whole event log."""
        return Attestation(**{**vars(self), "full": True})

    def v0(self) -> bytes:
        """The SCALE form."""
        body = b"" if self.empty_body else self.v0_body()
        runtime = scale.vector(scale.text(event.event) + scale.byte_vector(event.payload) for event in self.runtime_events)
        return b"\x00" + bytes([PLATFORMS[self.platform]]) + body + runtime + self.report_data + scale.text(self.config)

    def v0_body(self) -> bytes:
        if self.platform == "tdx":
            return self.v0_tdx()
        if self.platform == "gcp-tdx":
            return self.v0_tdx() + v0_tpm_quote(self.raw)
        if self.platform == "sev-snp":
            return scale.byte_vector(self.raw.ljust(1184, b"\0")) + scale.vector([scale.byte_vector(b"chain")]) + scale.text("{}")
        return scale.byte_vector(self.raw)

    def v0_tdx(self) -> bytes:
        return scale.byte_vector(self.quote) + scale.vector(
            scale.u32(event.imr) + scale.u32(event.event_type) + scale.byte_vector(digest) + scale.text(event.event)
            + scale.byte_vector(event.payload) for event, digest in self.listed_events)

    def v1(self) -> bytes:
        """The MessagePack form."""
        return messagepack.pack(self.v1_document())

    def v1_document(self) -> dict[str, Any]:
        """The V1 envelope before it is written, to be changed at will."""
        platform: dict[str, Any] = {"kind": self.platform}
        if not self.empty_body:
            platform["data"] = self.v1_platform()
        data = {
            "report_data": self.v1_bytes(self.report_data),
            "runtime_events": [v1_runtime_event(event) for event in self.runtime_events],
            "config": self.config,
        }
        return {"version": 1, "platform": platform, "stack": {"kind": "dstack", "data": data}}

    def v1_platform(self) -> dict[str, Any]:
        tdx = {"quote": self.v1_bytes(self.quote), "event_log": v1_event_log(self.listed_events)}
        forms: dict[str, dict[str, Any]] = {
            "tdx": tdx,
            "gcp-tdx": {**tdx, "tpm_quote": v1_tpm_quote(self.raw)},
            "nitro-enclave": {"nsm_quote": self.v1_bytes(self.raw)},
            "aws-nitro-tpm": {"attestation_doc": self.v1_bytes(self.raw)},
            "sev-snp": {"report": self.v1_bytes(self.raw.ljust(1184, b"\0")), "cert_chain": [self.v1_bytes(b"chain")], "mr_config": "{}"},
        }
        return forms[self.platform]

    def v1_bytes(self, content: bytes) -> bytes | list[int]:
        """Plain byte vectors are arrays of integers on the wire, unless a newer producer wrote them."""
        return content if self.bytes_as_bin else list(content)


def v1_runtime_event(event: Event) -> dict[str, Any]:
    written: dict[str, Any] = {"event": event.event, "payload": event.payload}
    return written if event.version == 1 else {**written, "version": event.version}


def v1_event_log(events: Iterable[tuple[Event, bytes]]) -> list[dict[str, Any]]:
    return [{"imr": event.imr, "event_type": event.event_type, "digest": digest, "event": event.event, "event_payload": event.payload}
            for event, digest in events]


def v0_tpm_quote(message: bytes) -> bytes:
    pcr_values = scale.vector([scale.u32(14) + scale.text("sha256") + scale.byte_vector(bytes(32))])
    events = scale.vector([scale.u32(14) + scale.byte_vector(bytes(32))])
    return scale.byte_vector(message) + scale.byte_vector(b"signature") + pcr_values + scale.byte_vector(b"certificate") + b"\x01" + events


def v1_tpm_quote(message: bytes) -> dict[str, Any]:
    return {"message": message, "signature": b"signature", "pcr_values": [{"index": 14, "algorithm": "sha256", "value": bytes(32)}],
            "ak_cert": b"certificate", "platform": "gcp", "event_log": [{"pcr_index": 14, "digest": bytes(32)}]}
