"""Forks, the interpreter's end, and servers that fork before they serve."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World

PROJECTS = Path(__file__).resolve().parent / "projects"

COMMON = """
import asyncio, logging, os, sys, threading
import psycopg
from psycopg_ratls import AsyncConnectionPool, ConnectionPool, UsageError, attestation, connect, connect_async
from ra_tls_verify import NoopVerifier, RaTlsVerifier
dsn, verifier = sys.argv[1], NoopVerifier()
logging.getLogger("ra_tls_verify").setLevel(logging.ERROR)  # nothing is pinned here
one = "select 1 as one"

def in_child(call):
    "Run it in a forked child, which must succeed."
    child = os.fork()
    if child == 0:
        try:
            call()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert status == 0, status

def refused(call):
    "It is told that this is another process."
    try:
        call()
    except UsageError as error:
        assert error.code == "TUNNEL_FORKED" and str(os.getpid()) in str(error), error
    else:
        raise AssertionError("not refused")
"""

FORKED = {
    "using the parent's connection": """
conn = connect(dsn, verifier=verifier)
def child():
    for use in (lambda: conn.execute(one), conn.commit, conn.rollback, lambda: conn.transaction().__enter__(),
                lambda: conn.set_autocommit(True), lambda: next(conn.notifies(timeout=0))):
        refused(use)
    def inside():
        with conn:
            pass
    refused(inside)
in_child(child)
assert conn.execute(one).fetchone() == {"one": 1}
""",
    "using it while a thread of the parent does": """
conn = connect(dsn, verifier=verifier, autocommit=True)
busy = threading.Thread(target=lambda: conn.execute("select pg_sleep(1)"))
with conn.lock:
    in_child(lambda: refused(lambda: conn.execute(one)))
assert conn.execute(one).fetchone() == {"one": 1}
""",
    "closing the parent's connection": """
conn = connect(dsn, verifier=verifier)
conn.execute("create temporary table mine as select 7 as seven")
def child():
    conn.close()
    assert conn.closed and attestation(conn).accepted
    conn.close()
in_child(child)
assert conn.execute("select * from mine").fetchone() == {"seven": 7}
""",
    "forgetting the parent's connection": """
import gc, warnings
conn = connect(dsn, verifier=verifier)
def child():
    global conn
    warnings.simplefilter("ignore")
    conn = None
    gc.collect()
in_child(child)
assert conn.execute(one).fetchone() == {"one": 1}
""",
    "connecting in the child": """
conn = connect(dsn, verifier=verifier)
def child():
    with connect(dsn, verifier=verifier) as other:
        assert other._tunnel.directory != conn._tunnel.directory
        assert other.execute(one).fetchone() == {"one": 1}
    assert os.path.exists(conn._tunnel.directory)
in_child(child)
assert conn.execute(one).fetchone() == {"one": 1}
""",
    "an own verifier in the child": """
class Own(RaTlsVerifier):
    async def verify(self, quote, options):
        await asyncio.sleep(0)
        return {"tcb_status": "OK"}
verifier = Own()
conn = connect(dsn, verifier=verifier)
def child():
    with connect(dsn, verifier=verifier) as other:
        assert other.execute(one).fetchone() == {"one": 1}
in_child(child)
assert conn.execute(one).fetchone() == {"one": 1}
""",
    "a pool of the parent": """
pool = ConnectionPool(dsn, verifier=verifier, min_size=2)
pool.wait()
def child():
    refused(pool.getconn)
    refused(pool.open)
    refused(pool.wait)
    refused(lambda: pool.connection().__enter__())
    pool.close()
in_child(child)
with pool.connection() as conn:
    assert conn.execute(one).fetchone() == {"one": 1}
pool.close()
""",
    "a pool that was not opened before": """
pool = ConnectionPool(dsn, verifier=verifier, min_size=1, open=False)
def child():
    with pool:
        with pool.connection() as conn:
            assert conn.execute(one).fetchone() == {"one": 1}
in_child(child)
pool.open()
with pool.connection() as conn:
    assert conn.execute(one).fetchone() == {"one": 1}
pool.close()
""",
    "asynchronous connections of the parent": """
async def main():
    conn = await connect_async(dsn, verifier=verifier)
    async def child_uses():
        try:
            await conn.execute(one)
        except UsageError as error:
            assert error.code == "TUNNEL_FORKED"
        else:
            raise AssertionError
        await conn.close()
        assert conn.closed
    def child():
        asyncio._set_running_loop(None)
        asyncio.new_event_loop().run_until_complete(child_uses())
    in_child(child)
    assert await (await conn.execute(one)).fetchone() == {"one": 1}
    await conn.close()
asyncio.run(main())
""",
    "cancelling in the child": """
conn = connect(dsn, verifier=verifier, autocommit=True)
def child():
    try:
        conn.cancel_safe(timeout=2)
    except psycopg.Error:
        pass
in_child(child)
assert conn.execute(one).fetchone() == {"one": 1}
""",
    "multiprocessing": """
import multiprocessing
conn = connect(dsn, verifier=verifier)
def work(queue):
    with connect(dsn, verifier=verifier) as mine:
        queue.put(mine.execute(one).fetchone())
