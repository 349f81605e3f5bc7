"""What the tests share: a PostgreSQL, evidence in front of it, and an environment without connection parameters."""
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))

from ra_tls_verify import DcapVerifier, VerifyOptions  # noqa: E402
from simulator.minted import Minted  # noqa: E402
from simulator.postgres import Cluster  # noqa: E402
from simulator.sidecar import Sidecar  # noqa: E402
from simulator.world import World  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run what takes longer, too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes longer than ten seconds; run with --long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items if not config.getoption("--long") else []:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes longer: --long"))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No PG* variable and no home with files that libpq reads."""
    for name in list(os.environ):
        if name.startswith("PG"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "pg_service.conf"))


@pytest.fixture(scope="session")
def world() -> World:
    return World("client")


@pytest.fixture(scope="session")
def minted(world: World) -> Minted:
    """A healthy server."""
    return world.mint()


@pytest.fixture(scope="session")
def options(minted: Minted) -> VerifyOptions:
    """At the time for which the world was minted."""
    return VerifyOptions(allowed_mr_td=[minted.mr_td], now=minted.now)


@pytest.fixture(scope="session")
def verifier(minted: Minted) -> DcapVerifier:
    return DcapVerifier(minted.collateral_json.encode(), minted.trust_anchor_pem.encode())


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with Cluster() as running:
        yield running


@pytest.fixture
def sidecar(minted: Minted, cluster: Cluster) -> Iterator[Sidecar]:
    with Sidecar(minted, cluster.socket_path) as running:
        yield running
