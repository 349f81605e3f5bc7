"""psycopg connections to PostgreSQL servers that prove to run inside a TEE."""
from typing import TYPE_CHECKING, Any

from ._connection import AsyncConnection, Connection, attestation, connect, connect_async, save_evidence
from ._errors import RaTlsError, RefusedError, UnavailableError, UsageError
from ._manifest import connect_via_manifest, connect_via_manifest_async, resolve_leader
from ._version import __version__

if TYPE_CHECKING:
    from ._pool import AsyncConnectionPool as AsyncConnectionPool
    from ._pool import ConnectionPool as ConnectionPool

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
    "connect_via_manifest",
    "connect_via_manifest_async",
    "resolve_leader",
    "save_evidence",
]


def __getattr__(name: str) -> Any:
    """The pools, when they are asked for: they need psycopg_pool, which need not be there."""
    if name in ("AsyncConnectionPool", "ConnectionPool"):
        from . import _pool

        return getattr(_pool, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
