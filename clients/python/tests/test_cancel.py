"""Ending a query that runs, over a second connection through the same tunnel."""
from __future__ import annotations

import asyncio
import threading
from typing import Any, Iterator

import psycopg
import pytest

from psycopg_ratls import connect, connect_async
from ra_tls_verify import NoopVerifier, RaTlsVerifier, VerifyOptions
from simulator.postgres import Cluster
from simulator.process import SidecarProcess

SLEEP = "select pg_sleep(60)"


@pytest.fixture
def dsn(cluster: Cluster) -> Iterator[str]:
    """Through a sidecar of its own process: psycopg's cancel holds the interpreter."""
    with SidecarProcess("--upstream", str(cluster.socket_path)) as sidecar:
        yield cluster.dsn(port=sidecar.port)


class Own(RaTlsVerifier):
    def verify(self, quote: bytes, options: VerifyOptions) -> Any:
        return {"tcb_status": "OK"}


def sleeping(cluster: Cluster, pid: int) -> None:
    """Wait until the server runs the query."""
    with psycopg.connect(cluster.dsn(), autocommit=True) as plain:
        while plain.execute("select 1 from pg_stat_activity where pid = %s and state = 'active' and query = %s",
                            [pid, SLEEP]).fetchone() is None:
            plain.execute("select pg_sleep(0.005)")


@pytest.mark.parametrize("verifier", [NoopVerifier(), Own()], ids=["noop", "own"])
@pytest.mark.parametrize("method", ["cancel", "cancel_safe"])
def test_a_query_is_cancelled(cluster: Cluster, dsn: str, verifier: RaTlsVerifier, method: str) -> None:
    with connect(dsn, verifier=verifier) as conn:
        def cancel() -> None:
            sleeping(cluster, conn.info.backend_pid)
            getattr(conn, method)()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            conn.execute(SLEEP)
        thread.join()
        conn.rollback()
        assert conn.execute("select 1 as one").fetchone() == {"one": 1}


def test_cancelling_a_task_cancels_the_query(cluster: Cluster, dsn: str) -> None:
    async def main() -> None:
        async with await connect_async(dsn, verifier=NoopVerifier()) as conn:
            task = asyncio.create_task(conn.execute(SLEEP))
            await asyncio.get_running_loop().run_in_executor(None, sleeping, cluster, conn.info.backend_pid)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await conn.rollback()
            assert await (await conn.execute("select 1 as one")).fetchone() == {"one": 1}

    asyncio.run(main())
