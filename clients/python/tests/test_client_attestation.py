"""This client's own certificate: from a simulated guest agent, for a sidecar that demands and verifies it."""
from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import psycopg_ratls
from psycopg_ratls import ConnectionPool, connect, connect_async
from ra_tls_verify import DcapVerifier, VerifyOptions
from simulator.agent import MANNERS, GuestAgent, changed
from simulator.client_check import ClientCheck
from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World


@pytest.fixture
def agent(world: World, tmp_path: Path) -> Iterator[GuestAgent]:
    with GuestAgent(world, tmp_path / "dstack.sock") as running:
        yield running


@pytest.fixture
def demanding(minted: Minted, cluster: Cluster) -> Iterator[Sidecar]:
    """Demands a certificate of the client's, and verifies its quote."""
    with ClientCheck(minted) as check, Sidecar(
            minted, cluster.socket_path, client_ca=minted.kms_root_pem, client_certificate="required", client_check=check) as running:
        yield running


@pytest.fixture
def arguments(verifier: DcapVerifier, options: VerifyOptions) -> dict[str, Any]:
    return {"verifier": verifier, "options": options}


@pytest.fixture
def fresh(minted: Minted, options: VerifyOptions) -> dict[str, Any]:
    """With a verifier of its own: a verifier keeps the client's certificate for all who use it."""
    return {"verifier": DcapVerifier(minted.collateral_json.encode(), minted.trust_anchor_pem.encode()), "options": options}


def test_connect(cluster: Cluster, demanding: Sidecar, agent: GuestAgent, fresh: dict[str, Any]) -> None:
    for _ in range(3):
        with connect(cluster.dsn(port=demanding.port), client_attestation=True, dstack_socket=agent.address, **fresh) as conn:
            assert conn.execute("select 6 * 7 as answer").fetchone() == {"answer": 42}
    assert agent.called("GetTlsKey") == 1, "kept from one connection to the next"
    assert {seen.client_certificate for seen in demanding.connections} == {agent.minted[0].certificate_der}


def test_asyncio(cluster: Cluster, demanding: Sidecar, agent: GuestAgent, fresh: dict[str, Any]) -> None:
    agent.manner = changed("normal", delay_s=0.3)

    async def main() -> None:
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0.01)
                beats += 1

        beating = asyncio.create_task(beat())
        async with await connect_async(cluster.dsn(port=demanding.port), dstack_socket=str(agent.address), **fresh) as conn:
            assert await (await conn.execute("select 1 as one")).fetchone() == {"one": 1}
        beating.cancel()
        assert beats > 3, "the loop went on while the agent was waited for"

    asyncio.run(main())


def test_pool_whose_certificate_expires_under_load(cluster: Cluster, demanding: Sidecar, agent: GuestAgent, fresh: dict[str, Any]) -> None:
    agent.manner = changed("normal", lifetime_s=6)
    end = time.monotonic() + 60
    with ConnectionPool(cluster.dsn(port=demanding.port), client_attestation=True, dstack_socket=agent.address, min_size=2, max_size=4,
                        max_lifetime=0.3, **fresh) as pool, ThreadPoolExecutor(4) as threads:
        def work(_: int) -> int:
            done = 0
            while agent.called("GetTlsKey") < 3 and time.monotonic() < end:
                with pool.connection() as conn:
                    assert conn.execute("select 1 as one").fetchone() == {"one": 1}
                done += 1
            return done
        assert min(threads.map(work, range(4))) > 0
    used = {seen.client_certificate for seen in demanding.connections}
    assert used >= {minted.certificate_der for minted in agent.minted[:2]} and agent.called("GetTlsKey") <= 4


def test_no_agent(cluster: Cluster, demanding: Sidecar, tmp_path: Path, fresh: dict[str, Any]) -> None:
    with pytest.raises(psycopg_ratls.UnavailableError, match=r"no dstack guest agent .*none\.sock \(No such file") as caught:
        connect(cluster.dsn(port=demanding.port), client_attestation=True, dstack_socket=tmp_path / "none.sock", **fresh)
    assert caught.value.code == "DSTACK_UNAVAILABLE" and demanding.connections == []


