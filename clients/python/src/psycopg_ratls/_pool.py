"""Pools of attested connections: psycopg_pool's, told why when there is no connection to be had."""
from __future__ import annotations

import atexit
import os
import select
import weakref
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

try:
    import psycopg_pool
except ImportError as error:
    raise ImportError("pools of attested connections need psycopg_pool: pip install 'psycopg-ratls[pool]'") from error
import psycopg
from psycopg_pool.abc import AsyncConninfoParam, AsyncKwargsParam, ConninfoParam, KwargsParam

from ra_tls_verify import Leader, RaTlsVerifier, VerifyOptions
from ra_tls_verify._errors import from_code
from ra_tls_verify.tunnel import Tunnel

from ._attested import Way, check_process, driver_errors
from ._connection import AsyncConnection, Connection
from ._errors import RaTlsError, driver_error

#: A new connection rests on a verdict that is valid then; so none outlives its verdict by more than this.
MAX_LIFETIME_SECONDS = 3600.0
#: What a server says before it ends the connection is read in so few pieces; more is no goodbye.
_READS_MAX = 8


class _Unusable(Exception):
    """A connection lay idle beyond its lifetime, or until the server ended it."""


class _Reasons:
    """Makes a pool's connections, and knows why the newest attempt failed.

    The pool connects on threads or tasks of its own, logs what goes wrong, and lets those who wait run into a timeout.
    """

    def __init__(self, connection_class: Any, arguments: dict[str, Any]) -> None:
        self.connection_class = connection_class
        self.arguments = arguments
        self.newest: RaTlsError | None = None

    def way(self, conninfo: str, kwargs: dict[str, Any]) -> Way:
        """Where the pool's connections lead."""
        drivers = ("autocommit", "prepare_threshold", "context", "row_factory", "cursor_factory")
        return Way.to(conninfo, {name: value for name, value in kwargs.items() if name not in drivers}, **self.arguments)

    def of(self, timeout: psycopg_pool.PoolTimeout) -> Exception:
        """What to raise for a timeout: the failure of the verification, when that is what was waited for."""
        if self.newest is None:
            return timeout
        kind, known = type(self.newest), self.newest
        failure = kind(str(known), code=known.code, stage=known.stage, details=known.details, tcb=known.tcb)
        failure.__cause__ = timeout
        return failure


class _Connector(_Reasons):
    def connect(self, conninfo: str, **kwargs: Any) -> Any:
        """For the pool, which asks nothing else of its connection class."""
        try:
            connection = self.connection_class.connect(conninfo, **self.arguments, **kwargs)
        except RaTlsError as error:
            self.newest = error
            raise
        self.newest = None
        return connection


class _AsyncConnector(_Reasons):
    async def connect(self, conninfo: str, **kwargs: Any) -> Any:
        """For the pool, which asks nothing else of its connection class."""
        try:
            connection = await self.connection_class.connect(conninfo, **self.arguments, **kwargs)
        except RaTlsError as error:
            self.newest = error
            raise
        self.newest = None
        return connection


