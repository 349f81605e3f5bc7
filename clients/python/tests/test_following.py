"""Following a cluster's leader: connections, pools under load while it changes, frameworks."""
from __future__ import annotations

import asyncio
import itertools
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from following import DOMAIN, SIGNER, Scene, Site

import psycopg_ratls
from psycopg_ratls import (AsyncConnectionPool, ConnectionPool, attestation, connect, connect_via_manifest, connect_via_manifest_async,
                           resolve_leader)
from psycopg_ratls.sqlalchemy import create_engine
from ra_tls_verify import DcapVerifier, RefusedError, VerifyOptions
from ra_tls_verify.tunnel import Tunnel
from simulator.manifest import Manifest, Signer
from simulator.minted import Minted
from simulator.names import NameServer
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World

PATIENCE_S = 30
WORKERS = 6
WHO = "select current_setting('cluster_name') as name"
WRITE = "insert into written values (%s) returning current_setting('cluster_name') as name"


@pytest.fixture(scope="module")
def clusters() -> Iterator[list[Cluster]]:
    """Two databases with one password, as replicas have."""
    pair = [Cluster(), Cluster()]
    for name, cluster in zip("ab", pair):
        cluster.settings["cluster_name"] = name
    with pair[0], pair[1]:
        for cluster in pair:
            with psycopg.connect(cluster.dsn(), autocommit=True) as plain:
                plain.execute("create table written (n bigint primary key)")
        yield pair


@pytest.fixture
def scene(clusters: list[Cluster], minted: Minted, world: World) -> Iterator[Scene]:
    with Sidecar(minted, clusters[0].socket_path) as first, Sidecar(world.mint(label="second"), clusters[1].socket_path) as second, \
            NameServer() as names:
        yield Scene([Site("a", "0a" * 20, clusters[0], first), Site("b", "0b" * 20, clusters[1], second)], names)


@pytest.fixture
def way(verifier: DcapVerifier, options: VerifyOptions) -> dict[str, Any]:
    return {"verifier": verifier, "options": options}


def who(conn: psycopg.Connection[Any]) -> Any:
    row = conn.execute(WHO).fetchone()
    assert row is not None
    return row["name"]


def test_as_documented(scene: Scene, minted: Minted, way: dict[str, Any]) -> None:
    scene.lead(scene.sites[0])
    manifest_signer = bytes.fromhex(SIGNER.address[2:])
    with connect_via_manifest(DOMAIN, scene.dsn, manifest_signer, way["verifier"], way["options"], resolver_ips=[scene.names.address],
                              autocommit=True) as conn:
        assert (who(conn), conn.autocommit, attestation(conn).mr_td) == ("a", True, minted.mr_td)
        with connect_via_manifest(DOMAIN, "dbname=postgres user=postgres", manifest_signer, resolver_ips=(scene.names.address,),
                                  password=scene.sites[0].cluster.password, **way) as other:
            assert who(other) == "a"
            assert other._tunnel is not None and conn._tunnel is not None and other._tunnel.directory == conn._tunnel.directory, "they share"

    async def main() -> None:
        async with await connect_via_manifest_async(DOMAIN, scene.dsn, SIGNER.address, resolver_ips=[scene.names.address], **way) as conn:
            assert await (await conn.execute(WHO)).fetchone() == {"name": "a"}

    asyncio.run(main())


def test_the_record_itself(scene: Scene) -> None:
    scene.lead(scene.sites[1])
    record = resolve_leader(DOMAIN, SIGNER.address, resolver_ips=[scene.names.address])
    assert (record.host, record.port, record.epoch) == ("127.0.0.1", scene.sites[1].sidecar.port, 1)
    assert (record.leader_instance, record.signer, record.cluster) == ("0b" * 20, SIGNER.address, "0x" + "c1" * 20)
    assert record.leader_url == f"https://127.0.0.1:{record.port}" and record.valid_until.year == 2100
    assert asyncio.run(scene.leader().find_async()) == record


@pytest.mark.parametrize(("record", "code"), [
    (Manifest().signed(Signer("another")), "LEADER_SIGNATURE"), (Manifest(valid_until=1700000000).signed(SIGNER), "LEADER_EXPIRED"),
    (Manifest(url="http://127.0.0.1:1").signed(SIGNER), "LEADER_URL"), ("v=1", "LEADER_FORMAT")])
def test_a_record_that_is_refused(scene: Scene, way: dict[str, Any], record: str, code: str) -> None:
    scene.names.publish(DOMAIN, record)
    with pytest.raises(psycopg_ratls.RefusedError) as caught:
        connect_via_manifest(DOMAIN, scene.dsn, SIGNER.address, resolver_ips=[scene.names.address], **way)
    assert caught.value.code == code and caught.value.sqlstate == "08004"
    for opening in (lambda: ConnectionPool(scene.dsn, leader=scene.leader(), **way), lambda: resolve_leader(
            DOMAIN, SIGNER.address, resolver_ips=[scene.names.address])):
        with pytest.raises(psycopg_ratls.RefusedError):
            opening()
    assert [site.sidecar.connections for site in scene.sites] == [[], []]


