"""The backend, where Django looks for it."""
from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from django.utils.module_loading import import_string
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from ra_tls_verify import VerifyOptions

from .._connection import Connection
from .client import DatabaseClient

#: A connection is replaced when it is older, whatever CONN_MAX_AGE says, so that none outlives its verdict by more than this.
MAX_LIFETIME_SECONDS = 3600.0
#: What of the OPTIONS is the verification's. "options" is PostgreSQL's when it is text.
_OURS = ("verifier", "options", "allow_simulator", "start_tls", "leader", "client_attestation", "dstack_socket")


class _Driver:
    """psycopg, whose connect() verifies the server first."""

    connect = staticmethod(Connection.connect)

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own backend for PostgreSQL; only connecting is different.

    OPTIONS may hold, beside what Django and libpq know: `verifier` (a verifier, or the dotted path of one), `verify_options`
    (VerifyOptions, or a dictionary of them), `leader` (a Leader, or the dotted path of one), `allow_simulator`, `start_tls`,
    `client_attestation`, `dstack_socket`, `max_lifetime` (seconds), and `pool` as with Django.
    """

    Database = _Driver()
    client_class = DatabaseClient
    _connection_pools: dict[str, Any] = {}
    close_at: float | None

    def connect(self) -> None:
        """Connect; between two requests Django closes what is older than CONN_MAX_AGE, and than max_lifetime as well."""
        super().connect()
        if not self.pool:
            end = time.monotonic() + self._max_lifetime()
            self.close_at = end if self.close_at is None else min(self.close_at, end)

    def _max_lifetime(self) -> float:
        seconds = self.settings_dict["OPTIONS"].get("max_lifetime", MAX_LIFETIME_SECONDS)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
            raise ImproperlyConfigured(f"OPTIONS has max_lifetime {seconds!r}: expected seconds above 0")
        return seconds

    def get_connection_params(self) -> dict[str, Any]:
        """What Connection.connect() is given."""
        parameters: dict[str, Any] = super().get_connection_params()
        parameters.pop("max_lifetime", None)
        self._max_lifetime()
        parameters["row_factory"] = tuple_row
        for name in ("verifier", "leader"):
            if isinstance(parameters.get(name), str):
                parameters[name] = import_string(parameters[name])
        if isinstance(parameters.get("options"), str):
            parameters["conninfo"] = make_conninfo(options=parameters.pop("options"))
        if "verify_options" in parameters:
            if "options" in parameters:
                raise ImproperlyConfigured("OPTIONS has options and verify_options: verify_options is the verification's, options "
                                           "PostgreSQL's, a text")
            parameters["options"] = parameters.pop("verify_options")
        if isinstance(parameters.get("options"), Mapping):
            parameters["options"] = VerifyOptions(**parameters["options"])
        return parameters

    @property
    def pool(self) -> Any:
        """Django's pool for OPTIONS["pool"], made of attested connections."""
        wanted = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not wanted:
            return None
        if self.alias not in self._connection_pools:
            if self.settings_dict.get("CONN_MAX_AGE", 0) != 0:
                raise ImproperlyConfigured("Pooling doesn't support persistent connections: CONN_MAX_AGE must be 0.")
            # Of several threads that come first, one's pool is kept; none of them is open yet.
            self._connection_pools.setdefault(self.alias, self._new_pool({} if wanted is True else wanted))
        return self._connection_pools[self.alias]

    def _new_pool(self, settings: dict[str, Any]) -> Any:
        try:
            from .._pool import ConnectionPool
        except ImportError as error:
            raise ImproperlyConfigured(str(error)) from error
        parameters = self.get_connection_params()
        ours = {name: parameters.pop(name) for name in _OURS if name in parameters}
        # Django sets autocommit as it needs it, later.
        return ConnectionPool(
            parameters.pop("conninfo", ""), kwargs={**parameters, "autocommit": True}, open=False,
            configure=self._configure_connection,
            check=ConnectionPool.check_connection if self.settings_dict["CONN_HEALTH_CHECKS"] else None, **ours,
            **{"max_lifetime": self._max_lifetime(), **settings})


#: Pools of the parent, in a forked child: kept, since letting go of one would wait for threads that are not here.
_of_the_parent: list[Any] = []


def _forget_pools() -> None:
    _of_the_parent.extend(DatabaseWrapper._connection_pools.values())
    DatabaseWrapper._connection_pools.clear()


os.register_at_fork(after_in_child=_forget_pools)
