"""Pools: psycopg_pool's behaviour, and a refusal that is told as what it is."""
from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import psycopg_pool
import pytest

import psycopg_ratls
from psycopg_ratls import AsyncConnectionPool, ConnectionPool, attestation
from psycopg_ratls._pool import MAX_LIFETIME_SECONDS
from ra_tls_verify import DcapVerifier, VerifyOptions
from simulator.postgres import Cluster
from simulator.sidecar import BEHAVIOURS, Sidecar
from simulator.world import World

#: Long enough for a connection, short enough for a test that waits for one in vain.
BRIEFLY = 0.5


@pytest.fixture
def dsn(cluster: Cluster, sidecar: Sidecar) -> str:
    return cluster.dsn(port=sidecar.port)


@pytest.fixture
def arguments(verifier: DcapVerifier, options: VerifyOptions) -> dict[str, Any]:
    return {"verifier": verifier, "options": options}


def one(conn: psycopg.Connection[Any]) -> Any:
    return conn.execute("select 1 as one").fetchone()


def test_connections_rest_on_a_verdict(dsn: str, arguments: dict[str, Any]) -> None:
    with ConnectionPool(dsn, min_size=2, **arguments) as pool:
        pool.wait()
        with pool.connection() as first, pool.connection() as second:
            assert one(first) == one(second) == {"one": 1}
            assert attestation(first).verified and attestation(second).verified
            assert first._tunnel is not second._tunnel and first._tunnel is not None
    assert pool.closed


def test_what_a_pool_takes_is_handed_on(dsn: str, arguments: dict[str, Any]) -> None:
    configured: list[str] = []
    with ConnectionPool(
            lambda: dsn, kwargs=lambda: {"autocommit": True, "application_name": "till", "row_factory": psycopg.rows.tuple_row},
            min_size=1, configure=lambda conn: configured.append(type(conn).__name__), name="orders", **arguments) as pool:
        with pool.connection() as conn:
            assert conn.execute("show application_name").fetchone() == ("till",)
        assert (pool.name, configured) == ("orders", ["Connection"])


def test_it_opens_when_it_is_told(dsn: str, sidecar: Sidecar, arguments: dict[str, Any]) -> None:
    pool = ConnectionPool(dsn, min_size=1, open=False, **arguments)
    assert pool.closed and sidecar.connections == []
    with pytest.raises(psycopg_pool.PoolClosed):
        pool.getconn()
    pool.open(wait=True)
    pool.open()
    with pool.connection() as conn:
        assert one(conn) == {"one": 1}
    pool.close()
    pool.close()
    with pytest.raises(psycopg_pool.PoolClosed):
        pool.open()


def test_a_refusal_is_raised_by_opening(world: World, cluster: Cluster, arguments: dict[str, Any]) -> None:
    with Sidecar(world.mint("debug"), cluster.socket_path) as sidecar:
        with pytest.raises(psycopg_ratls.RefusedError) as caught:
            ConnectionPool(cluster.dsn(port=sidecar.port), **arguments)
        assert caught.value.code == "DEBUG_MODE" and isinstance(caught.value, psycopg.OperationalError)
        pool = ConnectionPool(cluster.dsn(port=sidecar.port), open=False, **arguments)
        for opening in (pool.open, lambda: pool.open(wait=True), pool.__enter__):
            with pytest.raises(psycopg_ratls.RefusedError):
                opening()
        assert pool.closed
        assert {seen.upstream_opened for seen in sidecar.wait_closed(4)} == {False}
        sidecar.present(world.mint())
        with pool:
            with pool.connection() as conn:
                assert one(conn) == {"one": 1}


def test_what_cannot_be_checked_is_raised_by_opening(dsn: str, sidecar: Sidecar, arguments: dict[str, Any]) -> None:
    sidecar.behaviour = BEHAVIOURS["plain"]
    with pytest.raises(psycopg_ratls.UnavailableError):
        ConnectionPool(dsn, **arguments)
    with pytest.raises(psycopg_ratls.UsageError):
        ConnectionPool("host=a,b", **arguments)
    with pytest.raises(psycopg_ratls.UsageError):
        ConnectionPool(dsn, options={"allowed_mr_td": []})  # type: ignore[arg-type]


def test_a_later_refusal_is_raised_by_waiting_in_vain(world: World, sidecar: Sidecar, dsn: str, arguments: dict[str, Any]) -> None:
    with ConnectionPool(dsn, min_size=1, max_size=2, **arguments) as pool:
        pool.wait()
        with pool.connection():
            sidecar.present(world.mint("no_quote"))
            with pytest.raises(psycopg_ratls.RefusedError) as caught:
                pool.getconn(timeout=BRIEFLY)
        assert caught.value.code == "QUOTE_MISSING" and "set allow_simulator=True" in str(caught.value)
        assert isinstance(caught.value.__cause__, psycopg_pool.PoolTimeout)
        with pool.connection() as conn:
            assert one(conn) == {"one": 1}, "the connection that was accepted goes on"


def test_a_later_refusal_is_raised_by_waiting_for_all(world: World, sidecar: Sidecar, dsn: str, arguments: dict[str, Any]) -> None:
    with psycopg_ratls.connect(dsn, **arguments):
        # The tunnel stands, so that opening makes no handshake of its own.
        sidecar.present(world.mint("debug"))
        pool = ConnectionPool(dsn, min_size=1, open=False, **arguments)
        with pytest.raises(psycopg_ratls.RefusedError) as caught:
            pool.open(wait=True, timeout=BRIEFLY)
        assert caught.value.code == "DEBUG_MODE"


