"""What `World.mint` returns."""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from simulator import quote, x509
from simulator.attestation import Attestation
from simulator.guest import Guest


@dataclass(frozen=True)
class Minted:
    """One server's evidence and what it takes to verify it. Hex is lower-case."""

    certificate_der: bytes
    key_pem: str
    chain: tuple[bytes, ...]  # DER, leaf first
    spki: bytes  # SubjectPublicKeyInfo of the leaf
    quote: bytes  # exactly the quote
    attestation: Attestation  # the envelope; its quote has what follows it
    event_log: str  # JSON, complete
    collateral_json: str
    trust_anchor_pem: str  # the world's own root, also when a fault lets another one sign
    kms_root_pem: str
    now: int  # unix seconds
    guest: Guest
    fault: str | None

    @property
    def certificate_pem(self) -> str:
        return x509.pem(self.certificate_der)

    @property
    def chain_pem(self) -> str:
        """The chain in PEM, leaf first."""
        return "".join(x509.pem(item) for item in self.chain)

    def field(self, name: str) -> str:
        """A field of the quote's body in hex, by its name in the field table (mr_td, rtmr0, report_data, …).

        Raises KeyError for a field that this kind of quote lacks."""
        return quote.read_field(self.quote, name).hex()

    @property
    def mr_td(self) -> str:
        return self.field("mr_td")

    @property
    def getquote_json(self) -> str:
        """What dstack's GetQuote answers."""
        return json.dumps({"quote": self.attestation.quote.hex(), "event_log": self.event_log,
                           "report_data": self.field("report_data"), "vm_config": self.guest.config})

    @property
    def attest_json(self) -> str:
        """What dstack's Attest answers: the envelope with the complete log."""
        return json.dumps({"attestation": self.attestation.complete().v0().hex()})

    def files(self) -> dict[str, bytes]:
        """Every piece by its file name."""
        texts = {
            "cert.pem": self.certificate_pem, "key.pem": self.key_pem, "chain.pem": self.chain_pem,
            "collateral.json": self.collateral_json, "root.pem": self.trust_anchor_pem, "kms-root.pem": self.kms_root_pem,
            "now.txt": f"{self.now}\n", "event-log.json": self.event_log, "getquote.json": self.getquote_json,
        }
        return {
            "cert.der": self.certificate_der, "quote.bin": self.quote, "attestation-v0.bin": self.attestation.v0(),
            "attestation-v1.bin": self.attestation.v1(), **{name: text.encode() for name, text in texts.items()},
        }

    def write(self, directory: Path) -> None:
        """Write `files` into a directory, which is made when it is not there; only the owner may read the key."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in self.files().items():
            path = directory / name
            path.touch(mode=0o600 if name == "key.pem" else 0o644)
            path.write_bytes(content)