class ConnectionPool(psycopg_pool.ConnectionPool[Connection[Any]]):
    """A psycopg_pool.ConnectionPool of attested connections, which share one tunnel.

    Opening makes one attested handshake first, so a server that is refused, or cannot be checked, is the typed error there.
    When later connections fail for such a reason, who waits for one in vain gets it as well, instead of PoolTimeout.
    """

    __module__ = "psycopg_ratls"

    def __init__(self, conninfo: ConninfoParam = "", *, verifier: RaTlsVerifier | None = None, options: VerifyOptions | None = None,
                 allow_simulator: bool = False, start_tls: bool = False, leader: Leader | None = None,
                 client_attestation: bool | None = None, dstack_socket: str | os.PathLike[str] | None = None,
                 connection_class: type[Connection[Any]] = Connection, kwargs: KwargsParam | None = None, open: bool = True,
                 check: Callable[[Connection[Any]], None] | None = None, max_lifetime: float = MAX_LIFETIME_SECONDS,
                 **pool: Any) -> None:
        """
        Args:
            conninfo, kwargs: as for psycopg_ratls.connect(); functions that return them are allowed (psycopg_pool 3.3).
            verifier, options, allow_simulator, start_tls, leader, client_attestation, dstack_socket: as for
                psycopg_ratls.connect(). One certificate of the client's serves all connections. With a leader new connections go
                to whoever leads the cluster then, and connections to one that has been superseded are replaced.
            open: open it now, which connects; else call open(), or use it in a `with`.
            check: called with each connection before it is given out; raises for one that is not to be used.
            max_lifetime: seconds after which a connection is replaced, an idle one as well: at most so long does one outlive
                the verdict that it rests on.
            pool: what psycopg_pool.ConnectionPool takes: min_size, max_size, timeout, reconnect_failed…

        Raises:
            UsageError, RefusedError, UnavailableError: when it is opened.
        """
        self._process = os.getpid()
        self._tunnel: Tunnel | None = None
        self._connector = _Connector(connection_class, {
            "verifier": verifier, "options": options, "allow_simulator": allow_simulator, "start_tls": start_tls,
            "leader": leader, "client_attestation": client_attestation, "dstack_socket": dstack_socket})

        def usable(connection: Connection[Any]) -> None:
            _check(connection)
            if check is not None:
                check(connection)

        super().__init__(conninfo, connection_class=self._connector, kwargs=kwargs, open=False,  # type: ignore[arg-type]
                         check=usable, max_lifetime=max_lifetime, **pool)
        if open:
            self.open()

    def open(self, wait: bool = False, timeout: float = 30.0) -> None:
        """Verify the server, then open the pool; see psycopg_pool.

        Raises:
            UsageError, RefusedError, UnavailableError: before anything was opened.
        """
        if not self.closed:
            check_process(self._process)
        else:
            self._check_open()
            self._process = os.getpid()
            with driver_errors():
                self._tunnel = self._connector.way(self._resolve_conninfo(), self._resolve_kwargs()).open()
            _open_pools.add(self)
        super().open(wait, timeout)

    def getconn(self, timeout: float | None = None) -> Connection[Any]:
        """Take a connection; see psycopg_pool.

        Raises:
            UsageError, RefusedError, UnavailableError: there was none in time, and that is why.
        """
        check_process(self._process)
        try:
            return super().getconn(timeout)
        except psycopg_pool.PoolTimeout as error:
            raise self._connector.of(error)

    def wait(self, timeout: float = 30.0) -> None:
        """Wait for min_size connections; see psycopg_pool. Raises like getconn()."""
        check_process(self._process)
        try:
            super().wait(timeout)
        except psycopg_pool.PoolTimeout as error:
            raise self._connector.of(error)

    def close(self, timeout: float = 5.0) -> None:
        """Close the pool and its connections; the tunnel closes with the last one."""
        super().close(timeout)
        if self._tunnel is not None:
            self._tunnel.close()

    def _get_ready_connection(self, timeout: float | None) -> Connection[Any] | None:
        """Pass over connections that nobody can use any more: the check would find them one by one, with a pause after each."""
        while (connection := super()._get_ready_connection(timeout)) is not None and _unusable(connection):
            self.run_task(psycopg_pool.pool.ReturnConnection(self, connection, from_getconn=True))
        return connection


_open_pools: weakref.WeakSet[ConnectionPool] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """While its threads can still end: from Python 3.13 on an open pool would otherwise hold up the interpreter's exit."""
    for pool in list(_open_pools):
        if pool._process == os.getpid():
            pool.close()


