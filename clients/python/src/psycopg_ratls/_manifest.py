"""Connections to the leader of a cluster, named by the cluster's domain and by who signs its records."""
from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ra_tls_verify import Leader, LeaderRecord, RaTlsVerifier, VerifyOptions

from ._attested import driver_errors
from ._connection import AsyncConnection, Connection, connect, connect_async


def connect_via_manifest(
        cluster_domain: str, dsn_template: str, manifest_signer: str | bytes, verifier: RaTlsVerifier | None = None,
        options: VerifyOptions | None = None, *, allow_simulator: bool = False, start_tls: bool = False,
        resolver_ips: Sequence[str] | None = None, cluster_address: str | None = None, state_dir: str | os.PathLike[str] | None = None,
        **kwargs: Any) -> Connection[Any]:
    """Look up who leads a cluster, verify that server, then connect to it with psycopg.

    The signed record in DNS says where to go, never whom to trust: the server is verified as by connect(). While connections are
    open the leader is looked up again and again: those to one that has been superseded end with the driver's ordinary error.

    Args:
        cluster_domain: the record is looked up at _teesql-leader.DOMAIN.
        dsn_template: connection string as for connect(); a host, address or port in it stands for none.
        manifest_signer: address that signs the cluster's records: 0x and 40 hexadecimal digits, or its 20 bytes.
        verifier, options, allow_simulator, start_tls, kwargs: as for connect().
        resolver_ips: DNS servers to ask, ADDRESS or ADDRESS:PORT; not given: the system's.
        cluster_address: address of the cluster that records must name; not given: any.
        state_dir: existing directory where the newest record is kept, so that no later process takes an older one.

    Raises:
        UsageError, RefusedError, UnavailableError: no leader, no verdict or a refusal; each is a psycopg.OperationalError.
        psycopg.OperationalError: the server was accepted but would not connect.
    """
    return connect(dsn_template, verifier=verifier, options=options, allow_simulator=allow_simulator, start_tls=start_tls,
                   leader=leader_of(cluster_domain, manifest_signer, resolver_ips, cluster_address, state_dir), **kwargs)


async def connect_via_manifest_async(
        cluster_domain: str, dsn_template: str, manifest_signer: str | bytes, verifier: RaTlsVerifier | None = None,
        options: VerifyOptions | None = None, *, allow_simulator: bool = False, start_tls: bool = False,
        resolver_ips: Sequence[str] | None = None, cluster_address: str | None = None, state_dir: str | os.PathLike[str] | None = None,
        **kwargs: Any) -> AsyncConnection[Any]:
    """connect_via_manifest() as a coroutine, for a psycopg.AsyncConnection."""
    connection: AsyncConnection[Any] = await connect_async(
        dsn_template, verifier=verifier, options=options, allow_simulator=allow_simulator, start_tls=start_tls,
        leader=leader_of(cluster_domain, manifest_signer, resolver_ips, cluster_address, state_dir), **kwargs)
    return connection


def resolve_leader(cluster_domain: str, manifest_signer: str | bytes, *, resolver_ips: Sequence[str] | None = None,
                   timeout: float = 5.0) -> LeaderRecord:
    """Look up who leads a cluster, now. Nothing is connected to; see connect_via_manifest().

    Args:
        timeout: seconds for the look-up.

    Raises:
        UsageError, RefusedError, UnavailableError
    """
    with driver_errors():
        return Leader(cluster_domain, manifest_signer, dns_servers=resolver_ips, timeout_ms=max(1, int(timeout * 1000))).find()


def leader_of(cluster_domain: str, manifest_signer: str | bytes, resolver_ips: Sequence[str] | None, cluster_address: str | None,
              state_dir: str | os.PathLike[str] | None) -> Leader:
    """The process's one leader of these arguments: it remembers the highest epoch, and whoever follows it shares a tunnel."""
    servers = tuple(resolver_ips) if isinstance(resolver_ips, Sequence) and not isinstance(resolver_ips, str) else resolver_ips
    with driver_errors():
        return _leader_of(cluster_domain, manifest_signer, servers, cluster_address, None if state_dir is None else os.fspath(state_dir))


@lru_cache(maxsize=None)
def _leader_of(domain: str, signer: str | bytes, servers: tuple[str, ...] | None, address: str | None, state_dir: str | None) -> Leader:
    return Leader(domain, signer, dns_servers=servers, cluster_address=address, state_dir=state_dir)
