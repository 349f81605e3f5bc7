"""Reading evidence, without judgement."""
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _core
from ._errors import from_code
from ._inputs import BytesLike, FileLike, as_bytes, certificate_der, file_bytes, json_bytes

if TYPE_CHECKING:
    from ._core import QuoteHandle


def extract_tdx_quote(certificate: BytesLike | str) -> bytes | None:
    """Take the TDX quote out of an RA-TLS leaf certificate. Nothing is verified.

    Args:
        certificate: DER, or PEM in bytes or str.

    Returns:
        Exactly the quote, without what may follow it; None for a certificate with no RA-TLS extension.

    Raises:
        RefusedError: an extension is there but does not hold a usable TDX quote.
    """
    return _core.ratls_extract_tdx_quote(certificate_der(certificate))


def inspect_quote(quote: BytesLike) -> dict[str, Any]:
    """Read every field of a TDX (v4, v5) or SGX (v3, v4, v5) quote. Nothing is verified.

    Returns:
        The fields by name (docs/reference/fields.md); None where the quote has none.

    Raises:
        RefusedError: the bytes are no quote that can be read.
    """
    return _fields_of(_core.ratls_quote_inspect(as_bytes(quote, "quote")))


def inspect_certificate(certificate: BytesLike | str) -> dict[str, Any]:
    """Read what an RA-TLS leaf certificate carries: every field of its TDX quote, and the event log. Nothing is verified.

    Args:
        certificate: DER, or PEM in bytes or str.

    Returns:
        The fields by name; all None for a certificate with no RA-TLS extension.

    Raises:
        RefusedError: an extension is there but does not hold a usable TDX quote.
    """
    return _fields_of(_core.ratls_certificate_inspect(certificate_der(certificate)))


def inspect_evidence(evidence: BytesLike | str | Mapping[str, Any]) -> dict[str, Any]:
    """Read evidence that came without a certificate: every field of its TDX quote, and the event log. Nothing is verified.

    Args:
        evidence: an attestation envelope (V0 or V1) in bytes, or what dstack's GetQuote or Attest answers: JSON text, or the
            parsed object.

    Raises:
        RefusedError: it cannot be read, or holds no usable TDX quote.
    """
    return _fields_of(_core.ratls_evidence_inspect(json_bytes(evidence, "evidence")))


def inspect_report(report: BytesLike | str | Mapping[str, Any]) -> dict[str, Any]:
    """Read the quote of a sidecar's attestation report. Nothing is verified.

    Args:
        report: the JSON of /attestation: bytes, text, or the parsed object.

    Raises:
        RefusedError: it is no such report, or its quote cannot be read.
    """
    return _fields_of(_core.ratls_report_inspect(json_bytes(report, "report")))


def compose_hash(file: FileLike | BytesLike) -> str:
    """The compose hash of an app-compose file as dstack computes it, for the pin of that name: SHA-256 of its bytes.

    Args:
        file: path of app-compose.json, or its bytes. (Not of the docker-compose file inside of it.)

    Raises:
        UsageError: the file is unreadable, or no JSON object.
    """
    return _core.ratls_compose_hash(file_bytes(file, "file") or b"")


def _fields_of(quote: QuoteHandle) -> dict[str, Any]:
    text = _core.ratls_quote_json(quote)
    if text is None:
        raise from_code("OUT_OF_MEMORY")
    fields: dict[str, Any] = json.loads(text)
    return fields
