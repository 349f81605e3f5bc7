"""The PKI behind the tokens: a root, an intermediate that signs token signers, the token signer; their CRLs.

Profiles as Intel's development environment has them (Intel rules 2.3, 2.4)."""
from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Mapping

from simulator import der, x509
from simulator.intel.rsa_key import RsaKey, make_key
from simulator.keys import Seed
from simulator.x509 import Certificate, Crl, Revoked

DAY = 86400
YEAR = 365 * DAY
SHA512_WITH_RSA = der.sequence(der.oid("1.2.840.113549.1.1.13"), bytes.fromhex("0500"))
COMMON_NAMES = {
    "root": "Test ITA Root CA",
    "ats": "Test ITA ATS Signing CA",
    "leaf": "Test ITA Attestation Token Signing",
}
KEY_ENCIPHERMENT, DATA_ENCIPHERMENT = 0x20, 0x10
LEAF_USAGE = x509.DIGITAL_SIGNATURE | x509.NON_REPUDIATION | KEY_ENCIPHERMENT | DATA_ENCIPHERMENT
CRL_FILES = {"root": "root-ca-crl.der", "ats": "ats-ca-crl.der"}
#: Per role (root, ats, leaf), fields of `x509.Certificate` to replace, and three more: `key`, the label of its own
#: key, `bits`, the size of that key, and `signer`, the label of the key that signs it.
Changes = Mapping[str, Mapping[str, Any]]


def name(common_name: str) -> bytes:
    return x509.name(("2.5.4.3", common_name), ("2.5.4.10", "Simulated Trust Authority"), ("2.5.4.6", "US"))


@dataclass(frozen=True)
class Role:
    """A certificate in its role: what it says, its bytes and its key."""

    fields: Certificate
    der: bytes
    key: RsaKey

    @property
    def pem(self) -> str:
        return x509.pem(self.der)

    @property
    def kid(self) -> str:
        """How the service names this certificate's key."""
        return hashlib.sha384(self.der).hexdigest()


class TokenPki:
    """Certificates around the time `now` (unix seconds); CRLs are named below `portal`, a URL.

    Another `prefix` gives another PKI of the same names: the keys differ, nothing else does."""

    def __init__(self, seed: Seed, now: int, portal: str, changes: Changes | None = None, prefix: str = "") -> None:
        self.seed = seed
        self.now = now
        self.portal = portal
        self.changes = changes or {}
        self.prefix = prefix
        self.roles: dict[str, Role] = {}

    @property
    def root(self) -> Role:
        return self.role("root", "root", Certificate(**self.about("root", "root", 25 * YEAR), extensions=self.authority("root", "root", None)))

    @property
    def ats(self) -> Role:
        return self.role("ats", "root", Certificate(**self.about("ats", "root", 12 * YEAR), extensions=self.authority("ats", "root", 0)))

    @property
    def leaf(self) -> Role:
        return self.signer("leaf")

    def signer(self, label: str) -> Role:
        """A token signer; `leaf` is the one in use, any other label a spare one."""
        extensions: dict[str, x509.Extension | None] = {
            "basic_constraints": x509.basic_constraints(False), "key_usage": x509.key_usage(LEAF_USAGE), **self.identifiers(label, "ats")}
        return self.role(label, "ats", Certificate(**self.about(label, "ats", 2 * YEAR), extensions=extensions))

    def chain(self, label: str = "leaf") -> list[bytes]:
        """Signer, intermediate, root in DER, as `x5c` has them."""
        return [self.signer(label).der, self.ats.der, self.root.der]

    def key(self, label: str) -> RsaKey:
        """The key of a role, or of whatever a change calls its key."""
        changes = self.changes.get(label, {})
        return make_key(self.seed, self.prefix + str(changes.get("key", label)), int(changes.get("bits", 3072)))

    def role(self, label: str, issuer: str, fields: Certificate) -> Role:
        if label not in self.roles:
            changes = dict(self.changes.get(label, {}))
            signer = self.key(str(changes.pop("signer", issuer)))
            changes.pop("key", None)
            changes.pop("bits", None)
            fields = x509.amend(fields, changes)
            self.roles[label] = Role(fields, fields.issue(signer), self.key(label))
        return self.roles[label]

    def about(self, label: str, issuer: str, lifetime: int) -> dict[str, Any]:
        return {
            "serial": int.from_bytes(self.seed.derive(f"ita-serial/{self.prefix}{label}", 16), "big") | 1 << 126,
            "issuer": name(COMMON_NAMES[issuer]), "subject": name(COMMON_NAMES.get(label, COMMON_NAMES["leaf"])),
            "spki": self.key(label).spki, "not_before": self.now - YEAR, "not_after": self.now + lifetime, "algorithm": SHA512_WITH_RSA,
        }

    def authority(self, label: str, issuer: str, path_length: int | None) -> dict[str, x509.Extension | None]:
        return {"basic_constraints": x509.basic_constraints(True, path_length),
                "key_usage": x509.key_usage(x509.KEY_CERT_SIGN | x509.CRL_SIGN), **self.identifiers(label, issuer)}

    def identifiers(self, label: str, issuer: str) -> dict[str, x509.Extension | None]:
        """Key identifiers, and where the CRL of the issuer is; the root names none."""
        point = {} if label == "root" else {"crl_distribution_points": x509.crl_distribution_point(self.crl_url(issuer))}
        return {"subject_key_identifier": x509.subject_key_identifier(self.key(label).identifier),
                "authority_key_identifier": x509.authority_key_identifier(self.key(issuer).identifier), **point}

    def crl_url(self, issuer: str) -> str:
        return f"{self.portal}/crl/{CRL_FILES[issuer]}"

    def crl(self, issuer: str, changes: Mapping[str, Any] | None = None) -> bytes:
        """The CRL that `root` or `ats` publishes, DER.

        `changes` are fields of `x509.Crl`; `revoked` are labels of certificates, `signer` the label of the signing key."""
        changes = dict(changes or {})
        signer = self.key(str(changes.pop("signer", issuer)))
        serials = {"ats": lambda: self.ats.fields.serial, "leaf": lambda: self.leaf.fields.serial}
        revoked = tuple(Revoked(serials[label]()) for label in changes.pop("revoked", ()))
        fields = Crl(
            issuer=name(COMMON_NAMES[issuer]), this_update=self.now - DAY, next_update=self.now + 7 * DAY, revoked=revoked, algorithm=SHA512_WITH_RSA,
            extensions={"authority_key_identifier": x509.authority_key_identifier(self.key(issuer).identifier), "crl_number": x509.crl_number(1)})
        return x509.amend(fields, changes).issue(signer)
