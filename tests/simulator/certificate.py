"""RA-TLS certificates as dstack issues them (evidence format, sections 1 and 6)."""
from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Mapping

from simulator import der, x509
from simulator.attestation import PLATFORMS, Attestation
from simulator.keys import Key, Seed
from simulator.x509 import Certificate, Extension

ARC = "1.3.6.1.4.1.62397.1"
NOT_BEFORE = 157766400  # 1975-01-01, as dstack writes
LIFETIME = 3650 * 86400
SERVER_AUTH, CLIENT_AUTH = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"


def bind(spki: bytes) -> bytes:
    """REPORTDATA that commits to a key, 64 bytes."""
    return hashlib.sha512(b"ratls-cert:" + spki).digest()


def dstack_extension(number: int, payload: bytes) -> Extension:
    """The payload in the OCTET STRING that dstack puts inside extnValue."""
    return Extension(f"{ARC}.{number}", der.octet_string(payload))


@dataclass(frozen=True)
class Evidence:
    """What a form writes into the certificate."""

    attestation: Attestation
    quote: bytes  # as the guest agent delivered it, with what follows it
    other_quote: bytes  # another one, for contradictions
    event_log: str  # JSON, complete

    def envelope(self, **changes: Any) -> Attestation:
        return Attestation(**{**vars(self.attestation), **changes})


def legacy(evidence: Evidence) -> list[Extension]:
    return [dstack_extension(1, evidence.quote), dstack_extension(2, evidence.event_log.encode())]


def v0(evidence: Evidence, **changes: Any) -> Extension:
    return dstack_extension(8, evidence.envelope(**changes).v0())


def v1(evidence: Evidence, **changes: Any) -> Extension:
    return dstack_extension(8, evidence.envelope(**changes).v1())


Form = Callable[[Evidence], "list[Extension]"]


def platform_form(write: Callable[..., Extension], **changes: Any) -> Form:
    return lambda evidence: [write(evidence, **changes)]


def platform_forms() -> dict[str, Form]:
    """V0 and V1 of the platforms that are not plain TDX, and the empty bodies of old releases."""
    forms: dict[str, Form] = {}
    for version, write in (("v0", v0), ("v1", v1)):
        for platform in PLATFORMS:
            if platform != "tdx":
                forms[f"{version}-{platform}"] = platform_form(write, platform=platform)
        for platform in ("gcp-tdx", "nitro-enclave"):
            forms[f"{version}-{platform}-empty"] = platform_form(write, platform=platform, empty_body=True)
    return forms


#: Every way in which a certificate can carry, or fail to carry, its evidence.
FORMS: Mapping[str, Form] = {
    "v0": lambda evidence: [v0(evidence)],
    "v0-full": lambda evidence: [v0(evidence, full=True)],
    "v1": lambda evidence: [v1(evidence)],
    "v1-full": lambda evidence: [v1(evidence, full=True)],
    "v1-bin": lambda evidence: [v1(evidence, bytes_as_bin=True)],
    "legacy": legacy,
    "legacy-no-log": lambda evidence: legacy(evidence)[:1],
    "legacy-log-only": lambda evidence: legacy(evidence)[1:],
    "legacy-bad-log": lambda evidence: [legacy(evidence)[0], dstack_extension(2, b"bar")],
    "legacy-empty": lambda evidence: [dstack_extension(1, b""), dstack_extension(2, b"")],
    "legacy-garbage": lambda evidence: [dstack_extension(1, b"not a quote"), legacy(evidence)[1]],
    "legacy-unwrapped": lambda evidence: [Extension(f"{ARC}.1", evidence.quote), legacy(evidence)[1]],
    "legacy-twice": lambda evidence: [legacy(evidence)[0], *legacy(evidence)],
    "both-equal": lambda evidence: [*legacy(evidence), v0(evidence)],
    "both-different": lambda evidence: [*legacy(evidence), v0(evidence, quote=evidence.other_quote)],
    "v0-twice": lambda evidence: [v0(evidence), v0(evidence)],
    "v0-unwrapped": lambda evidence: [Extension(f"{ARC}.8", evidence.envelope().v0())],
    "v0-trailing": lambda evidence: [dstack_extension(8, evidence.envelope().v0() + b"\0")],
    "v0-empty-quote": lambda evidence: [v0(evidence, quote=b"")],
    "attestation-empty": lambda evidence: [dstack_extension(8, b"")],
    "attestation-garbage": lambda evidence: [dstack_extension(8, b"\x42garbage")],
    "none": lambda evidence: [],
    **platform_forms(),
}