def test_a_leader_is_attested_whatever_the_record_says(scene: Scene, way: dict[str, Any], world: World) -> None:
    first, second = scene.sites
    second.sidecar.present(world.mint("debug"))
    scene.lead(second)
    with pytest.raises(psycopg_ratls.RefusedError) as caught:
        connect(scene.dsn, leader=scene.leader(), **way)
    assert caught.value.code == "DEBUG_MODE"
    scene.lead(first)
    with ConnectionPool(scene.dsn, leader=scene.leader(), min_size=1, **way) as pool:
        with pool.connection() as conn:
            assert who(conn) == "a"
        scene.lead(second)
        await_end(first, pool._tunnel)
        with pytest.raises(psycopg_ratls.RefusedError) as later:
            pool.getconn(timeout=1)
        assert later.value.code == "DEBUG_MODE"
    assert all(seen.application_bytes == 0 for seen in second.sidecar.connections)


def await_end(site: Site, tunnel: Tunnel | None) -> None:
    """Until every connection to it has ended, at both ends."""
    site.sidecar.wait_for(lambda seen: bool(seen) and all(each.closed for each in seen))
    deadline = time.monotonic() + PATIENCE_S
    while tunnel is not None and tunnel.stats()["connections_now"] > 0:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_pool_gives_out_no_connection_to_one_that_leads_no_longer(scene: Scene, way: dict[str, Any]) -> None:
    first, second = scene.sites
    scene.lead(first)
    with ConnectionPool(scene.dsn, leader=scene.leader(), min_size=3, max_size=3, **way) as pool:
        pool.wait()
        scene.lead(second)
        await_end(first, pool._tunnel)
        for _ in range(6):
            with pool.connection(timeout=10) as conn:
                assert who(conn) == "b", "no error, no waiting for a lifetime"


def test_an_asynchronous_pool_gives_out_none_either(scene: Scene, way: dict[str, Any]) -> None:
    async def main() -> None:
        first, second = scene.sites
        scene.lead(first)
        async with AsyncConnectionPool(scene.dsn, leader=scene.leader(), min_size=2, max_size=2, **way) as pool:
            await pool.wait()
            scene.lead(second)
            await asyncio.to_thread(await_end, first, pool._tunnel)
            for _ in range(4):
                async with pool.connection(timeout=10) as conn:
                    assert await (await conn.execute(WHO)).fetchone() == {"name": "b"}

    asyncio.run(main())


def test_a_connection_in_use_ends_with_the_drivers_ordinary_error(scene: Scene, way: dict[str, Any]) -> None:
    first, second = scene.sites
    scene.lead(first)
    with connect(scene.dsn, leader=scene.leader(), **way) as conn:
        assert who(conn) == "a"
        scene.lead(second)
        await_end(first, conn._tunnel)
        with pytest.raises(psycopg.errors.AdminShutdown, match="the cluster has another leader now"):
            who(conn)
        assert conn.broken and attestation(conn).verified


def test_a_forked_child_looks_up_for_itself(scene: Scene, way: dict[str, Any]) -> None:
    scene.lead(scene.sites[0])
    leader = scene.leader()
    with connect(scene.dsn, leader=leader, **way) as conn:
        child = os.fork()
        if child == 0:
            try:
                with connect(scene.dsn, leader=leader, **way) as own:
                    os._exit(0 if who(own) == "a" else 1)
            except BaseException:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert who(conn) == "a"


def test_sqlalchemy_follows(scene: Scene, way: dict[str, Any]) -> None:
    import sqlalchemy

    first, second = scene.sites
    scene.lead(first)
    engine = create_engine(scene.dsn, leader=scene.leader(), pool_pre_ping=True, **way)
    for site in (first, second):
        scene.lead(site)
        if site is second:
            await_end(first, None)
        with engine.connect() as conn:
            assert conn.scalar(sqlalchemy.text(WHO)) == site.name
    engine.dispose()


# ---- under load ----

@dataclass(frozen=True)
class Written:
    """An acknowledged write: which, by whom, asked and acknowledged when."""

    number: int
    name: str
    asked: float
    acknowledged: float


