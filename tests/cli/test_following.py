"""`ratls proxy --cluster`: two databases, each behind a sidecar of its own, and a record in DNS that says which one leads."""
from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from command import Files, ratls
from simulator.manifest import Manifest, Signer
from simulator.minted import Minted
from simulator.names import MANNERS, NameServer
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World
from test_proxy import Proxy, proxy_of

DOMAIN = "db.example"
SIGNER = Signer()
CHANGES = 10
WORKERS = 4
PATIENCE_S = 30
#: Quick, so that the tests are; and too slow for any of them.
REFRESH_MS = 150
NEVER_MS = 60000
DRAIN_MS = 2000


@dataclass
class Site:
    """A database that says who it is, and the sidecar in front of it."""

    name: str
    instance: str
    cluster: Cluster
    sidecar: Sidecar


@dataclass
class Scene:
    """Both sites and the name server; `lead` says who leads from now on."""

    sites: list[Site]
    names: NameServer
    files: Files
    epochs: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    epoch: int = 0

    def lead(self, site: Site) -> str:
        self.epoch = next(self.epochs)
        record = Manifest(url=f"https://127.0.0.1:{site.sidecar.port}", epoch=self.epoch, instance=site.instance).signed(SIGNER)
        self.names.publish(DOMAIN, record)
        return record

    @property
    def flags(self) -> list[str]:
        return ["--cluster", DOMAIN, "--manifest-signer", SIGNER.address, "--dns-servers", self.names.address]


@pytest.fixture(scope="module")
def clusters() -> Iterator[list[Cluster]]:
    """Two databases with one password, as replicas have."""
    pair = [Cluster(), Cluster()]
    for name, cluster in zip("ab", pair):
        cluster.settings["cluster_name"] = name
    with pair[0], pair[1]:
        for cluster in pair:
            with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
                connection.execute("create table written (n bigint primary key)")
        yield pair


@pytest.fixture
def scene(clusters: list[Cluster], sound: Minted, world: World, files: Files) -> Iterator[Scene]:
    with Sidecar(sound, clusters[0].socket_path) as first, Sidecar(world.mint(label="second"), clusters[1].socket_path) as second, \
            NameServer() as names:
        yield Scene([Site("a", "0a" * 20, clusters[0], first), Site("b", "0b" * 20, clusters[1], second)], names, files)


@pytest.fixture
def socket_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "socket"
    directory.mkdir(mode=0o700)
    return directory


@contextmanager
def following(scene: Scene, socket_dir: Path, *more: str, refresh_ms: int = REFRESH_MS) -> Iterator[Proxy]:
    pace = ["--leader-refresh-ms", str(refresh_ms), "--leader-drain-ms", str(DRAIN_MS)]
    with proxy_of(scene.files, socket_dir, *scene.flags, *pace, *more) as running:
        yield running


def connect(scene: Scene, socket_dir: Path) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(socket_dir), port=5432, user="postgres", dbname="postgres", password=scene.sites[0].cluster.password,
                           autocommit=True, connect_timeout=20)