@dataclass(frozen=True)
class Issuer:
    """A CA of the KMS."""

    der: bytes
    subject: bytes
    key: Key

    @property
    def pem(self) -> str:
        return x509.pem(self.der)


class Kms:
    """The CAs that issue leaf certificates; `root` is what a client's certificate chains to."""

    def __init__(self, seed: Seed, now: int, app_id: bytes) -> None:
        self.seed = seed
        self.now = now
        self.root = self.authority("kms-root", "Dstack KMS CA", None, 1, [])
        self.app_ca = self.authority(
            "kms-app", "Dstack App CA", self.root, 0, [dstack_extension(3, app_id), dstack_extension(4, b"app:ca")])

    @staticmethod
    def root_key(seed: Seed) -> Key:
        return seed.key("kms-root")

    def authority(self, label: str, common_name: str, issuer: Issuer | None, path_length: int, more: list[Extension]) -> Issuer:
        key = self.seed.key(label)
        subject = x509.name(("2.5.4.10", "Dstack"), ("2.5.4.3", common_name))
        fields = Certificate(
            serial=int.from_bytes(self.seed.derive(f"serial/{label}", 19), "big"),
            issuer=issuer.subject if issuer else subject, subject=subject, spki=key.spki,
            not_before=NOT_BEFORE, not_after=self.now + LIFETIME,
            extensions={
                "key_usage": x509.key_usage(x509.DIGITAL_SIGNATURE | x509.KEY_CERT_SIGN | x509.CRL_SIGN),
                "subject_key_identifier": x509.subject_key_identifier(key.identifier),
                "basic_constraints": x509.basic_constraints(True, path_length),
            }, extra_extensions=tuple(more))
        return Issuer(fields.issue(issuer.key if issuer else key), subject, key)


def leaf(key: Key, evidence: Iterable[Extension], issuer: Issuer | None, *, seed: Seed, now: int, app_id: bytes,
         subject: str = "", alternative_names: tuple[str, ...] = (), usages: tuple[str, ...] = (SERVER_AUTH, CLIENT_AUTH),
         changes: Mapping[str, Any] | None = None) -> bytes:
    """A leaf certificate in dstack's profile; self-signed without an issuer. `changes` are fields of `x509.Certificate`."""
    evidence = list(evidence)
    own_name = x509.name(("2.5.4.3", subject)) if subject else x509.name()
    extensions: dict[str, Extension | None] = {}
    if alternative_names:
        names = der.sequence(*(der.implicit(2, name.encode()) for name in alternative_names))
        extensions["subject_alternative_name"] = Extension("2.5.29.17", names)
    extensions["key_usage"] = x509.key_usage(x509.DIGITAL_SIGNATURE)
    if usages:
        extensions["extended_key_usage"] = Extension("2.5.29.37", der.sequence(*(der.oid(usage) for usage in usages)))
    if issuer is not None:
        extensions["app_id"] = dstack_extension(3, app_id)
        extensions["cert_usage"] = dstack_extension(4, b"app:custom")
    content = hashlib.sha256(b"".join(extension.der() for extension in evidence) + key.spki).hexdigest()
    fields = Certificate(
        serial=int.from_bytes(seed.derive(f"leaf-serial/{content}", 19), "big"),
        issuer=issuer.subject if issuer else own_name, subject=own_name, spki=key.spki,
        not_before=NOT_BEFORE, not_after=now + LIFETIME, extensions=extensions, extra_extensions=tuple(evidence))
    return x509.amend(fields, changes or {}).issue(issuer.key if issuer else key)

