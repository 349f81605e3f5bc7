"""What the tests share: a minted world, and what hangs on it."""
from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))

from ra_tls_verify import DcapVerifier, VerifyOptions  # noqa: E402
from simulator.minted import Minted  # noqa: E402
from simulator.world import World  # noqa: E402


@pytest.fixture(scope="session")
def world() -> World:
    return World("binding")


@pytest.fixture(scope="session")
def minted(world: World) -> Minted:
    """A healthy server."""
    return world.mint()


@pytest.fixture(scope="session")
def dcap(minted: Minted) -> DcapVerifier:
    return DcapVerifier(minted.collateral_json.encode(), minted.trust_anchor_pem.encode())


@pytest.fixture(scope="session")
def then(minted: Minted) -> VerifyOptions:
    """The defaults, at the time for which the world was minted."""
    return VerifyOptions(now=minted.now)
