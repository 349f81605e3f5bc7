"""What the tests do with connections."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

import psycopg_ratls
from simulator.postgres import Cluster

#: What makes an attested connection; further keyword arguments are connect()'s.
Connect = Callable[..., "psycopg_ratls.Connection[Any]"]


def active(cluster: Cluster, pid: int) -> None:
    """Wait until the server runs a query in this backend."""
    with psycopg.connect(cluster.dsn(), autocommit=True) as plain:
        while plain.execute("select 1 from pg_stat_activity where pid = %s and state = 'active'", [pid]).fetchone() is None:
            plain.execute("select pg_sleep(0.005)")
