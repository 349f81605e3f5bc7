"""A server across a network: the sidecar in a process of its own, and a relay in front of it that can misbehave."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from connections import Connect
from relay import Relay

import psycopg_ratls
from ra_tls_verify import DcapVerifier, VerifyOptions
from simulator.postgres import Cluster
from simulator.process import SidecarProcess


@pytest.fixture
def far(cluster: Cluster) -> Iterator[SidecarProcess]:
    """In a process of its own: psycopg's cancel holds the interpreter, and a bulk of bytes is no matter of one."""
    with SidecarProcess("--seed", "client", "--upstream", str(cluster.socket_path)) as sidecar:
        yield sidecar


@pytest.fixture
def relay(far: SidecarProcess) -> Iterator[Relay]:
    with Relay(("127.0.0.1", far.port)) as running:
        yield running


@pytest.fixture
def open_connection(cluster: Cluster, far: SidecarProcess, verifier: DcapVerifier, options: VerifyOptions) -> Iterator[Connect]:
    """Opens attested connections, closed in the end."""
    opened: list[psycopg_ratls.Connection[Any]] = []

    def open_one(**arguments: Any) -> psycopg_ratls.Connection[Any]:
        arguments = {"port": far.port, "verifier": verifier, "options": options, "autocommit": True, **arguments}
        opened.append(psycopg_ratls.connect(cluster.dsn(), **arguments))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()
