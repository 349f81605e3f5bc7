"""What attested connections of every kind share: their way to the server, their verdict, and whose process they are."""
from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import pq
from psycopg.abc import ConnParam, PQGenConn

import ra_tls_verify
from ra_tls_verify import DcapVerifier, Leader, RaTlsVerifier, VerifyOptions, VerifyResult
from ra_tls_verify._codes import CODES
from ra_tls_verify._errors import from_code
from ra_tls_verify.tunnel import Tunnel

from ._errors import RaTlsError, driver_error
from ._parameters import Target, resolve, through_tunnel

#: Until when (monotonic clock) the driver may connect.
_deadline: ContextVar[float | None] = ContextVar("psycopg_ratls_deadline", default=None)
#: How the tunnel tells a driver of a refusal: its sentence, and the name of the code as DETAIL.
_TOLD = re.compile(r"FATAL:  (?P<message>.*)\nDETAIL:  (?P<code>[A-Z][A-Z0-9_]*)\s*$", re.DOTALL)


@dataclass(frozen=True)
class Way:
    """The way to a server: where it leads and who judges. Equal ones share a tunnel."""

    target: Target
    arguments: dict[str, Any]

    @classmethod
    def to(cls, conninfo: str, parameters: dict[str, ConnParam], *, verifier: RaTlsVerifier | None, options: VerifyOptions | None,
           allow_simulator: bool, start_tls: bool, leader: Leader | None = None, client_attestation: bool | None = None,
           dstack_socket: str | os.PathLike[str] | None = None) -> Way:
        """Resolve a connection string. Nothing is dialled."""
        if not isinstance(leader, Leader | None):
            raise from_code("ARGUMENT_INVALID", argument="leader", what=f"expected a Leader, found {type(leader).__name__}")
        target = resolve(conninfo, parameters, None if leader is None else leader.domain)
        return cls(target, {
            "verifier": default_verifier() if verifier is None else verifier, "host": target.address or None, "port": target.port,
            "server_name": target.server_name, "options": _accepting(options, allow_simulator), "connect_timeout": target.timeout,
            "start_tls": start_tls, "leader": leader, "client_attestation": client_attestation, "dstack_socket": dstack_socket,
            **target.link})

    def open(self) -> Tunnel:
        """A tunnel of its own, or a hold of the one that leads there already."""
        return Tunnel.open(**self.arguments)

    async def open_async(self) -> Tunnel:
        """open() as a coroutine."""
        return await Tunnel.open_async(**self.arguments)

    @contextmanager
    def driving(self, tunnel: Tunnel, start: float) -> Iterator[dict[str, Any]]:
        """The parameters for the driver, which has what is left of the time since `start`."""
        end = start + self.target.timeout
        before = _deadline.set(end)
        try:
            with driver_errors(tunnel):
                yield through_tunnel(self.target, tunnel, end - time.monotonic())
        finally:
            _deadline.reset(before)


class Attested:
    """What an attested connection has beside the driver's own: its tunnel, its verdict, its process.

    A forked child must not use the parent's connections: both would speak on one socket. So whatever uses one asks for its
    lock first, and in a child is told instead.
    """

    _tunnel: Tunnel | None = None
    _verdict: VerifyResult | None = None
    _own_lock: Any = None
    _process = 0

    @property
    def lock(self) -> Any:
        """The driver's lock: taken for everything that a connection does."""
        check_process(self._process)
        return self._own_lock

    @lock.setter
    def lock(self, lock: Any) -> None:
        self._process = os.getpid()
        self._own_lock = lock

    @classmethod
    def _connect_gen(cls, *arguments: Any, **keywords: Any) -> PQGenConn[Any]:
        """The driver's own steps of connecting, until the deadline: its timeout has whole seconds, two at least."""
        steps = super()._connect_gen(*arguments, **keywords)  # type: ignore[misc]
        return _until(_deadline.get(), steps)

    def _rest_on(self, tunnel: Tunnel, descriptor: int) -> None:
        try:
            self._verdict = tunnel.result_of(descriptor)
        except ra_tls_verify.UsageError:
            raise psycopg.OperationalError("the server closed the connection as soon as it was made") from None
        self._tunnel = tunnel

    def _let_go(self, connection: pq.abc.PGconn) -> None:
        """In a forked child: give up the descriptor that both have, so that the driver's goodbye does not end the parent's session."""
        if self._process == os.getpid() or connection.status == pq.ConnStatus.BAD:
            return
        here, there = socket.socketpair()
        os.dup2(here.fileno(), connection.socket, inheritable=False)
        here.close()
        there.close()


def check_process(process: int) -> None:
    """Raise UsageError when this is not the process that made it."""
    if process != os.getpid():
        raise driver_error(from_code("TUNNEL_FORKED", expected=str(process), found=str(os.getpid())))


@lru_cache
def default_verifier() -> RaTlsVerifier:
    """One for the process, so that its verdicts are kept."""
    return DcapVerifier()


@contextmanager
def driver_errors(tunnel: Tunnel | None = None) -> Iterator[None]:
    """Raise failures of the verification as the driver's. One that reached the driver through the tunnel, as text in a
    PostgreSQL error, becomes the failure again that it was."""
    try:
        yield
    except RaTlsError:
        raise
    except ra_tls_verify.RaTlsError as error:
        raise driver_error(error) from None
    except psycopg.OperationalError as error:
        failure = None if tunnel is None else _told(tunnel, str(error))
        if failure is None:
            raise
        raise driver_error(failure) from error


def _told(tunnel: Tunnel, text: str) -> ra_tls_verify.RaTlsError | None:
    """The tunnel's failure that the driver was told; None when the text is the server's own.

    The tunnel keeps the newest only. When connections of several threads failed, that may be another's: then the text has to do.
    """
    newest, told = tunnel.last_error(), _TOLD.search(text)
    if newest is None or str(newest) in text:
        return newest
    if told is None or told["code"] not in CODES:
        return None
    failure = from_code(told["code"])
    return type(failure)(told["message"], code=failure.code, stage=failure.stage)


def _until(deadline: float | None, steps: PQGenConn[Any]) -> PQGenConn[Any]:
    """Go on with the steps until the deadline. Who waits for them comes by several times a second, ready or not."""
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            if deadline is not None and time.monotonic() >= deadline:
                raise psycopg.errors.ConnectionTimeout("connection timeout expired")
            wanted = steps.send(ready)
    except StopIteration as end:
        return end.value


def _accepting(options: VerifyOptions | None, allow_simulator: bool) -> VerifyOptions | None:
    """Either the argument or the option says yes to a simulator. What is no bool goes on, to be refused: "no" is no yes."""
    if allow_simulator is False or allow_simulator is None or not isinstance(options, VerifyOptions | None):
        return options
    return replace(options or VerifyOptions(), allow_simulator=allow_simulator)
