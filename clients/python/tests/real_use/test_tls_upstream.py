"""A PostgreSQL that ends the TLS itself: direct TLS or SSLRequest, and an offer of SCRAM-SHA-256-PLUS that no driver here can take."""
from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from connections import Connect
from psycopg import rows

import psycopg_ratls
from psycopg_ratls import attestation, connect_async
from ra_tls_verify import DcapVerifier, VerifyOptions
from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.tls_postgres import TlsCluster

WAYS = pytest.mark.parametrize("start_tls", [False, True], ids=["direct", "start_tls"])


@pytest.fixture(scope="module")
def server(minted: Minted) -> Iterator[TlsCluster]:
    with TlsCluster(minted) as running:
        yield running


@pytest.fixture
def open_to(server: TlsCluster, verifier: DcapVerifier, options: VerifyOptions) -> Iterator[Connect]:
    opened: list[psycopg_ratls.Connection[Any]] = []

    def open_one(**arguments: Any) -> psycopg_ratls.Connection[Any]:
        arguments = {"verifier": verifier, "options": options, "autocommit": True, "row_factory": rows.scalar_row, **arguments}
        opened.append(psycopg_ratls.connect(server.dsn(), **arguments))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@WAYS
def test_a_query(open_to: Connect, minted: Minted, start_tls: bool) -> None:
    connection = open_to(start_tls=start_tls)
    assert connection.execute("select version from pg_stat_ssl where pid = pg_backend_pid()").fetchone() == "TLSv1.3"
    assert attestation(connection).mr_td == minted.mr_td


def test_the_server_really_offers_channel_binding(server: TlsCluster) -> None:
    psycopg.connect(server.tls_dsn(channel_binding="require")).close()


@pytest.mark.parametrize("channel_binding", ["prefer", "require"])
def test_a_demand_for_channel_binding_is_met_by_the_attestation(open_to: Connect, channel_binding: str) -> None:
    assert open_to(channel_binding=channel_binding).execute("select 1").fetchone() == 1


def test_the_driver_may_insist_on_scram(open_to: Connect) -> None:
    assert open_to(require_auth="scram-sha-256").execute("select 1").fetchone() == 1


def test_a_wrong_password_is_the_servers_own_error(open_to: Connect) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed") as caught:
        open_to(password="wrong")
    assert not isinstance(caught.value, psycopg_ratls.RaTlsError)


@WAYS
@pytest.mark.parametrize("method", ["cancel", "cancel_safe"])
def test_a_query_is_cancelled(open_to: Connect, server: TlsCluster, start_tls: bool, method: str) -> None:
    connection = open_to(start_tls=start_tls)

    def cancel() -> None:
        with psycopg.connect(server.tls_dsn(), autocommit=True) as plain:
            while plain.execute("select 1 from pg_stat_activity where pid = %s and state = 'active'",
                                [connection.info.backend_pid]).fetchone() is None:
                plain.execute("select pg_sleep(0.005)")
        getattr(connection, method)()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("select pg_sleep(60)")
    thread.join()


@WAYS
def test_a_bulk_both_ways(open_to: Connect, start_tls: bool) -> None:
    connection = open_to(start_tls=start_tls)
    connection.execute("create temporary table bulk (line text)")
    with connection.cursor() as cursor, cursor.copy("copy bulk from stdin") as copy:
        for _ in range(1000):
            copy.write("x" * 9999 + "\n")
    with connection.cursor() as cursor, cursor.copy("copy bulk to stdout") as copy:
        assert sum(len(data) for data in copy) == 10_000_000


def test_a_wrong_server_is_refused_before_it_hears_anything(open_to: Connect, server: TlsCluster) -> None:
    with pytest.raises(psycopg_ratls.RefusedError) as caught:
        open_to(options=VerifyOptions(allowed_mr_td=["00" * 48], now=server.minted.now))
    assert caught.value.code == "MRTD_NOT_ALLOWED"


def test_start_tls_at_a_server_without_tls(open_to: Connect, cluster: Cluster) -> None:
    with pytest.raises(psycopg_ratls.UnavailableError):
        open_to(port=cluster.port, start_tls=True)


def test_asyncio(server: TlsCluster, verifier: DcapVerifier, options: VerifyOptions) -> None:
    async def main() -> Any:
        connection = await connect_async(server.dsn(), verifier=verifier, options=options, start_tls=True, row_factory=rows.scalar_row)
        async with connection:
            return await (await connection.execute("select 6 * 7")).fetchone()

    assert asyncio.run(main()) == 42
