"""Key sets, chains and revocation lists with one thing wrong, or unusual."""
from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Callable

from simulator import x509
from simulator.intel.pki import DAY, SHA512_WITH_RSA, YEAR, name
from simulator.intel.rsa_key import make_key
from simulator.intel.scenario import Rule, Scenario
from simulator.intel.token import base64url
from simulator.x509 import Certificate

if TYPE_CHECKING:
    from simulator.intel.service import Service

NOW = 1780315200  # what counts from it is decades away: any now will do
PAST, LONG_PAST = 1735689600, 1577836800  # 2025, 2020
SCENARIOS: dict[str, Scenario] = {}
Entries = list[dict[str, Any]]


def each(**values: Any) -> Callable[[Entries, Service], Any]:
    """Replace members of every entry; None removes one."""
    def change(keys: Entries, _: Service) -> Any:
        return {"keys": [{name: value for name, value in {**key, **values}.items() if value is not None} for key in keys]}
    return change


def chain(function: Callable[[list[str]], Any]) -> Callable[[Entries, Service], Any]:
    """Change x5c of every entry."""
    def change(keys: Entries, _: Service) -> Any:
        return {"keys": [{**key, "x5c": function(key["x5c"])} for key in keys]}
    return change


def encode(der: bytes) -> str:
    return base64.b64encode(der).decode()


def add(name: str, about: str, **arguments: Any) -> None:
    SCENARIOS[name] = Scenario(about, **arguments)


# ---- whose keys


def evil_set(_: Entries, service: Service) -> Any:
    """An attacker's key set, under the names of the good one."""
    return {"keys": [{**entry, "kid": service.pki.leaf.kid} for entry in service.entries(service.evil)]}


def evil_numbers(keys: Entries, service: Service) -> Any:
    return {"keys": [{**key, "n": base64url(service.evil.leaf.key.modulus)} for key in keys]}


def two_keys(keys: Entries, service: Service) -> Any:
    return {"keys": [*keys, *({**entry, "kid": service.pki.leaf.kid} for entry in service.entries(service.evil))]}


def evil_token(draft: Any) -> None:
    draft.key = draft.service.evil.leaf.key


add("N20", "the key set and the token are somebody else's", keys=evil_set, token=evil_token)
add("N21", "n and e are an attacker's, the chain is genuine", keys=evil_numbers, token=evil_token)
add("N22", "two keys under one kid and alg", keys=two_keys)
add("N23", "one key twice under one kid: PS384 and RS256")
add("N23-repeated", "the same entry twice", keys=lambda keys, _: {"keys": [*keys, *keys]})

# ---- chains as x5c has them

add("N24-empty", "x5c is empty", keys=chain(lambda _: []))
add("N24-missing", "no x5c", keys=each(x5c=None))
add("N24-one", "x5c has one certificate", keys=chain(lambda items: items[:1]))
add("N24-eleven", "x5c has eleven certificates", keys=chain(lambda items: items + items[2:] * 8))
add("N24-garbage", "a certificate is garbage", keys=chain(lambda items: [encode(b"garbage"), *items[1:]]))
add("N24-not-base64", "a certificate is not base64", keys=chain(lambda items: ["*" + items[0][1:], *items[1:]]))
add("N24-trailing", "bytes follow a certificate", keys=chain(lambda items: [encode(base64.b64decode(items[0]) + b"\0"), *items[1:]]))
add("N24-no-root", "x5c ends before the root", keys=chain(lambda items: items[:2]))
add("N25-leaf", "the signer's certificate is expired", pki={"leaf": {"not_before": LONG_PAST, "not_after": PAST}})
add("N25-intermediate", "the intermediate certificate is expired", pki={"ats": {"not_before": LONG_PAST, "not_after": PAST}})
add("N25-root", "the root certificate is expired", pki={"root": {"not_before": LONG_PAST, "not_after": PAST}})
add("N25-early", "the signer's certificate is not yet valid", pki={"leaf": {"not_before": NOW + 10 * YEAR, "not_after": NOW + 12 * YEAR}})
add("N26-leaf-ca", "the signer is a CA", pki={"leaf": {"extensions": {
    "basic_constraints": x509.basic_constraints(True), "key_usage": x509.key_usage(x509.DIGITAL_SIGNATURE | x509.KEY_CERT_SIGN)}}})
add("N26-intermediate", "the intermediate is no CA", pki={"ats": {"extensions": {
    "basic_constraints": x509.basic_constraints(False), "key_usage": x509.key_usage(x509.DIGITAL_SIGNATURE | x509.CRL_SIGN)}}})
add("N26-usage", "the signer may not sign", pki={"leaf": {"extensions": {"key_usage": x509.key_usage(0x20)}}})
add("N26-wrong-signer", "somebody else signed the signer's certificate", pki={"leaf": {"signer": "evil/ats"}})


def deeper(keys: Entries, service: Service) -> Any:
    """One CA more than the path length allows."""
    pki, key = service.pki, make_key(service.seed, "sub-ca")
    subject = name("Test ITA Sub CA")
    identifiers = pki.identifiers("ats", "ats")
    sub = Certificate(
        serial=77, issuer=pki.ats.fields.subject, subject=subject, spki=key.spki, not_before=pki.now - DAY, not_after=pki.now + YEAR, algorithm=SHA512_WITH_RSA,
        extensions={"basic_constraints": x509.basic_constraints(True), "key_usage": x509.key_usage(x509.KEY_CERT_SIGN | x509.CRL_SIGN), **identifiers,
                    "subject_key_identifier": x509.subject_key_identifier(key.identifier)}).issue(pki.ats.key)
    leaf = x509.amend(pki.leaf.fields, {"issuer": subject, "extensions": {
        "authority_key_identifier": x509.authority_key_identifier(key.identifier)}}).issue(key)
    return {"keys": [{**entry, "x5c": [encode(item) for item in (leaf, sub, pki.ats.der, pki.root.der)]} for entry in keys]}


