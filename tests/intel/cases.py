"""The cases for Intel Trust Authority by their numbers in the rules (5.2, 5.3): what the service does, what must come out.

A case whose code is None is accepted. `wire`: it needs a fault on the wire, time, or a server of its own, and is run
through the command only; all others are conformance cases as well, for every language."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from simulator.intel.scenarios import SCENARIOS
from simulator.intel.scenarios_token import OTHER_POLICY, POLICY
from simulator.world import World

#: Limits that keep a test on the wire short.
QUICK = {"attempt_timeout_ms": 700, "attempts": 2}


@dataclass(frozen=True)
class Case:
    """One verification."""

    name: str
    code: str | None
    scenario: str = ""  # its name unless given
    quote: str = "sound"  # QUOTES
    options: Mapping[str, Any] = field(default_factory=dict)  # of the verification
    intel: Mapping[str, Any] = field(default_factory=dict)  # of the verifier, by their names in C
    appraisals: int | None = None  # requests for a token
    portal: int | None = None  # requests to the portal
    details: Mapping[str, Any] = field(default_factory=dict)  # of the error
    says: Sequence[str] = ()  # pieces of the message
    result: Mapping[str, Any] = field(default_factory=dict)  # fields of the result that are not a healthy server's
    tcb: Mapping[str, Any] | None = None  # fields that a refusal tells and that are not a healthy server's; None: it tells nothing
    wire: bool = False

    @property
    def number(self) -> str:
        """Its number in the rules."""
        return self.name.partition("-")[0]

    @property
    def played(self) -> str:
        """What the service does: one of simulator.intel.scenarios."""
        return self.scenario or self.name

    @property
    def describe(self) -> str:
        """One sentence: what the service does, and what is asked of the verifier."""
        asked = {name: value for name, value in {**self.intel, **self.options}.items() if name != "api_key"}
        more = "; with " + ", ".join(sorted(asked)) if asked else ""
        return SCENARIOS[self.played].about + (f"; the quote is {self.quote}" if self.quote != "sound" else "") + more


#: Quotes by name: arguments of World.mint.
QUOTES: Mapping[str, Mapping[str, Any]] = {
    "sound": {}, "v5": {"kind": "tdx-v5-type3"}, "v5-type2": {"kind": "tdx-v5-type2"}, "debug": {"fault": "debug"},
    "sibling": {"label": "sibling"}, "other-image": {"fault": "other_mrtd"}, "sgx": {"kind": "sgx-v3"}, "sgx-v4": {"kind": "sgx-v4"},
}


def quote_of(world: World, name: str) -> bytes:
    """A quote by its name; what is no quote is made here."""
    sound = world.mint().quote
    made = {"short": sound[:635], "large": sound + bytes(100 * 1024 - len(sound)), "version": b"\x06\0" + sound[2:]}
    return made[name] if name in made else world.mint(**QUOTES[name]).quote


SECOND_ATTEMPT = {"attempts": 2}


def refused(code: str, *names: str, **more: Any) -> list[Case]:
    """Cases of one code, one for each scenario."""
    return [Case(name, code, **more) for name in names]


def positive() -> list[Case]:
    return [
        Case("P01", None, "sound", appraisals=1, portal=3),
        Case("P02", None, "sound", intel={"allowed_algorithms": ["RS256"]}),
        Case("P02-either", None, "sound", intel={"allowed_algorithms": ["PS384", "RS256"]}),
        Case("P03", None, "sound", intel={"api_version": 1}),
        Case("P04", None),
        Case("P05", None, "sound", intel={"pinned_roots": "root"}),
        Case("P06", None, "sound", quote="v5"),
        Case("P06-type2", None, "sound", quote="v5-type2"),
        Case("P07", None, "sound", intel={"policy_ids": [POLICY, OTHER_POLICY], "policy_must_match": True}),
        Case("P08", None, wire=True, appraisals=2),
        Case("P09", None, wire=True, appraisals=2),
        Case("P11", None),
        Case("P12", None),
        Case("P12-text", None, intel={"policy_ids": [POLICY]}),
        Case("P13", None),
        Case("P13-no-alg", None),
        Case("P13-spare", None),
        Case("P15", None),
        Case("P16", None),
        Case("P16-ahead", None),
        Case("P19", None, result={"tcb_status": "SWHardeningNeeded", "tcb_status_dcap": "SWHardeningNeeded", "advisory_ids": ["INTEL-SA-01036"]}),
        Case("P20", None),
        Case("P20-null", None),
        Case("P21", None, wire=True, appraisals=1),
        Case("P22", None, wire=True, appraisals=1),
        Case("P23", None),
        Case("P24", None, wire=True),
        Case("P25", None, wire=True, appraisals=1, portal=5),
        Case("P26", None, wire=True),
        Case("N23", None),
        Case("N23-repeated", None),
        Case("N31-404-soft", None, "N31-404", intel={"crl_policy": "soft"}, result={"waived": ["intel_crl"]}),
        Case("N31-expired-soft", None, "N31-expired", intel={"crl_policy": "soft"}, result={"waived": ["intel_crl"]}),
        Case("N31-off", None, "N31-404", intel={"crl_policy": "off"}, portal=1, result={"waived": ["intel_crl"]}),
        Case("N32-host-allowed", None, "N32-host-allowed", intel={"crl_hosts": ["127.0.0.2"]}, wire=True),
        Case("N27-2048-allowed", None, "N27-2048", intel={"min_rsa_bits": 2048}),
        Case("N56-unasked-allowed", None, "N56-unasked", intel={"allow_unmatched_policies": True}),
        Case("N59-instances", None),
        Case("N64-date", None, wire=True, appraisals=2),
        Case("N64-garbage", None, wire=True, appraisals=2),
        Case("N64-negative", None, wire=True, appraisals=2),
    ]


def header() -> list[Case]:
    return [
        Case("N01", "INTEL_TOKEN_KEY_ID", portal=2, appraisals=1),
        *refused("INTEL_TOKEN_KEY_ID", "N02", "N03-number", "N03-empty", "N03-long", portal=0),
        Case("N04", "INTEL_TOKEN_FORMAT", portal=0),
        *refused("INTEL_TOKEN_ALGORITHM", "N05-title", "N05-mixed", "N06", "N07-spki", "N07-certificate", "N08", "N09-ps256", "N09-rs384", "N09-ps512",
                 "N09-es384", portal=0),
        Case("N08-reverse", "INTEL_TOKEN_ALGORITHM", "N08-reverse", intel={"allowed_algorithms": ["RS256"]}),
        *refused("INTEL_TOKEN_HEADER", "N33", "N34-jwk", "N34-x5c", "N34-crit", "N34-b64", "N34-x5u", "N34-zip", "N34-enc", "N34-typ", portal=0),
    ]


def times() -> list[Case]:
    return [
        Case("N10", "INTEL_TOKEN_EXPIRED"),
        Case("N11", "INTEL_TOKEN_NOT_YET_VALID"),
        Case("N12", "INTEL_TOKEN_STALE"),
        *refused("INTEL_CLAIM_MISSING", "N13-exp-missing", "N13-iat-missing", "N13-nbf-missing"),
        *refused("INTEL_CLAIM_TYPE", "N13-exp-text", "N13-iat-text", "N13-nbf-text", "N13-exp-infinite", "N13-exp-negative", "N13-exp-huge",
                 "N13-exp-fraction"),
        Case("N14", "INTEL_TOKEN_STALE"),
        Case("N83-ahead", "INTEL_TOKEN_EXPIRED", says=["clock"]),
        Case("N83-behind", "INTEL_TOKEN_NOT_YET_VALID", says=["clock"]),
    ]


def keys() -> list[Case]:
    return [
        *refused("INTEL_TOKEN_SIGNATURE", "N15", "N15-improved", "N16", "N17-half", "N17-383", "N17-385", "N18-0", "N18-32", "N19"),
        Case("N20", "INTEL_CHAIN", intel={"pinned_roots": "root"}),
        *refused("INTEL_KEY", "N21", "N22", "N24-empty", "N24-missing", "N24-one", "N24-eleven", "N24-garbage", "N24-not-base64", "N24-trailing"),
        *refused("INTEL_CHAIN", "N24-no-root", "N25-leaf", "N25-intermediate", "N25-root", "N25-early", "N26-leaf-ca", "N26-intermediate", "N26-usage",
                 "N26-wrong-signer", "N26-path-length"),
        *refused("INTEL_KEY", "N27-1024", "N27-2048", "N28", "N28-leaf"),
        *refused("INTEL_SIGNER_REVOKED", "N29", "N30"),
        *refused("INTEL_CRL", "N31-404", "N31-root-404", "N31-expired", "N31-no-end", "N31-early", "N31b-wrong-ca", "N31b-wrong-issuer", "N31b-truncated",
                 "N31b-swapped"),
        *(Case(f"{name}-soft", "INTEL_CRL", name, intel={"crl_policy": "soft"})
          for name in ("N31b-wrong-ca", "N31b-wrong-issuer", "N31b-truncated", "N31b-swapped")),
        *(Case(f"{name}-soft", "INTEL_SIGNER_REVOKED", name, intel={"crl_policy": "soft"}) for name in ("N29", "N30")),
        *refused("INTEL_CRL", "N32-file", "N32-ftp", "N32-host", "N32-user", "N32-none", portal=1),
        *refused("INTEL_PROTOCOL", "N77-html", "N77-empty", "N77-object", "N77-1000", "N77-twice"),
        Case("N77-404", "INTEL_HTTP_STATUS", details={"http_status": 404}),
        Case("N77-mebibyte", "INTEL_TOO_LARGE"),
        Case("N77-no-keys", "INTEL_TOKEN_KEY_ID"),
    ]


def claims() -> list[Case]:
    return [
        *refused("INTEL_TOKEN_ISSUER", "N35-other", "N35-missing", "N35-eu", "N35-v1", "N35-slash"),
        *refused("INTEL_TOKEN_VERSION", "N36-3", "N36-missing", "N36-number", "N37-v2-answers-v1", "N37-flat-2", "N37-nested-1"),
        Case("N37-v1-answers-v2", "INTEL_TOKEN_VERSION", intel={"api_version": 1}),
        Case("N38", "INTEL_TOKEN_FORMAT"),
        *refused("INTEL_TOKEN_BINDING", "N39", "N40", "N41", "N41-rtmr0", "N41-rtmr1", "N41-rtmr2", "N42", "N42-mr-seam", "N42-tcb-svn", "N42-xfam",
                 "N42-mr-config-id", "N42-mr-owner", "N42-mr-owner-config", "N42-mr-signer-seam", "N42-seam-attributes"),
        *refused("INTEL_CLAIM_MISSING", "N43-missing", "N44", "N46-missing", "N49-missing", "N50-missing"),
        *refused("INTEL_CLAIM_TYPE", "N43-number", "N43-94", "N43-not-hex", "N43-prefix", "N43-empty", "N46-text", "N46-null", "N46-zero", "N49-number",
                 "N50-sgx"),
        Case("N45", "DEBUG_MODE", "sound", quote="debug", tcb={}),
        *refused("DEBUG_MODE", "N47", "N48"),
        *(Case(f"{name}-allowed", "INTEL_TOKEN_BINDING", name, options={"allow_debug_mode": True}) for name in ("N47", "N48")),
        Case("N47-hidden", "DEBUG_MODE", quote="debug"),
        *(Case(f"N49-{status}", "TCB_STATUS", tcb={"tcb_status": status, "tcb_status_dcap": status}, says=[status]) for status in (
            "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded", "Revoked",
            "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded")),
        *refused("TCB_STATUS", "N49-lower-case", "N49-product-word", "N49-empty", "N49-unknown"),
        *refused("INTEL_TOKEN_FORMAT", "N51-good-first", "N51-bad-first", "N52-name", "N52-issuer", "N53-array", "N53-utf8", "N53-nested", "N53-trailing",
                 "N54-one-part", "N54-two-parts", "N54-four-parts", "N54-padding", "N54-alphabet", "N54-newline", "N54-trailing-bits", "N54-left-over"),
        Case("N55", "INTEL_TOO_LARGE"),
        *refused("INTEL_POLICY", "N56-unmatched", "N56-absent", "N56-both", intel={"policy_ids": [POLICY]}),
        Case("N56-unasked", "INTEL_POLICY"),
        *refused("INTEL_CLAIM_TYPE", "N59-text", "N59-object", "N59-unmatched"),
    ]


def statuses() -> list[Case]:
    def status(name: str, number: int, **more: Any) -> Case:
        return Case(name, "INTEL_HTTP_STATUS", details={"http_status": number, **more.pop("details", {})}, **more)
    return [
        status("N60-401", 401, appraisals=1, says=["401"]),
        status("N60-403", 403, appraisals=1, says=["403"]),
        status("N61", 400, appraisals=1, says=["returned 400", "Failed to verify quote"]),
        status("N61-control", 400, appraisals=1),
        status("N62", 429, appraisals=1, details={"retry_after_s": 3600}),
        status("N63", 429, appraisals=3, wire=True),
        status("N64-far", 429, appraisals=1),
        *(status(f"N65-{number}", number, appraisals=3, wire=True) for number in (500, 502, 503, 504)),
        status("N67-204", 204, appraisals=1),
        status("N67-201", 201, appraisals=1),
        status("N67-302", 302, appraisals=1),
        *(status(f"N68-{number}-{kind}", number, appraisals=1) for number in (307, 308) for kind in ("stranger", "plain")),
        status("N68-portal", 302, appraisals=1),
        *refused("INTEL_PROTOCOL", "N66-error", "N66-empty", "N66-null", "N66-array", "N66-number", "N66-html", "N66-twice", "N66-trailing", "N82",
                 "N82-certs", appraisals=1),
    ]


def wire() -> list[Case]:
    tls = ("unknown-ca", "wrong-host", "expired", "self-signed", "tls1.1")
    return [
        Case("N69", "INTEL_NETWORK", appraisals=3, wire=True),
        Case("N70", "INTEL_TOO_LARGE", appraisals=1, wire=True),
        Case("N71", "INTEL_TOO_LARGE", appraisals=1, wire=True),
        *refused("INTEL_TIMEOUT", "N72-body", "N72-headers", "N72-silent", intel=QUICK, appraisals=2, wire=True),
        Case("N72-accept", "INTEL_TIMEOUT", intel={**QUICK, "http_connect_timeout_ms": 700}, appraisals=0, wire=True),
        Case("N72-certs", "INTEL_TIMEOUT", intel=QUICK, appraisals=1, wire=True),
        Case("N72-deadline", "TIMEOUT", "N72-silent", options={"timeout_ms": 900}, wire=True),
        Case("N73", "INTEL_TOO_LARGE", appraisals=1, wire=True),
        *(Case(f"N74-{identity}", "INTEL_TLS", appraisals=0, wire=True) for identity in (*tls, "plain")),
        *(Case(f"N74-portal-{identity}", "INTEL_TLS", appraisals=1, portal=0, wire=True) for identity in tls),
        *refused("INTEL_NETWORK", "N76-reset-body", "N76-reset", "N76-close", intel=SECOND_ATTEMPT, appraisals=2, wire=True),
        Case("N76-not-http", "INTEL_PROTOCOL", wire=True),
        Case("N76-refused", "INTEL_NETWORK", "sound", intel={**SECOND_ATTEMPT, "base_url": "https://127.0.0.1:1"}, appraisals=0, wire=True),
        Case("N76-name", "INTEL_NETWORK", "sound", intel={**SECOND_ATTEMPT, "base_url": "https://nowhere.invalid"}, appraisals=0, wire=True),
        Case("N81-deadline", "TIMEOUT", "N63", options={"timeout_ms": 2000}, details={"http_status": 429}, intel={"attempts": 10}, wire=True),
    ]


def usage() -> list[Case]:
    """Nothing is asked of anybody."""
    silent: dict[str, Any] = {"appraisals": 0, "portal": 0, "scenario": "sound"}
    bad_keys = {"N80-crlf": "abc\r\nX-Evil: 1", "N80-large": "a" * 5000, "N80-space": "a b", "N80-not-ascii": "schl\u00fcssel"}
    return [
        Case("N75-api", "OPTION_VALUE", intel={"base_url": "http://127.0.0.1:1"}, **silent),
        Case("N75-portal", "OPTION_VALUE", intel={"portal_url": "http://127.0.0.1:1"}, **silent),
        Case("N79-short", "EVIDENCE_QUOTE_TRUNCATED", quote="short", **silent),
        Case("N79-sgx", "EVIDENCE_QUOTE_NOT_TDX", quote="sgx", **silent),
        Case("N79-sgx-v4", "EVIDENCE_QUOTE_NOT_TDX", quote="sgx-v4", **silent),
        Case("N79-large", "EVIDENCE_QUOTE_TOO_LARGE", quote="large", **silent),
        Case("N79-version", "EVIDENCE_QUOTE_VERSION", quote="version", **silent),
        *(Case(name, "OPTION_VALUE", intel={"api_key": key}, **silent) for name, key in bad_keys.items()),
        Case("N80-empty", "OPTION_VALUE", intel={"api_key": ""}, wire=True, **silent),  # a language may take it for none at all
        Case("X-portal-missing", "OPTION_VALUE", intel={"portal_url": None}, **silent),
        Case("X-path", "OPTION_VALUE", intel={"base_url": "https://127.0.0.1/appraisal/v2"}, **silent),
        Case("X-version", "OPTION_VALUE", intel={"api_version": 3}, **silent),
        Case("X-algorithm", "OPTION_VALUE", intel={"allowed_algorithms": ["HS256"]}, **silent),
        Case("X-algorithm-none", "OPTION_VALUE", intel={"allowed_algorithms": ["none"]}, **silent),
        Case("X-policy-id", "OPTION_VALUE", intel={"policy_ids": ["not-a-uuid"]}, **silent),
        Case("X-bits", "OPTION_VALUE", intel={"min_rsa_bits": 1024}, **silent),
        Case("X-crl-policy", "OPTION_VALUE", intel={"crl_policy": "sometimes"}, wire=True, **silent),
    ]


def policy() -> list[Case]:
    """The same policy as with every other verifier, on the same values."""
    return [
        Case("X-mrtd", "MRTD_NOT_ALLOWED", "sound", options={"allowed_mr_td": ["ab" * 48]}, tcb={}),
        Case("X-pin", "PIN_MISMATCH", "sound", options={"pins": {"rtmr0": ["ab" * 48]}}, tcb={}),
        Case("X-evaluation-number", "TCB_EVALUATION_DATA_NUMBER", "sound", options={"min_tcb_evaluation_data_number": 1}, tcb={}),
        Case("X-accepted-status", None, "N49-OutOfDate", options={"acceptable_tcb_statuses": ["OutOfDate"]},
             result={"tcb_status": "OutOfDate", "tcb_status_dcap": "OutOfDate"}),
        Case("X-revoked", "TCB_STATUS", "N49-Revoked", options={"acceptable_tcb_statuses": ["OutOfDate"]},
             tcb={"tcb_status": "Revoked", "tcb_status_dcap": "Revoked"}),
        Case("X-debug-allowed", None, "sound", quote="debug", options={"allow_debug_mode": True}, result={"waived": ["debug_mode"]}),
    ]


CASES: Sequence[Case] = (*positive(), *header(), *times(), *keys(), *claims(), *statuses(), *wire(), *usage(), *policy())
