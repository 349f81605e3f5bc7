"""The sidecar in front of a real PostgreSQL, asked by a real libpq, and by a bare TLS client."""
from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Iterator

import psycopg
import pytest

from simulator.certificate import CLIENT_AUTH
from simulator.postgres import Cluster
from simulator.sidecar import BEHAVIOURS, Behaviour, Sidecar
from simulator.world import World

STARTUP = bytes.fromhex("0000000800030000")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as running:
        yield running


def connect(cluster: Cluster, sidecar: Sidecar, **changes: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection by libpq's own direct TLS."""
    return psycopg.connect(cluster.dsn(
        host="localhost", hostaddr="127.0.0.1", port=sidecar.port, sslmode="require", sslnegotiation="direct", connect_timeout=10,
        **changes))


def shake_hands(sidecar: Sidecar, **arguments: object) -> ssl.SSLSocket:
    """A TLS connection that says nothing yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["postgresql"])
    plain = socket.create_connection(("127.0.0.1", sidecar.port), timeout=10)
    return context.wrap_socket(plain, server_hostname="db.example", **arguments)  # type: ignore[arg-type]


def test_a_real_query_goes_through(world: World, cluster: Cluster) -> None:
    with Sidecar(world.mint(), ("127.0.0.1", cluster.port)) as sidecar:
        with connect(cluster, sidecar) as connection:
            assert connection.execute("select 6 * 7").fetchone() == (42,)
        seen, = sidecar.wait_closed()
    assert (seen.sni, seen.alpn, seen.tls_version) == ("localhost", "postgresql", "TLSv1.3")
    assert seen.handshake_done and seen.upstream_opened
    assert seen.client_certificate is None
    assert seen.first_application_bytes[4:8] == bytes.fromhex("00030000"), "a startup message, protocol 3.0"


def test_the_unix_socket_of_postgresql_will_do(world: World, cluster: Cluster) -> None:
    with Sidecar(world.mint(), cluster.socket_path) as sidecar, connect(cluster, sidecar) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_wrong_password_is_refused_by_postgresql(world: World, cluster: Cluster) -> None:
    with Sidecar(world.mint(), cluster.socket_path) as sidecar:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(cluster, sidecar, password="wrong")


def test_much_data_goes_both_ways(world: World, cluster: Cluster) -> None:
    with Sidecar(world.mint(), cluster.socket_path) as sidecar, connect(cluster, sidecar) as connection:
        text = "x" * 5_000_000
        assert connection.execute("select reverse(%s)", [text]).fetchone() == (text,)


def test_many_connections_at_once(world: World, cluster: Cluster) -> None:
    answers: list[object] = []

    def ask(number: int) -> None:
        with connect(cluster, sidecar) as connection:
            answers.append(connection.execute("select %s::int", [number]).fetchone())

    with Sidecar(world.mint(), cluster.socket_path) as sidecar:
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers, key=str) == [(number,) for number in range(10)]
        assert len(sidecar.wait_closed(10)) == 10


def test_the_certificate_is_the_minted_one_with_its_chain(world: World, cluster: Cluster) -> None:
    minted = world.mint("debug")
    with Sidecar(minted, cluster.socket_path) as sidecar, shake_hands(sidecar) as client:
        assert client.getpeercert(binary_form=True) == minted.certificate_der
        assert client.selected_alpn_protocol() == "postgresql"


def test_a_client_that_leaves_after_the_handshake_has_sent_nothing(world: World, cluster: Cluster) -> None:
    with Sidecar(world.mint(), cluster.socket_path) as sidecar:
        client = shake_hands(sidecar)
        sidecar.wait_for(lambda seen: seen[0].handshake_done)
        client.close()
        seen, = sidecar.wait_closed()
    assert seen.sni == "db.example"
    assert seen.received_bytes > 0
    assert (seen.application_bytes, seen.first_application_bytes, seen.upstream_opened) == (0, b"", False)


def test_one_byte_too_early_is_counted(world: World, cluster: Cluster) -> None:
    with Sidecar(world.mint(), cluster.socket_path) as sidecar:
        with shake_hands(sidecar) as client:
            client.sendall(b"\0")
            seen, = sidecar.wait_for(lambda seen: seen[0].application_bytes > 0)
    assert (seen.application_bytes, seen.first_application_bytes) == (1, b"\0")


def test_the_certificate_changes_for_the_next_connection(world: World, cluster: Cluster) -> None:
    first, second = world.mint(), world.mint(label="second")
    with Sidecar(first, cluster.socket_path) as sidecar:
        with shake_hands(sidecar) as client:
            sidecar.present(second)
            with shake_hands(sidecar) as other:
                assert client.getpeercert(binary_form=True) == first.certificate_der
                assert other.getpeercert(binary_form=True) == second.certificate_der


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_either_version_of_tls(world: World, cluster: Cluster, version: ssl.TLSVersion) -> None:
    with Sidecar(world.mint(), cluster.socket_path, maximum_version=version) as sidecar, shake_hands(sidecar) as client:
        assert client.version() == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]


def client_identity(world: World, directory: Path) -> dict[str, str]:
    """Files of a client certificate under the KMS of the world."""
    minted = world.mint(label="client")
    minted.write(directory)
    return {"sslcert": str(directory / "chain.pem"), "sslkey": str(directory / "key.pem")}


def test_a_client_certificate_is_demanded_and_recorded(world: World, cluster: Cluster, tmp_path: Path) -> None:
    minted = world.mint()
    with Sidecar(minted, cluster.socket_path, client_ca=minted.kms_root_pem, client_certificate="required") as sidecar:
        with connect(cluster, sidecar, **client_identity(world, tmp_path)) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        seen, = sidecar.wait_closed()
        assert seen.client_certificate == world.mint(label="client").certificate_der
        with pytest.raises(psycopg.OperationalError, match="certificate required"):
            connect(cluster, sidecar, sslcert="/nonexistent", sslkey="/nonexistent")
        *_, refused = sidecar.wait_closed(2)
        assert not refused.handshake_done
        assert refused.application_bytes == 0


def test_a_client_certificate_is_optional(world: World, cluster: Cluster) -> None:
    minted = world.mint()
    with Sidecar(minted, cluster.socket_path, client_ca=minted.kms_root_pem, client_certificate="optional") as sidecar:
        with shake_hands(sidecar):
            assert sidecar.wait_for(lambda seen: seen[0].handshake_done)[0].client_certificate is None


def test_demanding_a_client_certificate_needs_a_ca(world: World) -> None:
    with pytest.raises(ValueError, match="need client_ca"):
        Sidecar(world.mint(), ("127.0.0.1", 1), client_certificate="required")


def test_client_usage_is_in_the_leaf(world: World) -> None:
    from cryptography import x509
    leaf = x509.load_der_x509_certificate(world.mint().certificate_der)
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert x509.ObjectIdentifier(CLIENT_AUTH) in usages


def test_silent_says_nothing(world: World) -> None:
    with Sidecar(world.mint(), ("127.0.0.1", 1), behaviour=BEHAVIOURS["silent"]) as sidecar:
        with socket.create_connection(("127.0.0.1", sidecar.port)) as client:
            client.sendall(b"\x16\x03\x01")
            seen, = sidecar.wait_for(lambda seen: bool(seen) and seen[0].received_bytes == 3)
            client.settimeout(0.05)
            with pytest.raises(TimeoutError):
                client.recv(1)
        seen, = sidecar.wait_closed()
    assert (seen.handshake_done, seen.closed) == (False, "the client gave up")


def test_slow_gets_there_in_the_end(world: World, cluster: Cluster) -> None:
    with Sidecar(world.mint(), cluster.socket_path, behaviour=Behaviour(handshake="slow", interval_s=0)) as sidecar:
        with connect(cluster, sidecar) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("count", [0, 1, 100, 1000])
def test_closing_during_the_handshake(world: World, count: int) -> None:
    with Sidecar(world.mint(), ("127.0.0.1", 1), behaviour=Behaviour(handshake="close", handshake_bytes=count)) as sidecar:
        with pytest.raises((ssl.SSLError, OSError)):
            shake_hands(sidecar)
        seen, = sidecar.wait_closed()
    assert (seen.handshake_done, seen.closed) == (False, "closed during the handshake")


def test_plain_is_not_tls(world: World) -> None:
    with Sidecar(world.mint(), ("127.0.0.1", 1), behaviour=BEHAVIOURS["plain"]) as sidecar:
        with pytest.raises(ssl.SSLError):
            shake_hands(sidecar)


def test_an_ssl_request_is_no_hello(world: World) -> None:
    with Sidecar(world.mint(), ("127.0.0.1", 1)) as sidecar:
        with socket.create_connection(("127.0.0.1", sidecar.port)) as client:
            client.sendall(bytes.fromhex("0000000804d2162f"))
            seen, = sidecar.wait_closed()
    assert not seen.handshake_done


@pytest.mark.parametrize("orderly", [False, True])
def test_closing_in_mid_stream(world: World, cluster: Cluster, orderly: bool) -> None:
    behaviour = Behaviour(stream="close", stream_bytes=5000, orderly=orderly)
    with Sidecar(world.mint(), cluster.socket_path, behaviour=behaviour) as sidecar:
        connection = connect(cluster, sidecar)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select repeat('x', 100000)")
        seen, = sidecar.wait_closed()
    assert (seen.closed, seen.upstream_bytes > 5000) == ("closed in mid-stream", True)


def test_stalling_in_mid_stream(world: World, cluster: Cluster) -> None:
    with Sidecar(world.mint(), cluster.socket_path, behaviour=Behaviour(stream="stall")) as sidecar:
        with shake_hands(sidecar) as client:
            client.sendall(STARTUP)
            sidecar.wait_for(lambda seen: seen[0].upstream_bytes > 0)
            client.settimeout(0.05)
            with pytest.raises(TimeoutError):
                client.recv(1)
        assert sidecar.wait_closed()[0].closed is not None


def test_stopping_ends_open_connections(world: World, cluster: Cluster) -> None:
    sidecar = Sidecar(world.mint(), cluster.socket_path)
    sidecar.start()
    client = shake_hands(sidecar)
    sidecar.wait_for(lambda seen: seen[0].handshake_done)
    sidecar.stop()
    sidecar.stop()
    assert sidecar.connections[0].closed == "the sidecar stopped"
    with client:
        assert client.recv(1) == b""


def test_a_cluster_leaves_nothing_behind() -> None:
    cluster = Cluster(authentication="trust")
    with cluster:
        directory, process = cluster.directory, cluster.process
        assert process is not None
        with psycopg.connect(cluster.dsn(host=directory, password="''")) as connection:
            assert connection.execute("show server_version_num").fetchone() is not None
    assert process.returncode == 0
    assert not directory.exists()
    assert subprocess.run(["pgrep", "-f", str(directory)], capture_output=True, check=False).returncode == 1
    cluster.stop()


def test_the_log_tells_who_connected(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn(application_name="told")) as connection:
        connection.execute("select 1")
    assert "application_name=told" in cluster.log


def test_a_port_that_is_taken_is_an_error(world: World) -> None:
    with Sidecar(world.mint(), ("127.0.0.1", 1)) as sidecar:
        with pytest.raises(OSError):
            Sidecar(world.mint(), ("127.0.0.1", 1), port=sidecar.port).start()
    assert not [thread for thread in threading.enumerate() if thread.name == "sidecar"]