class Load:
    """What is written all the time through a pool; what fails is tried again with another connection, as programs do."""

    def __init__(self) -> None:
        self.written: list[Written] = []
        self.strange: list[BaseException] = []
        self.ended = threading.Event()
        self.numbers = itertools.count(1)
        self.changed = threading.Condition()

    def acknowledge(self, written: Written) -> None:
        with self.changed:
            self.written.append(written)
            self.changed.notify_all()

    def work(self, pool: ConnectionPool) -> None:
        """One worker, in a thread of its own."""
        try:
            while not self.ended.is_set():
                number, asked = next(self.numbers), time.monotonic()
                try:
                    with pool.connection() as conn:
                        row = conn.execute(WRITE, [number]).fetchone()
                except psycopg.OperationalError:
                    continue
                assert row is not None
                self.acknowledge(Written(number, row["name"], asked, time.monotonic()))
        except BaseException as error:
            self.strange.append(error)

    async def work_async(self, pool: AsyncConnectionPool) -> None:
        """One worker, as a task."""
        while not self.ended.is_set():
            number, asked = next(self.numbers), time.monotonic()
            try:
                async with pool.connection() as conn:
                    row = await (await conn.execute(WRITE, [number])).fetchone()
            except psycopg.OperationalError:
                continue
            assert row is not None
            self.acknowledge(Written(number, row["name"], asked, time.monotonic()))

    def await_writes(self, name: str, count: int) -> float:
        """Until so many more writes were acknowledged by this one; when the first of them was."""
        with self.changed:
            start = len(self.written)
            assert self.changed.wait_for(lambda: sum(each.name == name for each in self.written[start:]) >= count, PATIENCE_S), self.strange
            return next(each.acknowledged for each in self.written[start:] if each.name == name)


def change_leaders(scene: Scene, load: Load, changes: int) -> list[tuple[float, str]]:
    """Since when which leader was known."""
    known = []
    load.await_writes("a", 20)
    for change in range(changes):
        site = scene.sites[(change + 1) % 2]
        scene.lead(site)
        known.append((load.await_writes(site.name, 40), site.name))
    load.ended.set()
    return known


def check(scene: Scene, load: Load, known: list[tuple[float, str]]) -> str:
    """No lost write: what was acknowledged is there. No wrong leader: what was asked once the new one was known, it answered."""
    assert load.strange == []
    for site in scene.sites:
        with psycopg.connect(site.cluster.dsn(), autocommit=True) as plain:
            there = {row[0] for row in plain.execute("select n from written")}
            plain.execute("truncate written")
        assert {each.number for each in load.written if each.name == site.name} <= there
    for (since, name), until in zip(known, [*(moment for moment, _ in known[1:]), float("inf")]):
        assert [each for each in load.written if since < each.asked < until and each.acknowledged < until and each.name != name] == []
    moments = sorted(each.acknowledged for each in load.written)
    longest = max(later - earlier for earlier, later in itertools.pairwise(moments))
    return f"{len(moments)} writes, longest interruption {1000 * longest:.0f} ms"


def test_a_pool_under_load_while_the_leader_changes_ten_times(scene: Scene, way: dict[str, Any]) -> None:
    load = Load()
    scene.lead(scene.sites[0])
    with ConnectionPool(scene.dsn, leader=scene.leader(), min_size=4, max_size=4, kwargs={"autocommit": True}, **way) as pool:
        workers = [threading.Thread(target=load.work, args=(pool,)) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        try:
            known = change_leaders(scene, load, 10)
        finally:
            load.ended.set()
            for worker in workers:
                worker.join(PATIENCE_S)
    print(check(scene, load, known))


def test_an_asynchronous_pool_under_load_while_the_leader_changes(scene: Scene, way: dict[str, Any]) -> None:
    load = Load()
    scene.lead(scene.sites[0])

    async def main() -> list[tuple[float, str]]:
        async with AsyncConnectionPool(scene.dsn, leader=scene.leader(), min_size=4, max_size=4, kwargs={"autocommit": True}, **way) as pool:
            workers = [asyncio.create_task(load.work_async(pool)) for _ in range(WORKERS)]
            try:
                known = await asyncio.to_thread(change_leaders, scene, load, 4)
            finally:
                load.ended.set()
                await asyncio.gather(*workers)
        return known

    print(check(scene, load, asyncio.run(main())))


def test_an_epoch_never_goes_back(scene: Scene, way: dict[str, Any]) -> None:
    first, second = scene.sites
    old = scene.lead(first)
    scene.lead(second)
    leader = scene.leader()
    with connect(scene.dsn, leader=leader, **way) as conn:
        assert who(conn) == "b"
        scene.names.publish(DOMAIN, old)
        scene.names.wait_for(len(scene.names.questions) + 2)
        with connect(scene.dsn, leader=leader, **way) as another:
            assert who(another) == "b"
    with pytest.raises(RefusedError):
        leader.find()


def test_one_leader_is_one_way(scene: Scene, way: dict[str, Any]) -> None:
    scene.lead(scene.sites[0])
    leader = scene.leader()
    with connect(scene.dsn, leader=leader, **way) as conn, connect(
            scene.dsn, leader=leader, **{**way, "options": replace(way["options"])}) as another:
        assert conn._tunnel is not None and another._tunnel is not None and conn._tunnel.directory == another._tunnel.directory
