"""What the service and its portal answer (Intel rules 1 and 5.1): no sockets here."""
from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Callable, Iterable, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from simulator.intel import token
from simulator.intel.pki import CRL_FILES, Role, TokenPki
from simulator.intel.scenario import Answer, Rule, Scenario
from simulator.intel.token import base64url
from simulator.intel.web import Request
from simulator.keys import Seed
from simulator.quote import TEE_TDX, read_field

REQUEST_MAX = 500_000
QUOTE_MIN, QUOTE_MAX = 636, 32768
NONCE_LIFETIME_S = 30
ALGORITHMS = ("PS384", "RS256")
REQUEST_ID = re.compile(r"[A-Za-z0-9_ /.-]{1,128}")
JSON = {"Content-Type": "application/json"}
DER = {"Content-Type": "application/pkix-crl"}


@dataclass(frozen=True)
class Seen:
    """A request that arrived. Of the key only whether it was there and right."""

    listener: str
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case, without the key
    key: str  # none, right or wrong
    body_sha256: str
    body: Any  # as JSON; None where it is none
    tls_version: str | None


@dataclass
class Queued:
    """A rule, and what is left of it."""

    rule: Rule
    after: int
    times: int | None

    def take(self, listener: str, what: str) -> bool:
        """Whether it applies; it is then used up by one."""
        if not what.startswith(self.rule.match) or self.rule.listener not in (None, listener) or self.times == 0:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Refused(Exception):
    """The service answers with an error."""

    def __init__(self, status: int, text: str, kind: str = "error") -> None:
        super().__init__(text)
        self.answer = Answer(status, json.dumps({kind: text}).encode() + b"\n", JSON)


