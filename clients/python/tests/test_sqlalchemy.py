"""SQLAlchemy over attested connections, synchronous and asynchronous, with the small shop of projects/."""
from __future__ import annotations

import asyncio
import json
import logging
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine as plain_async_engine

import psycopg_ratls
from psycopg_ratls import attestation
from psycopg_ratls.sqlalchemy import POOL_RECYCLE_SECONDS, async_creator, create_async_engine, create_engine, creator
from ra_tls_verify import DcapVerifier, VerifyOptions
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World

sys.path.insert(0, str(Path(__file__).resolve().parent / "projects"))

from sqlalchemy_shop import shop  # noqa: E402


@pytest.fixture
def dsn(cluster: Cluster, sidecar: Sidecar) -> str:
    return cluster.dsn(port=sidecar.port)


@pytest.fixture
def url(cluster: Cluster, sidecar: Sidecar) -> sqlalchemy.URL:
    return sqlalchemy.URL.create("postgresql+psycopg", "postgres", cluster.password, "127.0.0.1", sidecar.port, "postgres",
                                 query={"options": "-c statement_timeout=77s"})


@pytest.fixture
def arguments(verifier: DcapVerifier, options: VerifyOptions) -> dict[str, Any]:
    return {"verifier": verifier, "options": options}


def test_the_shop(dsn: str, arguments: dict[str, Any]) -> None:
    engine = create_engine(dsn, **arguments)
    shop.fill(engine)
    assert shop.totals(engine) == [("Ada", Decimal("25.00"))]
    with engine.connect() as conn:
        driver = conn.connection.driver_connection
        assert isinstance(driver, psycopg_ratls.Connection) and attestation(driver).verified
        assert conn.execute(sqlalchemy.text("select 1 as one, 2 as two")).all() == [(1, 2)]
    engine.dispose()
    assert driver.closed


def test_the_shop_with_asyncio(dsn: str, arguments: dict[str, Any]) -> None:
    shop.fill(create_engine(dsn, poolclass=sqlalchemy.NullPool, **arguments))

    async def main() -> None:
        engine = create_async_engine(dsn, **arguments)
        assert await shop.lines(engine) == [{"tea": 2}, {"milk": [1, 2]}]
        async with engine.connect() as conn:
            driver = (await conn.get_raw_connection()).driver_connection
            assert isinstance(driver, psycopg_ratls.AsyncConnection) and attestation(driver).verified
        await engine.dispose()

    asyncio.run(main())


def test_a_url_of_sqlalchemys(url: sqlalchemy.URL, arguments: dict[str, Any]) -> None:
    for given in (url, url.render_as_string(hide_password=False)):
        engine = create_engine(given, connect_args={"application_name": "till"}, **arguments)
        with engine.connect() as conn:
            assert conn.scalar(sqlalchemy.text("show statement_timeout")) == "77s"
            assert conn.scalar(sqlalchemy.text("show application_name")) == "till"
        engine.dispose()

    async def main() -> Any:
        engine = create_async_engine(url, **arguments)
        async with engine.connect() as conn:
            found = await conn.scalar(sqlalchemy.text("show statement_timeout"))
        await engine.dispose()
        return found

    assert asyncio.run(main()) == "77s"


def test_a_creator_for_an_engine_of_ones_own(dsn: str, arguments: dict[str, Any]) -> None:
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=creator(dsn, application_name="till", **arguments))
    with engine.connect() as conn:
        assert conn.execute(sqlalchemy.text("select current_setting('application_name'), 1")).one() == ("till", 1)
    engine.dispose()

    async def main() -> None:
        other = plain_async_engine("postgresql+psycopg://", async_creator=async_creator(dsn, **arguments))
        async with other.connect() as conn:
            assert (await conn.execute(sqlalchemy.text("select 1, 2"))).one() == (1, 2)
        await other.dispose()

    asyncio.run(main())


def test_the_dialects_own_adaptation_holds(dsn: str, arguments: dict[str, Any]) -> None:
    engine = create_engine(dsn, json_deserializer=lambda text: {"read": json.loads(text)}, native_inet_types=False, **arguments)
    with engine.connect() as conn:
        assert conn.scalar(sqlalchemy.text("""select '{"a": 1}'::jsonb""")) == {"read": {"a": 1}}
        assert conn.scalar(sqlalchemy.text("select '10.0.0.1'::inet")) == "10.0.0.1"
    engine.dispose()


def test_a_connection_is_replaced_before_its_verdict_is_old(dsn: str, arguments: dict[str, Any]) -> None:
    assert POOL_RECYCLE_SECONDS == 3600
    assert create_engine(dsn, **arguments).pool._recycle == 3600
    assert create_async_engine(dsn, **arguments).pool._recycle == 3600
    assert create_engine(dsn, pool_recycle=60, **arguments).pool._recycle == 60


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_refusal_is_the_cause(world: World, cluster: Cluster, arguments: dict[str, Any], asynchronous: bool) -> None:
    async def connect_async(dsn: str) -> None:
        async with create_async_engine(dsn, **arguments).connect():
            pass

    with Sidecar(world.mint("debug"), cluster.socket_path) as sidecar:
        dsn = cluster.dsn(port=sidecar.port)
        with pytest.raises(sqlalchemy.exc.OperationalError) as caught:
            if asynchronous:
                asyncio.run(connect_async(dsn))
            else:
                create_engine(dsn, **arguments).connect()
    error = caught.value.orig
    assert isinstance(error, psycopg_ratls.RefusedError) and error.code == "DEBUG_MODE"
    assert "TDX TD is in debug mode" in str(caught.value)


@pytest.mark.parametrize("make", [create_engine, create_async_engine])
def test_what_would_connect_past_the_attestation_is_refused(dsn: str, make: Any) -> None:
    def connect() -> Any:
        return psycopg.connect(dsn)

    for given in ({"creator": connect}, {"async_creator": connect}, {"pool": sqlalchemy.NullPool(connect)}):
        with pytest.raises(psycopg_ratls.UsageError, match="past the attestation"):
            make(dsn, **given)
    for driver in ("postgresql+asyncpg", "postgresql+psycopg2"):
        with pytest.raises(psycopg_ratls.UsageError, match=r"expected the driver postgresql\+psycopg"):
            make(f"{driver}://postgres@127.0.0.1/postgres")


def test_the_password_does_not_show(url: sqlalchemy.URL, dsn: str, cluster: Cluster, arguments: dict[str, Any],
                                    caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for given in (url, dsn):
        engine = create_engine(given, echo_pool="debug", **arguments)
        with engine.connect():
            assert cluster.password not in repr(engine)
        engine.dispose()
    assert cluster.password not in caplog.text
