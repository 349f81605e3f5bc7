"""Connections that rest on a verdict."""
from __future__ import annotations

import json
import os
import tempfile
import time
from typing import TYPE_CHECKING, Any, cast, overload

import psycopg
from psycopg.abc import AdaptContext, ConnParam
from psycopg.rows import AsyncRowFactory, DictRow, Row, RowFactory, dict_row

from ra_tls_verify import Leader, RaTlsVerifier, VerifyOptions, VerifyResult
from ra_tls_verify._errors import from_code

from ._attested import Attested, Way, check_process, driver_errors
from ._errors import driver_error

if TYPE_CHECKING:
    from typing_extensions import Self


class Connection(Attested, psycopg.Connection[Row]):
    """A psycopg.Connection that rests on a verdict. It holds its tunnel, which closes with the last connection through it."""

    __module__ = "psycopg_ratls"

    # Of our names PostgreSQL has one too, `options`: as a keyword it is ours, in the connection string PostgreSQL's.
    @classmethod
    def connect(cls, conninfo: str = "", *,  # type: ignore[override]
                verifier: RaTlsVerifier | None = None, options: VerifyOptions | None = None,
                allow_simulator: bool = False, start_tls: bool = False, leader: Leader | None = None,
                client_attestation: bool | None = None, dstack_socket: str | os.PathLike[str] | None = None, autocommit: bool = False,
                prepare_threshold: int | None = 5, context: AdaptContext | None = None,
                row_factory: RowFactory[Row] | None = None, cursor_factory: type[psycopg.Cursor[Row]] | None = None,
                **kwargs: ConnParam) -> Self:
        """Verify the server, then connect; see psycopg_ratls.connect()."""
        start = time.monotonic()
        with driver_errors():
            way = Way.to(conninfo, kwargs, verifier=verifier, options=options, allow_simulator=allow_simulator, start_tls=start_tls,
                         leader=leader, client_attestation=client_attestation, dstack_socket=dstack_socket)
            tunnel = way.open()
        try:
            with way.driving(tunnel, start) as through:
                connection = super().connect(
                    autocommit=autocommit, prepare_threshold=prepare_threshold, context=context,
                    row_factory=row_factory or cast(RowFactory[Row], dict_row), cursor_factory=cursor_factory, **through)
                connection._rest_on(tunnel, connection.fileno())
        except BaseException:
            tunnel.close()
            raise
        return connection

    def close(self) -> None:
        """Close the connection, and its tunnel with the last one. In a forked child the parent's goes on unharmed."""
        self._let_go(self.pgconn)
        super().close()
        if self.closed and self._tunnel is not None:
            self._tunnel.close()


class AsyncConnection(Attested, psycopg.AsyncConnection[Row]):
    """A psycopg.AsyncConnection that rests on a verdict. It holds its tunnel, which closes with the last connection through it."""

    __module__ = "psycopg_ratls"

    @classmethod
    async def connect(cls, conninfo: str = "", *,  # type: ignore[override]
                      verifier: RaTlsVerifier | None = None, options: VerifyOptions | None = None,
                      allow_simulator: bool = False, start_tls: bool = False, leader: Leader | None = None,
                      client_attestation: bool | None = None, dstack_socket: str | os.PathLike[str] | None = None, autocommit: bool = False,
                      prepare_threshold: int | None = 5, context: AdaptContext | None = None,
                      row_factory: AsyncRowFactory[Row] | None = None,
                      cursor_factory: type[psycopg.AsyncCursor[Row]] | None = None, **kwargs: ConnParam) -> Self:
        """Verify the server, then connect; see psycopg_ratls.connect_async()."""
        start = time.monotonic()
        with driver_errors():
            way = Way.to(conninfo, kwargs, verifier=verifier, options=options, allow_simulator=allow_simulator, start_tls=start_tls,
                         leader=leader, client_attestation=client_attestation, dstack_socket=dstack_socket)
            tunnel = await way.open_async()
        try:
            with way.driving(tunnel, start) as through:
                connection = await super().connect(
                    autocommit=autocommit, prepare_threshold=prepare_threshold, context=context,
                    row_factory=row_factory or cast(AsyncRowFactory[Row], dict_row), cursor_factory=cursor_factory, **through)
                connection._rest_on(tunnel, connection.fileno())
        except BaseException:
            await tunnel.close_async()
            raise
        return connection

    async def close(self) -> None:
        """Close the connection, and its tunnel with the last one. In a forked child the parent's goes on unharmed."""
        self._let_go(self.pgconn)
        await super().close()
        if self.closed and self._tunnel is not None:
            await self._tunnel.close_async()


@overload
def connect(dsn: str = "", *, verifier: RaTlsVerifier | None = ..., options: VerifyOptions | None = ...,
            allow_simulator: bool = ..., start_tls: bool = ..., leader: Leader | None = ...,
            client_attestation: bool | None = ..., dstack_socket: str | os.PathLike[str] | None = ...,
            row_factory: RowFactory[Row], autocommit: bool = ...,
            prepare_threshold: int | None = ..., context: AdaptContext | None = ...,
            cursor_factory: type[psycopg.Cursor[Row]] | None = ..., **kwargs: ConnParam) -> Connection[Row]: ...
@overload
def connect(dsn: str = "", *, verifier: RaTlsVerifier | None = ..., options: VerifyOptions | None = ...,
            allow_simulator: bool = ..., start_tls: bool = ..., leader: Leader | None = ...,
            client_attestation: bool | None = ..., dstack_socket: str | os.PathLike[str] | None = ..., row_factory: None = None, autocommit: bool = ...,
            prepare_threshold: int | None = ..., context: AdaptContext | None = ...,
            cursor_factory: type[psycopg.Cursor[DictRow]] | None = ..., **kwargs: ConnParam) -> Connection[DictRow]: ...
