"""The stand-in on a loopback address, in this process or in one of its own."""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from simulator.intel import tls
from simulator.intel.scenario import Answer, Rule
from simulator.intel.web import Request, Web
from simulator.keys import Seed
from simulator.pccs.faults import FAULTS
from simulator.pccs.service import PccsService
from simulator.world import World

TESTS = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60
WEB_SEED = "pccs web"


class Pccs:
    """A running stand-in; use it in `with`. `identity`: how its TLS is (tls.IDENTITIES), None: plain HTTP."""

    def __init__(self, world: World, *, identity: str | None = "sound", web: Web | None = None, **arguments: Any) -> None:
        self.service = PccsService(world, **arguments)
        self.web = web or Web()
        self.own_web = web is None
        self.seed = Seed(WEB_SEED)
        self.directory = tempfile.TemporaryDirectory(prefix="simulator-pccs-")
        context = tls.server_context(self.seed.secret, identity) if identity else None
        self.url = f"http{'s' if identity else ''}://127.0.0.1:{self.web.listen(self.service, context)}"

    def __enter__(self) -> Pccs:
        return self

    def __exit__(self, *_: object) -> None:
        if self.own_web:
            self.web.stop()
        self.directory.cleanup()

    @property
    def ca_pem(self) -> str:
        """The CA of its web server."""
        return tls.ca_pem(self.seed)

    @property
    def ca_file(self) -> Path:
        path = Path(self.directory.name) / "web-ca.pem"
        path.write_text(self.ca_pem)
        path.chmod(0o644)
        Path(self.directory.name).chmod(0o755)
        return path


class Control:
    """The port through which the program is told and asked."""

    def __init__(self, service: PccsService) -> None:
        self.service = service

    def connected(self) -> Answer | None:
        return None

    def answer(self, request: Request) -> Answer:
        try:
            if request.path == "/__fault":
                self.service.play(FAULTS[json.loads(request.body)])
            elif request.path == "/__rules":
                self.service.queue([Rule.of(rule) for rule in json.loads(request.body)])
            elif request.path == "/__forget":
                self.service.forget()
            elif request.path != "/__seen":
                return Answer(404)
        except (KeyError, TypeError, ValueError) as error:
            return Answer(400, f"{type(error).__name__}: {error}\n".encode())
        with self.service.lock:
            return Answer(200, json.dumps({"seen": self.service.seen, "not_modified": self.service.not_modified}).encode())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", default="libratls", help="the world whose collateral it has")
    parser.add_argument("--fault", choices=sorted(FAULTS), default="sound")
    parser.add_argument("--plain", action="store_true", help="HTTP without TLS")
    parser.add_argument("--delay", type=float, default=0.0, metavar="S", help="seconds before each answer")
    parser.add_argument("--cache-control", metavar="VALUE")


def run(options: argparse.Namespace, now: int) -> int:
    """Serve until standard input ends."""
    web = Web()
    world = World(options.seed, now)
    try:
        with Pccs(world, identity=None if options.plain else "sound", web=web, delay_s=options.delay, cache_control=options.cache_control) as pccs:
            pccs.service.play(FAULTS[options.fault])
            control = f"http://127.0.0.1:{web.listen(Control(pccs.service), None)}"
            print(json.dumps({"event": "listening", "url": pccs.url, "ca_file": str(pccs.ca_file), "control": control, "now": now}), flush=True)
            while sys.stdin.read(4096):
                pass
    finally:
        web.stop()
    return 0


class PccsProcess:
    """`python -m simulator pccs` with these options; use it in `with`. Afterwards `url` and `ca_file` are known."""

    def __init__(self, *options: str) -> None:
        self.options = options

    def __enter__(self) -> PccsProcess:
        path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "pccs", *self.options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": path})
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.__exit__()
            raise RuntimeError("the PCCS ended")
        listening = json.loads(line)
        self.url, self.ca_file, self.control = str(listening["url"]), str(listening["ca_file"]), str(listening["control"])
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

    def ask(self, what: str, value: Any = None) -> dict[str, Any]:
        """`fault`, `rules`, `forget` or `seen`. Raises urllib.error.HTTPError."""
        request = urllib.request.Request(f"{self.control}/__{what}", json.dumps(value).encode())
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            found: dict[str, Any] = json.load(answer)
        return found
