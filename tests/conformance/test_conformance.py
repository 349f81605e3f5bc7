"""The conformance cases through Python, and that the committed cases are what the generator writes."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import python_runner  # noqa: E402

CASES = python_runner.load_cases()


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case: dict[str, Any] = CASES[name]
    assert python_runner.outcome_of(case) == case["expect"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the generator reads TOML with Python 3.11")
def test_cases_are_what_the_generator_writes() -> None:
    run = subprocess.run([sys.executable, str(HERE / "generate"), "--check"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]


def test_every_area_refuses_and_accepts_something() -> None:
    """A run in which nothing is ever accepted, or everything, would prove little."""
    accepted = sum(case["expect"]["accepted"] for case in CASES.values())
    assert 0 < accepted < len(CASES)
