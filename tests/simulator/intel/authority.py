"""The stand-in on loopback addresses."""
from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from simulator.intel import tls
from simulator.intel.rsa_key import DEFAULT_SEED
from simulator.intel.scenario import SOUND, Answer, Scenario
from simulator.intel.service import Service
from simulator.intel.web import Request, Web
from simulator.keys import Seed

#: Said by every stand-in, since an acceptance looks like a genuine one.
BANNER = "a stand-in for Intel Trust Authority: it issues tokens for quotes that it does not verify"


class Part:
    """One listener of a service: `api`, `portal`, or one of the strangers that nobody has any reason to ask."""

    def __init__(self, service: Service, name: str) -> None:
        self.service = service
        self.name = name

    def connected(self) -> Answer | None:
        return self.service.connected(self.name)

    def answer(self, request: Request) -> Answer:
        return self.service.answer(self.name, request)


class TrustAuthority:
    """A running stand-in; use it in `with`. `service` has its state: what it has seen, what it does next.

    `now`: the moment at which its clock stands (unix seconds); None: the system's clock. `web`: listeners that
    are shared and stopped by somebody else."""

    def __init__(self, scenario: Scenario = SOUND, *, seed: str | bytes | int = DEFAULT_SEED, now: int | None = None, web: Web | None = None) -> None:
        self.seed = Seed(seed)
        self.service = Service(scenario, self.seed, now)
        self.web = web or Web()
        self.own_web = web is None
        self.directory = tempfile.TemporaryDirectory(prefix="simulator-intel-")
        self.listen(scenario)

    def listen(self, scenario: Scenario) -> None:
        self.add("api", scenario.api_host, scenario.api_tls)
        self.add("portal", scenario.portal_host, scenario.portal_tls)
        if scenario.strangers:
            self.add("stranger", "127.0.0.2", "sound")
            self.add("plain", "127.0.0.2", None)

    def add(self, name: str, host: str, identity: str | None) -> None:
        context = tls.server_context(self.seed.secret, identity) if identity else None
        port = self.web.listen(Part(self.service, name), context, "127.0.0.1" if host == "localhost" else host)
        self.service.urls[name] = f"http{'s' if identity else ''}://{host}:{port}"

    def __enter__(self) -> TrustAuthority:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self.own_web:
            self.web.stop()
        self.directory.cleanup()

    @property
    def api_url(self) -> str:
        return self.service.api_url

    @property
    def portal_url(self) -> str:
        return self.service.portal_url

    @property
    def api_key(self) -> str:
        return self.service.api_key

    @property
    def ca_pem(self) -> str:
        """The CA of its web servers."""
        return tls.ca_pem(self.seed)

    @property
    def root_pem(self) -> str:
        """The root of its token signers."""
        return self.service.pki.root.pem

    def file(self, name: str, content: str) -> Path:
        path = Path(self.directory.name) / name
        path.write_text(content)
        return path

    @property
    def ca_file(self) -> Path:
        return self.file("web-ca.pem", self.ca_pem)

    @property
    def root_file(self) -> Path:
        return self.file("token-root.pem", self.root_pem)

    @property
    def api_key_file(self) -> Path:
        return self.file("api-key.txt", self.api_key + "\n")

    def describe(self) -> dict[str, Any]:
        """What a client has to know, as JSON can carry it."""
        return {
            "api_url": self.api_url, "portal_url": self.portal_url, "api_key": self.api_key, "api_key_file": str(self.api_key_file),
            "ca_file": str(self.ca_file), "root_file": str(self.root_file)}

    # ---- what was seen

    def requests(self, begins: str = "") -> int:
        """How many requests came whose "METHOD /path" begins like this."""
        with self.service.lock:
            return sum(f"{seen.method} {seen.path}".startswith(begins) for seen in self.service.seen)

    @property
    def appraisals(self) -> int:
        return self.requests("POST /appraisal/")
