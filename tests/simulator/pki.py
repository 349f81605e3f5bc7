"""A PKI with the names, profiles and extensions of Intel's (DCAP rules 2.9, 3.2, 3.3), under a root of our own."""
from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Mapping

from simulator import x509
from simulator.keys import Key, Seed
from simulator.platform import Platform
from simulator.x509 import Certificate, Crl, Revoked

DAY = 86400
YEAR = 365 * DAY
ROOT_CRL_URL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
PCK_CRL_URL = "https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca={ca}&encoding=der"
COMMON_NAMES = {
    "root": "Intel SGX Root CA",
    "platform_ca": "Intel SGX PCK Platform CA",
    "processor_ca": "Intel SGX PCK Processor CA",
    "tcb_signer": "Intel SGX TCB Signing",
    "pck": "Intel SGX PCK Certificate",
}
#: Per role, fields of `x509.Certificate` to replace, and two more: `key`, the label of the certificate's own
#: key, and `signer`, the label of the key that signs it. Labels are roles or anything else.
Changes = Mapping[str, Mapping[str, Any]]


def intel_name(common_name: str) -> bytes:
    """A distinguished name as Intel writes it, DER."""
    return x509.name(("2.5.4.3", common_name), ("2.5.4.10", "Intel Corporation"), ("2.5.4.7", "Santa Clara"),
                     ("2.5.4.8", "CA"), ("2.5.4.6", "US"))


@dataclass(frozen=True)
class Role:
    """A certificate in its role: what it says, its bytes and its key."""

    fields: Certificate
    der: bytes
    key: Key

    @property
    def pem(self) -> str:
        return x509.pem(self.der)


