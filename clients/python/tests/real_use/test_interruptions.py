"""Queries that are ended from outside: by a cancel, by the server, by its death. The driver's ordinary error, each time."""
from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from connections import Connect, active

import psycopg_ratls
from ra_tls_verify import RaTlsVerifier, VerifyOptions
from simulator.postgres import Cluster
from simulator.process import SidecarProcess

SLEEP = "select pg_sleep(60)"


def while_it_sleeps(cluster: Cluster, connection: psycopg.Connection[Any], act: Callable[[], object]) -> threading.Thread:
    """Do something from another thread as soon as the server runs the connection's query."""
    def run() -> None:
        active(cluster, connection.info.backend_pid)
        act()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


class Holding(RaTlsVerifier):
    """A verifier in Python that keeps the quote until it is told to let go."""

    def __init__(self) -> None:
        self.asked, self.let_go = threading.Event(), threading.Event()

    def verify(self, quote: bytes, options: VerifyOptions) -> Any:
        self.asked.set()
        assert self.let_go.wait(30)
        return {"tcb_status": "OK"}


@pytest.fixture
def holding() -> Iterator[Holding]:
    verifier = Holding()
    yield verifier
    verifier.let_go.set()


@pytest.mark.parametrize("method", ["cancel", "cancel_safe"])
def test_a_query_is_cancelled_from_another_thread(open_connection: Connect, cluster: Cluster, method: str) -> None:
    connection = open_connection()
    thread = while_it_sleeps(cluster, connection, getattr(connection, method))
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(SLEEP)
    thread.join()
    assert connection.execute("select 1 as one").fetchone() == {"one": 1}


@pytest.mark.parametrize("method", ["cancel", "cancel_safe"])
def test_a_query_is_cancelled_while_a_verifier_in_python_thinks(
        open_connection: Connect, cluster: Cluster, holding: Holding, method: str) -> None:
    connection = open_connection()
    other: list[Any] = []
    opening = threading.Thread(target=lambda: other.append(open_connection(verifier=holding, options=None)))
    opening.start()
    assert holding.asked.wait(30)
    thread = while_it_sleeps(cluster, connection, getattr(connection, method))
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(SLEEP)
    thread.join()
    assert not other, "the verifier still thinks"
    holding.let_go.set()
    opening.join()
    assert other[0].execute("select 1 as one").fetchone() == {"one": 1}


class Counting(RaTlsVerifier):
    def __init__(self) -> None:
        self.asked = 0

    def verify(self, quote: bytes, options: VerifyOptions) -> Any:
        self.asked += 1
        return {"tcb_status": "OK"}


def test_a_cancel_has_a_verdict_of_its_own(open_connection: Connect, cluster: Cluster) -> None:
    verifier = Counting()
    connection = open_connection(verifier=verifier, options=VerifyOptions(cache_ttl_s=0))
    before = verifier.asked
    thread = while_it_sleeps(cluster, connection, connection.cancel_safe)
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(SLEEP)
    thread.join()
    assert verifier.asked == before + 1


def test_a_cancel_that_holds_the_interpreter_its_verifier_needs_ends_at_the_deadline(
        open_connection: Connect, cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """psycopg's cancel() holds it while it waits for the connection whose certificate the verifier should judge. Like every
    failure of libpq's PQcancel() after the dialling, that goes unsaid; the log tells."""
    connection = open_connection(verifier=Counting(), options=VerifyOptions(cache_ttl_s=0, timeout_ms=500))

    def both() -> None:
        connection.cancel()
        connection.cancel_safe()

    thread = while_it_sleeps(cluster, connection, both)
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(SLEEP)
    thread.join()
    connection.close()
    assert "did not finish within 500ms" in caplog.text


def test_the_server_ends_the_session_in_mid_query(open_connection: Connect, cluster: Cluster) -> None:
    connection = open_connection()

    def terminate() -> None:
        with psycopg.connect(cluster.dsn(), autocommit=True) as plain:
            plain.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])

    thread = while_it_sleeps(cluster, connection, terminate)
    with pytest.raises(psycopg.errors.AdminShutdown):
        connection.execute(SLEEP)
    thread.join()
    assert connection.broken


def test_the_servers_process_is_killed_in_mid_query(open_connection: Connect) -> None:
    with Cluster() as own, SidecarProcess("--seed", "client", "--upstream", str(own.socket_path)) as far:
        connection = open_connection(port=far.port)
        thread = while_it_sleeps(own, connection, lambda: os.kill(connection.info.backend_pid, signal.SIGKILL))
        with pytest.raises(psycopg.OperationalError, match="closed the connection unexpectedly|terminat") as caught:
            connection.execute(SLEEP)
        thread.join()
    assert not isinstance(caught.value, psycopg_ratls.RaTlsError)
    assert connection.broken


def test_the_terminator_is_killed_in_mid_query(open_connection: Connect, cluster: Cluster, far: SidecarProcess) -> None:
    connection = open_connection()
    thread = while_it_sleeps(cluster, connection, far.process.kill)
    with pytest.raises(psycopg.OperationalError, match="closed the connection unexpectedly") as caught:
        connection.execute(SLEEP)
    thread.join()
    assert not isinstance(caught.value, psycopg_ratls.RaTlsError)
    with pytest.raises(psycopg_ratls.UnavailableError, match="refused"):
        open_connection()
