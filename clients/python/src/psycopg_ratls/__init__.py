"""psycopg connections to PostgreSQL servers that prove to run inside a TEE."""
from ._connection import AsyncConnection, Connection, attestation, connect, connect_async, save_evidence
from ._errors import RaTlsError, RefusedError, UnavailableError, UsageError
from ._version import __version__

__all__ = [
    "AsyncConnection",
    "Connection",
    "RaTlsError",
    "RefusedError",
    "UnavailableError",
    "UsageError",
    "__version__",
    "attestation",
    "connect",
    "connect_async",
    "save_evidence",
]