def test_a_pool_that_is_merely_busy_says_so(dsn: str, arguments: dict[str, Any]) -> None:
    with ConnectionPool(dsn, min_size=1, max_size=1, **arguments) as pool:
        with pool.connection():
            with pytest.raises(psycopg_pool.PoolTimeout):
                pool.getconn(timeout=0.05)


def test_giving_up_is_told(world: World, sidecar: Sidecar, dsn: str, arguments: dict[str, Any]) -> None:
    told: list[object] = []
    called = threading.Event()

    def failed(pool: object) -> None:
        told.append(pool)
        called.set()

    with ConnectionPool(dsn, min_size=1, max_size=2, reconnect_timeout=0, reconnect_failed=failed, **arguments) as pool:
        pool.wait()
        with pool.connection():
            sidecar.present(world.mint("debug"))
            with pytest.raises(psycopg_ratls.RefusedError):
                pool.getconn(timeout=BRIEFLY)
            assert called.wait(10)
        assert told == [pool]


def test_draining_and_checking_replace_connections(dsn: str, cluster: Cluster, arguments: dict[str, Any]) -> None:
    def process(pool: ConnectionPool) -> int:
        with pool.connection() as conn:
            return conn.info.backend_pid

    with ConnectionPool(dsn, min_size=1, check=ConnectionPool.check_connection, **arguments) as pool:
        first = process(pool)
        assert process(pool) == first
        pool.drain()
        second = process(pool)
        assert second != first
        with psycopg.connect(cluster.dsn(), autocommit=True) as plain:
            plain.execute("select pg_terminate_backend(%s, 10000)", [second])
        pool.check()
        assert process(pool) not in (first, second)


def test_no_connection_outlives_its_verdict_for_long(dsn: str, arguments: dict[str, Any]) -> None:
    assert MAX_LIFETIME_SECONDS == 3600
    with ConnectionPool(dsn, min_size=3, **arguments) as pool:
        assert pool.max_lifetime == 3600
        pool.wait()
        idle: list[Any] = list(pool._pool)
        for conn in idle:
            conn._expire_at = 0.0
        with pool.connection(timeout=10) as fresh:
            assert fresh not in idle and one(fresh) == {"one": 1}
    assert ConnectionPool(dsn, open=False, max_lifetime=60, **arguments).max_lifetime == 60


def test_an_idle_connection_that_is_too_old_fails_the_check(dsn: str, arguments: dict[str, Any]) -> None:
    asked: list[object] = []
    with ConnectionPool(dsn, min_size=1, check=asked.append, **arguments) as pool:
        conn = pool.getconn()
        assert asked == [conn]
        conn._expire_at = 0.0  # type: ignore[attr-defined]
        with pytest.raises(Exception, match="older than max_lifetime"):
            pool._check_connection(conn)
        pool.putconn(conn)
        assert conn.closed


def test_asynchronous(world: World, cluster: Cluster, sidecar: Sidecar, dsn: str, arguments: dict[str, Any]) -> None:
    async def usable(conn: Any) -> None:
        await conn.execute("select 1")
        await conn.rollback()

    async def conninfo() -> str:
        return dsn

    async def main() -> None:
        async with AsyncConnectionPool(conninfo, min_size=1, max_size=2, check=usable, **arguments) as pool:
            assert pool.max_lifetime == 3600
            await pool.wait()
            async with pool.connection() as conn:
                assert await (await conn.execute("select 1 as one")).fetchone() == {"one": 1}
                assert attestation(conn).verified
                sidecar.present(world.mint("no_quote"))
                with pytest.raises(psycopg_ratls.RefusedError) as caught:
                    await pool.getconn(timeout=BRIEFLY)
                assert caught.value.code == "QUOTE_MISSING"
            sidecar.present(world.mint())
            idle: list[Any] = list(pool._pool)
            for conn in idle:
                conn._expire_at = 0.0  # type: ignore[attr-defined]
            async with pool.connection(timeout=10) as fresh:
                assert fresh not in idle
        assert pool.closed

    asyncio.run(main())


def test_asynchronous_refusals(world: World, cluster: Cluster, arguments: dict[str, Any]) -> None:
    async def main(dsn: str) -> None:
        with pytest.raises(psycopg_ratls.UsageError, match="await pool.open()"):
            AsyncConnectionPool(dsn, open=True, **arguments)
        pool = AsyncConnectionPool(dsn, **arguments)
        openings: list[Callable[[], Any]] = [pool.open, lambda: pool.open(wait=True), pool.__aenter__]
        for opening in openings:
            with pytest.raises(psycopg_ratls.RefusedError) as caught:
                await opening()
            assert caught.value.code == "DEBUG_MODE"
        assert pool.closed

    with Sidecar(world.mint("debug"), cluster.socket_path) as sidecar:
        asyncio.run(main(cluster.dsn(port=sidecar.port)))


def test_without_psycopg_pool_it_says_what_to_install() -> None:
    import subprocess
    import sys

    script = ("import sys; sys.modules['psycopg_pool'] = None\nimport psycopg_ratls\n"
              "try:\n    psycopg_ratls.ConnectionPool\nexcept ImportError as error:\n    print(error)")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'psycopg-ratls[pool]'" in done.stdout
    with pytest.raises(AttributeError):
        psycopg_ratls.Pool  # type: ignore[attr-defined]
