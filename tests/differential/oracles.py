"""The published verifiers that ours is held against; each has holes of its own (DCAP rules 4)."""
from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import dcap_qvl

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Answer:
    """Status and advisories, or why not."""

    status: str | None
    advisories: tuple[str, ...] = ()
    error: str = ""


class Oracle(Protocol):
    name: str

    def judge(self, quote: bytes, collateral: str, root: bytes, now: int) -> Answer: ...


class PyPi:
    """The Rust verifier under its Python name."""

    name = "pypi"

    def judge(self, quote: bytes, collateral: str, root: bytes, now: int) -> Answer:
        try:
            report = dcap_qvl.verify_with_root_ca(quote, dcap_qvl.QuoteCollateralV3.from_json(collateral), root, now)
        except BaseException as error:  # a panic of Rust's is no Exception
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            return Answer(None, error=f"{error} {error.__cause__ or ''}"[:200])
        return Answer(report.status, tuple(sorted(report.advisory_ids)))


class Npm:
    """The verifier in JavaScript, in a process of its own."""

    name = "npm"

    def __init__(self) -> None:
        environment = {"NODE_PATH": str(HERE.parent / "simulator/node_modules"), **os.environ}
        self.process = subprocess.Popen(["node", str(HERE / "npm_oracle.cjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, env=environment)

    def judge(self, quote: bytes, collateral: str, root: bytes, now: int) -> Answer:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"quote": quote.hex(), "collateral": collateral, "root": root.hex(), "now": now}) + "\n")
        self.process.stdin.flush()
        found = json.loads(self.process.stdout.readline())
        if not found["ok"]:
            return Answer(None, error=found["error"][:200])
        return Answer(found["status"], tuple(sorted(found["advisories"])))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