class Pki:
    """All certificates that Intel would hold, around the time `now` (unix seconds)."""

    def __init__(self, seed: Seed, now: int, changes: Changes | None = None) -> None:
        self.seed = seed
        self.now = now
        self.changes = changes or {}
        self.roles: dict[str, Role] = {}

    @property
    def root(self) -> Role:
        return self.role("root", lambda: self.authority("root", "root", path_length=1, lifetime=23 * YEAR))

    @property
    def tcb_signer(self) -> Role:
        return self.role("tcb_signer", self.signer_fields)

    def pck_ca(self, ca: str) -> Role:
        """The CA that issues PCK certificates: `ca` is platform or processor."""
        label = f"{ca}_ca"
        return self.role(label, lambda: self.authority(label, "root", path_length=0, lifetime=8 * YEAR))

    def pck(self, platform: Platform, sgx: x509.Extension | None = None) -> Role:
        """The PCK certificate of a machine; `sgx` replaces its SGX extension."""
        issuer = self.pck_ca(platform.ca)
        extension = sgx or platform.sgx_extension().extension()
        changes = self.changes.get("pck", {})
        key = self.seed.key(str(changes.get("key", "pck")))
        fields = Certificate(
            serial=int.from_bytes(self.seed.derive(f"pck-serial/{hashlib.sha256(extension.value).hexdigest()}", 20), "big"),
            issuer=issuer.fields.subject, subject=intel_name(COMMON_NAMES["pck"]), spki=key.spki,
            not_before=self.now - YEAR, not_after=self.now + 6 * YEAR,
            extensions={
                **identifiers(issuer.key, key, PCK_CRL_URL.format(ca=platform.ca)),
                "key_usage": x509.key_usage(x509.DIGITAL_SIGNATURE | x509.NON_REPUDIATION),
                "basic_constraints": x509.basic_constraints(False),
                "sgx": extension,
            })
        return self.issue("pck", fields, key, f"{platform.ca}_ca")

    def role(self, label: str, fields: Any) -> Role:
        """The certificate of a role, issued once."""
        if label not in self.roles:
            self.roles[label] = self.issue(label, fields(), self.own_key(label), "root")
        return self.roles[label]

    def own_key(self, label: str) -> Key:
        return self.seed.key(str(self.changes.get(label, {}).get("key", label)))

    def issue(self, label: str, fields: Certificate, key: Key, issuer: str) -> Role:
        """Apply the changes asked for and sign."""
        changes = dict(self.changes.get(label, {}))
        changes.pop("key", None)
        signer = self.seed.key(str(changes.pop("signer"))) if "signer" in changes else self.own_key(issuer)
        fields = x509.amend(fields, changes)
        return Role(fields, fields.issue(signer), key)

    def issuer_subject(self, label: str) -> bytes:
        """Name of the root, from the root itself unless it is the root that asks."""
        return intel_name(COMMON_NAMES["root"]) if label == "root" else self.root.fields.subject

    def authority(self, label: str, issuer: str, path_length: int, lifetime: int) -> Certificate:
        key = self.own_key(label)
        return Certificate(
            serial=int.from_bytes(key.identifier, "big"),
            issuer=self.issuer_subject(label), subject=intel_name(COMMON_NAMES[label]), spki=key.spki,
            not_before=self.now - 7 * YEAR, not_after=self.now + lifetime,
            extensions={
                **identifiers(self.own_key(issuer), key, ROOT_CRL_URL),
                "key_usage": x509.key_usage(x509.KEY_CERT_SIGN | x509.CRL_SIGN),
                "basic_constraints": x509.basic_constraints(True, path_length),
            })

    def signer_fields(self) -> Certificate:
        key = self.own_key("tcb_signer")
        return Certificate(
            serial=int.from_bytes(key.identifier, "big"),
            issuer=self.root.fields.subject, subject=intel_name(COMMON_NAMES["tcb_signer"]), spki=key.spki,
            not_before=self.now - YEAR, not_after=self.now + 6 * YEAR,
            extensions={
                **identifiers(self.own_key("root"), key, ROOT_CRL_URL),
                "key_usage": x509.key_usage(x509.DIGITAL_SIGNATURE | x509.NON_REPUDIATION),
                "basic_constraints": x509.basic_constraints(False),
            })

    def root_crl(self, changes: Mapping[str, Any] | None = None) -> bytes:
        """The root's CRL, DER. `changes` are fields of `x509.Crl`, and `signer`, the label of the signing key."""
        return self.crl(self.root, "root", self.now - 30 * DAY, self.now + 335 * DAY, changes)

    def pck_crl(self, ca: str, changes: Mapping[str, Any] | None = None) -> bytes:
        """The CRL of a PCK CA, DER."""
        return self.crl(self.pck_ca(ca), f"{ca}_ca", self.now - DAY, self.now + 29 * DAY, changes)

    def crl(self, issuer: Role, label: str, this_update: int, next_update: int, changes: Mapping[str, Any] | None) -> bytes:
        changes = dict(changes or {})
        signer = self.seed.key(str(changes.pop("signer"))) if "signer" in changes else issuer.key
        revoked = [item if isinstance(item, Revoked) else Revoked(item) for item in changes.pop("revoked", self.strangers(label))]
        fields = Crl(
            issuer=issuer.fields.subject, this_update=this_update, next_update=next_update, revoked=tuple(revoked),
            extensions={"crl_number": x509.crl_number(1),
                        "authority_key_identifier": x509.authority_key_identifier(issuer.key.identifier)})
        return x509.amend(fields, changes).issue(signer)

    def strangers(self, label: str) -> list[int]:
        """Serials of certificates of nobody here, so that a PCK CRL has entries; the root's is empty, as Intel's is."""
        if label == "root":
            return []
        return [int.from_bytes(self.seed.derive(f"stranger/{label}/{number}", 20), "big") for number in range(3)]


def identifiers(issuer: Key, own: Key, crl_url: str) -> dict[str, x509.Extension | None]:
    """The extensions that every certificate of Intel's begins with, in Intel's order."""
    return {
        "authority_key_identifier": x509.authority_key_identifier(issuer.identifier),
        "crl_distribution_points": x509.crl_distribution_point(crl_url),
        "subject_key_identifier": x509.subject_key_identifier(own.identifier),
    }
