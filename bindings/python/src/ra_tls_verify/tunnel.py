"""Attested ways to a PostgreSQL server, for clients of this package."""
from __future__ import annotations

import atexit
import json
import math
import os
import threading
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _calls, _core, _log
from ._errors import RaTlsError, from_code
from ._leader import Leader
from ._options import VerifyOptions, policy_of
from ._result import VerifyResult, result_of
from ._verifiers import RaTlsVerifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._core import CancelHandle, TunnelHandle


class Tunnel:
    """A private Unix socket; every connection to it becomes a TLS connection whose certificate is verified first.

    Give `directory` and `port` to a driver as its `host` and `port`. Only this process may connect. Closed by close(), at
    the end of a `with`, when nobody refers to it any more, and when the interpreter exits.
    """

    def __init__(self, handle: TunnelHandle, verifier: RaTlsVerifier) -> None:
        """For open() and open_async()."""
        self._lock = threading.Lock()
        self._handle: TunnelHandle | None = handle
        # The core keeps its own hold of a built-in verifier; one of the caller's lives in Python.
        self._verifier = verifier
        self.directory: str = _core.ratls_tunnel_directory(handle)
        self.port: int = _core.ratls_tunnel_port(handle)
        _open_tunnels.add(self)

    @classmethod
    def open(cls, verifier: RaTlsVerifier, host: str | None = None, port: int = 0, *, server_name: str | None = None,
             options: VerifyOptions | None = None, connect_timeout: float | None = None, handshake_timeout: float | None = None,
             start_tls: bool = False, tcp_user_timeout: float | None = None, keepalive_idle: int | None = None,
             keepalive_interval: int | None = None, keepalive_count: int | None = None, leader: Leader | None = None,
             client_attestation: bool | None = None, dstack_socket: str | os.PathLike[str] | None = None,
             dstack_timeout: float | None = None) -> Tunnel:
        """Make one attested handshake, and open the socket; or, when one runs in this process already with the same verifier
        and equal arguments, share that one without a handshake.

        Args:
            verifier: who judges.
            host: name or address to dial; not given: the leader's.
            port: 1 to 65535; 0: PostgreSQL's.
            server_name: name to ask for (SNI); not given: `host`, unless that is an address.
            options: what is accepted; not given: the defaults.
            connect_timeout: seconds for resolving, connecting, handshake and verdict together.
            handshake_timeout: seconds for the TLS handshake.
            start_tls: send PostgreSQL's SSLRequest first, for a server that does not take TLS from the first byte on.
            tcp_user_timeout: seconds that sent data may stay unacknowledged before the server counts as gone (60).
            keepalive_idle: seconds of silence before the server is probed (30); negative: never.
            keepalive_interval: seconds between two probes (10).
            keepalive_count: probes without an answer after which the server counts as gone (3).
            leader: the cluster whose leader to dial, whoever it is at each time, instead of a host.
            client_attestation: True: present a certificate of this client's own TEE, which the dstack guest agent must give
                before anything is dialled; not given: present one when the server asks and a guest agent is there; False: never.
            dstack_socket: path of the guest agent's socket; not given: the first of the usual places that is there.
            dstack_timeout: seconds for one certificate from the guest agent (60).

        The environment's DSTACK_SIMULATOR_ENDPOINT, or else TAPPD_SIMULATOR_ENDPOINT, names another guest agent, a socket or an
        http(s) URL. It counts only with allow_simulator, without a dstack_socket, and in no setuid process.

        Raises:
            UsageError, RefusedError, UnavailableError
        """
        return _calls.watched(_opening(
            verifier, options, host=host, port=port, server_name=server_name, connect_timeout=connect_timeout,
            handshake_timeout=handshake_timeout, start_tls=start_tls, tcp_user_timeout=tcp_user_timeout,
            keepalive_idle=keepalive_idle, keepalive_interval=keepalive_interval, keepalive_count=keepalive_count, leader=leader,
            client_attestation=client_attestation, dstack_socket=dstack_socket, dstack_timeout=dstack_timeout))

    @classmethod
    async def open_async(cls, verifier: RaTlsVerifier, host: str | None = None, port: int = 0, *, server_name: str | None = None,
                         options: VerifyOptions | None = None, connect_timeout: float | None = None,
                         handshake_timeout: float | None = None, start_tls: bool = False,
                         tcp_user_timeout: float | None = None, keepalive_idle: int | None = None,
                         keepalive_interval: int | None = None, keepalive_count: int | None = None, leader: Leader | None = None,
                         client_attestation: bool | None = None, dstack_socket: str | os.PathLike[str] | None = None,
                         dstack_timeout: float | None = None) -> Tunnel:
        """open() as a coroutine; cancelling the task ends the opening."""
        return await _calls.awaitable(_opening(
            verifier, options, host=host, port=port, server_name=server_name, connect_timeout=connect_timeout,
            handshake_timeout=handshake_timeout, start_tls=start_tls, tcp_user_timeout=tcp_user_timeout,
            keepalive_idle=keepalive_idle, keepalive_interval=keepalive_interval, keepalive_count=keepalive_count, leader=leader,
            client_attestation=client_attestation, dstack_socket=dstack_socket, dstack_timeout=dstack_timeout))

    def result(self) -> VerifyResult:
        """The verdict on the newest certificate that was accepted."""
        return result_of(_core.ratls_tunnel_result(self._open_handle()))

    def result_of(self, fd: int) -> VerifyResult:
        """The verdict that one connection rests on.

        Args:
            fd: the driver's end of the connection, for example `connection.fileno()` of psycopg.

        Raises:
            UsageError: CONNECTION_UNKNOWN, when it is no open connection of this tunnel. (Where the kernel does not tell, as in
                sandboxes without netlink sockets, the newest verdict is returned instead.)
        """
        return result_of(_core.ratls_tunnel_result_of(self._open_handle(), fd))

    def evidence(self, fd: int | None = None) -> dict[str, Any]:
        """What a verdict was reached from, to be kept as JSON: `ratls verify --saved` repeats it.

        Args:
            fd: the connection, as for result_of(); not given: the newest verdict.

        Returns:
            certificate (PEM), quote (hexadecimal), collateral (the bundle), trust_anchor (PEM; None: Intel's), verified_at.
        """
        if fd is not None and fd < 0:
            raise from_code("ARGUMENT_INVALID", argument="fd", what=f"expected a descriptor, found {fd}")
        saved: dict[str, Any] = json.loads(_core.ratls_tunnel_evidence(self._open_handle(), -1 if fd is None else fd))
        return saved

    def last_error(self) -> RaTlsError | None:
        """The newest failure of a connection; None when there was none."""
        return _core.ratls_tunnel_last_error(self._open_handle())

    def stats(self) -> dict[str, Any]:
        """Counters: connections (now, total, refused), bytes to and from the upstream."""
        text = _core.ratls_tunnel_stats(self._open_handle())
        if text is None:
            raise from_code("OUT_OF_MEMORY")
        counters: dict[str, Any] = json.loads(text)
        return counters

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._handle is None

    def close(self) -> None:
        """End its connections and remove the socket. May be called again."""
        with self._lock:
            self._handle = None  # the last who holds it closes it
        _log.emit()

    async def close_async(self) -> None:
        """close() as a coroutine: ending connections may wait a moment."""
        await _calls.awaitable(lambda cancel: self.close())

    def __enter__(self) -> Tunnel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _open_handle(self) -> TunnelHandle:
        with self._lock:
            if self._handle is None:
                raise from_code("TUNNEL_CLOSED")
            return self._handle


