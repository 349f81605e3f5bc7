"""The package follows the tables: codes, fields, options."""
from __future__ import annotations

from dataclasses import fields

import ra_tls_verify
from ra_tls_verify import _core
from ra_tls_verify._codes import CODES, MESSAGES, RESULT_FIELDS, VERIFY_OPTIONS
from ra_tls_verify._errors import from_code


def test_codes_are_the_ones_of_the_extension() -> None:
    assert len(CODES) > 100
    for name, (value, kind, _) in CODES.items():
        assert getattr(_core, f"RATLS_ERR_{name}") == value
        assert _core.ratls_status_name(value) == name
        assert _core.ratls_status_class(value) == getattr(_core, f"RATLS_CLASS_{kind.upper()}")


def test_options_are_the_ones_of_the_table() -> None:
    assert {field.name for field in fields(ra_tls_verify.VerifyOptions)} == set(VERIFY_OPTIONS)


def test_result_fields_are_the_ones_of_the_table() -> None:
    assert [field.name for field in fields(ra_tls_verify.VerifyResult)] == [*RESULT_FIELDS, "json"]


def test_messages_leave_nothing_open() -> None:
    for code in MESSAGES:
        error = from_code(code, what="a", argument="b", found="c", expected="d", option="e", path="f")
        assert "{" not in str(error) and "?" not in str(error)


def test_the_extension_is_of_this_version() -> None:
    assert _core.ratls_version() == ra_tls_verify.__version__
    assert _core.ratls_abi_version() == _core.RATLS_ABI_VERSION


def test_every_public_name_is_there() -> None:
    assert all(hasattr(ra_tls_verify, name) for name in ra_tls_verify.__all__)


def test_the_stub_names_what_the_extension_has() -> None:
    import ast
    from pathlib import Path

    stub = Path(ra_tls_verify.__file__).with_name("_core.pyi")
    functions = [node.name for node in ast.parse(stub.read_text()).body if isinstance(node, ast.FunctionDef)]
    assert len(functions) > 20
    callables = {name for name in dir(_core) if callable(getattr(_core, name)) and not name.startswith(("_", "SWIG", "swig"))}
    assert set(functions) == callables