def test_an_agent_that_fails_speaks_for_itself(cluster: Cluster, demanding: Sidecar, agent: GuestAgent, fresh: dict[str, Any]) -> None:
    agent.manner = MANNERS["error"]
    with pytest.raises(psycopg_ratls.UnavailableError, match="failed to get a quote: the QGS is not there") as caught:
        connect(cluster.dsn(port=demanding.port), dstack_socket=agent.address, **fresh)
    assert (caught.value.code, caught.value.details["http_status"]) == ("DSTACK_ERROR", "400")


def test_never(cluster: Cluster, demanding: Sidecar, agent: GuestAgent, fresh: dict[str, Any]) -> None:
    with pytest.raises(psycopg_ratls.RefusedError, match=r"none was presented: it was forbidden \(client_attestation, dstack_socket\)") as caught:
        connect(cluster.dsn(port=demanding.port), client_attestation=False, dstack_socket=agent.address, **fresh)
    assert (caught.value.code, caught.value.details["alert"]) == ("CLIENT_CERTIFICATE_REQUIRED", "certificate required")
    assert agent.calls == []


def test_a_server_that_does_not_trust_us(cluster: Cluster, demanding: Sidecar, tmp_path: Path, fresh: dict[str, Any]) -> None:
    """With TLS 1.3 it says so after the handshake only; the error is the typed one nevertheless, of a pool as well."""
    with GuestAgent(World("another"), tmp_path / "dstack.sock") as agent:
        way = {"client_attestation": True, "dstack_socket": agent.address, **fresh}
        with pytest.raises(psycopg_ratls.RefusedError, match="does not accept this client's own certificate") as caught:
            connect(cluster.dsn(port=demanding.port), **way)
        assert caught.value.code == "CLIENT_CERTIFICATE_REFUSED" and caught.value.details["alert"]
        with pytest.raises(psycopg_ratls.RefusedError) as caught:
            ConnectionPool(cluster.dsn(port=demanding.port), **way)
        assert caught.value.code == "CLIENT_CERTIFICATE_REFUSED"


def test_the_environment(cluster: Cluster, demanding: Sidecar, agent: GuestAgent, minted: Minted, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts where a simulator is allowed, and nowhere else."""
    monkeypatch.setenv("DSTACK_SIMULATOR_ENDPOINT", str(agent.address))
    verifier = DcapVerifier(minted.collateral_json.encode(), minted.trust_anchor_pem.encode())
    options = VerifyOptions(now=minted.now)
    with connect(cluster.dsn(port=demanding.port), client_attestation=True, allow_simulator=True, verifier=verifier, options=options):
        assert agent.called("GetTlsKey") == 1
    if any(Path(place).exists() for place in ("/run/dstack.sock", "/run/dstack", "/run/tappd.sock")):
        pytest.skip("there is a guest agent on this machine")
    with pytest.raises(psycopg_ratls.UnavailableError, match="DSTACK_SIMULATOR_ENDPOINT, which is set but counts only where a simulator"):
        connect(cluster.dsn(port=demanding.port), client_attestation=True, verifier=verifier, options=options)


def test_sqlalchemy(cluster: Cluster, demanding: Sidecar, agent: GuestAgent, fresh: dict[str, Any]) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    from psycopg_ratls.sqlalchemy import create_engine

    engine = create_engine(cluster.dsn(port=demanding.port), client_attestation=True, dstack_socket=agent.address, **fresh)
    with engine.connect() as conn:
        assert conn.execute(sqlalchemy.text("select 6 * 7")).scalar() == 42
    engine.dispose()


@pytest.mark.parametrize("name, value", [("client_attestation", 1), ("client_attestation", "yes"), ("dstack_socket", 7), ("dstack_socket", ""),
                                         ("dstack_socket", "http://127.0.0.1:8090")])
def test_values_that_are_none(name: str, value: Any, cluster: Cluster, demanding: Sidecar, arguments: dict[str, Any]) -> None:
    with pytest.raises(psycopg_ratls.UsageError) as caught:
        connect(cluster.dsn(port=demanding.port), **{name: value}, **arguments)
    assert name in str(caught.value) and demanding.connections == []
