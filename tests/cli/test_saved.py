"""`verify --saved`: evidence kept beside a verdict gives the same verdict again."""
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command import Files, Run, ratls
from simulator.minted import Minted
from simulator.world import World


def evidence_of(minted: Minted) -> dict[str, Any]:
    """As a tunnel hands it out."""
    return {"certificate": minted.files()["cert.pem"].decode(), "quote": minted.quote.hex(), "collateral": json.loads(minted.collateral_json),
            "trust_anchor": minted.files()["root.pem"].decode(), "verified_at": minted.now}


@pytest.fixture
def evidence(sound: Minted, files: Files) -> dict[str, Any]:
    at = ratls("verify", "--cert", files["cert.pem"], *files.dcap, "--json").json["result"]["verified_at"]
    return {**evidence_of(sound), "verified_at": at}


def verify(tmp_path: Path, evidence: Any, *more: str | Path) -> Run:
    path = tmp_path / "saved.json"
    path.write_text(evidence if isinstance(evidence, str) else json.dumps(evidence))
    return ratls("verify", "--saved", path, *more, "--json")


def test_the_same_verdict(evidence: dict[str, Any], files: Files, tmp_path: Path) -> None:
    run = verify(tmp_path, evidence)
    assert run.status == 0 and run.json == ratls("verify", "--cert", files["cert.pem"], *files.dcap, "--json").json
    assert "brings its own trust anchor" in run.errors
    assert ratls("verify", "--saved", "-", "--json", stdin=json.dumps(evidence).encode()).json == run.json


def test_the_same_refusal(world: World, evidence: dict[str, Any], tmp_path: Path) -> None:
    run = verify(tmp_path, {**evidence_of(world.mint("debug")), "verified_at": evidence["verified_at"]})
    assert run.status == 1 and run.json["error"]["code"] == "DEBUG_MODE"


def test_flags_win(evidence: dict[str, Any], files: Files, tmp_path: Path) -> None:
    assert verify(tmp_path, evidence, "--mrtd", "ab" * 48).json["error"]["code"] == "MRTD_NOT_ALLOWED"
    assert verify(tmp_path, evidence, "--at", "2020-01-01T00:00:00Z").status != 0
    assert verify(tmp_path, {**evidence, "verified_at": "2020-01-01T00:00:00Z"}, "--at", str(files.now)).status == 0
    assert verify(tmp_path, {**evidence, "collateral": None}, "--collateral", files["collateral.json"]).status == 0
    named = verify(tmp_path, {**evidence, "trust_anchor": None}, "--trust-anchor", files["root.pem"])
    assert named.status == 0 and "brings its own" not in named.errors
    result = verify(tmp_path, {**evidence, "collateral": None, "trust_anchor": None}, "--verifier", "noop").json
    assert (result["accepted"], result["verified"]) == (True, False)


def test_the_time_of_a_policy_file_wins(evidence: dict[str, Any], files: Files, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"now": files.now}))
    assert verify(tmp_path, {**evidence, "verified_at": "2020-01-01T00:00:00Z"}, "--policy", policy).status == 0


def test_without_its_root_or_collateral(evidence: dict[str, Any], tmp_path: Path) -> None:
    assert verify(tmp_path, {**evidence, "trust_anchor": None}).json["error"]["code"] == "COLLATERAL_CERT_ROOT_UNTRUSTED"
    assert verify(tmp_path, {**evidence, "collateral": None}).json["error"]["code"] == "COLLATERAL_MISSING"


WRONG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "not_json": lambda saved: "saved",
    "text_after_it": lambda saved: json.dumps(saved) + "{}",
    "nul_after_it": lambda saved: json.dumps(saved) + "\0",
    "a_list": lambda saved: [saved],
    "member_missing": lambda saved: {name: value for name, value in saved.items() if name != "trust_anchor"},
    "member_unknown": lambda saved: {**saved, "policy": {}},
    "member_twice": lambda saved: json.dumps(saved)[:-1] + ',"trust_anchor":null}',
    "certificate_null": lambda saved: {**saved, "certificate": None},
    "certificate_no_pem": lambda saved: {**saved, "certificate": "?"},
    "quote_null": lambda saved: {**saved, "quote": None},
    "quote_of_another": lambda saved: {**saved, "quote": saved["quote"][:-2] + "00" if saved["quote"][-2:] != "00" else saved["quote"][:-2] + "01"},
    "quote_short": lambda saved: {**saved, "quote": saved["quote"][:-2]},
    "collateral_text": lambda saved: {**saved, "collateral": json.dumps(saved["collateral"])},
    "trust_anchor_empty": lambda saved: {**saved, "trust_anchor": ""},
    "time_a_number": lambda saved: {**saved, "verified_at": 1780315200},
    "time_null": lambda saved: {**saved, "verified_at": None},
}


@pytest.mark.parametrize("fault", WRONG)
def test_files_that_are_wrong(fault: str, evidence: dict[str, Any], tmp_path: Path) -> None:
    run = verify(tmp_path, WRONG[fault](evidence))
    assert run.status == 2 and run.json["error"]["code"] == "INPUT_FORMAT" and "saved.json" in run.json["error"]["message"]


def test_a_time_that_is_none(evidence: dict[str, Any], tmp_path: Path) -> None:
    run = verify(tmp_path, {**evidence, "verified_at": "yesterday"})
    assert run.status == 2 and run.json["error"]["class"] == "usage"


def test_a_certificate_without_a_quote(world: World, evidence: dict[str, Any], tmp_path: Path) -> None:
    bare = {**evidence, "certificate": world.mint("no_quote").files()["cert.pem"].decode(), "quote": None}
    assert verify(tmp_path, bare).json["error"]["code"] == "QUOTE_MISSING"
    assert verify(tmp_path, {**bare, "quote": evidence["quote"]}).json["error"]["code"] == "INPUT_FORMAT"
