"""VerifyOptions: what is given, what it becomes, what is refused."""
from __future__ import annotations

import json
import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ra_tls_verify import UsageError, VerifyOptions
from ra_tls_verify._options import policy_of

MRTD = "ab" * 48


def given(**options: Any) -> dict[str, Any]:
    """The policy file of these options, which the core accepts."""
    made = VerifyOptions(**options)
    policy_of(made)
    return dict(json.loads(made.to_json()))


def code_of(**options: Any) -> str:
    with pytest.raises(UsageError) as caught:
        policy_of(VerifyOptions(**options))
    return caught.value.code


def test_nothing_given_is_the_defaults() -> None:
    assert given() == {}


def test_what_is_given_is_handed_on() -> None:
    assert given(allowed_mr_td=[MRTD], pins={"rtmr0": "0x" + MRTD, "fmspc": ["00806f050000"]}, acceptable_tcb_statuses=("OK",),
                 allowed_advisory_ids={"INTEL-SA-2", "INTEL-SA-1"}, min_tcb_evaluation_data_number=17, min_tee_tcb_svn="00" * 16,
                 allow_debug_mode=True, timeout_ms=5000, now=1780315200) == {
        "allowed_mr_td": [MRTD], "pins": {"rtmr0": ["0x" + MRTD], "fmspc": ["00806f050000"]}, "acceptable_tcb_statuses": ["OK"],
        "allowed_advisory_ids": ["INTEL-SA-1", "INTEL-SA-2"], "min_tcb_evaluation_data_number": 17, "min_tee_tcb_svn": "00" * 16,
        "allow_debug_mode": True, "timeout_ms": 5000, "now": 1780315200}


def test_no_seconds_of_cache_is_off() -> None:
    assert given(cache_ttl_s=0) == {"cache_ttl_s": -1}
    assert given(cache_ttl_s=60) == {"cache_ttl_s": 60}


