"""What the tests of the command share: a world, its files, a PostgreSQL."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from command import Files
from simulator.minted import Minted
from simulator.postgres import Cluster
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
    return World("command tests")


@pytest.fixture(scope="session")
def sound(world: World) -> Minted:
    return world.mint()


@pytest.fixture(scope="session")
def files(sound: Minted, tmp_path_factory: pytest.TempPathFactory) -> Files:
    directory = tmp_path_factory.mktemp("sound")
    sound.write(directory)
    return Files(directory, sound.now)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with Cluster() as running:
        yield running
