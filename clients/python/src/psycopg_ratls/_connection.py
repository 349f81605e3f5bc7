"""Connections that rest on a verdict."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast, overload

import psycopg
from psycopg.abc import AdaptContext, ConnParam
from psycopg.rows import AsyncRowFactory, DictRow, Row, RowFactory, dict_row

import ra_tls_verify
from ra_tls_verify import DcapVerifier, RaTlsVerifier, VerifyOptions, VerifyResult
from ra_tls_verify._errors import from_code
from ra_tls_verify.tunnel import Tunnel

from ._errors import driver_error
from ._parameters import Target, resolve, through_tunnel

if TYPE_CHECKING:
    from typing_extensions import Self


class _Attested:
    """What an attested connection has beside the driver's own: its tunnel and its verdict."""

    _tunnel: Tunnel | None = None
    _verdict: VerifyResult | None = None

    def _rest_on(self, tunnel: Tunnel) -> None:
        self._verdict = tunnel.result()
        self._tunnel = tunnel


class Connection(_Attested, psycopg.Connection[Row]):
    """A psycopg.Connection through a tunnel of its own, which is closed with it."""

    __module__ = "psycopg_ratls"

    # Of our names PostgreSQL has one too, `options`: as a keyword it is ours, in the connection string PostgreSQL's.
    @classmethod
    def connect(cls, conninfo: str = "", *,  # type: ignore[override]
                verifier: RaTlsVerifier | None = None, options: VerifyOptions | None = None,
                allow_simulator: bool = False, autocommit: bool = False, prepare_threshold: int | None = 5,
                context: AdaptContext | None = None, row_factory: RowFactory[Row] | None = None,
                cursor_factory: type[psycopg.Cursor[Row]] | None = None, **kwargs: ConnParam) -> Self:
        """Verify the server, then connect; see psycopg_ratls.connect()."""
        start = time.monotonic()
        with _driver_errors():
            target = resolve(conninfo, kwargs)
            tunnel = Tunnel.open(verifier or _default_verifier(), target.address, target.port, server_name=target.server_name,
                                 options=_accepting(options, allow_simulator), connect_timeout=target.timeout)
        try:
            with _driver_errors(tunnel):
                connection = super().connect(
                    through_tunnel(target, tunnel, _remaining(target, start)), autocommit=autocommit,
                    prepare_threshold=prepare_threshold, context=context,
                    row_factory=row_factory or cast(RowFactory[Row], dict_row), cursor_factory=cursor_factory)
                connection._rest_on(tunnel)
        except BaseException:
            tunnel.close()
            raise
        return connection

    def close(self) -> None:
        """Close the connection and its tunnel."""
        super().close()
        if self.closed and self._tunnel is not None:
            self._tunnel.close()


class AsyncConnection(_Attested, psycopg.AsyncConnection[Row]):
    """A psycopg.AsyncConnection through a tunnel of its own, which is closed with it."""

    __module__ = "psycopg_ratls"

    @classmethod
    async def connect(cls, conninfo: str = "", *,  # type: ignore[override]
                      verifier: RaTlsVerifier | None = None,
                      options: VerifyOptions | None = None, allow_simulator: bool = False, autocommit: bool = False,
                      prepare_threshold: int | None = 5, context: AdaptContext | None = None,
                      row_factory: AsyncRowFactory[Row] | None = None,
                      cursor_factory: type[psycopg.AsyncCursor[Row]] | None = None, **kwargs: ConnParam) -> Self:
        """Verify the server, then connect; see psycopg_ratls.connect_async()."""
        start = time.monotonic()
        with _driver_errors():
            target = resolve(conninfo, kwargs)
            tunnel = await Tunnel.open_async(
                verifier or _default_verifier(), target.address, target.port, server_name=target.server_name,
                options=_accepting(options, allow_simulator), connect_timeout=target.timeout)
        try:
            with _driver_errors(tunnel):
                connection = await super().connect(
                    through_tunnel(target, tunnel, _remaining(target, start)), autocommit=autocommit,
                    prepare_threshold=prepare_threshold, context=context,
                    row_factory=row_factory or cast(AsyncRowFactory[Row], dict_row), cursor_factory=cursor_factory)
                connection._rest_on(tunnel)
        except BaseException:
            await tunnel.close_async()
            raise
        return connection

    async def close(self) -> None:
        """Close the connection and its tunnel."""
        await super().close()
        if self.closed and self._tunnel is not None:
            await self._tunnel.close_async()


@overload
def connect(dsn: str = "", *, verifier: RaTlsVerifier | None = ..., options: VerifyOptions | None = ...,
            allow_simulator: bool = ..., row_factory: RowFactory[Row], autocommit: bool = ...,
            prepare_threshold: int | None = ..., context: AdaptContext | None = ...,
            cursor_factory: type[psycopg.Cursor[Row]] | None = ..., **kwargs: ConnParam) -> Connection[Row]: ...