class AsyncConnectionPool(psycopg_pool.AsyncConnectionPool[AsyncConnection[Any]]):
    """A psycopg_pool.AsyncConnectionPool of attested connections; see ConnectionPool."""

    __module__ = "psycopg_ratls"

    def __init__(self, conninfo: AsyncConninfoParam = "", *, verifier: RaTlsVerifier | None = None,
                 options: VerifyOptions | None = None, allow_simulator: bool = False, start_tls: bool = False,
                 leader: Leader | None = None, client_attestation: bool | None = None, dstack_socket: str | os.PathLike[str] | None = None,
                 connection_class: type[AsyncConnection[Any]] = AsyncConnection,
                 kwargs: AsyncKwargsParam | None = None, open: bool = False, check: Callable[[AsyncConnection[Any]], Awaitable[None]] | None = None,
                 max_lifetime: float = MAX_LIFETIME_SECONDS, **pool: Any) -> None:
        """The arguments of ConnectionPool; `check` is a coroutine function. Open it with `await pool.open()` or `async with`."""
        if open:
            raise driver_error(from_code("ARGUMENT_INVALID", argument="open", what="opening waits for the server: await pool.open()"))
        self._process = os.getpid()
        self._tunnel: Tunnel | None = None
        self._connector = _AsyncConnector(connection_class, {
            "verifier": verifier, "options": options, "allow_simulator": allow_simulator, "start_tls": start_tls,
            "leader": leader, "client_attestation": client_attestation, "dstack_socket": dstack_socket})

        async def usable(connection: AsyncConnection[Any]) -> None:
            _check(connection)
            if check is not None:
                await check(connection)

        super().__init__(conninfo, connection_class=self._connector, kwargs=kwargs, open=False,  # type: ignore[arg-type]
                         check=usable, max_lifetime=max_lifetime, **pool)

    async def open(self, wait: bool = False, timeout: float = 30.0) -> None:
        """Verify the server, then open the pool; see ConnectionPool.open()."""
        if not self.closed:
            check_process(self._process)
        else:
            self._check_open()
            self._process = os.getpid()
            conninfo, kwargs = await self._resolve_conninfo(), await self._resolve_kwargs()
            with driver_errors():
                self._tunnel = await self._connector.way(conninfo, kwargs).open_async()
        await super().open(wait, timeout)

    async def getconn(self, timeout: float | None = None) -> AsyncConnection[Any]:
        """Take a connection; see ConnectionPool.getconn()."""
        check_process(self._process)
        try:
            return await super().getconn(timeout)
        except psycopg_pool.PoolTimeout as error:
            raise self._connector.of(error)

    async def wait(self, timeout: float = 30.0) -> None:
        """Wait for min_size connections; see psycopg_pool. Raises like getconn()."""
        check_process(self._process)
        try:
            await super().wait(timeout)
        except psycopg_pool.PoolTimeout as error:
            raise self._connector.of(error)

    async def close(self, timeout: float = 5.0) -> None:
        """Close the pool and its connections; the tunnel closes with the last one."""
        await super().close(timeout)
        if self._tunnel is not None:
            await self._tunnel.close_async()

    async def _get_ready_connection(self, timeout: float | None) -> AsyncConnection[Any] | None:
        """Pass over connections that nobody can use any more; see ConnectionPool."""
        while (connection := await super()._get_ready_connection(timeout)) is not None and _unusable(connection):
            self.run_task(psycopg_pool.pool_async.ReturnConnection(self, connection, from_getconn=True))
        return connection


def _unusable(connection: Any) -> str | None:
    """Why a connection that lay idle is not to be used."""
    if connection._expire_at <= monotonic():
        return "it is older than max_lifetime"
    return "the server has ended it" if _has_ended(connection) else None


def _has_ended(connection: Any) -> bool:
    """Whether the server has said goodbye meanwhile, as one that leads its cluster no longer is made to. Costs no round trip."""
    if connection.closed:
        return True
    readable = select.poll()
    readable.register(connection.fileno(), select.POLLIN)
    for _ in range(_READS_MAX):
        if not readable.poll(0):
            break
        try:
            connection.pgconn.consume_input()
        except psycopg.OperationalError:
            return True
    return bool(connection.pgconn.status == psycopg.pq.ConnStatus.BAD)


def _check(connection: Any) -> None:
    if reason := _unusable(connection):
        raise _Unusable(reason)