context = multiprocessing.get_context("fork")
queue = context.Queue()
workers = [context.Process(target=work, args=(queue,)) for _ in range(3)]
for worker in workers: worker.start()
assert [queue.get(timeout=30) for _ in workers] == [{"one": 1}] * 3
for worker in workers: worker.join()
assert [worker.exitcode for worker in workers] == [0, 0, 0]
assert conn.execute(one).fetchone() == {"one": 1}
""",
}

ENDED = {
    "connections": "kept = [connect(dsn, verifier=verifier) for _ in range(3)]\nprint(kept[0]._tunnel.directory)",
    "in a transaction": "conn = connect(dsn, verifier=verifier)\nconn.execute(one)\nprint(conn._tunnel.directory)",
    "a pool": "pool = ConnectionPool(dsn, verifier=verifier, min_size=2)\npool.wait()\nprint(pool._tunnel.directory)",
    "a pool whose connection is out": "pool = ConnectionPool(dsn, verifier=verifier, min_size=2)\npool.wait()\nconn = pool.getconn()\nprint(pool._tunnel.directory)",
    "daemon threads": """
started = threading.Barrier(4)
def work():
    conn = connect(dsn, verifier=verifier)
    started.wait()
    try:
        while True:
            conn.execute(one)
    except psycopg.Error:
        pass
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
started.wait()
print(connect(dsn, verifier=verifier)._tunnel.directory)
""",
    "a loop that never closed": """
async def main():
    global conn
    conn = await connect_async(dsn, verifier=verifier)
    await conn.execute(one)
    print(conn._tunnel.directory)
asyncio.run(main())
""",
    "an exception": "conn = connect(dsn, verifier=verifier)\nprint(conn._tunnel.directory)\nsys.exit(3)",
}


@pytest.fixture
def dsn(cluster: Cluster, sidecar: Sidecar) -> str:
    return cluster.dsn(port=sidecar.port)


def run(script: str, dsn: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "ignore::ResourceWarning", "-W", "ignore::DeprecationWarning", "-c", COMMON + script, dsn],
                          capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("case", FORKED)
def test_after_a_fork(dsn: str, case: str) -> None:
    done = run(FORKED[case], dsn)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("case", ENDED)
def test_the_end_of_the_interpreter(dsn: str, cluster: Cluster, case: str) -> None:
    done = run(ENDED[case], dsn)
    assert (done.returncode, done.stderr) == (3 if case == "an exception" else 0, "")
    directory = Path(done.stdout.strip())
    assert directory.is_absolute() and not directory.exists()


# ---- gunicorn, which forks its workers before they serve ----

@pytest.fixture
def shop(cluster: Cluster, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the projects, with a server of today."""
    today = World("gunicorn", now=int(time.time())).mint()
    today.write(tmp_path)
    with Sidecar(today, cluster.socket_path) as front:
        yield {**os.environ, "SHOP_PORT": str(front.port), "SHOP_PASSWORD": cluster.password, "SHOP_MRTD": today.mr_td, "SHOP_POOL": "yes",
               "SHOP_COLLATERAL": str(tmp_path / "collateral.json"), "SHOP_TRUST_ANCHOR": str(tmp_path / "root.pem"),
               "SHOP_DSN": cluster.dsn(port=front.port)}


class Gunicorn:
    """Two workers behind a socket in a directory of ours."""

    def __init__(self, directory: Path, folder: Path, environment: dict[str, str], *arguments: str) -> None:
        self.socket = directory / "gunicorn.sock"
        self.log = directory / "gunicorn.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--bind", f"unix:{self.socket}", "--workers", "2", "--no-control-socket", *arguments],
                cwd=folder, env=environment, stdout=log, stderr=log)

    def __enter__(self) -> Gunicorn:
        return self

    def __exit__(self, *failure: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        finally:
            self.process.kill()

    def ask(self, path: str) -> Any:
        """One answer, over a connection of its own; waits for the server to come up."""
        import http.client
        import socket

        deadline = time.monotonic() + 30
        while True:
            try:
                connection = http.client.HTTPConnection("localhost", timeout=30)
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.connect(str(self.socket))
                connection.request("GET", path)
                answer = connection.getresponse()
                text = answer.read()
                assert answer.status == 200, (answer.status, text, self.log.read_text())
                return json.loads(text)
            except (ConnectionError, FileNotFoundError):
                assert time.monotonic() < deadline and self.process.poll() is None, self.log.read_text()

    def ask_all(self, path: str) -> list[Any]:
        """Answers until both workers have given one."""
        answers: list[Any] = []
        deadline = time.monotonic() + 60
        while len({answer["process"] for answer in answers}) < 2:
            assert time.monotonic() < deadline, self.log.read_text()
            answers.append(self.ask(path))
        return answers


@pytest.mark.parametrize("preload", [False, True], ids=["no-preload", "preload"])
def test_gunicorn_with_a_pool(shop: dict[str, str], tmp_path: Path, preload: bool) -> None:
    with Gunicorn(tmp_path, PROJECTS / "gunicorn_shop", shop, "app:application", *(["--preload"] if preload else []),
                  "--threads", "2") as server:
        for answer in server.ask_all("/"):
            assert answer["mr_td"] == shop["SHOP_MRTD"] and answer["backend"] > 0
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("preload", [False, True], ids=["no-preload", "preload"])
def test_gunicorn_with_django(shop: dict[str, str], tmp_path: Path, preload: bool) -> None:
    with Gunicorn(tmp_path, PROJECTS / "django_shop", shop, "wsgi", *(["--preload"] if preload else [])) as server:
        for answer in server.ask_all("/where/"):
            assert answer["mr_td"] == shop["SHOP_MRTD"]
    assert "Traceback" not in server.log.read_text()