def connect(dsn: str = "", *, verifier: RaTlsVerifier | None = None, options: VerifyOptions | None = None,
            allow_simulator: bool = False, start_tls: bool = False, leader: Leader | None = None,
            client_attestation: bool | None = None, dstack_socket: str | os.PathLike[str] | None = None, **kwargs: Any) -> Connection[Any]:
    """Verify that the server runs inside a genuine TEE, then connect to it with psycopg.

    Args:
        dsn: connection string, as a URL or as key=value, with libpq's meaning (docs/python.md).
        verifier: who judges; not given: DcapVerifier().
        options: what is accepted; not given: the defaults.
        allow_simulator: accept a server without a quote, only while nothing is pinned. For development.
        start_tls: send PostgreSQL's SSLRequest first, for a server that does not take TLS from the first byte on.
        leader: the cluster whose leader to connect to; a host, address or port of the connection string then stands for none.
        client_attestation: True: present a certificate of this client's own TEE, which the dstack guest agent must give before
            anything is dialled; not given: present one when the server asks and a guest agent is there; False: never.
        dstack_socket: path of the guest agent's socket; not given: the first of the usual places that is there.
        kwargs: what psycopg.connect() takes: autocommit, row_factory (not given: dict_row), connection parameters…

    Returns:
        An ordinary psycopg connection. No byte of it was sent before the verdict.

    Raises:
        UsageError, RefusedError, UnavailableError: no verdict or a refusal; each is a psycopg.OperationalError.
        psycopg.OperationalError: the server was accepted but would not connect.
    """
    return Connection.connect(dsn, verifier=verifier, options=options, allow_simulator=allow_simulator, start_tls=start_tls, leader=leader,
                              client_attestation=client_attestation, dstack_socket=dstack_socket, **kwargs)


@overload
async def connect_async(
        dsn: str = "", *, verifier: RaTlsVerifier | None = ..., options: VerifyOptions | None = ..., allow_simulator: bool = ...,
        start_tls: bool = ..., leader: Leader | None = ..., client_attestation: bool | None = ..., dstack_socket: str | os.PathLike[str] | None = ...,
        row_factory: AsyncRowFactory[Row], autocommit: bool = ..., prepare_threshold: int | None = ...,
        context: AdaptContext | None = ..., cursor_factory: type[psycopg.AsyncCursor[Row]] | None = ...,
        **kwargs: ConnParam) -> AsyncConnection[Row]: ...
@overload
async def connect_async(
        dsn: str = "", *, verifier: RaTlsVerifier | None = ..., options: VerifyOptions | None = ..., allow_simulator: bool = ...,
        start_tls: bool = ..., leader: Leader | None = ..., client_attestation: bool | None = ..., dstack_socket: str | os.PathLike[str] | None = ...,
        row_factory: None = None, autocommit: bool = ...,
        prepare_threshold: int | None = ..., context: AdaptContext | None = ...,
        cursor_factory: type[psycopg.AsyncCursor[DictRow]] | None = ..., **kwargs: ConnParam) -> AsyncConnection[DictRow]: ...
async def connect_async(dsn: str = "", *, verifier: RaTlsVerifier | None = None, options: VerifyOptions | None = None,
                        allow_simulator: bool = False, start_tls: bool = False, leader: Leader | None = None,
                        client_attestation: bool | None = None, dstack_socket: str | os.PathLike[str] | None = None,
                        **kwargs: Any) -> AsyncConnection[Any]:
    """connect() as a coroutine, for a psycopg.AsyncConnection. Nothing blocks the event loop; cancelling ends it."""
    return await AsyncConnection.connect(
        dsn, verifier=verifier, options=options, allow_simulator=allow_simulator, start_tls=start_tls, leader=leader,
        client_attestation=client_attestation, dstack_socket=dstack_socket, **kwargs)


def attestation(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> VerifyResult:
    """The verdict that this very connection rests on. It stays readable when the connection is closed.

    Raises:
        UsageError: the connection was not made by this package.
    """
    verdict = connection._verdict if isinstance(connection, Attested) else None
    if verdict is None:
        raise _foreign()
    return verdict


def save_evidence(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any], path: str | os.PathLike[str]) -> None:
    """Keep what the verdict of an open connection was reached from: certificate, quote, collateral, trust anchor and time.

    `ratls verify --saved FILE` repeats the verdict, years later and without a network. The file is JSON, for its owner alone
    (mode 0600), and there is never half of one.

    Raises:
        UsageError: the connection was not made by this package, or is closed.
        OSError: the file cannot be written.
    """
    if not isinstance(connection, Attested) or connection._tunnel is None:
        raise _foreign()
    check_process(connection._process)
    if connection.closed:
        raise driver_error(from_code("ARGUMENT_INVALID", argument="connection", what="it is closed"))
    with driver_errors():
        evidence = connection._tunnel.evidence(connection.fileno())
    _write_whole(os.fspath(path), json.dumps(evidence, indent=1) + "\n")


def _write_whole(path: str, text: str) -> None:
    descriptor, unfinished = tempfile.mkstemp(prefix=".evidence-", dir=os.path.dirname(path) or ".")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise


def _foreign() -> Exception:
    return driver_error(from_code("ARGUMENT_INVALID", argument="connection", what="it was not made by psycopg_ratls"))
