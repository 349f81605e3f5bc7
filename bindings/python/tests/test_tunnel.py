"""Tunnels as Python objects; what goes through them is tested with the clients."""
from __future__ import annotations

import asyncio
import gc
import os
import select
import signal
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest

from ra_tls_verify import NoopVerifier, RaTlsVerifier, UnavailableError, UsageError, VerifyOptions
from ra_tls_verify.tunnel import Tunnel
from simulator.minted import Minted
from simulator.sidecar import BEHAVIOURS, Sidecar

NOBODY = ("127.0.0.1", 1)


@pytest.fixture
def sidecar(minted: Minted) -> Iterator[Sidecar]:
    """Shakes hands; there is no PostgreSQL behind it."""
    with Sidecar(minted, NOBODY) as running:
        yield running


def test_it_opens_and_closes(sidecar: Sidecar, minted: Minted) -> None:
    with Tunnel.open(NoopVerifier(), "127.0.0.1", sidecar.port, server_name="db.example", connect_timeout=10) as tunnel:
        path = Path(tunnel.directory) / f".s.PGSQL.{tunnel.port}"
        assert path.is_socket() and not tunnel.closed
        assert (tunnel.result().mr_td, tunnel.last_error()) == (minted.mr_td, None)
        assert tunnel.stats()["connections_total"] == 0
    assert tunnel.closed and not path.exists()
    seen, = sidecar.wait_closed()
    assert (seen.sni, seen.alpn, seen.application_bytes) == ("db.example", "postgresql", 0)


def test_a_closed_tunnel_says_so(sidecar: Sidecar) -> None:
    tunnel = Tunnel.open(NoopVerifier(), "127.0.0.1", sidecar.port)
    tunnel.close()
    tunnel.close()
    for call in (tunnel.result, tunnel.last_error, tunnel.stats):
        with pytest.raises(UnavailableError) as caught:
            call()
        assert caught.value.code == "TUNNEL_CLOSED"


def test_it_closes_when_it_is_forgotten(sidecar: Sidecar) -> None:
    tunnel = Tunnel.open(NoopVerifier(), "127.0.0.1", sidecar.port)
    directory = Path(tunnel.directory)
    del tunnel
    gc.collect()
    assert not directory.exists()


def test_as_coroutines(sidecar: Sidecar) -> None:
    async def main() -> Path:
        tunnel = await Tunnel.open_async(NoopVerifier(), "127.0.0.1", sidecar.port)
        directory = Path(tunnel.directory)
        await tunnel.close_async()
        return directory

    assert not asyncio.run(main()).exists()


def test_it_keeps_a_verifier_written_in_python(sidecar: Sidecar) -> None:
    import weakref

    class Own(RaTlsVerifier):
        def verify(self, quote: bytes, options: VerifyOptions) -> Any:
            return {"tcb_status": "OK"}

    verifier = Own()
    alive = weakref.ref(verifier)
    tunnel = Tunnel.open(verifier, "127.0.0.1", sidecar.port)
    del verifier
    gc.collect()
    assert alive() is not None
    tunnel.close()
    del tunnel
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize(("argument", "value"), [
    ("host", ""), ("host", None), ("host", "a\0b"), ("host", 5), ("server_name", "a\0b"), ("server_name", b"a"), ("port", -1), ("port", 65536),
    ("port", "5432"), ("port", True), ("connect_timeout", 0), ("connect_timeout", float("nan")), ("handshake_timeout", -1.0), ("start_tls", "no"), ("tcp_user_timeout", 0),
    ("keepalive_idle", 1.5), ("keepalive_count", True),
    ("verifier", object()), ("options", {})])
def test_wrong_arguments(argument: str, value: object) -> None:
    arguments: dict[str, Any] = {"verifier": NoopVerifier(), "host": "127.0.0.1", argument: value}
    with pytest.raises(UsageError) as caught:
        Tunnel.open(**arguments)
    assert caught.value.code == "ARGUMENT_INVALID" and caught.value.details["argument"] == argument


def test_a_silent_server_takes_no_longer_than_allowed(minted: Minted) -> None:
    with Sidecar(minted, NOBODY, behaviour=BEHAVIOURS["silent"]) as sidecar:
        with pytest.raises(UnavailableError, match="timed out after 50ms") as caught:
            Tunnel.open(NoopVerifier(), "127.0.0.1", sidecar.port, handshake_timeout=0.05)
    assert caught.value.code == "HANDSHAKE_TIMEOUT"


class Alarm(Exception):
    """What a handler raises."""


@pytest.fixture
def on_signal() -> Iterator[Any]:
    """Installs a handler of SIGUSR1 for a test."""
    before = signal.getsignal(signal.SIGUSR1)
    yield lambda handler: signal.signal(signal.SIGUSR1, handler)
    signal.signal(signal.SIGUSR1, before)


