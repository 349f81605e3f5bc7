"""Attested connections to a real PostgreSQL: the documented snippets, rows, lifetimes."""
from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row, tuple_row

import psycopg_ratls
from psycopg_ratls import attestation, connect, connect_async
from ra_tls_verify import DcapVerifier, NoopVerifier, VerifyOptions
from ra_tls_verify.tunnel import Tunnel
from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def url(cluster: Cluster, sidecar: Sidecar) -> str:
    return f"postgresql://postgres:{cluster.password.replace(' ', '%20')}@127.0.0.1:{sidecar.port}/postgres"


def tunnel_of(conn: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> Tunnel:
    assert isinstance(conn, (psycopg_ratls.Connection, psycopg_ratls.AsyncConnection)) and conn._tunnel is not None
    return conn._tunnel


def test_the_documented_snippet(cluster: Cluster, sidecar: Sidecar, minted: Minted) -> None:
    dsn, verifier = url(cluster, sidecar), DcapVerifier(minted.collateral_json.encode(), minted.trust_anchor_pem.encode())
    conn = connect(dsn, verifier=verifier, options=VerifyOptions(allowed_mr_td=[minted.mr_td], now=minted.now), allow_simulator=False)
    with conn:
        assert conn.execute("select 6 * 7 as answer").fetchall() == [{"answer": 42}]
        result = attestation(conn)
        assert (result.verified, result.key_bound, result.mr_td, result.tcb_status) == (True, True, minted.mr_td, "OK")


def test_the_documented_snippet_with_asyncio(cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    async def main() -> None:
        conn = await connect_async(cluster.dsn(port=sidecar.port), verifier=verifier, options=options)
        async with conn:
            cursor = await conn.execute("select 6 * 7 as answer")
            assert await cursor.fetchall() == [{"answer": 42}]
            assert attestation(conn).verified

    asyncio.run(main())


@pytest.mark.parametrize("name", ["quickstart.py", "quickstart_async.py"])
def test_the_examples_run_as_they_stand(cluster: Cluster, world: World, tmp_path: Path, name: str) -> None:
    import time

    today = World("examples", now=int(time.time())).mint()
    today.write(tmp_path)
    with psycopg.connect(cluster.dsn(), autocommit=True) as plain:
        plain.execute("create table if not exists orders (id int primary key, total numeric(10, 2))")
        plain.execute("insert into orders values (1, 19.90) on conflict do nothing")
    with Sidecar(today, cluster.socket_path) as sidecar:
        done = subprocess.run(
            [sys.executable, EXAMPLES / name, url(cluster, sidecar), tmp_path / "collateral.json", today.mr_td, tmp_path / "root.pem"],
            capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    warning, = done.stderr.splitlines()
    assert warning.startswith("nothing of the application is pinned"), "an MRTD names the firmware alone"
    assert "{'id': 1, 'total': Decimal('19.90')}" in done.stdout and today.mr_td in done.stdout


def test_both_forms_of_connection_string(cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    for dsn in (url(cluster, sidecar), cluster.dsn(port=sidecar.port)):
        with connect(dsn, verifier=verifier, options=options) as conn:
            assert conn.execute("select current_user as name").fetchone() == {"name": "postgres"}


def test_what_psycopg_takes_is_handed_on(cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    with connect(cluster.dsn(port=sidecar.port), verifier=verifier, options=options, row_factory=tuple_row, autocommit=True,
                 prepare_threshold=None, application_name="till", cursor_factory=psycopg.ClientCursor) as conn:
        assert conn.execute("show application_name").fetchone() == ("till",)
        assert (conn.autocommit, conn.prepare_threshold, conn.cursor_factory) == (True, None, psycopg.ClientCursor)
        assert isinstance(conn, psycopg.Connection)
    with connect(cluster.dsn(port=sidecar.port), verifier=verifier, options=options) as rows:
        assert rows.row_factory is dict_row


def test_the_name_is_asked_for_and_the_address_dialled(
        cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    dsn = cluster.dsn(port=sidecar.port, host="db.example", hostaddr="127.0.0.1")
    connect(dsn, verifier=verifier, options=options).close()
    seen, = sidecar.wait_closed()
    assert (seen.sni, seen.alpn) == ("db.example", "postgresql")


def test_everything_may_come_from_the_environment(
        cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
            "PGHOST": "db.example", "PGHOSTADDR": "127.0.0.1", "PGPORT": str(sidecar.port), "PGUSER": "postgres",
            "PGPASSWORD": cluster.password, "PGDATABASE": "postgres", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "system",
            "PGCHANNELBINDING": "require", "PGREQUIREPEER": "nobody", "PGSSLNEGOTIATION": "direct", "PGSSLCERTMODE": "require",
            "PGMINPROTOCOLVERSION": "3.2"}.items():
        monkeypatch.setenv(name, value)
    with connect(verifier=verifier, options=options) as conn:
        assert conn.execute("select 1 as one").fetchone() == {"one": 1}


def test_a_service_cannot_lead_around_the_tunnel(
        cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions, tmp_path: Path) -> None:
    (tmp_path / "pg_service.conf").write_text(
        f"[orders]\nhost=db.example\nhostaddr=127.0.0.1\nport={sidecar.port}\nuser=postgres\ndbname=postgres\nchannel_binding=require\n"
        f"gssencmode=disable\nrequirepeer=nobody\n")
    with connect("service=orders", password=cluster.password, verifier=verifier, options=options) as conn:
        assert conn.execute("select 1 as one").fetchone() == {"one": 1}
    assert [seen.upstream_opened for seen in sidecar.wait_closed()] == [True]


def test_the_password_file_is_asked_for_the_real_server(
        cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions, tmp_path: Path) -> None:
    file = tmp_path / "pgpass"
    file.write_text(f"127.0.0.1:{sidecar.port}:postgres:postgres:{cluster.password}\n")
    file.chmod(0o600)
    dsn = f"host=127.0.0.1 port={sidecar.port} user=postgres dbname=postgres"
    with connect(dsn, verifier=verifier, options=options) as conn:
        assert conn.execute("select 1 as one").fetchone() == {"one": 1}


def test_a_password_that_nobody_knows_is_a_placeholder(
        cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    dsn = f"host=127.0.0.1 port={sidecar.port} user=postgres dbname=postgres"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed") as caught:
        connect(dsn, verifier=verifier, options=options)
    assert not isinstance(caught.value, psycopg_ratls.RaTlsError), "the server is accepted, its answer is its own"


def test_the_tunnel_goes_with_the_connection(cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    conn = connect(cluster.dsn(port=sidecar.port), verifier=verifier, options=options)
    directory = Path(tunnel_of(conn).directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    conn.close()
    conn.close()
    assert conn.closed and not directory.exists()
    assert attestation(conn).verified, "the verdict stays readable"


def test_the_tunnel_goes_when_the_connection_is_forgotten(
        cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    conn = connect(cluster.dsn(port=sidecar.port), verifier=verifier, options=options)
    directory = Path(tunnel_of(conn).directory)
    with pytest.warns(ResourceWarning):
        del conn
        gc.collect()
    assert not directory.exists()


def test_the_tunnel_goes_with_an_asynchronous_connection(
        cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    async def main() -> Path:
        conn = await connect_async(cluster.dsn(port=sidecar.port), verifier=verifier, options=options)
        directory = Path(tunnel_of(conn).directory)
        assert directory.exists()
        await conn.close()
        return directory

    assert not asyncio.run(main()).exists()


def test_the_goodbye_reaches_the_server(cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    before = len(cluster.log)  # other tests break connections on purpose
    for _ in range(5):
        connect(cluster.dsn(port=sidecar.port), verifier=verifier, options=options, application_name="polite").close()
    sidecar.wait_closed(5)
    assert "unexpected EOF on client connection" not in cluster.log[before:]


def test_many_connections_at_once(cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    answers: list[Any] = []

    def ask(number: int) -> None:
        with connect(cluster.dsn(port=sidecar.port), verifier=verifier, options=options) as conn:
            answers.append(conn.execute("select %s::int as number", [number]).fetchone())

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer["number"] for answer in answers) == list(range(20))


def test_much_data_goes_both_ways(cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    with connect(cluster.dsn(port=sidecar.port), verifier=verifier, options=options) as conn:
        text = "x" * 5_000_000
        assert conn.execute("select reverse(%s) as back", [text]).fetchone() == {"back": text}


def test_a_server_that_goes_away_is_the_drivers_ordinary_error(
        cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    conn = connect(cluster.dsn(port=sidecar.port), verifier=verifier, options=options)
    sidecar.stop()
    with pytest.raises(psycopg.OperationalError):
        conn.execute("select 1")
    conn.close()


def test_connecting_again_and_again_leaves_nothing(
        cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    def connect_once() -> None:
        connect(cluster.dsn(port=sidecar.port), verifier=verifier, options=options).close()

    def kept() -> tuple[int, int]:
        sidecar.wait_closed(len(sidecar.connections))
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    for _ in range(20):
        connect_once()
    files, threads = kept()
    for _ in range(60):
        connect_once()
    assert kept()[0] <= files + 2 and kept()[1] <= threads + 2


FORKED = """
import os, sys
from psycopg_ratls import connect
from ra_tls_verify import NoopVerifier
conn = connect(sys.argv[1], verifier=NoopVerifier())
child = os.fork()
if child == 0:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert conn.execute("select 1 as one").fetchone() == {"one": 1}
assert os.path.exists(conn._tunnel.directory)
print(conn._tunnel.directory)
"""


def test_a_child_does_no_harm_and_the_exit_leaves_nothing(cluster: Cluster, sidecar: Sidecar) -> None:
    done = subprocess.run([sys.executable, "-c", FORKED, cluster.dsn(port=sidecar.port)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    directory = Path(done.stdout.strip())
    assert directory.is_absolute() and not directory.exists()


def test_the_class_may_be_given_to_others(cluster: Cluster, sidecar: Sidecar) -> None:
    from psycopg_pool import ConnectionPool

    with ConnectionPool(cluster.dsn(port=sidecar.port), connection_class=psycopg_ratls.Connection,
                        kwargs={"verifier": NoopVerifier()}, min_size=2) as pool:
        with pool.connection() as conn:
            assert conn.execute("select 1 as one").fetchone() == {"one": 1}
            assert attestation(conn).accepted
