"""Collects cases and the vectors that they read, and writes both."""
from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Callable, Mapping

from casebook import outcome
from casebook.outcome import Verdict
from simulator import x509
from simulator.minted import Minted
from simulator.world import World

TESTS = Path(__file__).resolve().parents[2]
SEED = "conformance"
HEALTHY = Verdict()

#: What a case may expect: a code, a code after a TCB verdict, or a whole outcome.
Expectation = str | tuple[str, Verdict] | dict[str, Any]


class Book:
    """All cases, by name, and all vectors, by path below tests/."""

    def __init__(self) -> None:
        self.world = World(SEED)
        self.now = self.world.now
        self.sound = self.world.mint()
        self.cases: dict[str, dict[str, Any]] = {}
        self.vectors: dict[str, bytes] = {}
        self.paths: dict[bytes, str] = {}
        self.root = self.vector("common/root.pem", self.world.trust_anchor_pem.encode())
        self.anchor = hashlib.sha256(self.world.pki.root.der).hexdigest()
        self.vector("common/certificate.der", self.sound.certificate_der)
        self.vector("common/quote.bin", self.sound.quote)
        for tee in ("TDX", "SGX"):
            self.vector(f"common/collateral-{tee.lower()}.json", self.world.collateral(tee).encode())

    def vector(self, name: str, content: bytes) -> str:
        """Path of a vector with this content; the same content is stored once, under its first name."""
        digest = hashlib.sha256(content).digest()
        if digest not in self.paths:
            path = f"vectors/{name}"
            assert path not in self.vectors, f"two contents for {path}"
            self.vectors[path] = content
            self.paths[digest] = path
        return self.paths[digest]

    def add(self, name: str, description: str, operation: str, inputs: Mapping[str, str], expect: dict[str, Any], **more: Any) -> None:
        assert name not in self.cases, f"two cases are called {name}"
        given = {key: value for key, value in more.items() if value is not None}
        self.cases[name] = {"description": description, "operation": operation, "inputs": dict(inputs), **given, "expect": expect}

    def platform(self, minted: Minted | None = None) -> dict[str, str | None]:
        """What the PCK certificate of the world's machine says."""
        machine = self.world.platform
        return {"fmspc": machine.fmspc.hex(), "ppid": machine.ppid.hex(), "platform_instance_id": machine.instance_id.hex()}

    # ---- operations

    def extract(self, name: str, description: str, certificate: bytes, expect: bytes | None | str) -> None:
        """`expect`: the quote, None for "no quote", or a code."""
        expected = outcome.failure(expect) if isinstance(expect, str) else outcome.extracted(expect)
        self.add(f"extract/{name}", description, "extract", {"certificate": self.vector(f"extract/{name}.der", certificate)}, expected)

    def inspect(self, name: str, description: str, quote: bytes, expect: Expectation) -> None:
        expected = expect if isinstance(expect, dict) else self.expected(expect, None)
        self.add(f"inspect/{name}", description, "inspect", {"quote": self.vector(f"inspect/{name}.quote", quote)}, expected)

    def inspect_certificate(self, name: str, description: str, certificate: bytes, expect: dict[str, Any]) -> None:
        self.add(f"inspect/certificate-{name}", description, "inspect", {"certificate": self.vector(f"inspect/{name}.der", certificate)}, expect)

    def verify(self, name: str, description: str, minted: Minted, expect: Expectation, *, quote: bytes | None = None,
               certificate: bytes | None = None, bound: bool = False, verifier: Any = "dcap", options: Mapping[str, Any] | None = None,
               options_text: str | None = None, collateral: str | bytes | None = None, trust_anchor: bytes | None = None,
               at: int | None = None, without: tuple[str, ...] = (), folder: bool = False) -> None:
        """Verify the quote, or, where `bound` or `certificate` says so, the certificate.

        `at`: time of the verification, the world's unless given. `without`: inputs that are left out. `folder`: the case's files
        have a folder of their own."""
        part = (lambda short, long: f"{name}/{long}") if folder else (lambda short, long: f"{name}.{short}")
        inputs: dict[str, str] = {}
        if bound or certificate is not None:
            inputs["certificate"] = self.vector(part("der", "certificate.der"), minted.certificate_der if certificate is None else certificate)
        else:
            inputs["quote"] = self.vector(part("quote", "quote.bin"), minted.quote if quote is None else quote)
        if verifier == "dcap":
            bundle = minted.collateral_json if collateral is None else collateral
            inputs["collateral"] = self.vector(part("collateral.json", "collateral.json"), bundle.encode() if isinstance(bundle, str) else bundle)
            anchor = minted.trust_anchor_pem.encode() if trust_anchor is None else trust_anchor
            inputs["trust_anchor"] = self.vector(part("root", "root.pem"), anchor)
        for left_out in without:
            inputs.pop(left_out)
        moment = self.now if at is None else at
        given = None if options_text is not None else {"now": outcome.rfc3339(moment), **(options or {})}
        operation = "verify_certificate" if "certificate" in inputs else "verify_quote"
        self.add(name, description, operation, inputs, self.expected(expect, moment), verifier=verifier, options=given, options_text=options_text)

    def verify_evidence(self, name: str, description: str, evidence: bytes, minted: Minted, expect: Expectation, *,
                        options: Mapping[str, Any] | None = None) -> None:
        """Verify evidence that came without a certificate, under dcap."""
        self.without_certificate(name, description, "verify_evidence", {"evidence": self.vector(f"{name}.evidence", evidence)}, minted, expect, options)

    def verify_report(self, name: str, description: str, report: bytes, expect: Expectation, *, options: Mapping[str, Any] | None = None) -> None:
        """Verify a sidecar's report, under dcap."""
        self.without_certificate(name, description, "verify_report", {"report": self.vector(f"{name}.report", report)}, self.sound, expect, options)

    def without_certificate(self, name: str, description: str, operation: str, inputs: dict[str, str], minted: Minted, expect: Expectation,
                            options: Mapping[str, Any] | None) -> None:
        inputs["collateral"] = self.vector(f"{name}.collateral.json", minted.collateral_json.encode())
        inputs["trust_anchor"] = self.vector(f"{name}.root", minted.trust_anchor_pem.encode())
        self.add(name, description, operation, inputs, self.expected(expect, self.now), verifier="dcap",
                 options={"now": outcome.rfc3339(self.now), **(options or {})})

    def in_turn(self, name: str, description: str, verifier: Any, turns: list[tuple[bytes, Mapping[str, Any], dict[str, Any]]]) -> None:
        """Several verifications of certificates with one verifier. A turn is a certificate, options and what must come out:
        `kept(...)` of casebook.outcome or a failure. No turn says `now`: with a time of its own nothing is kept."""
        written = [{"inputs": {"certificate": self.vector(f"{name}-{number}.der", certificate)}, "options": dict(options)}
                   for number, (certificate, options, _) in enumerate(turns)]
        self.add(name, description, "verify_in_turn", {}, {"accepted": True, "turns": [expect for _, _, expect in turns]},
                 verifier=verifier, turns=written)

    def says(self, name: str, **messages: str) -> None:
        """The message that each language must give for a case that fails, by its spelling."""
        self.cases[name]["messages"] = messages

    def expected(self, expect: Expectation, moment: int | None) -> dict[str, Any]:
        if isinstance(expect, dict):
            return expect
        if isinstance(expect, str):
            return outcome.failure(expect)
        code, verdict = expect
        return outcome.failure(code, verdict.tcb(self.now, self.world.platform.fmspc.hex()))

    def accepted(self, minted: Minted, verdict: Verdict = HEALTHY, *, quote: bytes | None = None, bound: bool = False,
                 at: int | None = None, platform: dict[str, str | None] | None = None, anchor: str | None = None,
                 **more: Any) -> dict[str, Any]:
        """Acceptance by the dcap verifier. A certificate's event log is the guest's, unless `events` says otherwise."""
        more.setdefault("events", minted.guest.events if bound else None)
        expected = outcome.result(
            minted.quote if quote is None else quote, now=self.now, verifier="dcap", verdict=verdict,
            trust_anchor=anchor or self.anchor, platform=platform or self.platform(), **{"key_bound": True if bound else None, **more})
        if at is not None:
            expected["result"]["verified_at"] = outcome.rfc3339(at)
        return expected

    def accepted_until(self, minted: Minted, expires: int) -> dict[str, Any]:
        """Acceptance on collateral that holds until then."""
        return self.accepted(minted, Verdict(expires=expires))

    # ---- files

    def files(self) -> dict[Path, bytes]:
        """Every file, by its path."""
        files = {TESTS / path: content for path, content in self.vectors.items()}
        for name, case in self.cases.items():
            text = json.dumps(case, indent=2, ensure_ascii=False) + "\n"
            files[TESTS / "conformance" / "cases" / f"{name}.json"] = text.encode()
        return files


def re_pem(*certificates: bytes) -> bytes:
    """A PCK chain as certification data: PEM blocks and a NUL."""
    return "".join(x509.pem(item) for item in certificates).encode() + b"\0"


Chapter = Callable[[Book], None]
