"""Statuses, envelopes and faults on the wire."""
from __future__ import annotations

from typing import Any

from simulator.intel.scenario import Rule, Scenario

ATTEST, CERTS = "POST /appraisal/", "GET /certs"
RATE_BODY = '{"message":"Too many requests, limit exceeded."}'
SCENARIOS: dict[str, Scenario] = {}


def add(name: str, about: str, *rules: Rule, **arguments: Any) -> None:
    SCENARIOS[name] = Scenario(about, rules=rules, **arguments)


def status(number: int, body: str = "", times: int | None = None, **headers: str) -> Rule:
    return Rule(ATTEST, times, status=number, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def envelope(name: str, about: str, body: str) -> None:
    add(f"N66-{name}", f"200 with {about}", Rule(ATTEST, body=body))


# ---- statuses

add("N60-401", "the key is not known", status(401, '{"message":"Unauthorized"}'))
add("N60-403", "the key may not do this", status(403, '{"message":"Forbidden"}'))
add("N61", "the quote does not verify", status(400, '{"error":"Failed to verify quote"}\n'))
add("N61-control", "an error text with control characters", status(400, '{"error":"bad\\u001b[31m\\r\\nquote\\u009b"}'))
add("N62", "come back in an hour", status(429, RATE_BODY, Retry_After="3600"))
add("N63", "too many requests, always", status(429, RATE_BODY))
add("N64-date", "come back at a date long past", status(429, RATE_BODY, 1, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"))
add("N64-far", "come back at a date far away", status(429, RATE_BODY, 1, Retry_After="Fri, 21 Oct 2044 07:28:00 GMT"))
add("N64-garbage", "come back whenever", status(429, RATE_BODY, 1, Retry_After="whenever"))
add("N64-negative", "come back a minute ago", status(429, RATE_BODY, 1, Retry_After="-60"))
for number in (500, 502, 503, 504):
    add(f"N65-{number}", f"always {number}", status(number, '{"error":"internal"}'))
add("N67-204", "204", status(204))
add("N67-201", "201", Rule(ATTEST, status=201, body='{"token":"a.b.c"}'))
add("N67-302", "302", status(302, "", None, Location="{stranger}/"), strangers=True)
for number in (307, 308):
    for kind in ("stranger", "plain"):
        add(f"N68-{number}-{kind}", f"{number} to {'another host' if kind == 'stranger' else 'plain HTTP'}",
            status(number, "", None, Location=f"{{{kind}}}/appraisal/v2/attest"), strangers=True)
add("N68-portal", "the portal redirects to another host", Rule(CERTS, status=302, headers={"Location": "{stranger}/certs"}), strangers=True)

# ---- envelopes

envelope("error", "an error", '{"error":"x"}')
envelope("empty", "nothing", "")
envelope("null", "null", "null")
envelope("array", "an array", '["a.b.c"]')
envelope("number", "a number for a token", '{"token":1}')
envelope("html", "a web page", "<!DOCTYPE html><title>Sign in</title>")
envelope("twice", "two tokens", '{"token":"a.b.c","token":"d.e.f"}')
envelope("trailing", "something behind the object", '{"token":"a.b.c"}x')
add("N82", "an encoding that was not asked for", Rule(ATTEST, manner="gzipped"))
add("N82-certs", "a key set in an encoding that was not asked for", Rule(CERTS, manner="gzipped"))

# ---- the wire

add("N69", "the answer is cut short", Rule(ATTEST, manner="truncated"))
add("N70", "the answer never ends", Rule(ATTEST, manner="endless"))
add("N71", "two gibibytes are announced", Rule(ATTEST, manner="declared-huge"))
add("N72-body", "the answer comes byte by byte", Rule(ATTEST, manner="slow-body"))
add("N72-headers", "the headers come byte by byte", Rule(ATTEST, manner="slow-headers"))
add("N72-silent", "no answer comes", Rule(ATTEST, manner="silent"))
add("N72-accept", "the connection is taken, and nothing follows", Rule("CONNECT", listener="api", manner="silent"))
add("N72-certs", "the key set does not come", Rule(CERTS, manner="silent"))
add("N73", "ten mebibytes of headers", Rule(ATTEST, manner="header-bomb"))
for identity in ("unknown-ca", "wrong-host", "expired", "self-signed", "tls1.1"):
    add(f"N74-{identity}", f"TLS: {identity}", api_tls=identity)
    add(f"N74-portal-{identity}", f"TLS of the portal: {identity}", portal_tls=identity)
add("N74-plain", "no TLS", Rule("CONNECT", listener="api", manner="plain"))
add("N76-reset-body", "the connection is reset in the answer", Rule(ATTEST, manner="reset-body"))
add("N76-reset", "the connection is reset before the answer", Rule(ATTEST, manner="reset"))
add("N76-close", "the connection is closed before the answer", Rule(ATTEST, manner="close"))
add("N76-not-http", "the answer is no HTTP", Rule(ATTEST, manner="not-http"))

# ---- sound in the end

add("P08", "500, then well", status(500, '{"error":"internal"}', 1))
add("P09", "429 and a second's wait, then well", status(429, RATE_BODY, 1, Retry_After="1"))
add("P21", "the answer comes in chunks", Rule(ATTEST, manner="chunked"))
add("P22", "the first connection is reset", Rule("CONNECT", 1, listener="api", manner="reset"))
add("P04", "the two halves are two hosts", api_host="localhost", portal_host="127.0.0.2")
add("P24", "TLS 1.2", api_tls="tls1.2", portal_tls="tls1.2")
add("P25", "the portal fails once", Rule(CERTS, 1, status=503), Rule("GET /crl/", 1, manner="reset"))
add("P26", "an envelope with more members", Rule(ATTEST, headers={"X-Future": "1"}))
