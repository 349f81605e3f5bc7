"""Thousands of verifications against a service that fails at random and lies whenever it can.

Half of the quotes get genuine tokens, or faults; for the other half every token is an attack. No attack may be
accepted, whatever happens around it."""
from __future__ import annotations

import os
import random
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Callable

import pytest

from cases import CASES
from driver import Driver
from simulator.intel import Rule, Scenario, TrustAuthority
from simulator.intel.scenarios import SCENARIOS
from simulator.intel.token import Draft
from simulator.intel.web import Request, Web
from simulator.world import World

ROOT = Path(__file__).resolve().parents[2]
THREADS = 8
HONEST, LIED_ABOUT = 8, 8
FAULT_SHARE = 0.1
#: The signer changes when so many tokens were issued, and then whenever a client may fetch the key set again.
FIRST_ROTATION, ROTATION_EVERY_S = 100, 65
TIMEOUT_MS = 5000
#: What a loaded machine may add to a deadline before it counts as overrun.
SLACK_MS = 3000
GROWTH_KIB = 8192
#: What may become of a quote that nobody lies about.
HARMLESS = {"OK", "INTEL_NETWORK", "INTEL_TIMEOUT", "INTEL_HTTP_STATUS", "TIMEOUT", "INTEL_CRL", "INTEL_PROTOCOL", "INTEL_TOKEN_KEY_ID"}
FAULTS = (
    {"manner": "reset"}, {"manner": "reset-body"}, {"manner": "close"}, {"manner": "truncated"}, {"manner": "slow-body"}, {"manner": "silent"},
    {"manner": "not-http"}, {"manner": "chunked"}, {"status": 500}, {"status": 503}, {"status": 429, "headers": {"Retry-After": "0"}},
)


def attacks() -> list[Callable[[Draft], None]]:
    """Every change of a token that must be refused under ordinary options. Unknown kids have a test of their own: they would
    use up what a rotation needs."""
    names = sorted({case.played for case in CASES if case.code and not case.options and not case.intel and case.quote == "sound"} - {"N01"})
    return [scenario.token for name in names if (scenario := SCENARIOS[name]).token and scenario == Scenario(scenario.about, token=scenario.token)]


class Unruly:
    """Chance, from a seed: faults on the wire, and which lie is told about which quote."""

    def __init__(self, authority: TrustAuthority, honest: Sequence[bytes], seed: int) -> None:
        self.authority = authority
        self.honest = set(honest)
        self.chance = random.Random(seed)
        self.attacks = attacks()
        self.lock = threading.Lock()
        self.tokens = 0
        self.genuine = 0
        self.rotated_at = 0.0
        authority.service.play(Scenario("faults and lies", token=self.token))
        authority.service.unruly = self.fault

    def fault(self, _: str, request: Request) -> Rule | None:
        with self.lock:
            if self.chance.random() >= FAULT_SHARE:
                return None
            return Rule.of({"match": "", **self.chance.choice(FAULTS)})

    def token(self, draft: Draft) -> None:
        with self.lock:
            self.tokens += 1
            rotate = self.tokens == FIRST_ROTATION or (self.tokens > FIRST_ROTATION and time.monotonic() > self.rotated_at + ROTATION_EVERY_S)
            self.rotated_at = time.monotonic() if rotate else self.rotated_at
            attack = None if draft.quote in self.honest else self.chance.choice(self.attacks)
            self.genuine += attack is None
        if rotate:
            self.authority.service.rotate()
        if attack is not None:
            attack(draft)


@pytest.fixture
def authority(world: World, web: Web) -> Iterator[TrustAuthority]:
    with TrustAuthority(now=world.now, web=web) as running:
        yield running


def run(authority: TrustAuthority, world: World, directory: Path, counts: Sequence[int], seed: int, **more: Any) -> list[Any]:
    """One driver, one soak for each count; what came out is checked."""
    quotes = [world.mint(label=f"server-{number}").quote for number in range(HONEST + LIED_ABOUT)]
    unruly = Unruly(authority, quotes[:HONEST], seed)
    options = {"now": world.now, "timeout_ms": more.pop("timeout_ms", TIMEOUT_MS)}
    with Driver(authority, quotes, directory, options=options, attempts=3, attempt_timeout_ms=400, **more) as driver:
        summaries = [driver.soak(THREADS, count, seed + number) for number, count in enumerate(counts)]
    for summary, count in zip(summaries, counts):
        check(summary, count)
    assert sum(item.get("OK", 0) for summary in summaries for item in summary["outcomes"]) <= unruly.genuine
    assert authority.service.problems == []
    return summaries


def check(summary: Any, count: int) -> None:
    outcomes = summary["outcomes"]
    assert sum(sum(item.values()) for item in outcomes) == count
    for item in outcomes[:HONEST]:
        assert set(item) <= HARMLESS, item
    for item in outcomes[HONEST:]:
        assert "OK" not in item, item
    assert sum(item.get("OK", 0) for item in outcomes[:HONEST]) > count * HONEST // (HONEST + LIED_ABOUT) // 2


def test_there_are_attacks_of_every_kind() -> None:
    assert len(attacks()) > 100


def test_soak_short(authority: TrustAuthority, world: World, tmp_path: Path) -> None:
    run(authority, world, tmp_path, [400], 1)


@pytest.mark.long
def test_soak_of_ten_thousand(authority: TrustAuthority, world: World, tmp_path: Path) -> None:
    first, second = run(authority, world, tmp_path, [2000, 8000], 2)
    assert second["longest_ms"] < TIMEOUT_MS + SLACK_MS
    assert second["rss_kib"] - first["rss_kib"] < GROWTH_KIB, (first["rss_kib"], second["rss_kib"])


@pytest.mark.long
def test_soak_under_valgrind_leaks_nothing(authority: TrustAuthority, world: World, tmp_path: Path) -> None:
    valgrind = shutil.which("valgrind")
    assert valgrind is not None
    under = [valgrind, "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible",
             f"--suppressions={ROOT / 'tests' / 'valgrind.supp'}"]
    quotes = [world.mint(label=f"server-{number}").quote for number in range(HONEST + LIED_ABOUT)]
    Unruly(authority, quotes[:HONEST], 3)
    options = {"now": world.now, "timeout_ms": 20 * TIMEOUT_MS}
    with Driver(authority, quotes, tmp_path, options=options, attempts=3, attempt_timeout_ms=8000, under=under) as driver:
        outcomes = driver.soak(THREADS, int(os.environ.get("RATLS_SOAK_VALGRIND", "60")))["outcomes"]
    assert all("OK" not in item for item in outcomes[HONEST:])
    assert any("OK" in item for item in outcomes[:HONEST])