@overload
def connect(dsn: str = "", *, verifier: RaTlsVerifier | None = ..., options: VerifyOptions | None = ...,
            allow_simulator: bool = ..., row_factory: None = None, autocommit: bool = ...,
            prepare_threshold: int | None = ..., context: AdaptContext | None = ...,
            cursor_factory: type[psycopg.Cursor[DictRow]] | None = ..., **kwargs: ConnParam) -> Connection[DictRow]: ...
def connect(dsn: str = "", *, verifier: RaTlsVerifier | None = None, options: VerifyOptions | None = None,
            allow_simulator: bool = False, **kwargs: Any) -> Connection[Any]:
    """Verify that the server runs inside a genuine TEE, then connect to it with psycopg.

    Args:
        dsn: connection string, as a URL or as key=value, with libpq's meaning (docs/python.md).
        verifier: who judges; not given: DcapVerifier().
        options: what is accepted; not given: the defaults.
        allow_simulator: accept a server without a quote, only while nothing is pinned. For development.
        kwargs: what psycopg.connect() takes: autocommit, row_factory (not given: dict_row), connection parameters…

    Returns:
        An ordinary psycopg connection. No byte of it was sent before the verdict.

    Raises:
        UsageError, RefusedError, UnavailableError: no verdict or a refusal; each is a psycopg.OperationalError.
        psycopg.OperationalError: the server was accepted but would not connect.
    """
    return Connection.connect(dsn, verifier=verifier, options=options, allow_simulator=allow_simulator, **kwargs)


@overload
async def connect_async(
        dsn: str = "", *, verifier: RaTlsVerifier | None = ..., options: VerifyOptions | None = ..., allow_simulator: bool = ...,
        row_factory: AsyncRowFactory[Row], autocommit: bool = ..., prepare_threshold: int | None = ...,
        context: AdaptContext | None = ..., cursor_factory: type[psycopg.AsyncCursor[Row]] | None = ...,
        **kwargs: ConnParam) -> AsyncConnection[Row]: ...
@overload
async def connect_async(
        dsn: str = "", *, verifier: RaTlsVerifier | None = ..., options: VerifyOptions | None = ..., allow_simulator: bool = ...,
        row_factory: None = None, autocommit: bool = ..., prepare_threshold: int | None = ..., context: AdaptContext | None = ...,
        cursor_factory: type[psycopg.AsyncCursor[DictRow]] | None = ..., **kwargs: ConnParam) -> AsyncConnection[DictRow]: ...
async def connect_async(dsn: str = "", *, verifier: RaTlsVerifier | None = None, options: VerifyOptions | None = None,
                        allow_simulator: bool = False, **kwargs: Any) -> AsyncConnection[Any]:
    """connect() as a coroutine, for a psycopg.AsyncConnection. Nothing blocks the event loop; cancelling ends it."""
    return await AsyncConnection.connect(dsn, verifier=verifier, options=options, allow_simulator=allow_simulator, **kwargs)


def attestation(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> VerifyResult:
    """The verdict that an open connection rests on.

    Raises:
        UsageError: the connection was not made by this package.
    """
    verdict = connection._verdict if isinstance(connection, _Attested) else None
    if verdict is None:
        raise driver_error(from_code("ARGUMENT_INVALID", argument="connection", what="it was not made by psycopg_ratls"))
    return verdict


@lru_cache
def _default_verifier() -> RaTlsVerifier:
    """One for the process, so that its verdicts are kept."""
    return DcapVerifier()


def _accepting(options: VerifyOptions | None, allow_simulator: bool) -> VerifyOptions | None:
    """Either the argument or the option says yes to a simulator. What is no bool goes on, to be refused: "no" is no yes."""
    if allow_simulator is False or allow_simulator is None or not isinstance(options, VerifyOptions | None):
        return options
    return replace(options or VerifyOptions(), allow_simulator=allow_simulator)


def _remaining(target: Target, start: float) -> float:
    return target.timeout - (time.monotonic() - start)


@contextmanager
def _driver_errors(tunnel: Tunnel | None = None) -> Iterator[None]:
    """Raise failures of the verification as the driver's. One that reached the driver through the tunnel, as text in a
    PostgreSQL error, becomes the failure again that it was."""
    try:
        yield
    except ra_tls_verify.RaTlsError as error:
        raise driver_error(error) from None
    except psycopg.OperationalError as error:
        failure = None if tunnel is None else tunnel.last_error()
        if failure is None or str(failure) not in str(error):
            raise
        raise driver_error(failure) from error
