"""What a PCCS answers (DCAP rules 2.1, 2.2): no sockets here."""
from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Iterable, Mapping
from urllib.parse import parse_qs, quote, urlsplit

from simulator import x509
from simulator.collateral import CollateralChanges, bundle
from simulator.intel.scenario import Answer, Rule
from simulator.intel.service import Queued
from simulator.intel.web import Request
from simulator.world import World

#: How a CRL travels.
CRL_FORMS: Mapping[str, Callable[[bytes], bytes]] = {
    "der": lambda der: der,
    "hex": lambda der: der.hex().encode(),
    "HEX": lambda der: der.hex().upper().encode(),
    "pem": lambda der: x509.pem(der, "X509 CRL").encode(),
}
NAMES = ("root_crl", "pck_crl", "tcb", "identity")


@dataclass(frozen=True)
class Part:
    """One of the answers before it travels: a body, and the chain that goes in a header."""

    name: str  # of NAMES
    body: bytes
    chain_header: str | None = None
    chain: str = ""
    headers: Mapping[str, str] | None = None


#: What a fault makes of a part.
Spoil = Callable[["PccsService", Part], Part]


@dataclass(frozen=True)
class Fault:
    """Something that a PCCS may do wrong: to what it serves, or to how it answers."""

    about: str
    code: str | None = None  # what a verification that meets it fails with
    spoil: Spoil | None = None
    rules: tuple[Rule, ...] = ()
    changes: Mapping[str, Any] | None = None  # of CollateralChanges


SOUND = Fault("everything is as it should be")