def test_a_time_in_any_zone() -> None:
    moment = datetime(2026, 6, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert given(now=moment) == {"now": 1780315200}


def test_a_time_without_a_zone_is_refused() -> None:
    assert code_of(now=datetime(2026, 6, 1)) == "OPTION_VALUE"


@pytest.mark.parametrize("name", ["now", "timeout_ms", "max_age_s"])
@pytest.mark.parametrize("value", [0, -1])
def test_zero_is_never_silently_the_default(name: str, value: int) -> None:
    assert code_of(**{name: value}) == "OPTION_VALUE"


@pytest.mark.parametrize("name", ["allowed_mr_td", "acceptable_tcb_statuses", "allowed_advisory_ids"])
def test_an_empty_list_is_refused(name: str) -> None:
    assert code_of(**{name: []}) == "OPTION_EMPTY_LIST"


def test_an_empty_pin_is_refused() -> None:
    assert code_of(pins={}) == "OPTION_EMPTY_LIST"
    assert code_of(pins={"rtmr0": []}) == "OPTION_EMPTY_LIST"


@pytest.mark.parametrize("name", ["allowed_mr_td", "acceptable_tcb_statuses", "allowed_advisory_ids"])
@pytest.mark.parametrize("value", [MRTD, b"ab", 5, [5], [b"ab"], {"a": "b"}, True])
def test_a_text_is_no_list_of_texts(name: str, value: object) -> None:
    assert code_of(**{name: value}) == "OPTION_TYPE"


@pytest.mark.parametrize("options", [
    {"pins": ["rtmr0"]}, {"pins": {1: "00"}}, {"pins": {"rtmr0": 5}}, {"pins": {"rtmr0": [5]}}, {"min_tee_tcb_svn": 5},
    {"allow_debug_mode": 1}, {"allow_simulator": "yes"}, {"now": "2026"}, {"cache_ttl_s": 1.5}, {"timeout_ms": True}])
def test_a_wrong_type_is_refused(options: dict[str, Any]) -> None:
    assert code_of(**options) == "OPTION_TYPE"


@pytest.mark.parametrize("options", [
    {"allowed_mr_td": ["ab"]}, {"allowed_mr_td": [MRTD + "ab"]}, {"allowed_mr_td": ["zz" * 48]}, {"allowed_mr_td": [" " + MRTD]},
    {"acceptable_tcb_statuses": ["Fine"]}, {"acceptable_tcb_statuses": ["Revoked"]}, {"min_tee_tcb_svn": "00"},
    {"pins": {"rtmr0": ["ab"]}}])
def test_a_value_that_is_not_exactly_right_is_refused(options: dict[str, Any]) -> None:
    assert code_of(**options) == "OPTION_VALUE"


@pytest.mark.parametrize("text", [MRTD + "\0", "\0", MRTD + "\udcff"])
@pytest.mark.parametrize("option", ["allowed_mr_td", "acceptable_tcb_statuses", "allowed_advisory_ids", "pins", "min_tee_tcb_svn"])
def test_a_text_that_c_could_not_be_told_is_refused_by_its_options_name(option: str, text: str) -> None:
    value: Any = {"allowed_mr_td": [text], "acceptable_tcb_statuses": [text], "allowed_advisory_ids": [text], "pins": {"rtmr0": text}}.get(option, text)
    with pytest.raises(UsageError, match=option) as caught:
        policy_of(VerifyOptions(**{option: value}))
    assert caught.value.code == "OPTION_VALUE"
    assert code_of(pins={"rtmr0\0": MRTD}) == "OPTION_VALUE"


@pytest.mark.parametrize("text", [MRTD * 100, "z" * 5000, MRTD + "\0" * 5000])
def test_a_long_value_does_not_fill_the_screen(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        policy_of(VerifyOptions(allowed_mr_td=[text]))
    assert caught.value.code == "OPTION_VALUE" and 100 < len(str(caught.value)) < 600


def test_an_application_pin_alone_proves_nothing() -> None:
    with pytest.raises(UsageError, match="allow_partial_pins=True") as caught:
        policy_of(VerifyOptions(pins={"compose_hash": ["00" * 32]}))
    assert caught.value.code == "PINS_INCOMPLETE"


def test_an_unknown_field_cannot_be_pinned() -> None:
    assert code_of(pins={"colour": "00"}) == "PIN_UNKNOWN"


def test_a_mapping_is_no_options() -> None:
    with pytest.raises(UsageError, match="expected VerifyOptions, found dict"):
        policy_of({"allowed_mr_td": [MRTD]})  # type: ignore[arg-type]


def test_options_do_not_change() -> None:
    values = [MRTD]
    options = VerifyOptions(allowed_mr_td=values, pins={"rtmr0": values})
    values.append("other")
    assert options.allowed_mr_td == (MRTD,)
    with pytest.raises(FrozenInstanceError):
        options.allow_debug_mode = True  # type: ignore[misc]
    with pytest.raises(TypeError):
        options.pins["rtmr1"] = MRTD  # type: ignore[index]


def test_equal_options_are_one_key() -> None:
    first = VerifyOptions(allowed_mr_td=[MRTD], pins={"rtmr0": MRTD, "rtmr1": [MRTD]})
    second = VerifyOptions(allowed_mr_td=(MRTD,), pins={"rtmr1": (MRTD,), "rtmr0": MRTD})
    assert first == second and hash(first) == hash(second)
    assert first != replace(first, allow_simulator=True)
    assert pickle.loads(pickle.dumps(first)) == first


# ---- policy files ----

EVERYTHING: dict[str, Any] = {
    "allowed_mr_td": [MRTD], "pins": {"rtmr0": "0x" + MRTD, "rtmr1": [MRTD], "rtmr2": MRTD, "compose_hash": "00" * 32},
    "acceptable_tcb_statuses": ["OK"], "allowed_advisory_ids": ["INTEL-SA-1"], "min_tcb_evaluation_data_number": 17,
    "min_tee_tcb_svn": "00" * 16, "allow_debug_mode": True, "allow_sept_ve": True, "allow_simulator": False, "allow_partial_pins": True,
    "now": "2026-06-01T12:00:00Z", "cache_ttl_s": 60, "timeout_ms": 5000.0, "max_age_s": 10}


def test_a_policy_file_says_what_the_arguments_say(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(EVERYTHING))
    read = VerifyOptions.from_file(file)
    assert read == VerifyOptions(**{**EVERYTHING, "now": datetime(2026, 6, 1, 12, tzinfo=timezone.utc), "timeout_ms": 5000})
    policy_of(read)
    assert VerifyOptions.from_json(read.to_json()).to_json() == read.to_json()


def test_what_a_policy_file_leaves_out_is_the_default() -> None:
    assert VerifyOptions.from_json(b"{}") == VerifyOptions()
    zeros = {"now": 0, "cache_ttl_s": 0, "timeout_ms": 0, "max_age_s": 0, "min_tcb_evaluation_data_number": 0}
    assert VerifyOptions.from_json(json.dumps(zeros)) == VerifyOptions()
    assert VerifyOptions.from_json('{"cache_ttl_s": -1}') == VerifyOptions(cache_ttl_s=0)
    assert VerifyOptions.from_json('{"now": 1780315200}') == VerifyOptions(now=1780315200)


@pytest.mark.parametrize("policy", [
    '{"colour": 1}', '{"allow_debug_mode": true, "allow_debug_mode": false}', '{"allowed_mr_td": "ab"}', '{"cache_ttl_s": 1.5}', "[]", "", "{} {}", b"\xff{}",
    '{"now": "yesterday"}', '{"now": "0000-01-01T00:00:00Z"}', '{"allow_debug_mode": 1}', '{"pins": null}'])
def test_a_policy_file_that_is_not_exactly_right_is_refused(policy: str | bytes) -> None:
    with pytest.raises(UsageError):
        VerifyOptions.from_json(policy)


def test_a_policy_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        VerifyOptions.from_file(tmp_path / "policy.json")
    assert caught.value.code == "FILE_UNREADABLE"
