"""`intel_driver` (driver.c) used from Python: one verifier, many verifications."""
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Mapping, Sequence

from simulator.intel import TrustAuthority

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60


def driver_path(program: str) -> str:
    directory = os.environ.get("RATLS_INTEL_DRIVERS") or str(ROOT / "build" / "gcc" / "bin")
    return os.path.join(directory, program)


class Driver:
    """The program with a verifier for this stand-in; use it in `with`. `under`: a program that runs it, such as Valgrind;
    `program`: intel_driver, or intel_driver_starved."""

    def __init__(self, authority: TrustAuthority, quotes: Sequence[bytes], directory: Path, *, options: Mapping[str, Any],
                 under: Sequence[str] = (), program: str = "intel_driver", **settings: Any) -> None:
        names = []
        for number, quote in enumerate(quotes):
            path = directory / f"quote-{number}.bin"
            path.write_bytes(quote)
            names.append(str(path))
        self.settings = directory / "settings.json"
        self.settings.write_text(json.dumps({**authority.describe(), "quotes": names, "options": dict(options), **settings}))
        self.command = [*under, driver_path(program), str(self.settings)]
        self.status: int | None = None

    def __enter__(self) -> Driver:
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        if kind is not None:
            self.process.kill()
        self.status = self.process.wait(timeout=TIMEOUT_S)
        self.process.stdout.close()
        assert kind is not None or self.status == 0

    def ask(self, command: str) -> Any:
        """The answer to one command. Raises RuntimeError when the program ended instead."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the driver ended at {command!r}")
        return json.loads(line)

    def verify(self, quote: int = 0) -> str:
        """The code of one verification: "OK" or why not."""
        return str(self.ask(f"verify {quote}")["code"])

    def soak(self, threads: int, count: int, seed: int = 1) -> Any:
        """Outcomes counted for each quote, the longest time of one verification, and the memory in use."""
        return self.ask(f"soak {threads} {count} {seed}")
