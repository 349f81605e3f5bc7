"""Refusals: the documented sentences as the driver's errors, and not one byte at the server."""
from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from typing import Any

import psycopg
import pytest

import psycopg_ratls
from psycopg_ratls import _attested, connect, connect_async
from psycopg_ratls._attested import driver_errors
from psycopg_ratls._parameters import through_tunnel
from ra_tls_verify import DcapVerifier, NoopVerifier, RaTlsVerifier, RefusedError, VerifyOptions
from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.sidecar import BEHAVIOURS, Behaviour, Sidecar
from simulator.world import World

DOCUMENTED = {
    "no_quote": ("QUOTE_MISSING", "upstream cert has no TDX attestation extension; set allow_simulator=True for non-TEE targets"),
    "debug": ("DEBUG_MODE", "TDX TD is in debug mode — connection refused. Debug TDs have no confidentiality guarantees. "
              "Set allow_debug_mode=True to override (not recommended for production)."),
    "out_of_date": ("TCB_STATUS", 'Unacceptable TCB status: "OutOfDate". Acceptable statuses: OK, SWHardeningNeeded. '
                    "Update the platform firmware/microcode or check Intel's advisory."),
    "other_mrtd": ("MRTD_NOT_ALLOWED", 'MRTD "0001020304…2e2f" is not in the allowlist. '
                   "Update allowed_mr_td if you intentionally upgraded the CVM image."),
    "other_key": ("KEY_BINDING", "quote report_data does not bind the TLS certificate's public key"),
}


def refused(sidecar: Sidecar, dsn: str, asynchronous: bool = False, **arguments: Any) -> psycopg_ratls.RaTlsError:
    """The failure of connecting, which sent nothing."""
    with pytest.raises(psycopg.OperationalError) as caught:
        if asynchronous:
            asyncio.run(connect_async(dsn, **arguments))
        else:
            connect(dsn, **arguments)
    seen = sidecar.wait_closed()
    assert [(one.application_bytes, one.upstream_opened) for one in seen] == [(0, False)] * len(seen)
    assert isinstance(caught.value, psycopg_ratls.RaTlsError)
    return caught.value


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("fault", DOCUMENTED)
def test_the_documented_refusals(world: World, cluster: Cluster, verifier: DcapVerifier, options: VerifyOptions, fault: str,
                                 asynchronous: bool) -> None:
    with Sidecar(world.mint(fault), cluster.socket_path) as sidecar:
        error = refused(sidecar, cluster.dsn(port=sidecar.port), asynchronous, verifier=verifier, options=options)
    assert (error.code, str(error)) == DOCUMENTED[fault]
    assert isinstance(error, psycopg_ratls.RefusedError) and error.sqlstate == "08004"


