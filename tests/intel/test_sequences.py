"""Many verifications of one verifier: caches, rotation, threads."""
from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driver import Driver
from simulator.intel import Rule, Scenario, TrustAuthority
from simulator.intel.scenarios import SCENARIOS
from simulator.intel.token import Draft
from simulator.intel.web import Web
from simulator.world import World

THREADS = 16


@pytest.fixture
def authority(world: World, web: Web) -> Iterator[TrustAuthority]:
    with TrustAuthority(now=world.now, web=web) as running:
        yield running


def drive(authority: TrustAuthority, world: World, directory: Path, **more: Any) -> Driver:
    return Driver(authority, [world.mint().quote, world.mint(label="sibling").quote], directory, options={"now": world.now}, **more)


def portal_requests(authority: TrustAuthority) -> int:
    with authority.service.lock:
        return sum(seen.listener == "portal" for seen in authority.service.seen)


def test_key_set_and_lists_are_fetched_once(authority: TrustAuthority, world: World, tmp_path: Path) -> None:
    with drive(authority, world, tmp_path) as driver:
        assert [driver.verify(quote) for quote in (0, 1, 0)] == ["OK"] * 3
    assert (authority.appraisals, portal_requests(authority)) == (3, 3)


def test_connections_are_used_again(authority: TrustAuthority, world: World, tmp_path: Path) -> None:
    with drive(authority, world, tmp_path) as driver:
        assert [driver.verify() for _ in range(5)] == ["OK"] * 5
    assert authority.service.connections["api"] == authority.service.connections["portal"] == 1


def test_p10_rotated_key_is_learnt_by_one_refresh(authority: TrustAuthority, world: World, tmp_path: Path) -> None:
    with drive(authority, world, tmp_path) as driver:
        assert driver.verify() == "OK"
        authority.service.rotate()
        assert [driver.verify() for _ in range(3)] == ["OK"] * 3
    assert authority.requests("GET /certs") == 2


def test_p14_portal_that_is_down_is_not_needed_again(authority: TrustAuthority, world: World, tmp_path: Path) -> None:
    with drive(authority, world, tmp_path) as driver:
        assert driver.verify() == "OK"
        authority.service.queue([Rule("CONNECT", listener="portal", manner="reset"), Rule("GET /", listener="portal", manner="reset")])
        assert driver.verify(1) == "OK"
    assert authority.appraisals == 2


def test_nothing_is_cached_of_a_portal_that_was_down(authority: TrustAuthority, world: World, tmp_path: Path) -> None:
    with drive(authority, world, tmp_path, attempts=1) as driver:
        authority.service.queue([Rule("GET /certs", status=503)])
        assert driver.verify() == "INTEL_HTTP_STATUS"
        authority.service.queue([Rule("GET /crl/", status=503)])
        assert driver.verify() == "INTEL_CRL"
        authority.service.queue([])
        assert driver.verify() == "OK"


def test_revocation_is_seen_by_a_verifier_that_trusted_before(authority: TrustAuthority, world: World, tmp_path: Path) -> None:
    """A new verifier, since lists are kept for a day."""
    with drive(authority, world, tmp_path) as driver:
        assert driver.verify() == "OK"
    authority.service.play(SCENARIOS["N29"])
    with drive(authority, world, tmp_path) as driver:
        assert driver.verify() == "INTEL_SIGNER_REVOKED"


def test_refused_token_leaves_nothing_behind(authority: TrustAuthority, world: World, tmp_path: Path) -> None:
    with drive(authority, world, tmp_path) as driver:
        for name, code in (("N19", "INTEL_TOKEN_SIGNATURE"), ("N40", "INTEL_TOKEN_BINDING"), ("N49-OutOfDate", "TCB_STATUS")):
            authority.service.play(SCENARIOS[name])
            assert driver.verify() == code
            authority.service.play(SCENARIOS["sound"])
            assert driver.verify() == "OK"


def random_kid(draft: Draft) -> None:
    draft.header["kid"] = draft.service.random("kid", 48).hex()


@pytest.mark.parametrize("tokens", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_n78_flood_of_unknown_kids_fetches_the_key_set_once_more(authority: TrustAuthority, world: World, tmp_path: Path, tokens: int) -> None:
    authority.service.play(Scenario("every token has a kid of its own", token=random_kid))
    with drive(authority, world, tmp_path) as driver:
        outcomes = driver.soak(4, tokens)["outcomes"]
    assert sum(item.get("INTEL_TOKEN_KEY_ID", 0) for item in outcomes) == tokens
    assert authority.requests("GET /certs") <= 2


def test_n85_threads_share_a_verifier_while_the_key_rotates(authority: TrustAuthority, world: World, tmp_path: Path) -> None:
    with drive(authority, world, tmp_path) as driver:
        rotation = threading.Thread(target=rotate_after, args=(authority, 40))
        rotation.start()
        outcomes = driver.soak(THREADS, 200)["outcomes"]
        rotation.join()
    assert all(set(item) == {"OK"} for item in outcomes) and sum(item["OK"] for item in outcomes) == 200
    assert authority.service.signer == "leaf-1" and authority.requests("GET /certs") == 2


def rotate_after(authority: TrustAuthority, appraisals: int) -> None:
    """Rotate the key when so many tokens were issued."""
    issued = threading.Event()
    while authority.service.issued < appraisals:
        issued.wait(0.01)
    authority.service.rotate()
