"""Networks that stall, break and lose packets; addresses; large certificates."""
from __future__ import annotations

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor, wait

import psycopg
import pytest
from connections import Connect
from relay import Relay

import psycopg_ratls
from psycopg_ratls import attestation
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World
from simulator.x509 import Extension

#: What the user set is a second or two; the system's own is a quarter of an hour.
NOTICED_S = 30


def test_a_stall_that_passes_loses_nothing(open_connection: Connect, relay: Relay) -> None:
    connection = open_connection(port=relay.port)
    relay.stall()
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(lambda: connection.execute("select sum(n)::int as sum from generate_series(1, 1000) n").fetchone())
        assert wait([answer], timeout=0.2).not_done
        relay.go_on()
        assert answer.result() == {"sum": 500500}


def test_a_stall_while_connecting_ends_at_the_deadline(open_connection: Connect, relay: Relay) -> None:
    relay.stall()
    with pytest.raises(psycopg_ratls.UnavailableError) as caught:
        open_connection(port=relay.port, connect_timeout=2)
    assert caught.value.code in ("HANDSHAKE_TIMEOUT", "CONNECT_TIMEOUT")


def test_a_connection_that_is_cut_is_the_drivers_ordinary_error(open_connection: Connect, relay: Relay) -> None:
    connection = open_connection(port=relay.port)
    relay.cut()
    with pytest.raises(psycopg.OperationalError, match="server closed the connection unexpectedly") as caught:
        connection.execute("select 1")
    assert not isinstance(caught.value, psycopg_ratls.RaTlsError)


def test_an_idle_link_that_loses_everything_is_noticed_by_probes(open_connection: Connect, relay: Relay) -> None:
    connection = open_connection(port=relay.port, keepalives_idle=1, keepalives_interval=1, keepalives_count=1)
    connection.execute("listen news")
    relay.drop()
    start = time.monotonic()
    with pytest.raises(psycopg.OperationalError, match="server closed the connection unexpectedly"):
        list(connection.notifies(timeout=NOTICED_S))
    assert time.monotonic() - start < NOTICED_S


def test_a_query_on_a_link_that_loses_everything_ends_in_the_users_time(open_connection: Connect, relay: Relay) -> None:
    connection = open_connection(port=relay.port, tcp_user_timeout=1000)
    relay.drop()
    start = time.monotonic()
    with pytest.raises(psycopg.OperationalError, match="server closed the connection unexpectedly"):
        connection.execute("select 1")
    assert time.monotonic() - start < NOTICED_S


def test_the_other_connections_of_the_tunnel_go_on(open_connection: Connect, relay: Relay) -> None:
    lost = open_connection(port=relay.port, tcp_user_timeout=1000)
    relay.drop()
    other = open_connection(port=relay.port, tcp_user_timeout=1000)
    assert other._tunnel.directory == lost._tunnel.directory  # type: ignore[union-attr]
    with pytest.raises(psycopg.OperationalError):
        lost.execute("select 1")
    assert other.execute("select 1 as one").fetchone() == {"one": 1}


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("size", [17_000, 70_000])
def test_a_certificate_larger_than_a_record(
        open_connection: Connect, world: World, cluster: Cluster, size: int, version: str) -> None:
    ballast = Extension("1.3.6.1.4.1.62397.99", bytes(size))
    minted = world.mint(certificate={"extensions": {"ballast": ballast}})
    assert len(minted.certificate_der) > size
    with Sidecar(minted, cluster.socket_path, maximum_version=ssl.TLSVersion[version]) as sidecar:
        connection = open_connection(port=sidecar.port)
        assert connection.execute("select 1 as one").fetchone() == {"one": 1}
        assert attestation(connection).key_bound


def test_a_quote_in_a_long_event_log(open_connection: Connect, world: World, cluster: Cluster) -> None:
    minted = world.mint(form="v0-full")
    with Sidecar(minted, cluster.socket_path) as sidecar:
        assert open_connection(port=sidecar.port).execute("select 1 as one").fetchone() == {"one": 1}


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_address(open_connection: Connect, world: World, cluster: Cluster) -> None:
    with Sidecar(world.mint(), cluster.socket_path, host="::1") as sidecar:
        connection = open_connection(host="::1", port=sidecar.port)
        assert connection.execute("select 1 as one").fetchone() == {"one": 1}
    assert sidecar.connections[0].sni is None, "an address is no name"