add("N26-path-length", "the chain is longer than the intermediate allows", keys=deeper)
add("N27-1024", "the signer's key has 1024 bits", pki={"leaf": {"bits": 1024}})
add("N27-2048", "the signer's key has 2048 bits", pki={"leaf": {"bits": 2048}})


def elliptic(keys: Entries, service: Service) -> Any:
    """An elliptic curve's key under the good kid."""
    key = service.seed.key("ec-jwk")
    certificate = x509.amend(service.pki.leaf.fields, {"spki": key.spki}).issue(service.pki.ats.key)
    return {"keys": [{
        "alg": entry["alg"], "kid": entry["kid"], "kty": "EC", "crv": "P-256", "x": base64url(key.point[:32]), "y": base64url(key.point[32:]),
        "x5c": [encode(certificate), *entry["x5c"][1:]]} for entry in keys]}


def elliptic_leaf(keys: Entries, service: Service) -> Any:
    """An RSA entry whose certificate has an elliptic curve's key."""
    certificate = x509.amend(service.pki.leaf.fields, {"spki": service.seed.key("ec-jwk").spki}).issue(service.pki.ats.key)
    return {"keys": [{**entry, "x5c": [encode(certificate), *entry["x5c"][1:]]} for entry in keys]}


add("N28", "the key of that name is an elliptic curve's", keys=elliptic)
add("N28-leaf", "the certificate of an RSA entry has an elliptic curve's key", keys=elliptic_leaf)

# ---- revocation

add("N29", "the signer is revoked", crl={"ats": {"revoked": ["leaf"]}})
add("N30", "the intermediate is revoked", crl={"root": {"revoked": ["ats"]}})
add("N31-404", "a CRL is not there", rules=(Rule("GET /crl/", status=404),))
add("N31-root-404", "the root's CRL is not there", rules=(Rule("GET /crl/root", status=404),))
add("N31-expired", "a CRL is expired", crl={"ats": {"this_update": LONG_PAST, "next_update": PAST}})
add("N31-no-end", "a CRL does not say until when", crl={"ats": {"next_update": None}})
add("N31-early", "a CRL is not yet valid", crl={"ats": {"this_update": NOW + 10 * YEAR, "next_update": NOW + 11 * YEAR}})
add("N31b-wrong-ca", "a CRL is signed by somebody else", crl={"ats": {"evil": True}})
add("N31b-wrong-issuer", "a CRL is another CA's", crl={"ats": {"issuer": name("Another CA"), "signer": "ats"}})
add("N31b-truncated", "a CRL is cut short", crl={"ats": {"cut": 10}})
add("N31b-swapped", "a CRL is signed by the CA above", crl={"ats": {"signer": "root"}})


def pointing(url: str) -> Callable[[Service], Any]:
    """The signer's CRL is elsewhere."""
    def changes(service: Service) -> Any:
        return {"leaf": {"extensions": {"crl_distribution_points": x509.crl_distribution_point(url.format(**service.urls))}}}
    return changes


add("N32-file", "a CRL is a file of the machine", pki=pointing("file:///etc/passwd"))
add("N32-ftp", "a CRL is on an FTP server", pki=pointing("ftp://127.0.0.1/crl/ats-ca-crl.der"))
add("N32-host", "a CRL is on a stranger's server", pki=pointing("{stranger}/crl/ats-ca-crl.der"), strangers=True)
add("N32-host-allowed", "a CRL is on another server, which is known to have it", pki=pointing("{stranger}/crl/ats-ca-crl.der"), strangers=True, mirror=True)
add("N32-user", "a CRL is on a stranger's server that looks like the portal", strangers=True,
    pki=lambda service: pointing(service.portal_url.rpartition(":")[0] + "@" + service.urls["stranger"].partition("//")[2] + "/crl/ats-ca-crl.der")(service))
add("N32-none", "the signer names no CRL", pki={"leaf": {"extensions": {"crl_distribution_points": None}}})

# ---- the document

add("N77-404", "no key set", rules=(Rule("GET /certs", status=404, body="not found"),))
add("N77-html", "the key set is a web page", keys=None, rules=(Rule("GET /certs", body="<!DOCTYPE html><title>Portal</title>"),))
add("N77-empty", "the key set is an empty object", keys=lambda keys, _: {})
add("N77-object", "keys are an object", keys=lambda keys, _: {"keys": dict(enumerate(keys))})
add("N77-mebibyte", "the key set has a mebibyte", keys=lambda keys, _: {"keys": keys, "filler": "x" * (1 << 20)})
add("N77-1000", "the key set has a thousand keys", keys=lambda keys, _: {"keys": [{"kid": str(number)} for number in range(1000)] + keys})
add("N77-twice", "the key set has keys twice", rules=(Rule("GET /certs", body='{"keys":[],"keys":[]}'),))
add("N77-no-keys", "the key set has no key", keys=lambda keys, _: {"keys": []})

# ---- sound, if unusual

add("P13", "the key set has an entry that is malformed", keys=lambda keys, _: {"keys": [{"kty": "RSA", "kid": 5, "x5c": "?"}, 7, None, *keys]})
add("P13-no-alg", "entries do not say for which algorithm they are", keys=each(alg=None))
add("P13-spare", "the key set has another signer's key", keys=lambda keys, service: {"keys": [*service.entries(service.pki, "leaf-9"), *keys]})
