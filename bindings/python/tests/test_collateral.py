"""Collateral from Python: where it comes from, where it is kept, and fetching it ahead. What the core does is tested in C."""
from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ra_tls_verify import AllVerifiers, DcapVerifier, NoopVerifier, RaTlsVerifier, RefusedError, UnavailableError, UsageError
from simulator.minted import Minted
from simulator.pccs import FAULTS, Pccs
from simulator.world import World

FMSPC = "510a7e000000"


@pytest.fixture(scope="module")
def world() -> World:
    return World("python collateral", int(time.time()))


@pytest.fixture(scope="module")
def minted(world: World) -> Minted:
    return world.mint()


@pytest.fixture
def pccs(world: World) -> Iterator[Pccs]:
    with Pccs(world) as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def verifier(minted: Minted, pccs: Pccs, **arguments: Any) -> DcapVerifier:
    given: dict[str, Any] = {"pccs_url": pccs.url, "ca_file": pccs.ca_pem.encode(), "cache_dir": "", **arguments}
    return DcapVerifier(trust_anchor=minted.trust_anchor_pem.encode(), **given)


def test_fetched_once_and_kept(minted: Minted, pccs: Pccs) -> None:
    checked = verifier(minted, pccs)
    assert [checked.verify_sync(minted.quote).tcb_status for _ in range(3)] == ["OK"] * 3
    assert pccs.service.requests() == 4
    first, second = (checked.verify_certificate_sync(minted.certificate_der) for _ in range(2))
    assert (first.from_cache, second.from_cache) == (False, True)


def test_a_coroutine_fetches_too(minted: Minted, pccs: Pccs) -> None:
    assert asyncio.run(verifier(minted, pccs).verify(minted.quote)).tcb_status == "OK"


def test_sources_are_asked_in_order(minted: Minted, world: World, pccs: Pccs) -> None:
    with Pccs(world, identity=None) as backup:
        pccs.service.play(FAULTS["status-404"])
        both = verifier(minted, pccs, pccs_url=None, pccs_urls=[pccs.url, backup.url], pccs_ca_files=[pccs.ca_file, None], ca_file=None)
        assert both.verify_sync(minted.quote).tcb_status == "OK"
        assert (pccs.service.requests(), backup.service.requests()) == (4, 4)


def test_a_stranger_is_not_believed(minted: Minted, pccs: Pccs) -> None:
    with pytest.raises(UnavailableError) as caught:
        verifier(minted, pccs, ca_file=None).verify_sync(minted.quote)
    assert caught.value.code == "COLLATERAL_TLS" and "ca_file" in str(caught.value)


def test_what_went_wrong_is_told_with_url_and_status(minted: Minted, pccs: Pccs) -> None:
    pccs.service.play(FAULTS["status-429"])
    with pytest.raises(UnavailableError) as caught:
        verifier(minted, pccs).verify_sync(minted.quote)
    assert caught.value.code == "COLLATERAL_RATE_LIMITED" and caught.value.stage == "collateral"
    assert caught.value.details["url"].startswith(pccs.url) and caught.value.details["http_status"] == "429"
    assert caught.value.details["retry_after_s"] == "3600"


@pytest.mark.parametrize("variable, place", [("XDG_CACHE_HOME", "ratls"), ("HOME", ".cache/ratls")])
def test_kept_below_the_users_caches(minted: Minted, pccs: Pccs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, place: str) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    for _ in range(2):
        assert verifier(minted, pccs, cache_dir=None).verify_sync(minted.quote).tcb_status == "OK"
    assert pccs.service.requests() == 4
    (own,) = (tmp_path / place).iterdir()
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in own.iterdir()} == {0o600}


