"""The stand-in as a program: `python -m simulator intel`, and that program used from Python.

Every scenario that is asked for has listeners of its own. One more port, plain HTTP, controls them all:
`POST /__scenario` with `{"authority": NAME, "scenario": NAME, "rules": [...], "rotate": true, "tcb_status": …}` (all but
the first optional) changes what one does from now on, `GET /__seen/NAME` tells what it has seen."""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any, Sequence
from urllib.parse import unquote

from simulator.intel.authority import BANNER, TrustAuthority
from simulator.intel.rsa_key import DEFAULT_SEED
from simulator.intel.scenario import Answer, Rule
from simulator.intel.scenarios import SCENARIOS
from simulator.intel.web import Request, Web

TESTS = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60
#: Names, for a command that is run beside the stand-in, the file that says where it is.
VARIABLE = "RATLS_INTEL_STANDIN"


class Control:
    """The port through which the stand-in is told and asked."""

    def __init__(self, authorities: dict[str, TrustAuthority]) -> None:
        self.authorities = authorities

    def connected(self) -> None:
        return None

    def answer(self, request: Request) -> Answer:
        try:
            if request.method == "POST" and request.path == "/__scenario":
                done = self.tell(**json.loads(request.body))
            elif request.method == "GET" and request.path.startswith("/__seen/"):
                done = self.seen(unquote(request.path[len("/__seen/"):]))
            else:
                return Answer(404, b"POST /__scenario or GET /__seen/NAME\n")
        except (KeyError, TypeError, ValueError) as error:
            return Answer(400, f"{type(error).__name__}: {error}\n".encode())
        return Answer(200, json.dumps(done).encode(), {"Content-Type": "application/json"})

    def tell(self, authority: str, scenario: str | None = None, rules: list[dict[str, Any]] | None = None, rotate: bool = False,
             tcb_status: str | None = None) -> dict[str, Any]:
        service = self.authorities[authority].service
        queue = None if rules is None else [Rule.of(rule) for rule in rules]
        if scenario is not None:
            service.play(SCENARIOS[scenario])
        if queue is not None:
            service.queue(queue)
        if rotate:
            service.rotate()
        if tcb_status is not None:
            service.tcb_status = tcb_status
        return {"done": True}

    def seen(self, authority: str) -> dict[str, Any]:
        service = self.authorities[authority].service
        with service.lock:
            return {"seen": [asdict(item) for item in service.seen], "connections": dict(service.connections),
                    "problems": list(service.problems), "issued": service.issued}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = BANNER
    parser.add_argument("--seed", default=DEFAULT_SEED, help="every key and certificate follows from it")
    parser.add_argument("--scenario", action="append", choices=sorted(SCENARIOS), metavar="NAME", help="what it does; repeated: one service each")
    parser.add_argument("--all", action="store_true", help="one service for each scenario there is")
    parser.add_argument("beside", nargs="*", metavar="COMMAND", help=f"run this with {VARIABLE} in its environment, and end with its status (after --)")


def run(options: argparse.Namespace, now: int | None) -> int:
    """Serve until standard input ends, or until the command does."""
    web = Web()
    names = sorted(SCENARIOS) if options.all else options.scenario or ["sound"]
    authorities = {name: TrustAuthority(SCENARIOS[name], seed=options.seed, now=now, web=web) for name in names}
    try:
        control = f"http://127.0.0.1:{web.listen(Control(authorities), None)}"
        where = {"event": "listening", "banner": BANNER, "control": control, "now": now,
                 "authorities": {name: authority.describe() for name, authority in authorities.items()}}
        return run_beside(options.beside, where) if options.beside else serve(where)
    finally:
        web.stop()
        for authority in authorities.values():
            authority.stop()


def serve(where: dict[str, Any]) -> int:
    print(json.dumps(where), flush=True)
    while sys.stdin.read(4096):
        pass
    return 0


def run_beside(command: Sequence[str], where: dict[str, Any]) -> int:
    with tempfile.NamedTemporaryFile("w", prefix="simulator-intel-", suffix=".json") as file:
        json.dump(where, file)
        file.flush()
        return subprocess.run(command, env={**os.environ, VARIABLE: file.name}, check=False).returncode


class TrustAuthorityProcess:
    """`python -m simulator intel` with these options; use it in `with`. Afterwards `authorities` is known."""

    def __init__(self, *options: str) -> None:
        self.options = options

    def __enter__(self) -> TrustAuthorityProcess:
        path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "intel", *self.options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": path})
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.__exit__()
            raise RuntimeError("the stand-in for Intel Trust Authority ended")
        listening = json.loads(line)
        self.control = str(listening["control"])
        self.authorities: dict[str, dict[str, Any]] = listening["authorities"]
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def tell(self, authority: str = "sound", **command: Any) -> None:
        """Change what a service does: `scenario`, `rules`, `rotate`, `tcb_status`. Raises urllib.error.HTTPError."""
        body = json.dumps({"authority": authority, **command}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.control}/__scenario", body), timeout=TIMEOUT_S).close()

    def seen(self, authority: str = "sound") -> dict[str, Any]:
        """What a service has seen: `seen`, `connections`, `problems`, `issued`."""
        with urllib.request.urlopen(f"{self.control}/__seen/{authority}", timeout=TIMEOUT_S) as answer:
            found: dict[str, Any] = json.load(answer)
        return found
