"""What the tests of the Intel verifier share: a world, its stand-ins, the ways to ask the verifier."""
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))  # `command`: how ratls is run

from simulator.intel.web import Web
from simulator.world import World


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run what takes minutes, too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes minutes; run with --long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes: --long"))


@pytest.fixture(scope="session")
def world() -> World:
    return World("intel tests")


@pytest.fixture(scope="session")
def web() -> Iterator[Web]:
    """Listeners of all stand-ins."""
    running = Web()
    yield running
    running.stop()
