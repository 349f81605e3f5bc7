"""What a server's evidence is made of: every argument of `World.mint`."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

Values = Mapping[str, Any]
#: dstack's guest agent delivers quotes in a buffer that is longer than the quote.
DELIVERED_TRAILING = bytes(70)


def nothing() -> Values:
    return {}


@dataclass(frozen=True)
class Recipe:
    """How a server's evidence is made. Every argument has a sound default."""

    kind: str = "tdx-v4"  # quote.KINDS
    form: str = "v0"  # certificate.FORMS: how the certificate carries the evidence
    chain: str = "kms"  # [leaf, app CA, KMS root]; or "self-signed"
    label: str = "leaf"  # names the leaf's key: another label, another server
    certificate_key: str | None = None  # label of the key in the certificate and in `key_pem`, instead of `label`
    bound_key: str | None = None  # label of the key that REPORTDATA commits to, instead of the certificate's
    report_data: bytes | None = None  # REPORTDATA itself
    subject: str = "simulated-postgres"
    alternative_names: tuple[str, ...] = ()
    certificate: Values = field(default_factory=nothing)  # fields of x509.Certificate of the leaf
    extensions: tuple[Any, ...] | None = None  # x509.Extension, instead of what the form writes
    platform: Values = field(default_factory=nothing)  # fields of Platform
    sgx: Values = field(default_factory=nothing)  # fields of SgxExtension
    guest: Values = field(default_factory=nothing)  # fields of Guest; `events` changes RTMR3, too
    header: Values = field(default_factory=nothing)  # fields of the quote's header
    body: Values = field(default_factory=nothing)  # fields of the quote's body
    qe_report: Values = field(default_factory=nothing)
    signature: Values = field(default_factory=nothing)  # fields of quote.SignatureData
    quote: Values = field(default_factory=nothing)  # body_type and body_size of v5
    attestation_key: str = "attestation"  # labels of the signing keys
    pck_signing_key: str | None = None  # who signs the QE report, instead of the PCK certificate's key
    pck_chain: bytes | None = None  # certification data, instead of leaf, CA, root in PEM and a NUL
    tamper_quote: Callable[[bytes], bytes] | None = None  # the finished quote
    trailing: bytes = DELIVERED_TRAILING  # follows the quote wherever it is embedded
    attestation: Values = field(default_factory=nothing)  # fields of Attestation: what the envelope says
    event_log: str | None = None  # the log's JSON form in .2 and GetQuote, instead of the guest's events
    pki: Mapping[str, Values] = field(default_factory=dict)  # pki.Changes
    collateral: Values = field(default_factory=nothing)  # fields of collateral.CollateralChanges
