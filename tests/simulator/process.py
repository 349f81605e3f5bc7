"""The sidecar in a process of its own, told what to do and asked what it saw by JSON lines.

A client in the same process as `Sidecar` may hold the interpreter while it waits for the sidecar: psycopg does
when it cancels a query."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Sequence

TESTS = Path(__file__).resolve().parents[1]
TIMEOUT_S = 30


class SidecarProcess:
    """`python -m simulator sidecar` with these options; use it in `with`. Afterwards `port` is known.

    `events` are what the process said: `listening`, `closed` for every connection that ended, `done` for
    every command that was carried out."""

    def __init__(self, *options: str) -> None:
        self.options = options
        self.events: list[dict[str, Any]] = []
        self.changed = threading.Condition()
        self.ended = False

    def __enter__(self) -> SidecarProcess:
        path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "sidecar", "--commands", *self.options], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path})
        self.reader = threading.Thread(target=self.collect, daemon=True)
        self.reader.start()
        try:
            listening = self.wait_for(lambda events: bool(events))[0]
        except BaseException:
            self.__exit__()
            raise
        self.host, self.port = str(listening["host"]), int(listening["port"])
        self.listening = listening
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(timeout=TIMEOUT_S)
        self.process.stdout.close()

    def collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, condition: Callable[[Sequence[dict[str, Any]]], bool]) -> Sequence[dict[str, Any]]:
        """Wait until what was said satisfies the condition. Raises TimeoutError, also when the process ends first."""
        with self.changed:
            self.changed.wait_for(lambda: self.ended or condition(self.events), TIMEOUT_S)
            if not condition(self.events):
                raise TimeoutError(f"the sidecar {'ended' if self.ended else 'waits'}, it said {self.events}")
            return list(self.events)

    @property
    def connections(self) -> list[dict[str, Any]]:
        """The connections that ended, bytes in hex."""
        return [event["connection"] for event in self.events if event["event"] == "closed"]

    def wait_closed(self, count: int = 1) -> list[dict[str, Any]]:
        """Wait until so many connections have ended."""
        self.wait_for(lambda _: len(self.connections) >= count)
        return self.connections

    def tell(self, **command: Any) -> None:
        """Carry out a command: `behaviour`, a name; or `mint`, arguments of `World.mint` that JSON can carry."""
        assert self.process.stdin is not None
        done = sum(event["event"] == "done" for event in self.events)
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        self.wait_for(lambda events: sum(event["event"] == "done" for event in events) > done)
