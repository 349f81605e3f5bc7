"""Exceptions: classes, attributes, copies."""
from __future__ import annotations

import copy
import pickle

import pytest

from ra_tls_verify import RaTlsError, RefusedError, UnavailableError, UsageError, inspect_quote
from ra_tls_verify._errors import from_code, from_json


def refusal() -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        inspect_quote(b"")
    return caught.value


def test_a_refusal_carries_its_code_stage_and_details() -> None:
    error = refusal()
    assert (error.code, error.stage, error.tcb) == ("EVIDENCE_QUOTE_TRUNCATED", "evidence", None)
    assert error.details["expected"] == "48"
    assert str(error) == error.message == "quote ends early: header needs 48 bytes at offset 0, 0 are left"


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_a_copy_is_the_same_error(clone: object) -> None:
    error = refusal()
    other = clone(error)  # type: ignore[operator]
    assert type(other) is type(error)
    assert (str(other), other.code, other.stage, other.details, other.tcb) == (
        str(error), error.code, error.stage, error.details, error.tcb)


def test_classes() -> None:
    assert issubclass(UsageError, ValueError)
    assert {RaTlsError} == set(RefusedError.__bases__) == set(UnavailableError.__bases__)
    assert repr(UsageError) == "<class 'ra_tls_verify.UsageError'>"


def test_an_error_that_could_not_be_made_is_out_of_memory() -> None:
    error = from_json(None, None)
    assert isinstance(error, UnavailableError) and error.code == "OUT_OF_MEMORY"


def test_an_unknown_class_is_never_less_than_unavailable() -> None:
    error = from_json('{"code":"X","class":"new","stage":"dcap","message":"m","details":{}}', None)
    assert type(error) is UnavailableError


def test_what_was_known_of_the_tcb_comes_along() -> None:
    error = from_json('{"code":"TCB_STATUS","class":"refused","stage":"policy","message":"m","details":{}}', '{"tcb_status":"OutOfDate"}')
    assert error.tcb == {"tcb_status": "OutOfDate"}


def test_a_code_of_the_python_layer() -> None:
    error = from_code("FILE_UNREADABLE", path="/x", what="No such file or directory")
    assert isinstance(error, UsageError)
    assert (str(error), error.stage) == ("cannot read /x: No such file or directory", "options")
