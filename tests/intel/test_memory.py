"""N84: memory that runs out, at every allocation of a verification."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from driver import Driver, driver_path
from simulator.intel import TrustAuthority
from simulator.intel.scenarios import SCENARIOS
from simulator.intel.web import Web
from simulator.world import World

PROGRAM = "intel_driver_starved"
#: Every so many allocations one is tried; all of them in the long run.
STRIDE = 41
MOST = 100_000
#: Bytes that the heap may have grown by in the end: what libraries keep, whatever happened.
GROWTH = 256 * 1024


@pytest.fixture
def authority(world: World, web: Web) -> Iterator[TrustAuthority]:
    with TrustAuthority(now=world.now, web=web) as running:
        yield running


@pytest.mark.parametrize("stride", [STRIDE, pytest.param(1, marks=pytest.mark.long)])
def test_n84_allocation_that_fails_is_no_leak(authority: TrustAuthority, world: World, tmp_path: Path, stride: int) -> None:
    """Where the library that ran out can do without, the verdict stands; whatever came of it, the next one is sound again."""
    with starved(authority, world, tmp_path) as driver:
        assert [driver.verify() for _ in range(3)] == ["OK"] * 3
        first = driver.ask("starve 0")["heap"]
        outcomes = starve(driver, stride, "OK")
        last = driver.ask("starve 0")["heap"]
    assert len(outcomes) > 1 and outcomes["OUT_OF_MEMORY"] > 0
    assert last - first < GROWTH, (first, last, outcomes)


@pytest.mark.parametrize("stride", [5 * STRIDE, pytest.param(7, marks=pytest.mark.long)])
@pytest.mark.parametrize(("scenario", "code"), [
    ("N19", "INTEL_TOKEN_SIGNATURE"), ("N29", "INTEL_SIGNER_REVOKED"), ("N40", "INTEL_TOKEN_BINDING"), ("N49-OutOfDate", "TCB_STATUS")])
def test_n84_lie_is_not_believed_when_memory_runs_out(
        authority: TrustAuthority, world: World, tmp_path: Path, scenario: str, code: str, stride: int) -> None:
    authority.service.play(SCENARIOS[scenario])
    with starved(authority, world, tmp_path) as driver:
        outcomes = starve(driver, stride, code)
    assert outcomes and "OK" not in outcomes


def starved(authority: TrustAuthority, world: World, directory: Path) -> Driver:
    if not Path(driver_path(PROGRAM)).exists():
        pytest.skip("built with sanitizers, which have a malloc of their own")
    return Driver(authority, [world.mint().quote], directory, options={"now": world.now}, program=PROGRAM, attempts=1)


def starve(driver: Driver, stride: int, usual: str) -> dict[str, int]:
    """One verification for every `stride`th allocation, which fails; between them, one with memory enough. Outcomes, counted."""
    outcomes: dict[str, int] = {}
    for number in range(1, MOST, stride):
        answer = driver.ask(f"starve {number}")
        if not answer["failed"]:
            break
        outcomes[answer["code"]] = outcomes.get(answer["code"], 0) + 1
        code = driver.verify()
        assert code == usual or (code == "INTEL_NETWORK" and driver.verify() == usual)  # a kept connection may have broken then
    return outcomes
