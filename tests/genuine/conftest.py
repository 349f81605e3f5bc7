"""Where the captured evidence and the command are."""
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(os.environ.get("RATLS_COMMAND", ROOT / "build/bin/ratls"))


def vectors_directory() -> Path | None:
    path = os.environ.get("RATLS_VECTORS")
    return Path(path) if path else None


def entries() -> list[dict[str, Any]]:
    """Entries of the index; none when the evidence is not there."""
    directory = vectors_directory()
    if directory is None:
        return []
    return list(json.loads((directory / "index.json").read_text())["entries"])


def run_command(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run `ratls ARGUMENTS --json`: exit status and the one object that it prints."""
    done = subprocess.run([str(COMMAND), *arguments, "--json"], capture_output=True, text=True, timeout=60)
    lines = done.stdout.splitlines()
    assert len(lines) == 1, f"expected one line, got {done.stdout!r} {done.stderr!r}"
    return done.returncode, json.loads(lines[0])


def pytest_report_header() -> str:
    return "captured evidence: " + (os.environ.get("RATLS_VECTORS") or "RATLS_VECTORS is not set, its cases are skipped")


@pytest.fixture(scope="session")
def vectors() -> Path:
    directory = vectors_directory()
    if directory is None:
        pytest.skip("RATLS_VECTORS is not set")
    return directory