def test_a_silent_handshake(cluster: Cluster, minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    with Sidecar(minted, cluster.socket_path, behaviour=BEHAVIOURS["silent"]) as sidecar:
        error = refused(sidecar, cluster.dsn(port=sidecar.port), verifier=verifier, options=options)
    assert (error.code, str(error)) == ("HANDSHAKE_TIMEOUT", "upstream TLS handshake timed out after 5000ms")
    assert isinstance(error, psycopg_ratls.UnavailableError) and error.sqlstate == "08001"


def test_the_connect_timeout_bounds_the_attestation(cluster: Cluster, minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    with Sidecar(minted, cluster.socket_path, behaviour=BEHAVIOURS["silent"]) as sidecar:
        error = refused(sidecar, cluster.dsn(port=sidecar.port, connect_timeout=2), verifier=verifier, options=options)
    assert error.code in ("CONNECT_TIMEOUT", "HANDSHAKE_TIMEOUT") and "2000ms" in str(error)


def left(steps: Any, deadline: float | None) -> list[Any]:
    """What is asked for until it ends, by someone who comes by again and again."""
    generator, asked = _attested._until(deadline, steps), []
    try:
        asked.append(next(generator))
        while True:
            asked.append(generator.send(0))
    except StopIteration as end:
        return [*asked, end.value]


def test_the_drivers_steps_end_with_the_deadline() -> None:
    def steps() -> Any:
        yield "read"
        yield "write"
        return "connected"

    assert left(steps(), None) == left(steps(), time.monotonic() + 60) == ["read", "write", "connected"]
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        left(steps(), time.monotonic())


@pytest.mark.timeout(30)
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_the_connect_timeout_bounds_the_drivers_part_as_well(
        cluster: Cluster, minted: Minted, verifier: DcapVerifier, options: VerifyOptions, monkeypatch: pytest.MonkeyPatch,
        asynchronous: bool) -> None:
    # The driver's own timeout would come too late here: only what is left of the whole can end it in time.
    monkeypatch.setattr(_attested, "through_tunnel", lambda target, tunnel, remaining: through_tunnel(target, tunnel, 3600))
    arguments: dict[str, Any] = {"verifier": verifier, "options": options, "connect_timeout": 2}
    with Sidecar(minted, cluster.socket_path, behaviour=Behaviour(stream="stall", stream_bytes=1)) as sidecar:
        with pytest.raises(psycopg.errors.ConnectionTimeout) as caught:
            if asynchronous:
                asyncio.run(connect_async(cluster.dsn(port=sidecar.port), **arguments))
            else:
                connect(cluster.dsn(port=sidecar.port), **arguments)
    assert not isinstance(caught.value, psycopg_ratls.RaTlsError), "the server is accepted, it only does not answer"


@pytest.mark.parametrize("behaviour", [Behaviour(handshake="close", handshake_bytes=100), BEHAVIOURS["plain"]], ids=["close", "plain"])
def test_no_handshake(cluster: Cluster, minted: Minted, verifier: DcapVerifier, options: VerifyOptions, behaviour: Behaviour) -> None:
    with Sidecar(minted, cluster.socket_path, behaviour=behaviour) as sidecar:
        error = refused(sidecar, cluster.dsn(port=sidecar.port), verifier=verifier, options=options)
    assert isinstance(error, psycopg_ratls.UnavailableError) and error.code.startswith("HANDSHAKE_")


def test_nobody_listens(verifier: DcapVerifier, options: VerifyOptions) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(psycopg_ratls.UnavailableError) as caught:
            connect(f"host=127.0.0.1 port={port}", verifier=verifier, options=options)
    assert caught.value.code == "CONNECT_FAILED" and f"127.0.0.1:{port}" in str(caught.value)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_wrong_options_are_told_before_anything_is_dialled(
        cluster: Cluster, sidecar: Sidecar, verifier: DcapVerifier, asynchronous: bool) -> None:
    dsn = cluster.dsn(port=sidecar.port)
    for arguments, code in (({"options": VerifyOptions(allowed_mr_td=[])}, "OPTION_EMPTY_LIST"),
                            ({"options": VerifyOptions(allowed_mr_td=["ab"])}, "OPTION_VALUE"),
                            ({"options": {"allowed_mr_td": []}}, "ARGUMENT_INVALID"),
                            ({"options": {"allowed_mr_td": []}, "allow_simulator": True}, "ARGUMENT_INVALID"),
                            ({"allow_simulator": "no"}, "OPTION_TYPE"), ({"allow_simulator": 1}, "OPTION_TYPE"),
                            ({"verifier": object()}, "ARGUMENT_INVALID"), ({"host": "a,b"}, "DSN_INVALID"),
                            ({"colour": "red"}, "DSN_INVALID")):
        with pytest.raises(psycopg_ratls.UsageError) as caught:
            if asynchronous:
                asyncio.run(connect_async(dsn, **{"verifier": verifier, **arguments}))
            else:
                connect(dsn, **{"verifier": verifier, **arguments})
        assert caught.value.code == code and isinstance(caught.value, psycopg.OperationalError) and isinstance(caught.value, ValueError)
    assert sidecar.connections == []


def test_without_a_verifier_it_is_dcap(cluster: Cluster, sidecar: Sidecar) -> None:
    """Intel's own: of the simulator's hardware it fetches nothing."""
    error = refused(sidecar, cluster.dsn(port=sidecar.port))
    assert isinstance(error, psycopg_ratls.RefusedError) and (error.stage, error.code) == ("dcap", "DCAP_CERT_ROOT_UNTRUSTED")


@pytest.mark.parametrize("how", ["argument", "option"])
def test_a_simulator_is_accepted_when_asked_for(world: World, cluster: Cluster, verifier: DcapVerifier, minted: Minted, how: str) -> None:
    options = VerifyOptions(now=minted.now, allow_simulator=how == "option")
    with Sidecar(world.mint("no_quote"), cluster.socket_path) as sidecar:
        with connect(cluster.dsn(port=sidecar.port), verifier=verifier, options=options, allow_simulator=how == "argument") as conn:
            assert not psycopg_ratls.attestation(conn).verified


def test_a_simulator_is_not_what_was_pinned(world: World, cluster: Cluster, verifier: DcapVerifier, options: VerifyOptions) -> None:
    with Sidecar(world.mint("no_quote"), cluster.socket_path) as sidecar:
        error = refused(sidecar, cluster.dsn(port=sidecar.port), verifier=verifier, options=options, allow_simulator=True)
    assert error.code == "QUOTE_MISSING"


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("fault", ["no_quote", "debug", "other_key"])
def test_a_refusal_of_the_drivers_own_handshake_is_the_typed_error(
        world: World, cluster: Cluster, minted: Minted, verifier: DcapVerifier, fault: str, asynchronous: bool) -> None:
    arguments: dict[str, Any] = {"verifier": verifier, "options": VerifyOptions(now=minted.now)}
    with Sidecar(minted, cluster.socket_path) as sidecar:
        dsn = cluster.dsn(port=sidecar.port)
        with connect(dsn, **arguments) as first:
            sidecar.present(world.mint(fault))  # the tunnel stands: from now on the driver's handshake is the only one
            with pytest.raises(psycopg_ratls.RefusedError) as caught:
                if asynchronous:
                    asyncio.run(connect_async(dsn, **arguments))
                else:
                    connect(dsn, **arguments)
            assert (caught.value.code, str(caught.value)) == DOCUMENTED[fault]
            assert isinstance(caught.value.__cause__, psycopg.OperationalError)
            assert first.execute("select 1 as one").fetchone() == {"one": 1}, "who was accepted goes on"
        assert sorted(seen.upstream_opened for seen in sidecar.wait_closed(2)) == [False, True]


class FakeTunnel:
    """Knows another connection's failure."""

    def last_error(self) -> Any:
        return RefusedError("why", code="DEBUG_MODE", stage="policy")


@pytest.mark.parametrize(("text", "code"), [
    ("FATAL:  why", "DEBUG_MODE"),
    ("connection failed: FATAL:  quite\nanother\nDETAIL:  KEY_BINDING", "KEY_BINDING"),
    ("FATAL:  the server's own\nDETAIL:  NO_SUCH_CODE", None),
    ("FATAL:  the server's own", None)])
def test_the_drivers_text_tells_a_failure_that_is_not_the_newest(text: str, code: str | None) -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        with driver_errors(FakeTunnel()):  # type: ignore[arg-type]
            raise psycopg.OperationalError(text)
    assert getattr(caught.value, "code", None) == code
    if code == "KEY_BINDING":
        assert isinstance(caught.value, psycopg_ratls.RefusedError)
        assert (str(caught.value), caught.value.stage) == ("quite\nanother", "binding")


class Own(RaTlsVerifier):
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def verify(self, quote: bytes, options: VerifyOptions) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class OwnLater(Own):
    async def verify(self, quote: bytes, options: VerifyOptions) -> Any:
        await asyncio.sleep(0)
        return super().verify(quote, options)


@pytest.mark.parametrize("kind", [Own, OwnLater])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_own_verifiers(cluster: Cluster, sidecar: Sidecar, kind: type[Own], asynchronous: bool) -> None:
    dsn = cluster.dsn(port=sidecar.port)
    for answer, code in ((RefusedError("no"), "USER_VERIFIER_REFUSED"), (OSError("no"), "USER_VERIFIER"), ({}, "USER_VERIFIER_CLAIMS"),
                         ({"tcb_status": "OutOfDate"}, "TCB_STATUS")):
        assert refused(sidecar, dsn, asynchronous, verifier=kind(answer)).code == code

    async def query() -> Any:
        async with await connect_async(dsn, verifier=kind({"tcb_status": "OK"})) as conn:
            return psycopg_ratls.attestation(conn).verifier

    if asynchronous:
        assert asyncio.run(query()) == "custom"
    else:
        with connect(dsn, verifier=kind({"tcb_status": "OK"}), options=VerifyOptions(cache_ttl_s=0)) as conn:
            assert psycopg_ratls.attestation(conn).verifier == "custom"


def test_noop_accepts_unverified(cluster: Cluster, sidecar: Sidecar) -> None:
    with connect(cluster.dsn(port=sidecar.port), verifier=NoopVerifier()) as conn:
        assert not psycopg_ratls.attestation(conn).verified


def test_cancelling_the_task_ends_the_attestation(cluster: Cluster, minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    async def main() -> None:
        task = asyncio.create_task(connect_async(cluster.dsn(port=sidecar.port), verifier=verifier, options=options))
        await asyncio.get_running_loop().run_in_executor(None, sidecar.wait_for, lambda seen: bool(seen) and seen[0].received_bytes > 0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Sidecar(minted, cluster.socket_path, behaviour=BEHAVIOURS["silent"]) as sidecar:
        asyncio.run(main())
        assert sidecar.wait_closed()[0].closed == "the client gave up"


def test_expired_collateral_is_no_verdict(
        cluster: Cluster, sidecar: Sidecar, minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    later = replace(options, now=minted.now + 60 * 24 * 3600)
    error = refused(sidecar, cluster.dsn(port=sidecar.port), verifier=verifier, options=later)
    assert isinstance(error, psycopg_ratls.UnavailableError) and error.stage == "collateral"
