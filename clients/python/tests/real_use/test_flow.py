"""Bytes that nobody takes, and sides that close by halves."""
from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from connections import Connect
from psycopg import rows
from tls_server import TlsServer

from ra_tls_verify import DcapVerifier, VerifyOptions
from ra_tls_verify.tunnel import Tunnel
from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.process import SidecarProcess

STARTUP = b"\0\0\0\x12\0\3\0\0user\0bob\0\0"
CHUNK = 65536
#: What may be between a sender and somebody who does not read: the tunnel's buffers and those of the kernel's sockets.
ON_ITS_WAY_MAX = 24 << 20
BULK = 100 << 20
#: Resident memory may move by so much for reasons of its own.
MEMORY_NOISE = 16 << 20


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def settled(read: Callable[[], int], quiet_s: float = 0.5) -> int:
    """Wait until a number no longer grows."""
    value, since = read(), time.monotonic()
    while time.monotonic() - since < quiet_s:
        time.sleep(0.01)
        if (now := read()) != value:
            value, since = now, time.monotonic()
    return value


@contextlib.contextmanager
def dial(minted: Minted, verifier: DcapVerifier, options: VerifyOptions, serve: Callable[[ssl.SSLSocket], None]) -> Iterator[socket.socket]:
    """A driver's socket, its startup message sent, to a server that we play."""
    with TlsServer(minted, serve) as server, Tunnel.open(verifier, "127.0.0.1", server.port, options=options) as tunnel, \
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as driver:
        driver.settimeout(60)
        driver.connect(f"{tunnel.directory}/.s.PGSQL.{tunnel.port}")
        driver.sendall(STARTUP)
        yield driver


def read_all(source: socket.socket) -> bytes:
    return b"".join(iter(lambda: source.recv(CHUNK), b""))


def digest_to_the_end(tls: ssl.SSLSocket) -> None:
    """Answer the client's end with the digest of all that it said."""
    said = hashlib.sha256()
    while data := tls.recv(CHUNK):
        said.update(data)
    tls.sendall(said.digest())
    tls.unwrap()


def test_who_has_said_all_may_still_hear_the_answer(minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    with dial(minted, verifier, options, digest_to_the_end) as driver:
        driver.sendall(b"x" * 1_000_000)
        driver.shutdown(socket.SHUT_WR)
        assert read_all(driver) == hashlib.sha256(STARTUP + b"x" * 1_000_000).digest()


def test_who_has_said_all_hears_a_long_answer(minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    def answer_at_length(tls: ssl.SSLSocket) -> None:
        while tls.recv(CHUNK):
            pass
        for _ in range(80):
            tls.sendall(b"y" * CHUNK)
        tls.unwrap()

    with dial(minted, verifier, options, answer_at_length) as driver:
        driver.shutdown(socket.SHUT_WR)
        assert len(read_all(driver)) == 80 * CHUNK


def test_a_server_that_has_said_all_is_heard_to_its_end(minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    def speak_and_close(tls: ssl.SSLSocket) -> None:
        tls.recv(CHUNK)
        tls.sendall(b"z" * (16 * CHUNK))
        tls.unwrap()

    with dial(minted, verifier, options, speak_and_close) as driver:
        assert len(read_all(driver)) == 16 * CHUNK


def test_a_driver_that_does_not_read_holds_the_server_up(
        open_connection: Connect, far: SidecarProcess, cluster: Cluster) -> None:
    connection = open_connection(row_factory=rows.scalar_row)
    tunnel = connection._tunnel
    assert tunnel is not None
    with connection.cursor() as cursor, cursor.copy(
            f"copy (select repeat('x', 9999) from generate_series(1, {BULK // 10_000})) to stdout") as copy:
        before = resident()
        on_its_way = settled(lambda: tunnel.stats()["bytes_from_upstream"])
        assert 0 < on_its_way < ON_ITS_WAY_MAX
        assert resident() - before < MEMORY_NOISE
        assert sum(len(data) for data in copy) == BULK // 10_000 * 10_000
    assert connection.execute("select 1").fetchone() == 1


def test_a_server_that_does_not_read_holds_the_driver_up(minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    go_on = threading.Event()
    sent = hashlib.sha256(STARTUP)

    def read_later(tls: ssl.SSLSocket) -> None:
        assert go_on.wait(60)
        digest_to_the_end(tls)

    with dial(minted, verifier, options, read_later) as driver:
        before, total = resident(), 0
        driver.settimeout(1)
        with pytest.raises(TimeoutError):
            while total < BULK:
                count = driver.send(b"w" * CHUNK)
                sent.update(b"w" * count)
                total += count
        assert total < ON_ITS_WAY_MAX
        assert resident() - before < MEMORY_NOISE
        go_on.set()
        driver.settimeout(60)
        driver.shutdown(socket.SHUT_WR)
        assert read_all(driver) == sent.digest()