def send_when_it_waits(sidecar: Sidecar, number: int) -> threading.Thread:
    """Sends a signal once somebody has said hello."""
    def send() -> None:
        sidecar.wait_for(lambda seen: bool(seen) and seen[0].received_bytes > 0)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_ctrl_c_ends_the_opening(minted: Minted) -> None:
    with Sidecar(minted, NOBODY, behaviour=BEHAVIOURS["silent"]) as sidecar:
        thread = send_when_it_waits(sidecar, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            Tunnel.open(NoopVerifier(), "127.0.0.1", sidecar.port, handshake_timeout=60)
        thread.join()
        assert sidecar.wait_closed()[0].closed == "the client gave up"


def test_what_a_signals_handler_raises_ends_the_opening(minted: Minted, on_signal: Any) -> None:
    def handler(number: int, frame: object) -> None:
        raise Alarm(number)

    on_signal(handler)
    with Sidecar(minted, NOBODY, behaviour=BEHAVIOURS["silent"]) as sidecar:
        thread = send_when_it_waits(sidecar, signal.SIGUSR1)
        with pytest.raises(Alarm):
            Tunnel.open(NoopVerifier(), "127.0.0.1", sidecar.port, handshake_timeout=60)
        thread.join()


def test_a_handler_runs_during_the_opening_which_goes_on(minted: Minted, on_signal: Any) -> None:
    ran = threading.Event()
    on_signal(lambda number, frame: ran.set())

    class Waiting(RaTlsVerifier):
        def verify(self, quote: bytes, options: VerifyOptions) -> Any:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert ran.wait(30)
            return {"tcb_status": "OK"}

    with Sidecar(minted, NOBODY) as sidecar:
        Tunnel.open(Waiting(), "127.0.0.1", sidecar.port).close()
    assert ran.is_set()


def test_what_opens_while_a_handler_raises_is_closed_again(sidecar: Sidecar, on_signal: Any) -> None:
    """The verifier accepts in the very moment: either way there is no tunnel left behind."""
    def handler(number: int, frame: object) -> None:
        raise Alarm(number)

    on_signal(handler)

    class Hasty(RaTlsVerifier):
        def verify(self, quote: bytes, options: VerifyOptions) -> Any:
            os.kill(os.getpid(), signal.SIGUSR1)
            return {"tcb_status": "OK"}

    threads = len(os.listdir("/proc/self/task"))
    for _ in range(5):
        with pytest.raises(Alarm):
            Tunnel.open(Hasty(), "127.0.0.1", sidecar.port).close()
    sidecar.wait_closed(5)
    gc.collect()
    assert len(os.listdir("/proc/self/task")) <= threads + 1


def test_opening_and_closing_leaves_nothing(sidecar: Sidecar) -> None:
    verifier = NoopVerifier()

    def once() -> None:
        Tunnel.open(verifier, "127.0.0.1", sidecar.port).close()

    def kept() -> tuple[int, int]:
        sidecar.wait_closed(len(sidecar.connections))
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    for _ in range(10):
        once()
    files, threads = kept()
    for _ in range(100):
        once()
    assert kept()[0] <= files + 2 and kept()[1] <= threads + 2


@pytest.fixture
def silent_server(minted: Minted) -> Iterator[Sidecar]:
    """Behind it is somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as behind, Sidecar(minted, behind.getsockname()) as running:
        yield running


def test_the_verdict_of_one_connection(silent_server: Sidecar, minted: Minted) -> None:
    with Tunnel.open(NoopVerifier(), "127.0.0.1", silent_server.port) as tunnel:
        with connected(tunnel) as driver:
            assert tunnel.result_of(driver.fileno()).mr_td == minted.mr_td
        for nothing in (-1, 0):
            with pytest.raises(UsageError) as caught:
                tunnel.result_of(nothing)
            assert caught.value.code == "CONNECTION_UNKNOWN"


def test_evidence_of_a_connection_and_of_the_newest_verdict(silent_server: Sidecar, minted: Minted) -> None:
    with Tunnel.open(NoopVerifier(), "127.0.0.1", silent_server.port) as tunnel:
        with connected(tunnel) as driver:
            evidence = tunnel.evidence(driver.fileno())
        assert {**tunnel.evidence(), "verified_at": evidence["verified_at"]} == evidence
    assert ssl.PEM_cert_to_DER_cert(evidence["certificate"]) == minted.certificate_der
    assert evidence["quote"] and evidence["collateral"] is None and evidence["trust_anchor"] is None


@contextmanager
def connected(tunnel: Tunnel) -> Iterator[socket.socket]:
    """A driver whose startup packet has gone through: its server was accepted."""
    with socket.socket(socket.AF_UNIX) as driver:
        driver.connect(f"{tunnel.directory}/.s.PGSQL.{tunnel.port}")
        driver.sendall(struct.pack("!II", 8, 3 << 16))
        driver.settimeout(60)
        deadline = time.monotonic() + 60
        while tunnel.stats()["bytes_to_upstream"] < 8:
            assert time.monotonic() < deadline
            select.select([driver], [], [], 0.01)
        yield driver