_open_tunnels: weakref.WeakSet[Tunnel] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Sockets do not outlive the program."""
    for tunnel in list(_open_tunnels):
        tunnel.close()


def _milliseconds(argument: str, seconds: float | None) -> int:
    """0 (the core's default) for None; UsageError for what is no positive time."""
    if seconds is None:
        return 0
    if not math.isfinite(seconds) or seconds <= 0:
        raise from_code("ARGUMENT_INVALID", argument=argument, what=f"expected seconds above 0, found {seconds}")
    return max(1, math.ceil(seconds * 1000))


def _whole(argument: str, number: int | None) -> int:
    """0 (the core's default) for None; what the number may be, the core says."""
    if number is None:
        return 0
    if isinstance(number, bool) or not isinstance(number, int) or not -2**31 <= number < 2**31:
        raise from_code("ARGUMENT_INVALID", argument=argument, what=f"expected a whole number, found {number!r}")
    return number


def _opening(verifier: RaTlsVerifier, options: VerifyOptions | None, **given: Any) -> Callable[[CancelHandle | None], Tunnel]:
    """The call that opens a tunnel; wrong arguments are told now."""
    if not isinstance(verifier, RaTlsVerifier):
        raise from_code("ARGUMENT_INVALID", argument="verifier",
                        what=f"expected a RaTlsVerifier, found {type(verifier).__name__}")
    settings = _settings(**given)
    policy = policy_of(options)
    handle = verifier._handle(options)
    return lambda cancel: Tunnel(_core.open_tunnel(handle, settings, policy, cancel, int(_calls.is_watched())), verifier)


def _settings(*, host: str | None, port: int, server_name: str | None, start_tls: bool, connect_timeout: float | None,
              handshake_timeout: float | None, tcp_user_timeout: float | None, keepalive_idle: int | None,
              keepalive_interval: int | None, keepalive_count: int | None, leader: Leader | None,
              client_attestation: bool | None, dstack_socket: str | os.PathLike[str] | None, dstack_timeout: float | None) -> dict[str, Any]:
    """The settings by their names in C; None for what is not given."""
    if not isinstance(leader, Leader | None):
        raise from_code("ARGUMENT_INVALID", argument="leader", what=f"expected a Leader, found {type(leader).__name__}")
    for argument, name in (("host", host), ("server_name", server_name)):
        if not isinstance(name, str | None) or "\0" in (name or "") or (argument == "host" and leader is None and not name):
            raise from_code("ARGUMENT_INVALID", argument=argument, what="expected a name or an address")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise from_code("ARGUMENT_INVALID", argument="port", what="expected 1 to 65535, or 0 for PostgreSQL's")
    if not isinstance(start_tls, bool):
        raise from_code("ARGUMENT_INVALID", argument="start_tls", what=f"expected True or False, found {start_tls!r}")
    if not isinstance(client_attestation, bool | None):
        raise from_code("ARGUMENT_INVALID", argument="client_attestation",
                        what=f"expected True, False or None, found {client_attestation!r}")
    return {
        "host": host, "port": port, "server_name": server_name, "start_tls": int(start_tls),
        "connect_timeout_ms": _milliseconds("connect_timeout", connect_timeout),
        "handshake_timeout_ms": _milliseconds("handshake_timeout", handshake_timeout),
        "tcp_user_timeout_ms": _milliseconds("tcp_user_timeout", tcp_user_timeout),
        "keepalive_idle_s": _whole("keepalive_idle", keepalive_idle),
        "keepalive_interval_s": _whole("keepalive_interval", keepalive_interval),
        "keepalive_count": _whole("keepalive_count", keepalive_count),
        "client_attestation": {None: 0, True: 1, False: -1}[client_attestation],
        "dstack_socket": _path("dstack_socket", dstack_socket),
        "dstack_simulator_endpoint": _simulator_endpoint(),
        "dstack_timeout_ms": _milliseconds("dstack_timeout", dstack_timeout),
        "leader": None if leader is None else leader.handle(),
        "leader_drain_ms": None if leader is None else leader.drain_ms}


def _path(argument: str, path: str | os.PathLike[str] | None) -> str | None:
    """As text; what it may be, the core says."""
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str | None) or "\0" in (text or ""):
        raise from_code("ARGUMENT_INVALID", argument=argument, what=f"expected a path, found {path!r}")
    return text


def _simulator_endpoint() -> str | None:
    """What the environment says, as dstack's own tools read it. Whether it counts, the core decides."""
    return os.environ.get("DSTACK_SIMULATOR_ENDPOINT") or os.environ.get("TAPPD_SIMULATOR_ENDPOINT") or None
