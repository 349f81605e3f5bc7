"""Is the peer of this TLS connection inside a genuine TEE? Verification of RA-TLS certificates and TDX quotes."""
from . import _core
from ._errors import RaTlsError, RefusedError, UnavailableError, UsageError
from ._evidence import compose_hash, extract_tdx_quote, inspect_certificate, inspect_evidence, inspect_quote, inspect_report
from ._leader import Leader, LeaderRecord
from ._options import VerifyOptions
from ._report import fetch_report, fetch_report_async, verify_report, verify_report_async
from ._result import VerifyResult
from ._verifiers import CLAIMS, AllVerifiers, DcapVerifier, FirstVerifier, IntelApiVerifier, NoopVerifier, RaTlsVerifier
from ._version import __version__

__all__ = [
    "CLAIMS",
    "AllVerifiers",
    "DcapVerifier",
    "FirstVerifier",
    "IntelApiVerifier",
    "Leader",
    "LeaderRecord",
    "NoopVerifier",
    "RaTlsError",
    "RaTlsVerifier",
    "RefusedError",
    "UnavailableError",
    "UsageError",
    "VerifyOptions",
    "VerifyResult",
    "__version__",
    "compose_hash",
    "extract_tdx_quote",
    "fetch_report",
    "fetch_report_async",
    "inspect_certificate",
    "inspect_evidence",
    "inspect_quote",
    "inspect_report",
    "verify_report",
    "verify_report_async",
]

if _core.ratls_version() != __version__:
    raise ImportError(f"ra_tls_verify {__version__} was built with core {_core.ratls_version()}")