class Service:
    """The two halves, `api` and `portal`, with one state. Safe for threads.

    `now`: unix seconds at which its clock stands; None: the system's clock."""

    def __init__(self, scenario: Scenario, seed: Seed, now: int | None) -> None:
        self.seed = seed
        self.fixed_now = now
        self.started = int(time.time()) if now is None else now
        self.urls: dict[str, str] = {}  # by listener
        self.api_key = base64.b64encode(seed.derive("ita-api-key", 30)).decode()
        self.tcb_status = "UpToDate"
        self.unruly: Callable[[str, Request], Rule | None] | None = None  # asked before the queue
        self.lock = threading.RLock()
        self.counters: dict[str, int] = {}
        self.play(scenario)

    def play(self, scenario: Scenario) -> None:
        """Behave like this from now on; what was seen is forgotten."""
        with self.lock:
            self.scenario = scenario
            self.seen: list[Seen] = []
            self.connections: dict[str, int] = {"api": 0, "portal": 0, "stranger": 0, "plain": 0}
            self.problems: list[str] = []
            self.issued = 0
            self.signer = "leaf"  # label of the certificate in use
            for cached in ("pki", "evil"):
                self.__dict__.pop(cached, None)
            self.queue(scenario.rules)

    def queue(self, rules: Iterable[Rule]) -> None:
        with self.lock:
            self.rules = [Queued(rule, rule.after, rule.times) for rule in rules]

    def rotate(self) -> None:
        """Sign with a new certificate from now on; the portal lists both."""
        with self.lock:
            self.signer = f"leaf-{self.count('rotation')}"

    @property
    def now(self) -> int:
        """The service's own clock."""
        moment = int(time.time()) if self.fixed_now is None else self.fixed_now
        return moment + self.scenario.clock_s

    @property
    def api_url(self) -> str:
        return self.urls["api"]

    @property
    def portal_url(self) -> str:
        return self.urls["portal"]

    @cached_property
    def pki(self) -> TokenPki:
        changes = self.scenario.pki
        return TokenPki(self.seed, self.started, self.portal_url, changes(self) if callable(changes) else changes)

    @cached_property
    def evil(self) -> TokenPki:
        """Somebody else's PKI, of the same names."""
        return TokenPki(self.seed, self.started, self.portal_url, prefix="evil/")

    def random(self, label: str, size: int) -> bytes:
        """Bytes that are new each time, and the same in each run."""
        return self.seed.derive(f"ita/{label}/{self.count(label)}", size)

    def count(self, label: str) -> int:
        with self.lock:
            self.counters[label] = self.counters.get(label, 0) + 1
            return self.counters[label]

    # ---- requests

    def connected(self, listener: str) -> Answer | None:
        """A new connection; not None: how it is treated instead of being served."""
        with self.lock:
            self.connections[listener] += 1
        rule = self.matching(listener, "CONNECT")
        return None if rule is None else Answer(manner=rule.manner)

    def answer(self, listener: str, request: Request) -> Answer:
        self.note(listener, request)
        rule = self.unruly(listener, request) if self.unruly else None
        rule = rule or self.matching(listener, f"{request.method} {request.path}")
        answer = self.own_answer(listener, request) if rule is None or rule.status is None else Answer(rule.status, headers=JSON)
        if rule is not None:
            body = answer.body if rule.body is None else rule.body.encode() if isinstance(rule.body, str) else rule.body
            answer = replace(answer, body=body, headers={**answer.headers, **self.filled(rule.headers)}, manner=rule.manner)
        return self.marked(answer, request)

    def filled(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers with URLs in their places."""
        return {name: value.format(**self.urls) for name, value in headers.items()}

    def own_answer(self, listener: str, request: Request) -> Answer:
        if listener in ("stranger", "plain") and not self.scenario.mirror:
            return Answer(200, b'{"keys":[]}', JSON)
        try:
            return self.api(request) if listener == "api" else self.portal(request)
        except Refused as refusal:
            return refusal.answer

    def marked(self, answer: Answer, request: Request) -> Answer:
        """With the marks by which an exchange is known."""
        marks = {"Trace-Id": base64.b64encode(self.random("trace", 11)).decode()}
        identity = request.headers.get("request-id")
        if identity is not None and REQUEST_ID.fullmatch(identity):
            marks["Request-Id"] = identity
        return replace(answer, headers={**answer.headers, **marks})

    def matching(self, listener: str, what: str) -> Rule | None:
        """The first rule of the queue that applies, used up by one."""
        with self.lock:
            return next((entry.rule for entry in self.rules if entry.take(listener, what)), None)

    def note(self, listener: str, request: Request) -> None:
        given = request.headers.get("x-api-key")
        key = "none" if given is None else "right" if given == self.api_key else "wrong"
        headers = {name: value for name, value in request.headers.items() if name != "x-api-key"}
        try:
            body = json.loads(request.body) if request.body else None
        except ValueError:
            body = None
        seen = Seen(listener, request.method, request.path, headers, key, hashlib.sha256(request.body).hexdigest(), body, request.tls_version)
        with self.lock:
            self.seen.append(seen)
            if listener == "portal" and given is not None:
                self.problems.append(f"x-api-key arrived at the portal: {request.method} {request.path}")

    # ---- portal

    def portal(self, request: Request) -> Answer:
        crls = {f"/crl/{file}": issuer for issuer, file in CRL_FILES.items()}
        if request.method != "GET":
            raise Refused(405, "method not allowed", "message")
        if request.path == "/certs":
            return Answer(200, json.dumps(self.key_set()).encode(), JSON)
        if request.path in crls:
            return Answer(200, self.crl(crls[request.path]), DER)
        if request.path == "/.well-known/openid-configuration":
            return Answer(200, json.dumps({
                "issuer": self.portal_url, "jwks_uri": f"{self.portal_url}/certs", "revocation_endpoint": self.pki.crl_url("ats"),
                "id_token_signing_alg_values_supported": ["RS384"]}).encode(), JSON)
        if request.path == "/eat_profile.html":
            return Answer(200, b"<!DOCTYPE html><title>EAT profile</title>", {"Content-Type": "text/html"})
        raise Refused(404, "no such page", "message")

    def key_set(self) -> Any:
        """The document at /certs: each signer twice, under one name."""
        signers = [self.signer] if self.signer == "leaf" else [self.signer, "leaf"]
        keys = [entry for label in signers for entry in self.entries(self.pki, label)]
        return self.scenario.keys(keys, self) if self.scenario.keys else {"keys": keys}

    @staticmethod
    def entries(pki: TokenPki, label: str = "leaf") -> list[dict[str, Any]]:
        """A signer's entries, one for each algorithm."""
        role = pki.signer(label)
        chain = [base64.b64encode(item).decode() for item in pki.chain(label)]
        return [key_entry(role, algorithm, chain) for algorithm in ALGORITHMS]

    def crl(self, issuer: str) -> bytes:
        changes = dict(self.scenario.crl.get(issuer, {}))
        pki = self.evil if changes.pop("evil", False) else self.pki
        cut = changes.pop("cut", None)  # bytes that are missing at the end
        content = pki.crl(issuer, changes)
        return content[:-cut] if cut else content

    # ---- API

    def api(self, request: Request) -> Answer:
        routes = {
            ("GET", "/appraisal/v2/nonce"): lambda: self.nonce(), ("GET", "/appraisal/v1/nonce"): lambda: self.nonce(),
            ("POST", "/appraisal/v2/attest"): lambda: self.attest(request, 2), ("POST", "/appraisal/v1/attest"): lambda: self.attest(request, 1),
        }
        route = routes.get((request.method, request.path))
        if route is None:
            raise Refused(404, "no such resource", "message")
        if request.headers.get("x-api-key") != self.api_key:
            raise Refused(401, "Unauthorized", "message")
        if request.headers.get("accept") != "application/json":
            raise Refused(406, "Accept must be application/json")
        return Answer(200, json.dumps(route()).encode(), JSON)

    def nonce(self) -> dict[str, str]:
        value = base64.b64encode(self.random("nonce", 64))  # what is encoded is text again, as Intel has it
        moment = token.text_time(self.now).encode()
        signature = self.pki.leaf.key.sign_pss(value + moment, "384")
        return {name: base64.b64encode(part).decode() for name, part in (("val", value), ("iat", moment), ("signature", signature))}

    def attest(self, request: Request, version: int) -> dict[str, str]:
        document = self.document(request)
        evidence = document if version == 1 else document.get("tdx")
        if not isinstance(evidence, dict):
            raise Refused(400, "Invalid request body: no evidence")
        if version == 1 and "tdx" in document:
            raise Refused(400, "Invalid request body: unknown field tdx")
        quote = decoded(evidence.get("quote"), "quote")
        if not QUOTE_MIN <= len(quote) <= QUOTE_MAX or quote[0] not in (4, 5) or quote[4] != TEE_TDX:
            raise Refused(400, "Failed to verify quote")
        self.check_held(evidence, quote)
        if document.get("token_signing_alg", "PS384") not in ALGORITHMS:
            raise Refused(400, "Invalid token_signing_alg")
        draft = token.draft(self, quote, version, document)
        if self.scenario.token:
            self.scenario.token(draft)
        with self.lock:
            self.issued += 1
        return {"token": draft.finish()}

    def document(self, request: Request) -> dict[str, Any]:
        if len(request.body) > REQUEST_MAX:
            raise Refused(413, "Request Entity Too Large", "message")
        if request.headers.get("content-type") != "application/json":
            raise Refused(415, "Content-Type must be application/json")
        try:
            document = json.loads(request.body)
        except ValueError:
            raise Refused(400, "Invalid request body: not JSON") from None
        if not isinstance(document, dict):
            raise Refused(400, "Invalid request body: not an object")
        return document

    def check_held(self, evidence: Mapping[str, Any], quote: bytes) -> None:
        """REPORTDATA commits to nonce and runtime data, where there are any (Intel rules 1.8)."""
        nonce, runtime = evidence.get("verifier_nonce"), evidence.get("runtime_data")
        held = decoded(runtime, "runtime_data") if runtime is not None else b""
        if nonce is not None:
            value, moment, signature = (decoded(nonce.get(part), part) for part in ("val", "iat", "signature"))
            self.check_nonce(value, moment, signature)
            held = value + moment + held
        if held and hashlib.sha512(held).digest() != read_field(quote, "report_data"):
            raise Refused(400, "Report data does not match")

    def check_nonce(self, value: bytes, moment: bytes, signature: bytes) -> None:
        try:
            self.pki.leaf.key.private.public_key().verify(
                signature, value + moment, padding.PSS(padding.MGF1(hashes.SHA384()), hashes.SHA384.digest_size), hashes.SHA384())
        except InvalidSignature:
            raise Refused(400, "Invalid nonce") from None
        if moment.decode() not in {token.text_time(self.now - age) for age in range(NONCE_LIFETIME_S + 1)}:
            raise Refused(400, "Nonce expired")


def key_entry(role: Role, algorithm: str, chain: list[str]) -> dict[str, Any]:
    return {"alg": algorithm, "e": "AQAB", "kid": role.kid, "kty": "RSA", "n": base64url(role.key.modulus), "x5c": chain}


def decoded(text: Any, what: str) -> bytes:
    """Standard base64 with padding. Raises Refused."""
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise Refused(400, f"Invalid request body: {what}") from None
