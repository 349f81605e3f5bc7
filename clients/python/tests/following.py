"""A cluster of two databases, each behind a sidecar of its own, and a record in DNS that says which one leads."""
from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ra_tls_verify import Leader
from simulator.manifest import Manifest, Signer
from simulator.names import NameServer
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar

DOMAIN = "db.example"
SIGNER = Signer()
#: Quick, so that the tests are.
REFRESH_MS = 150


@dataclass
class Site:
    """A database that says who it is, and the sidecar in front of it."""

    name: str
    instance: str
    cluster: Cluster
    sidecar: Sidecar


@dataclass
class Scene:
    """Both sites and the name server; `lead` says who leads from now on."""

    sites: list[Site]
    names: NameServer
    epochs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def lead(self, site: Site) -> str:
        record = Manifest(url=f"https://127.0.0.1:{site.sidecar.port}", epoch=next(self.epochs), instance=site.instance).signed(SIGNER)
        self.names.publish(DOMAIN, record)
        return record

    @property
    def dsn(self) -> str:
        """As a user has it: it names no server that is there."""
        return f"postgresql://postgres:{self.sites[0].cluster.password.replace(' ', '%20')}@nowhere.example:1/postgres"

    def leader(self, **given: Any) -> Leader:
        return Leader(DOMAIN, SIGNER.address, **{"dns_servers": [self.names.address], "refresh_ms": REFRESH_MS, "leader_drain_ms": 2000, **given})
