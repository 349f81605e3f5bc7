"""Runs the command, as a user would."""
from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60


@dataclass(frozen=True)
class Run:
    """How a run of the command ended."""

    status: int
    output: str
    errors: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as exactly one JSON object on one line."""
        assert self.output.count("\n") == 1 and self.output.endswith("\n"), self.output
        document = json.loads(self.output)
        assert isinstance(document, dict)
        return document


def command_path() -> str:
    return os.environ.get("RATLS_COMMAND") or str(ROOT / "build" / "bin" / "ratls")


def ratls(*arguments: str | Path, stdin: bytes = b"") -> Run:
    """Run the command. No exit status of the project's is above 3: anything else is a crash."""
    done = subprocess.run([command_path(), *map(str, arguments)], input=stdin, capture_output=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode in (0, 1, 2, 3), done
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True)
class Files:
    """A minted server's files, and the flags that verify it."""

    directory: Path
    now: int

    def __getitem__(self, name: str) -> Path:
        return self.directory / name

    @property
    def dcap(self) -> list[str]:
        return ["--collateral", str(self["collateral.json"]), "--trust-anchor", str(self["root.pem"]), "--at", str(self.now)]
