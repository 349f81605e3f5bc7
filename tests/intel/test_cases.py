"""Every case through the command `ratls verify --verifier intel`, against the stand-in."""
from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cases import CASES, Case, quote_of
from command import Run, ratls
from elsewhere import ELSEWHERE
from simulator.intel import TrustAuthority
from simulator.intel.scenarios import SCENARIOS
from simulator.intel.web import Web
from simulator.world import World

#: Those that describe modes which the library does not have.
NOT_OURS = {"P17", "P18", "N57", "N58"}
STATUSES = {"refused": 1, "usage": 2, "unavailable": 3}


@pytest.fixture(scope="module")
def authorities(world: World, web: Web) -> Iterator[dict[str, TrustAuthority]]:
    """Stand-ins by what they do."""
    running: dict[str, TrustAuthority] = {}
    yield running
    for authority in running.values():
        authority.stop()


def authority_for(case: Case, authorities: dict[str, TrustAuthority], world: World, web: Web) -> TrustAuthority:
    """The stand-in that does what the case says, with nothing seen."""
    name = case.played
    if name not in authorities:
        authorities[name] = TrustAuthority(SCENARIOS[name], now=world.now, web=web)
    authorities[name].service.play(SCENARIOS[name])
    return authorities[name]


def flag(name: str, value: Any) -> list[str]:
    if value is True:
        return [f"--intel-{name.replace('_', '-')}"]
    text = ",".join(value) if isinstance(value, list) else str(value)
    return [f"--intel-{name.replace('_', '-')}", text]


def arguments(case: Case, authority: TrustAuthority, world: World, directory: Path) -> list[str]:
    """The command line of a case."""
    quote, policy, key = directory / "quote.bin", directory / "policy.json", directory / "api-key.txt"
    quote.write_bytes(quote_of(world, case.quote))
    policy.write_text(json.dumps({"now": world.now, **case.options}))
    intel = {"base_url": authority.api_url, "portal_url": authority.portal_url, "api_key": authority.api_key, **case.intel}
    key.write_text(intel.pop("api_key") + "\n", newline="")
    if "pinned_roots" in intel:
        intel["pinned_roots"] = authority.root_file
    flags = [part for name, value in intel.items() if value is not None for part in flag(name, value)]
    return ["verify", "--verifier", "intel", "--quote", str(quote), "--policy", str(policy), "--api-key-file", str(key),
            "--ca-file", str(authority.ca_file), *flags, "--json"]


def check_outcome(case: Case, run: Run, authority: TrustAuthority) -> None:
    document = run.json
    if case.code is None:
        assert document["accepted"] and document["verified"], document
        assert {name: document["result"][name] for name in case.result} == dict(case.result)
        assert run.status == 0
        return
    assert not document["accepted"], document
    error = document["error"]
    assert error["code"] == case.code, error
    assert run.status == STATUSES[error["class"]]
    assert {name: error["details"].get(name) for name in case.details} == {name: str(value) for name, value in case.details.items()}
    assert all(piece in error["message"] for piece in case.says), error["message"]
    assert not set(error["message"]) & {chr(code) for code in (*range(32), 127, *range(128, 160))}
    assert (document["tcb"] is None) == (case.tcb is None), document
    if case.tcb is not None:
        assert {name: document["tcb"][name] for name in case.tcb} == dict(case.tcb)


def check_secrets(run: Run, authority: TrustAuthority) -> None:
    """No key and no token in what is said."""
    for text in (run.output, run.errors):
        assert authority.api_key not in text and "eyJ" not in text


def check_traffic(case: Case, authority: TrustAuthority) -> None:
    service = authority.service
    assert service.problems == []
    assert all(seen.key != "wrong" for seen in service.seen)
    if case.name not in ("N32-host-allowed",):
        assert service.connections["stranger"] == service.connections["plain"] == 0
    if case.appraisals is not None:
        assert authority.appraisals == case.appraisals
    if case.portal is not None:
        assert sum(seen.listener == "portal" for seen in service.seen) == case.portal
    for seen in service.seen:
        assert seen.tls_version in ("TLSv1.2", "TLSv1.3") and seen.headers.get("accept-encoding") is None
        if seen.listener == "api":
            assert seen.key == "right" and seen.headers["accept"] == "application/json" and "expect" not in seen.headers


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, authorities: dict[str, TrustAuthority], world: World, web: Web, tmp_path: Path) -> None:
    authority = authority_for(case, authorities, world, web)
    run = ratls(*arguments(case, authority, world, tmp_path))
    check_outcome(case, run, authority)
    check_secrets(run, authority)
    check_traffic(case, authority)


def test_body_is_the_least_that_the_service_knows(authorities: dict[str, TrustAuthority], world: World, web: Web, tmp_path: Path) -> None:
    """Nested in version 2, flat in version 1, never crossed (Intel rules 1.5 to 1.7)."""
    for version in (2, 1):
        case = replace(next(case for case in CASES if case.name == "P01"), intel={"api_version": version})
        authority = authority_for(case, authorities, world, web)
        assert ratls(*arguments(case, authority, world, tmp_path)).status == 0
        asked = next(seen for seen in authority.service.seen if seen.listener == "api")
        evidence = asked.body["tdx"] if version == 2 else asked.body
        assert asked.path == f"/appraisal/v{version}/attest" and asked.body["token_signing_alg"] == "PS384"
        assert set(evidence) & {"quote", "verifier_nonce", "runtime_data"} == {"quote"} and ("tdx" in asked.body) == (version == 2)


def test_every_number_has_its_case() -> None:
    """20 positive cases and 84 negative ones."""
    positive = {f"P{number:02}" for number in range(1, 23)} - NOT_OURS
    negative = {f"N{number:02}" for number in range(1, 86)} | {"N31b"}
    negative -= NOT_OURS
    assert (len(positive), len(negative)) == (20, 84)
    here = {case.number for case in CASES}
    assert (positive | negative) <= here | ELSEWHERE.keys()
    assert not ELSEWHERE.keys() - positive - negative


def test_case_names_are_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    played = {case.played for case in CASES}
    assert played <= SCENARIOS.keys() and SCENARIOS.keys() - {"sound"} <= played