def test_no_home_is_no_failure(minted: Minted, pccs: Pccs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    assert verifier(minted, pccs, cache_dir=None).verify_sync(minted.quote).tcb_status == "OK"


def test_a_relative_directory_is_of_the_present_one(minted: Minted, pccs: Pccs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checked = verifier(minted, pccs, cache_dir="kept")
    monkeypatch.chdir("/")
    checked.warm_sync([minted.quote])
    assert os.listdir(tmp_path / "kept")


def test_early_is_another_set(minted: Minted, pccs: Pccs) -> None:
    pccs.service.early_changes = {"tcb_info": {"tcbEvaluationDataNumber": 21}, "qe_identity": {"tcbEvaluationDataNumber": 21}}
    assert verifier(minted, pccs).verify_sync(minted.quote).tcb_evaluation_data_number == 20
    assert verifier(minted, pccs, update="early").verify_sync(minted.quote).tcb_evaluation_data_number == 21


def test_warm(minted: Minted, pccs: Pccs) -> None:
    checked = verifier(minted, pccs)
    checked.warm_sync([minted.quote], certificates=[minted.certificate_der], fmspcs=[FMSPC])
    assert pccs.service.requests() == 4
    asyncio.run(checked.warm(fmspcs=[FMSPC], tee="sgx"))
    assert pccs.service.requests() == 6  # the lists are the same
    AllVerifiers(checked).warm_sync([minted.quote])
    pccs.service.play(FAULTS["status-500"])
    assert checked.verify_sync(minted.quote).tcb_status == "OK" and pccs.service.requests() == 6


def test_warm_what_fetches_nothing(minted: Minted) -> None:
    class Own(RaTlsVerifier):
        def verify(self, quote: bytes, options: Any) -> Any:
            raise AssertionError

    bundle = DcapVerifier(minted.collateral_json.encode(), minted.trust_anchor_pem.encode())
    for quiet in (NoopVerifier(), bundle, Own()):
        quiet.warm_sync([minted.quote])


def test_warm_for_nobody(minted: Minted, pccs: Pccs) -> None:
    checked = verifier(minted, pccs)
    with pytest.raises(UnavailableError) as missing:
        checked.warm_sync(fmspcs=["00906ea10000"])
    assert missing.value.code == "COLLATERAL_NOT_FOUND" and "00906ea10000" in str(missing.value)
    pccs.service.forget()
    with pytest.raises(RefusedError):
        checked.warm_sync([World("another").mint().quote])
    assert pccs.service.requests() == 0  # nothing is asked for those who are not Intel's
    for wrong in ({"fmspcs": ["00"]}, {"fmspcs": [FMSPC], "ca": "other"}, {"fmspcs": [FMSPC], "tee": "sev"}, {"quotes": minted.quote}, {"fmspcs": FMSPC}):
        with pytest.raises(UsageError):
            checked.warm_sync(**wrong)  # type: ignore[arg-type]


def test_a_fetched_bundle_is_a_bundle(minted: Minted, pccs: Pccs) -> None:
    bundle = verifier(minted, pccs).fetch_collateral_sync(minted.quote)
    assert DcapVerifier(bundle, minted.trust_anchor_pem.encode()).verify_sync(minted.quote).tcb_status == "OK"
    assert bundle == verifier(minted, pccs).fetch_collateral_sync(fmspc=FMSPC, refresh=True)
    given = {name: bundle[name] for name in json.loads(minted.collateral_json)}
    assert given == json.loads(minted.collateral_json)


def test_check_tells_what_will_be(minted: Minted, pccs: Pccs) -> None:
    checked = verifier(minted, pccs)
    assert checked.check_collateral_sync(minted.quote)["attention"] is False
    report = checked.check_collateral_sync(certificate=minted.certificate_der, warn_days=40)
    assert {warning["code"] for warning in report["warnings"]} == {"EXPIRES_SOON"}


@pytest.mark.parametrize("arguments, code", [
    ({"pccs_url": "ftp://a"}, "OPTION_VALUE"), ({"pccs_url": ""}, "OPTION_VALUE"), ({"pccs_url": "https://u:p@a"}, "OPTION_VALUE"),
    ({"pccs_url": "https://a?b"}, "OPTION_VALUE"), ({"pccs_urls": []}, "OPTION_EMPTY_LIST"), ({"pccs_urls": ["https://a"] * 9}, "ARGUMENT_INVALID"),
    ({"pccs_urls": "https://a"}, "OPTION_TYPE"), ({"pccs_url": 1}, "OPTION_TYPE"), ({"pccs_url": "https://a", "pccs_urls": ["https://a"]}, "ARGUMENT_INVALID"),
    ({"pccs_url": "https://a", "pccs_ca_files": [b"", b""]}, "ARGUMENT_INVALID"), ({"pccs_ca_files": "x"}, "OPTION_TYPE"),
    ({"pccs_urls": ["https://a"], "pccs_ca_files": ["/nonexistent"]}, "FILE_UNREADABLE"), ({"update": "late"}, "OPTION_VALUE"),
    ({"cache_dir": b"/a"}, "OPTION_TYPE"), ({"attempt_timeout_ms": -1}, "OPTION_VALUE"), ({"http_connect_timeout_ms": "1"}, "OPTION_TYPE"),
])
def test_settings_that_are_wrong(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        DcapVerifier(**arguments)
    assert caught.value.code == code and "u:p" not in str(caught.value)


def test_sources_beside_a_bundle(minted: Minted) -> None:
    with pytest.raises(UsageError):
        DcapVerifier(minted.collateral_json.encode(), pccs_url="https://a")
