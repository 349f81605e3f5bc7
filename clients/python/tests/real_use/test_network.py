"""Networks that stall, break and lose packets; addresses; slow readers; large certificates; sides that close by halves."""
from __future__ import annotations

import contextlib
import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from connections import Connect, active
from relay import Relay
from tls_server import TlsServer

import psycopg_ratls
from psycopg_ratls import attestation, connect
from ra_tls_verify import DcapVerifier, VerifyOptions
from ra_tls_verify.tunnel import Tunnel
from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World
from simulator.x509 import Extension

SLEEP = "select pg_sleep(60)"
STARTUP = b"\0\0\0\x12\0\3\0\0user\0bob\0\0"
#: What may be on its way between a sender and a reader who does not read: the tunnel's buffers, and the sockets' (Linux: some MB).
ON_ITS_WAY_MAX = 24 << 20
FLOOD = 100 << 20


def settled(read: Callable[[], int], quiet_s: float = 0.5) -> int:
    """Wait until a growing number no longer grows."""
    value, since = read(), time.monotonic()
    while time.monotonic() - since < quiet_s:
        now = read()
        if now != value:
            value, since = now, time.monotonic()
    return value


# ---- stalls and losses


def test_a_stall_that_passes_loses_nothing(open_connection: Connect, relay: Relay, cluster: Cluster) -> None:
    connection = open_connection(port=relay.port)
    relay.stall()
    with psycopg.Pipeline(connection):
        cursor = connection.execute("select sum(n)::int as sum from generate_series(1, 1000) n")
        relay.go_on()
    assert cursor.fetchone() == {"sum": 500500}


def test_a_stall_while_connecting_ends_at_the_deadline(open_connection: Connect, relay: Relay) -> None:
    relay.stall()
    with pytest.raises(psycopg_ratls.UnavailableError) as caught:
        open_connection(port=relay.port, connect_timeout=2)
    assert caught.value.code in ("HANDSHAKE_TIMEOUT", "CONNECT_TIMEOUT")


def test_a_statement_timeout_ends_a_query_that_the_server_stalls(open_connection: Connect) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        open_connection(options=None, verifier=None) if False else open_connection().execute("set statement_timeout = '100ms'; " + SLEEP)


@pytest.mark.parametrize("way", ["query", "idle"])
def test_a_link_that_drops_everything_is_noticed_in_the_time_that_the_user_set(
        open_connection: Connect, relay: Relay, cluster: Cluster, way: str) -> None:
    connection = open_connection(port=relay.port, tcp_user_timeout=1000, keepalives_idle=1, keepalives_interval=1, keepalives_count=1)
    if way == "idle":  # nothing is sent, so it takes the probes to notice
        relay.drop()
        select = f"{SLEEP}"
    else:
        select = "select 1"
        relay.drop()
    start = time.monotonic()
    with pytest.raises(psycopg.OperationalError, match="closed the connection unexpectedly") as caught:
        connection.execute(select)
    assert not isinstance(caught.value, psycopg_ratls.RaTlsError)
    assert time.monotonic() - start < 30, "and not after the system's quarter of an hour"
