"""Certificates and CRLs, field by field: every field may be replaced before and after signing."""
from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Protocol, TypeVar

from simulator import der

ECDSA_WITH_SHA256 = der.sequence(der.oid("1.2.840.10045.4.3.2"))
DIGITAL_SIGNATURE, NON_REPUDIATION, KEY_CERT_SIGN, CRL_SIGN = 0x80, 0x40, 0x04, 0x02


class Signer(Protocol):
    """A key that signs certificates and CRLs; the algorithm is for them to name."""

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True)
class Extension:
    """One extension: dotted OID, DER value (without the OCTET STRING around it), criticality."""

    oid: str
    value: bytes
    critical: bool = False

    def der(self) -> bytes:
        critical = der.boolean(True) if self.critical else b""
        return der.sequence(der.oid(self.oid), critical, der.octet_string(self.value))


#: Extensions by a short name, in the order in which they are written. None leaves one out.
Extensions = Mapping[str, "Extension | None"]


@dataclass(frozen=True)
class Certificate:
    """What a certificate says; `issue` turns it into bytes."""

    serial: int
    issuer: bytes
    subject: bytes
    spki: bytes
    not_before: int
    not_after: int
    extensions: Extensions = field(default_factory=dict)
    extra_extensions: tuple[Extension, ...] = ()  # after the others; may repeat one
    version: int | None = 3
    algorithm: bytes = ECDSA_WITH_SHA256  # inner
    outer_algorithm: bytes | None = None  # the inner one unless given
    signature: bytes | None = None  # DER signature, instead of a genuine one
    trailing: bytes = b""  # after the certificate

    def tbs(self) -> bytes:
        written = [item.der() for item in [*self.extensions.values(), *self.extra_extensions] if item is not None]
        return der.sequence(
            der.explicit(0, der.integer(self.version - 1)) if self.version is not None else b"",
            der.integer(self.serial), self.algorithm, self.issuer,
            der.sequence(der.time(self.not_before), der.time(self.not_after)), self.subject, self.spki,
            der.explicit(3, der.sequence(*written)) if written else b"")

    def issue(self, issuer_key: Signer) -> bytes:
        """The signed certificate, DER."""
        return sign_structure(self.tbs(), self.outer_algorithm or self.algorithm, self.signature, issuer_key) + self.trailing


@dataclass(frozen=True)
class Revoked:
    """An entry of a CRL."""

    serial: int
    extensions: tuple[Extension, ...] = (Extension("2.5.29.21", der.enumerated(1)),)  # key compromise, as Intel writes
    serial_der: bytes | None = None  # whole INTEGER, to write it in an unusual way


@dataclass(frozen=True)
class Crl:
    """What a CRL says; `issue` turns it into bytes."""

    issuer: bytes
    this_update: int
    next_update: int | None
    revoked: tuple[Revoked, ...] = ()
    extensions: Extensions = field(default_factory=dict)
    extra_extensions: tuple[Extension, ...] = ()
    version: int | None = 2
    algorithm: bytes = ECDSA_WITH_SHA256
    outer_algorithm: bytes | None = None
    signature: bytes | None = None
    trailing: bytes = b""

    def tbs(self) -> bytes:
        entries = b"".join(self.entry(item) for item in self.revoked)
        written = [item.der() for item in [*self.extensions.values(), *self.extra_extensions] if item is not None]
        return der.sequence(
            der.integer(self.version - 1) if self.version is not None else b"",
            self.algorithm, self.issuer, der.time(self.this_update),
            der.time(self.next_update) if self.next_update is not None else b"",
            der.sequence(entries) if entries else b"",
            der.explicit(0, der.sequence(*written)) if written else b"")

    def entry(self, item: Revoked) -> bytes:
        extensions = der.sequence(*(extension.der() for extension in item.extensions)) if item.extensions else b""
        return der.sequence(item.serial_der or der.integer(item.serial), der.time(self.this_update), extensions)

    def issue(self, issuer_key: Signer) -> bytes:
        """The signed CRL, DER."""
        return sign_structure(self.tbs(), self.outer_algorithm or self.algorithm, self.signature, issuer_key) + self.trailing


def sign_structure(tbs: bytes, algorithm: bytes, signature: bytes | None, key: Signer) -> bytes:
    return der.sequence(tbs, algorithm, der.bit_string(key.sign(tbs) if signature is None else signature))


Fields = TypeVar("Fields", Certificate, Crl)


def amend(fields: Fields, changes: Mapping[str, Any]) -> Fields:
    """A copy of a Certificate or Crl with some fields replaced; `extensions` is merged by name.

    Raises TypeError for a field that does not exist."""
    changes = dict(changes)
    if "extensions" in changes:
        changes["extensions"] = {**fields.extensions, **changes["extensions"]}
    return replace(fields, **changes)


def name(*attributes: tuple[str, str]) -> bytes:
    """A Name of one-valued RDNs: (dotted OID, text); countryName is a PrintableString, the others UTF8String."""
    def value(attribute: str, text: str) -> bytes:
        return der.printable_string(text) if attribute == "2.5.4.6" else der.utf8_string(text)
    return der.sequence(*(der.set_of(der.sequence(der.oid(kind), value(kind, text))) for kind, text in attributes))


def authority_key_identifier(identifier: bytes) -> Extension:
    return Extension("2.5.29.35", der.sequence(der.implicit(0, identifier)))


def subject_key_identifier(identifier: bytes) -> Extension:
    return Extension("2.5.29.14", der.octet_string(identifier))


def crl_distribution_point(url: str) -> Extension:
    full_name = der.implicit(0, der.implicit(6, url.encode()), constructed=True)
    return Extension("2.5.29.31", der.sequence(der.sequence(der.explicit(0, full_name))))


def key_usage(bits: int) -> Extension:
    unused = (bits & -bits).bit_length() - 1
    return Extension("2.5.29.15", der.bit_string(bytes([bits]), unused), critical=True)


def basic_constraints(ca: bool, path_length: int | None = None) -> Extension:
    length = der.integer(path_length) if path_length is not None else b""
    return Extension("2.5.29.19", der.sequence(der.boolean(True) if ca else b"", length), critical=True)


def crl_number(number: int) -> Extension:
    return Extension("2.5.29.20", der.integer(number))


def pem(certificate: bytes, label: str = "CERTIFICATE") -> str:
    """PEM with lines of 64 characters and a final newline."""
    text = base64.b64encode(certificate).decode()
    lines = [text[start:start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])
