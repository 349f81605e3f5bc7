#!/usr/bin/env python3
"""Runs every conformance case through the Python package `ra_tls_verify`; prints what the C runner prints.

`python_runner.py [TESTS_DIRECTORY]`: exit 0 when every outcome is the expected one, 1 otherwise or when there is no case.
"""
from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import ra_tls_verify
from ra_tls_verify import RaTlsError, RefusedError, UnavailableError, UsageError, VerifyOptions

TESTS = Path(__file__).resolve().parents[1]
#: Names the file that says where the stand-in for Intel Trust Authority is.
STANDIN = "RATLS_INTEL_STANDIN"
CLASSES = {UsageError: "usage", RefusedError: "refused", UnavailableError: "unavailable"}

INSPECT = {"certificate": ra_tls_verify.inspect_certificate, "quote": ra_tls_verify.inspect_quote,
           "evidence": ra_tls_verify.inspect_evidence, "report": ra_tls_verify.inspect_report}


class CaseVerifier(ra_tls_verify.RaTlsVerifier):
    """A verifier of the caller's that answers as its case says."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer

    def verify(self, quote: bytes, options: VerifyOptions) -> Any:
        if "claims" in self.answer:
            return self.answer["claims"]
        raise RefusedError("as the case says") if self.answer["reject"] == "refused" else RuntimeError("as the case says")


def make_options(case: dict[str, Any]) -> VerifyOptions:
    """The case's object or text as a policy file."""
    return VerifyOptions.from_json(case["options_text"] if "options_text" in case else json.dumps(case.get("options", {})))


def intel_verifier(intel: dict[str, Any], inputs: dict[str, bytes]) -> ra_tls_verify.RaTlsVerifier:
    """Intel Trust Authority's verifier, for the stand-in's service that does what the case says."""
    there = json.loads(Path(os.environ[STANDIN]).read_text(encoding="utf-8"))["authorities"][intel["scenario"]]
    given: dict[str, Any] = {"base_url": there["api_url"], "portal_url": there["portal_url"], "ca_file": there["ca_file"],
                             "pinned_roots": inputs.get("pinned_roots"), "api_key": there["api_key"], **intel.get("options", {})}
    return ra_tls_verify.IntelApiVerifier(**{name: value for name, value in given.items() if value is not None})


def make_verifier(case: dict[str, Any], inputs: dict[str, bytes]) -> ra_tls_verify.RaTlsVerifier:
    verifier = case.get("verifier", "dcap")
    if "intel" in verifier:
        return intel_verifier(verifier["intel"], inputs)
    if isinstance(verifier, dict):
        return CaseVerifier(verifier["custom"])
    if verifier == "noop":
        return ra_tls_verify.NoopVerifier()
    return ra_tls_verify.DcapVerifier(inputs.get("collateral"), inputs.get("trust_anchor"))


def check_options(options: VerifyOptions) -> None:
    """Options are read before the verifier is made, as the C runner does."""
    from ra_tls_verify._options import policy_of
    policy_of(options)


def run_verify(case: dict[str, Any], inputs: dict[str, bytes]) -> dict[str, Any]:
    options = make_options(case)
    check_options(options)
    verifier = make_verifier(case, inputs)
    verify = {"verify_certificate": verifier.verify_certificate_sync, "verify_evidence": verifier.verify_evidence_sync,
              "verify_report": verifier.verify_report_sync, "verify_quote": verifier.verify_sync}[case["operation"]]
    return {"result": verify(inputs[case["operation"].removeprefix("verify_")], options).to_dict()}


def run_turn(turn: dict[str, Any], verifier: ra_tls_verify.RaTlsVerifier, tests: Path) -> dict[str, Any]:
    """One verification of a certificate; of what is accepted only whether the verdict was kept from an earlier turn."""
    try:
        certificate = (tests / turn["inputs"]["certificate"]).read_bytes()
        return {"accepted": True, "from_cache": verifier.verify_certificate_sync(certificate, make_options(turn)).from_cache}
    except RaTlsError as error:
        return failure_of(error)


def run_operation(case: dict[str, Any], inputs: dict[str, bytes], tests: Path) -> dict[str, Any]:
    if case["operation"] == "extract":
        quote = ra_tls_verify.extract_tdx_quote(inputs["certificate"])
        return {"quote": None if quote is None else {"length": len(quote), "sha256": hashlib.sha256(quote).hexdigest()}}
    if case["operation"] == "inspect":
        name = next(name for name in INSPECT if name in inputs)
        return {"fields": INSPECT[name](inputs[name])}
    if case["operation"] == "verify_in_turn":
        verifier = make_verifier(case, inputs)
        return {"turns": [run_turn(turn, verifier, tests) for turn in case["turns"]]}
    return run_verify(case, inputs)


def failure_of(error: RaTlsError) -> dict[str, Any]:
    kind = next(name for base, name in CLASSES.items() if isinstance(error, base))
    return {"accepted": False, "code": error.code, "class": kind, "stage": error.stage, "tcb": error.tcb}


def outcome_of(case: dict[str, Any], tests: Path = TESTS) -> dict[str, Any]:
    """The normalised outcome of a case.

    Raises:
        AssertionError: the message is not the one that the case demands in Python's spelling.
    """
    inputs = {key: (tests / path).read_bytes() for key, path in case["inputs"].items()}
    try:
        return {"accepted": True, **run_operation(case, inputs, tests)}
    except RaTlsError as error:
        expected = case.get("messages", {}).get("python", str(error))
        if str(error) != expected:
            raise AssertionError(f"message differs\n  found    {error}\n  expected {expected}") from error
        return failure_of(error)


def line_of(name: str, outcome: dict[str, Any]) -> str:
    return json.dumps({"name": name, **outcome}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load_cases(tests: Path = TESTS) -> dict[str, dict[str, Any]]:
    """All cases in the order of their names; those of Intel Trust Authority only where its stand-in runs.

    Raises RuntimeError when there is none."""
    directory = tests / "conformance" / "cases"
    cases = {path.relative_to(directory).with_suffix("").as_posix(): path for path in directory.glob("*/*.json")}
    if not cases:
        raise RuntimeError(f"no cases in {directory}")
    loaded = {name: json.loads(cases[name].read_text(encoding="utf-8")) for name in sorted(cases)}
    return {name: case for name, case in loaded.items() if os.environ.get(STANDIN) or "intel" not in case.get("verifier", "")}


def main(tests: Path = TESTS) -> int:
    different = 0
    cases = load_cases(tests)
    for name, case in cases.items():
        try:
            line, expected = line_of(name, outcome_of(case, tests)), line_of(name, case["expect"])
        except AssertionError as error:
            different += 1
            print(f"{name}: {error}", file=sys.stderr)
            continue
        print(line)
        if line != expected:
            different += 1
            print(f"{name}: differs\n  found    {line}\n  expected {expected}", file=sys.stderr)
    print(f"conformance: {len(cases)} cases, {different} differ", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else TESTS))
