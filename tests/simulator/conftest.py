"""What the simulator's tests share."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from simulator.world import World


def pytest_report_header() -> str:
    return "real certificates to compare with: " + (os.environ.get("RATLS_VECTORS") or "RATLS_VECTORS is not set, skipped")


@pytest.fixture(scope="session")
def world() -> World:
    return World("simulator tests")


@pytest.fixture(scope="session")
def vectors() -> Path:
    directory = os.environ.get("RATLS_VECTORS")
    if not directory:
        pytest.skip("RATLS_VECTORS is not set")
    return Path(directory)
