"""Everyday use: queries, pipelines, notifications, many connections at once, through a tunnel and a real network stack."""
from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from connections import Connect
from psycopg import rows, sql

from psycopg_ratls import connect_async
from ra_tls_verify import DcapVerifier, VerifyOptions
from simulator.postgres import Cluster
from simulator.process import SidecarProcess

AT_ONCE = 50


def test_values_come_back_as_they_went(open_connection: Connect) -> None:
    values = [1, Decimal("1.5"), "grün\u2028\U0001f512", bytes(range(256)) * 1000, None, [1, 2, 3], "x" * 1_000_000]
    connection = open_connection(row_factory=rows.tuple_row)
    for binary in (False, True):
        row = connection.execute(
            "select %s::int, %s::numeric, %s::text, %s::bytea, %s::text, %s::int[], %s::text", values, binary=binary).fetchone()
        assert list(row) == values


def test_transactions_and_savepoints(open_connection: Connect) -> None:
    connection = open_connection(row_factory=rows.scalar_row)
    connection.execute("create temporary table item (n int primary key)")
    with connection.transaction():
        connection.execute("insert into item values (1)")
        with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
            connection.execute("insert into item values (1)")
        connection.execute("insert into item values (2)")
    assert connection.execute("select count(*) from item").fetchone() == 2


def test_a_server_side_cursor(open_connection: Connect) -> None:
    connection = open_connection(row_factory=rows.scalar_row, autocommit=False)
    with connection.cursor(name="far") as cursor:
        cursor.itersize = 100
        cursor.execute("select n from generate_series(1, 5000) n")
        assert sum(cursor) == 5000 * 5001 // 2


def test_a_pipeline(open_connection: Connect) -> None:
    connection = open_connection(row_factory=rows.scalar_row)
    with connection.pipeline():
        cursors = [connection.execute("select %s::int", [n]) for n in range(2000)]
    assert [cursor.fetchone() for cursor in cursors] == list(range(2000))


def test_an_error_in_a_pipeline_is_the_drivers_own(open_connection: Connect) -> None:
    connection = open_connection(row_factory=rows.scalar_row)
    with pytest.raises(psycopg.errors.DivisionByZero), connection.pipeline():
        connection.execute("select 1")
        connection.execute("select 1 / 0")
        connection.execute("select 2")
    assert connection.execute("select 3").fetchone() == 3


def test_notifications(open_connection: Connect) -> None:
    listener, speaker = open_connection(), open_connection()
    listener.execute("listen news")
    for n in range(100):
        speaker.execute("select pg_notify('news', %s)", [f"{n}"])
    heard = [each.payload for each in listener.notifies(timeout=30, stop_after=100)]
    assert heard == [f"{n}" for n in range(100)]


def test_a_notification_wakes_who_waits(open_connection: Connect, cluster: Cluster) -> None:
    listener = open_connection()
    listener.execute("listen news")
    heard: list[str] = []
    thread = threading.Thread(target=lambda: heard.extend(each.payload for each in listener.notifies(timeout=30, stop_after=1)))
    thread.start()
    with psycopg.connect(cluster.dsn(), autocommit=True) as plain:
        plain.execute("notify news, 'late'")
    thread.join()
    assert heard == ["late"]


def test_fifty_connections_at_once(open_connection: Connect) -> None:
    together = threading.Barrier(AT_ONCE)

    def use(n: int) -> list[Any]:
        connection = open_connection(row_factory=rows.scalar_row)
        together.wait(timeout=60)  # all are open now
        return [connection.execute("select %s::int * i from generate_series(1, 3) i", [n]).fetchall() for _ in range(5)]

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for n, answers in enumerate(threads.map(use, range(AT_ONCE))):
            assert answers == [[n, 2 * n, 3 * n]] * 5


def test_fifty_asynchronous_connections_at_once(
        cluster: Cluster, far: SidecarProcess, verifier: DcapVerifier, options: VerifyOptions) -> None:
    async def use(n: int) -> Any:
        connection = await connect_async(
            cluster.dsn(port=far.port), verifier=verifier, options=options, row_factory=rows.scalar_row)
        async with connection:
            cursor = await connection.execute("select %s::int from pg_sleep(0.1)", [n])
            return await cursor.fetchone()

    async def main() -> list[Any]:
        return await asyncio.gather(*(use(n) for n in range(AT_ONCE)))

    assert asyncio.run(main()) == list(range(AT_ONCE))


def test_names_are_quoted_by_the_connection(open_connection: Connect) -> None:
    connection = open_connection(row_factory=rows.scalar_row)
    statement = sql.SQL("select 1 as {}").format(sql.Identifier('quo"ted'))
    assert statement.as_string(connection) == 'select 1 as "quo""ted"'
    assert connection.execute(statement).fetchone() == 1
