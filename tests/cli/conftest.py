"""What the tests of the command share: a world, its files, a PostgreSQL."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from command import Files
from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.world import World


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
