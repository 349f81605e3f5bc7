"""SQLAlchemy engines whose connections are attested."""
from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

try:
    import sqlalchemy
except ImportError as error:
    raise ImportError("psycopg_ratls.sqlalchemy needs SQLAlchemy: pip install 'psycopg-ratls[sqlalchemy]'") from error
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.asyncio import create_async_engine as _create_async_engine

from ra_tls_verify import Leader, RaTlsVerifier, VerifyOptions
from ra_tls_verify._errors import from_code

from ._attested import driver_errors
from ._connection import AsyncConnection, Connection

__all__ = ["POOL_RECYCLE_SECONDS", "async_creator", "create_async_engine", "create_engine", "creator"]

#: A connection of the engine's pool is replaced when it is older, so that none outlives its verdict by more than this.
POOL_RECYCLE_SECONDS = 3600
#: SQLAlchemy's names of the driver. Another one would not be attested.
_DRIVERS = ("postgresql+psycopg", "postgresql+psycopg_async")
#: Arguments of an engine that would connect past the attestation.
_PAST_US = ("creator", "async_creator", "pool")
#: Arguments of connecting that are no connection parameters.
_DRIVER_ARGUMENTS = ("autocommit", "context", "cursor_factory", "prepare_threshold")


def create_engine(dsn: str | sqlalchemy.URL = "", *, verifier: RaTlsVerifier | None = None, options: VerifyOptions | None = None,
                  allow_simulator: bool = False, start_tls: bool = False, leader: Leader | None = None,
                  client_attestation: bool | None = None, dstack_socket: str | os.PathLike[str] | None = None,
                  **engine: Any) -> sqlalchemy.Engine:
    """sqlalchemy.create_engine() with attested connections.

    Args:
        dsn: connection string as for psycopg_ratls.connect(), or SQLAlchemy's URL, `postgresql+psycopg://…`.
        verifier, options, allow_simulator, start_tls, leader, client_attestation, dstack_socket: as for psycopg_ratls.connect().
        engine: what sqlalchemy.create_engine() takes; pool_recycle, when not given, is 3600 seconds.

    Raises:
        UsageError: the arguments name another driver, or would connect past the attestation.

    Failures of connecting come as sqlalchemy.exc.OperationalError, whose `orig` is the typed error.
    """
    url, conninfo = _read(dsn, engine)
    made = sqlalchemy.create_engine(url, **engine)
    arguments = _arguments(verifier, options, allow_simulator, start_tls, leader, client_attestation, dstack_socket)

    def attested(dialect: Any, record: Any, cargs: Any, cparams: dict[str, Any]) -> Any:
        given, parameters = _split(conninfo, cparams)
        return Connection.connect(given, **parameters, **arguments)

    sqlalchemy.event.listen(made, "do_connect", attested)
    return made


def create_async_engine(dsn: str | sqlalchemy.URL = "", *, verifier: RaTlsVerifier | None = None,
                        options: VerifyOptions | None = None, allow_simulator: bool = False, start_tls: bool = False,
                        leader: Leader | None = None, client_attestation: bool | None = None,
                        dstack_socket: str | os.PathLike[str] | None = None, **engine: Any) -> AsyncEngine:
    """sqlalchemy.ext.asyncio.create_async_engine() with attested connections; see create_engine()."""
    url, conninfo = _read(dsn, engine)
    made = _create_async_engine(url, **engine)
    arguments = _arguments(verifier, options, allow_simulator, start_tls, leader, client_attestation, dstack_socket)

    async def connect(*cargs: Any, **cparams: Any) -> Any:
        given, parameters = _split(conninfo, cparams)
        return await AsyncConnection.connect(given, **parameters, **arguments)

    def attested(dialect: Any, record: Any, cargs: Any, cparams: dict[str, Any]) -> None:
        cparams["async_creator_fn"] = connect

    sqlalchemy.event.listen(made.sync_engine, "do_connect", attested)
    return made


def creator(dsn: str = "", *, verifier: RaTlsVerifier | None = None, options: VerifyOptions | None = None,
            allow_simulator: bool = False, start_tls: bool = False, leader: Leader | None = None,
            client_attestation: bool | None = None, dstack_socket: str | os.PathLike[str] | None = None,
            **kwargs: Any) -> Callable[[], Connection[Any]]:
    """For `sqlalchemy.create_engine("postgresql+psycopg://", creator=creator(dsn, …))`; rows are tuples, as SQLAlchemy wants them."""
    arguments = {**kwargs, **_arguments(verifier, options, allow_simulator, start_tls, leader, client_attestation, dstack_socket)}
    return lambda: Connection.connect(dsn, **arguments)


def async_creator(dsn: str = "", *, verifier: RaTlsVerifier | None = None, options: VerifyOptions | None = None,
                  allow_simulator: bool = False, start_tls: bool = False, leader: Leader | None = None,
                  client_attestation: bool | None = None, dstack_socket: str | os.PathLike[str] | None = None,
                  **kwargs: Any) -> Callable[[], Awaitable[AsyncConnection[Any]]]:
    """For `create_async_engine("postgresql+psycopg://", async_creator=async_creator(dsn, …))`."""
    arguments = {**kwargs, **_arguments(verifier, options, allow_simulator, start_tls, leader, client_attestation, dstack_socket)}
    return lambda: AsyncConnection.connect(dsn, **arguments)


def _arguments(verifier: RaTlsVerifier | None, options: VerifyOptions | None, allow_simulator: bool, start_tls: bool,
               leader: Leader | None, client_attestation: bool | None, dstack_socket: str | os.PathLike[str] | None) -> dict[str, Any]:
    return {"verifier": verifier, "options": options, "allow_simulator": allow_simulator, "start_tls": start_tls, "leader": leader,
            "client_attestation": client_attestation, "dstack_socket": dstack_socket, "row_factory": tuple_row}


def _read(dsn: str | sqlalchemy.URL, engine: dict[str, Any]) -> tuple[str | sqlalchemy.URL, str]:
    """The engine's URL, and the connection string beside it. SQLAlchemy reads its own URLs, libpq everything else."""
    engine.setdefault("pool_recycle", POOL_RECYCLE_SECONDS)
    with driver_errors():
        for name in _PAST_US:
            if engine.get(name) is not None:
                raise from_code("ARGUMENT_INVALID", argument=name, what="it would connect past the attestation")
        if isinstance(dsn, sqlalchemy.URL) or (isinstance(dsn, str) and dsn.startswith("postgresql+")):
            driver = sqlalchemy.make_url(dsn).drivername
            if driver not in _DRIVERS:
                raise from_code("ARGUMENT_INVALID", argument="dsn", what=f"expected the driver {_DRIVERS[0]}, found {driver}")
            return dsn, ""
    return "postgresql+psycopg://", dsn


def _split(conninfo: str, cparams: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Connection parameters as one string, PostgreSQL's `options` among them; and what the driver's connect() takes beside it."""
    parameters = {name: value for name, value in cparams.items() if name in _DRIVER_ARGUMENTS}
    others = {name: value for name, value in cparams.items() if name not in _DRIVER_ARGUMENTS}
    return make_conninfo(conninfo, **others) if others else conninfo, parameters
