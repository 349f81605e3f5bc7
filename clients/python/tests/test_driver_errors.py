"""A failure is the verification's and the driver's at once."""
from __future__ import annotations

import pickle

import psycopg
import pytest

import psycopg_ratls
import ra_tls_verify
from psycopg_ratls._errors import driver_error

KINDS = [("UsageError", "08001"), ("RefusedError", "08004"), ("UnavailableError", "08001")]


@pytest.mark.parametrize(("kind", "sqlstate"), KINDS)
def test_both_at_once(kind: str, sqlstate: str) -> None:
    ours = getattr(ra_tls_verify, kind)("why", code="CODE", stage="policy", details={"found": "x"}, tcb={"tcb_status": "OK"})
    error = driver_error(ours)
    assert type(error) is getattr(psycopg_ratls, kind)
    for base in (psycopg.OperationalError, getattr(ra_tls_verify, kind), ra_tls_verify.RaTlsError, psycopg_ratls.RaTlsError):
        assert isinstance(error, base)
    assert isinstance(error, ValueError) == (kind == "UsageError")
    assert (str(error), error.code, error.stage, error.details, error.tcb, error.sqlstate) == (
        "why", "CODE", "policy", {"found": "x"}, {"tcb_status": "OK"}, sqlstate)
    assert error.diag.message_primary is None and error.pgconn is None
    assert driver_error(error) is error


def test_a_copy_is_the_same_error() -> None:
    error = driver_error(ra_tls_verify.RefusedError("why", code="CODE", stage="policy"))
    other = pickle.loads(pickle.dumps(error))
    assert (type(other), str(other), other.code, other.sqlstate) == (psycopg_ratls.RefusedError, "why", "CODE", "08004")


def test_a_foreign_connection_has_no_attestation() -> None:
    with pytest.raises(psycopg_ratls.UsageError, match="not made by psycopg_ratls"):
        psycopg_ratls.attestation(object())  # type: ignore[arg-type]


def test_the_packages_are_of_one_version() -> None:
    import importlib.metadata
    from pathlib import Path

    version = (Path(__file__).resolve().parents[3] / "VERSION").read_text().strip()
    assert psycopg_ratls.__version__ == ra_tls_verify.__version__ == version
    assert f"ra-tls-verify=={version}" in (importlib.metadata.requires("psycopg-ratls") or [])