class PccsService:
    """Safe for threads. `cache_control` and `etags` are what its answers carry; `seen` is what was asked, in order."""

    def __init__(self, world: World, *, cache_control: str | None = None, etags: bool = True, root_crl_form: str = "hex", pck_crl_form: str = "der",
                 delay_s: float = 0.0) -> None:
        self.world = world
        self.cache_control = cache_control
        self.etags = etags
        self.forms = {"root_crl": root_crl_form, "pck_crl": pck_crl_form}
        self.delay_s = delay_s
        self.lock = threading.RLock()
        self.seen: list[str] = []
        self.headers_seen: list[Mapping[str, str]] = []
        self.not_modified = 0
        self.early_changes: Mapping[str, Any] | None = None
        self.revision: Mapping[str, Any] = {}
        self.random: Callable[[], Fault] | None = None
        self.bundles: dict[tuple[str, str, bool], dict[str, Any]] = {}
        self.play(SOUND)

    def play(self, fault: Fault) -> None:
        """Behave like this from now on."""
        with self.lock:
            self.fault = fault
            self.rules = [Queued(rule, rule.after, rule.times) for rule in fault.rules]
            self.bundles.clear()

    def queue(self, rules: Iterable[Rule]) -> None:
        with self.lock:
            self.rules = [Queued(rule, rule.after, rule.times) for rule in rules]

    def publish(self, **changes: Any) -> None:
        """Serve other collateral from now on: fields of CollateralChanges."""
        with self.lock:
            self.revision = changes
            self.bundles.clear()

    def forget(self) -> None:
        """As if nothing had been asked."""
        with self.lock:
            self.seen.clear()
            self.headers_seen.clear()
            self.not_modified = 0

    def requests(self, contains: str = "") -> int:
        with self.lock:
            return sum(contains in path for path in self.seen)

    def bundle(self, tee: str, ca: str, early: bool) -> dict[str, Any]:
        with self.lock:
            key = tee, ca, early
            if key not in self.bundles:
                self.bundles[key] = self.make_bundle(tee, ca, early)
            return self.bundles[key]

    def make_bundle(self, tee: str, ca: str, early: bool) -> dict[str, Any]:
        changes = dict(self.fault.changes or {})
        changes.update(self.revision)
        if early and self.early_changes is not None:
            changes.update(self.early_changes)
        return bundle(self.world.pki, replace(self.world.platform, ca=ca), tee, CollateralChanges(**changes))

    # ---- requests

    def connected(self) -> Answer | None:
        rule = self.matching("CONNECT")
        return None if rule is None else Answer(manner=rule.manner)

    def matching(self, what: str) -> Rule | None:
        with self.lock:
            return next((entry.rule for entry in self.rules if entry.take("pccs", what)), None)

    def answer(self, request: Request) -> Answer:
        with self.lock:
            self.seen.append(request.path)
            self.headers_seen.append(request.headers)
        if self.delay_s:
            time.sleep(self.delay_s)
        fault = self.random() if self.random else self.fault
        rule = self.matching(f"{request.method} {request.path}")
        if self.random and fault.rules:
            rule = fault.rules[0]
        answer = self.own_answer(request, fault) if rule is None or rule.status is None else Answer(rule.status)
        if rule is not None:
            body = answer.body if rule.body is None else rule.body.encode() if isinstance(rule.body, str) else rule.body
            answer = replace(answer, body=body, headers={**answer.headers, **rule.headers}, manner=rule.manner)
        return answer

    def own_answer(self, request: Request, fault: Fault) -> Answer:
        if request.method != "GET":
            return Answer(405)
        url = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        part = self.part(url.path, query)
        if part is None:
            return Answer(404, b"No cache data for this platform.")
        if fault.spoil is not None:
            part = fault.spoil(self, part)
        return self.deliver(part, request)

    def part(self, path: str, query: Mapping[str, str]) -> Part | None:
        early = query.get("update") == "early"
        tee = "TDX" if path.startswith("/tdx/") else "SGX"
        if path == "/sgx/certification/v4/rootcacrl":
            return self.crl("root_crl", bytes.fromhex(self.bundle("TDX", "platform", False)["root_ca_crl"]))
        if path == "/sgx/certification/v4/pckcrl" and query.get("ca") in ("platform", "processor"):
            document = self.bundle("TDX", query["ca"], False)
            return self.crl("pck_crl", bytes.fromhex(document["pck_crl"]), "SGX-PCK-CRL-Issuer-Chain", document["pck_crl_issuer_chain"])
        if path in ("/sgx/certification/v4/tcb", "/tdx/certification/v4/tcb"):
            document = self.bundle(tee, "platform", early)
            if query.get("fmspc", "").lower() != self.world.platform.fmspc.hex():
                return None
            return signed("tcb", "tcbInfo", document["tcb_info"], document["tcb_info_signature"], "TCB-Info-Issuer-Chain",
                          document["tcb_info_issuer_chain"])
        if path in ("/sgx/certification/v4/qe/identity", "/tdx/certification/v4/qe/identity"):
            document = self.bundle(tee, "platform", early)
            return signed("identity", "enclaveIdentity", document["qe_identity"], document["qe_identity_signature"],
                          "SGX-Enclave-Identity-Issuer-Chain", document["qe_identity_issuer_chain"])
        return None

    def crl(self, name: str, der: bytes, header: str | None = None, chain: str = "") -> Part:
        return Part(name, CRL_FORMS[self.forms[name]](der), header, chain)

    def deliver(self, part: Part, request: Request) -> Answer:
        headers = {"Request-ID": hashlib.sha256(request.path.encode()).hexdigest()[:32], **(part.headers or {})}
        if part.chain_header is not None:
            headers[part.chain_header] = quote(part.chain, safe="")
        if self.cache_control is not None:
            headers["Cache-Control"] = self.cache_control
        if self.etags:
            headers["ETag"] = f'"{hashlib.sha256(part.body + part.chain.encode()).hexdigest()[:16]}"'
            if request.headers.get("if-none-match") == headers["ETag"]:
                with self.lock:
                    self.not_modified += 1
                return Answer(304, headers=headers)
        return Answer(200, part.body, headers)


def signed(name: str, member: str, text: str, signature: str, header: str, chain: str) -> Part:
    """A document with its signature, the document's bytes as they are."""
    return Part(name, f'{{"{member}":{text},"signature":"{signature}"}}'.encode(), header, chain)


def set_member(part: Part, member: str, value: Any) -> Part:
    """The part with another value of a top-level member; what was signed is written anew."""
    document = json.loads(part.body)
    document[member] = value
    return replace(part, body=json.dumps(document, separators=(",", ":")).encode())