def who(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    row = connection.execute("select current_setting('cluster_name')").fetchone()
    assert row is not None
    return str(row[0])


def await_leader(scene: Scene, socket_dir: Path, name: str) -> None:
    """Until new connections go there."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with connect(scene, socket_dir) as connection:
            if who(connection) == name:
                return
        assert time.monotonic() < deadline


def test_dials_the_leader(scene: Scene, socket_dir: Path) -> None:
    scene.lead(scene.sites[1])
    with following(scene, socket_dir), connect(scene, socket_dir) as connection:
        assert who(connection) == "b"
    assert scene.sites[0].sidecar.connections == []


def test_idle_connections_are_dismissed(scene: Scene, socket_dir: Path) -> None:
    """In a transaction or not: the driver reads why, and connects again to the new one."""
    first, second = scene.sites
    scene.lead(first)
    with following(scene, socket_dir):
        idle, busy = connect(scene, socket_dir), connect(scene, socket_dir)
        busy.execute("begin")
        assert who(idle) == who(busy) == "a"
        before = [connection.application_bytes for connection in first.sidecar.connections]
        scene.lead(second)
        first.sidecar.wait_for(lambda seen: all(connection.closed for connection in seen))
        for connection in (idle, busy):
            with pytest.raises(psycopg.errors.AdminShutdown) as raised:
                who(connection)
            assert "the cluster has another leader now, this connection ends: connect again" in str(raised.value)
            assert connection.closed
        assert [connection.application_bytes for connection in first.sidecar.connections] == before
        with connect(scene, socket_dir) as connection:
            assert who(connection) == "b"


def test_an_answer_under_way_is_finished(scene: Scene, socket_dir: Path) -> None:
    first, second = scene.sites
    scene.lead(first)
    with following(scene, socket_dir):
        connection = connect(scene, socket_dir)
        cursor = connection.execute("select 1")
        threading.Timer(0.1, lambda: scene.lead(second)).start()
        rows = connection.execute("select pg_sleep(0.6), current_setting('cluster_name')").fetchall()
        assert rows[0][1] == "a"
        with pytest.raises(psycopg.OperationalError):  # libpq takes a dismissal that comes with the answer for a notice
            who(connection)


def test_an_answer_that_takes_too_long_is_cut(scene: Scene, socket_dir: Path) -> None:
    first, second = scene.sites
    scene.lead(first)
    with following(scene, socket_dir, "--connect-timeout", "10"):
        connection = connect(scene, socket_dir)
        threading.Timer(0.1, lambda: scene.lead(second)).start()
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("select pg_sleep(60)")
        assert connection.closed


def test_rows_that_take_too_long_are_cut(scene: Scene, socket_dir: Path) -> None:
    """In the middle of a message nothing can be said: the connection just ends."""
    first, second = scene.sites
    scene.lead(first)
    with following(scene, socket_dir):
        connection = connect(scene, socket_dir)
        with pytest.raises(psycopg.OperationalError):
            with connection.cursor() as cursor, cursor.copy("copy (select repeat('x', 100000) from generate_series(1, 1000000)) to stdout") as copy:
                for number, _ in enumerate(copy):
                    if number == 10:
                        scene.lead(second)
        assert connection.closed


def test_a_leader_that_is_gone(scene: Scene, socket_dir: Path) -> None:
    """A look-up is made at once: the record need not become old first."""
    first, second = scene.sites
    scene.lead(first)
    with following(scene, socket_dir, refresh_ms=NEVER_MS):
        with connect(scene, socket_dir) as connection:
            assert who(connection) == "a"
        scene.lead(second)
        first.sidecar.stop()
        with connect(scene, socket_dir) as connection:
            assert who(connection) == "b"


def test_a_connection_that_is_lost(scene: Scene, socket_dir: Path) -> None:
    first, second = scene.sites
    scene.lead(first)
    with following(scene, socket_dir, refresh_ms=NEVER_MS):
        connection = connect(scene, socket_dir)
        assert who(connection) == "a"
        scene.lead(second)
        asked = len(scene.names.questions)
        with psycopg.connect(first.cluster.dsn(), autocommit=True) as other:
            other.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'")
        scene.names.wait_for(asked + 1)
        await_leader(scene, socket_dir, "b")


def test_an_old_record_is_not_followed(scene: Scene, socket_dir: Path) -> None:
    first, second = scene.sites
    old = scene.lead(first)
    scene.lead(second)
    with following(scene, socket_dir), connect(scene, socket_dir) as connection:
        assert who(connection) == "b"
        scene.names.publish(DOMAIN, old)
        scene.names.wait_for(len(scene.names.questions) + 3)
        assert who(connection) == "b"
        with connect(scene, socket_dir) as another:
            assert who(another) == "b"


def test_a_name_server_that_fails_changes_nothing(scene: Scene, socket_dir: Path) -> None:
    scene.lead(scene.sites[0])
    with following(scene, socket_dir, "--leader-timeout-ms", "200"), connect(scene, socket_dir) as connection:
        for manner in ("servfail", "nxdomain", "silent"):
            scene.names.manner = MANNERS[manner]
            scene.names.wait_for(len(scene.names.questions) + 2)
            assert who(connection) == "a"
            with connect(scene, socket_dir) as another:
                assert who(another) == "a"


def test_a_leader_that_is_refused(scene: Scene, socket_dir: Path, world: World) -> None:
    """The record says where to go, never whom to trust."""
    first, second = scene.sites
    second.sidecar.present(world.mint("debug"))
    scene.lead(first)
    with following(scene, socket_dir):
        with connect(scene, socket_dir) as connection:
            scene.lead(second)
            first.sidecar.wait_for(lambda seen: all(item.closed for item in seen))
            with pytest.raises(psycopg.OperationalError):
                who(connection)
        with pytest.raises(psycopg.OperationalError, match="TDX TD is in debug mode"):
            connect(scene, socket_dir)
    assert all(connection.application_bytes == 0 for connection in second.sidecar.wait_closed(1))


def test_no_leader_at_the_start(scene: Scene, socket_dir: Path) -> None:
    run = ratls("proxy", *scene.flags, "--socket-dir", socket_dir, *scene.files.dcap, "--json")
    assert run.status == 3 and run.json["error"]["code"] == "LEADER_LOOKUP"
    scene.names.publish(DOMAIN, Manifest(url="https://127.0.0.1:1").signed(Signer("another")))
    run = ratls("proxy", *scene.flags, "--socket-dir", socket_dir, *scene.files.dcap, "--json")
    assert run.status == 1 and run.json["error"]["code"] == "LEADER_SIGNATURE"
    scene.names.publish(DOMAIN, Manifest(url="https://127.0.0.1:1").signed(SIGNER))
    run = ratls("proxy", *scene.flags, "--socket-dir", socket_dir, *scene.files.dcap, "--json")
    assert run.status == 3 and run.json["error"]["code"] == "CONNECT_FAILED"
    assert list(socket_dir.iterdir()) == []


@dataclass(frozen=True)
class Written:
    """An acknowledged write: which, by whom, asked and acknowledged when."""

    number: int
    name: str
    asked: float
    acknowledged: float


class Load:
    """Workers that write all the time, each over a connection of its own, made anew when it fails."""

    def __init__(self, scene: Scene, socket_dir: Path) -> None:
        self.scene, self.socket_dir = scene, socket_dir
        self.written: list[Written] = []
        self.strange: list[Exception] = []
        self.ended = threading.Event()
        self.numbers = itertools.count(1)
        self.changed = threading.Condition()
        self.workers = [threading.Thread(target=self.work) for _ in range(WORKERS)]

    def __enter__(self) -> Load:
        for worker in self.workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for worker in self.workers:
            worker.join(PATIENCE_S)

    def work(self) -> None:
        while not self.ended.is_set():
            try:
                with connect(self.scene, self.socket_dir) as connection:
                    while not self.ended.is_set():
                        self.write(connection)
            except psycopg.OperationalError:
                self.ended.wait(0.01)  # as a pool would: again
            except Exception as error:
                self.strange.append(error)
                return

    def write(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        number, asked = next(self.numbers), time.monotonic()
        row = connection.execute("insert into written values (%s) returning current_setting('cluster_name')", (number,)).fetchone()
        assert row is not None
        with self.changed:
            self.written.append(Written(number, str(row[0]), asked, time.monotonic()))
            self.changed.notify_all()

    def await_writes(self, name: str, count: int) -> float:
        """Until so many more writes were acknowledged by this one; when the first of them was."""
        with self.changed:
            start = len(self.written)
            assert self.changed.wait_for(lambda: sum(item.name == name for item in self.written[start:]) >= count, PATIENCE_S)
            return next(item.acknowledged for item in self.written[start:] if item.name == name)


def test_ten_changes_under_load(scene: Scene, socket_dir: Path, record_property: pytest.RecordProperty) -> None:
    """No wrong leader: what was asked once the new one was known, it answered. No lost write: what was acknowledged is there."""
    scene.lead(scene.sites[0])
    known = []
    with following(scene, socket_dir), Load(scene, socket_dir) as load:
        load.await_writes("a", 20)
        for change in range(CHANGES):
            site = scene.sites[(change + 1) % 2]
            scene.lead(site)
            known.append((load.await_writes(site.name, 40), site.name))
    assert load.strange == []
    for site in scene.sites:
        with psycopg.connect(site.cluster.dsn()) as connection:
            there = {row[0] for row in connection.execute("select n from written")}
        assert {item.number for item in load.written if item.name == site.name} <= there
    for (since, name), until in zip(known, [*(moment for moment, _ in known[1:]), float("inf")]):
        wrong = [item for item in load.written if since < item.asked < until and item.acknowledged < until and item.name != name]
        assert wrong == []
    moments = sorted(item.acknowledged for item in load.written)
    longest = max(later - earlier for earlier, later in itertools.pairwise(moments))
    record_property("writes", len(moments))
    record_property("longest_interruption_ms", round(1000 * longest))
    print(f"{len(moments)} writes, longest interruption {1000 * longest:.0f} ms")
