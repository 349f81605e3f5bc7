"""Tokens with one thing wrong, or unusual: header, signature, times, claims, text."""
from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode, urlsafe_b64decode
from typing import Any, Callable

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

from simulator.intel.scenario import Scenario
from simulator.intel.token import Draft, attester_claims, base64url
from simulator.quote import TD_REPORT_10

DAY = 86400
EU_PORTAL = "https://portal.eu.trustauthority.intel.com"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
POLICY, OTHER_POLICY = "0c0a1f8e-6f1d-4c35-9b7c-2e1c4c2d3f10", "6b1d9a52-8f0e-4b0a-a1b2-93c4d5e6f708"
SCENARIOS: dict[str, Scenario] = {}
Change = Callable[[Draft], None]


def add(name: str, about: str, change: Change) -> None:
    SCENARIOS[name] = Scenario(about, token=change)


# ---- what changes are made of

def header(**values: Any) -> Change:
    """Replace members of the header; None removes one."""
    def change(draft: Draft) -> None:
        merge(draft.header, values)
    return change


def claim(**values: Any) -> Change:
    """Replace top-level claims; None removes one."""
    def change(draft: Draft) -> None:
        merge(draft.claims, values)
    return change


def tdx(**values: Any) -> Change:
    """Replace claims on the TD; None removes one."""
    def change(draft: Draft) -> None:
        merge(draft.tdx, values)
    return change


def merge(target: dict[str, Any], values: dict[str, Any]) -> None:
    for name, value in values.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value


def times(**offsets: int) -> Change:
    """Replace times, in seconds from the service's now."""
    def change(draft: Draft) -> None:
        draft.claims.update({name: draft.service.now + offset for name, offset in offsets.items()})
    return change


def raw(name: str, text: str) -> Change:
    """Write a top-level claim as this text of JSON."""
    def change(draft: Draft) -> None:
        draft.claims[name] = "@@"
        draft.payload_text = json.dumps(draft.claims).replace('"@@"', text)
    return change


def payload(text: Callable[[str], str | bytes]) -> Change:
    """Change the text of the payload."""
    def change(draft: Draft) -> None:
        draft.payload_text = text(draft.payload_json)
    return change


def edit(function: Callable[[str], str]) -> Change:
    """Change the finished token."""
    def change(draft: Draft) -> None:
        draft.edit = function
    return change


def edit_signature(function: Callable[[bytes], bytes]) -> Change:
    def change(token: str) -> str:
        signed, _, signature = token.rpartition(".")
        return f"{signed}.{base64url(function(decode(signature)))}"
    return edit(change)


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def flip(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


# ---- header

def unsigned(draft: Draft) -> None:
    draft.header["alg"] = "none"
    draft.sign = lambda _: b""


def keyed_with(secret: Callable[[Draft], bytes]) -> Change:
    """HS256, keyed with something public."""
    def change(draft: Draft) -> None:
        draft.header["alg"] = "HS256"
        draft.sign = lambda message: hmac.digest(secret(draft), message, "sha256")
    return change


def rsa_signed(algorithm: str, size: str) -> Change:
    """A genuine signature under another algorithm of RSA."""
    def change(draft: Draft) -> None:
        draft.header["alg"] = algorithm
        draft.sign = lambda message: draft.key.sign_pss(message, size) if algorithm[0] == "P" else draft.key.sign_pkcs1(message, size)
    return change


def ec_signed(draft: Draft) -> None:
    key = ec.derive_private_key(1 + int.from_bytes(draft.service.seed.derive("es384", 40), "big"), ec.SECP384R1())
    draft.header["alg"] = "ES384"

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA384())))
        return r.to_bytes(48, "big") + s.to_bytes(48, "big")
    draft.sign = sign


def foreign_jku(draft: Draft) -> None:
    """Everything an attacker has: his key set at his address, his signature, his name for his key."""
    evil = draft.service.evil.leaf
    draft.header |= {"jku": f"{draft.service.urls['stranger']}/certs", "kid": evil.kid}
    draft.key = evil.key


def own_key(draft: Draft) -> None:
    """The token brings the key that it is signed with."""
    draft.key = draft.service.evil.leaf.key
    draft.header["jwk"] = {"kty": "RSA", "e": "AQAB", "n": base64url(draft.key.modulus)}


add("N01", "kid is not in the key set", header(kid="00" * 48))
add("N02", "no kid", header(kid=None))
add("N03-number", "kid is a number", header(kid=7))
add("N03-empty", "kid is empty", header(kid=""))
add("N03-long", "kid has 300 characters", header(kid="a" * 300))
add("N04", "alg none and no signature", unsigned)
add("N05-title", "alg None with a signature", header(alg="None"))
add("N05-mixed", "alg nOnE with a signature", header(alg="nOnE"))
add("N06", "HS256, keyed with the public key in PEM", keyed_with(lambda draft: draft.key.public_pem))
add("N07-spki", "HS256, keyed with the public key in DER", keyed_with(lambda draft: draft.key.spki))
add("N07-certificate", "HS256, keyed with the certificate in PEM", keyed_with(lambda draft: draft.service.pki.leaf.pem.encode()))
add("N08", "RS256 although PS384 was asked for", rsa_signed("RS256", "256"))
add("N08-reverse", "PS384 although RS256 was asked for", header(alg="PS384"))
add("N09-ps256", "PS256", rsa_signed("PS256", "256"))
add("N09-rs384", "RS384", rsa_signed("RS384", "384"))
add("N09-ps512", "PS512", rsa_signed("PS512", "512"))
add("N09-es384", "ES384", ec_signed)
SCENARIOS["N33"] = Scenario("jku names an attacker's key set", token=foreign_jku, strangers=True)
add("N34-jwk", "the header brings a key", own_key)
add("N34-x5c", "the header brings a chain", header(x5c=["MIIBUDCB"]))
add("N34-crit", "the header has critical members", header(crit=["exp"]))
add("N34-b64", "the header says how the payload is written", header(b64=False))
add("N34-x5u", "the header names a chain's address", header(x5u="https://portal.trustauthority.intel.com/x5u"))
add("N34-zip", "the header says that the payload is compressed", header(zip="DEF"))
add("N34-enc", "the header says that the token is encrypted", header(enc="A256GCM"))
add("N34-typ", "the header has another type", header(typ="JOSE"))

# ---- signature


def salted(length: int) -> Change:
    def change(draft: Draft) -> None:
        draft.sign = lambda message: draft.key.sign_pss(message, "384", length)
    return change


def signed_by_evil(draft: Draft) -> None:
    draft.key = draft.service.evil.leaf.key


def flip_payload(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{base64url(decode(body).replace(b'UpToDate', b'UpToDatf').replace(b'OutOfDate', b'UpToDate'))}.{signature}"


def improve(draft: Draft) -> None:
    """An honest verdict, improved after it was signed."""
    draft.tdx["attester_tcb_status"] = "OutOfDate"
    draft.edit = flip_payload


add("N15", "a byte of the payload is flipped", edit(flip_payload))
add("N15-improved", "the verdict is improved after signing", improve)
add("N16", "a byte of the signature is flipped", edit_signature(lambda signature: flip(signature, 200)))
add("N17-half", "the signature is cut in half", edit_signature(lambda signature: signature[:192]))
add("N17-383", "the signature lacks a byte", edit_signature(lambda signature: signature[:-1]))
add("N17-385", "the signature has a byte more", edit_signature(lambda signature: signature + b"\0"))
add("N18-0", "PSS with a salt of no bytes", salted(0))
add("N18-32", "PSS with a salt of 32 bytes", salted(32))
add("N19", "signed by somebody else, under the good kid", signed_by_evil)

# ---- time

add("N10", "expired one second ago", times(iat=-30, nbf=-30, exp=-1))
add("N11", "valid from five minutes ahead", times(nbf=300, exp=600))
add("N12", "issued ten minutes before it was asked for", times(iat=-600, nbf=-600, exp=300))
for member in ("exp", "iat", "nbf"):
    add(f"N13-{member}-missing", f"no {member}", claim(**{member: None}))
    add(f"N13-{member}-text", f"{member} is a string", claim(**{member: "1780315500"}))
add("N13-exp-infinite", "exp is 1e400", raw("exp", "1e400"))
add("N13-exp-negative", "exp is negative", claim(exp=-1))
add("N13-exp-huge", "exp is 2^60", claim(exp=1 << 60))
add("N13-exp-fraction", "exp is not a whole number", raw("exp", "1780315500.5"))
add("N14", "valid for a day", times(exp=DAY))
SCENARIOS["N83-ahead"] = Scenario("the client's clock is an hour ahead", clock_s=-3600)
SCENARIOS["N83-behind"] = Scenario("the client's clock is an hour behind", clock_s=3600)

# ---- issuer, version, shape


def shape(version: int) -> Change:
    """The claims of one version under the other's number and address."""
    def change(draft: Draft) -> None:
        inner = draft.tdx
        if version == 1:
            draft.claims.pop("tdx")
            draft.claims.pop("appraisal")
            draft.claims.update(inner, ver="1.0.0")
        else:
            moved = attester_claims(draft.quote, "UpToDate")
            for name in moved:
                draft.claims.pop(name, None)
            draft.claims.update(tdx=moved, ver="2.0.0", iss=draft.service.portal_url)
    return change


def under(number: str, change: Change) -> Change:
    """The same under another version's number."""
    def both(draft: Draft) -> None:
        change(draft)
        draft.claims["ver"] = number
    return both


add("N35-other", "another issuer", claim(iss="https://portal.example.com"))
add("N35-missing", "no issuer", claim(iss=None))
add("N35-eu", "the issuer of another region", claim(iss=EU_PORTAL))
add("N35-v1", "version 1's issuer in version 2", claim(iss="Intel Trust Authority"))
add("N35-slash", "the issuer with a slash at its end", lambda draft: draft.claims.update(iss=draft.service.portal_url + "/"))
add("N36-3", "version 3.0.0", claim(ver="3.0.0"))
add("N36-missing", "no version", claim(ver=None))
add("N36-number", "the version is a number", claim(ver=2))
add("N37-v1-answers-v2", "version 1 answers in version 2's shape", shape(2))
add("N37-v2-answers-v1", "version 2 answers in version 1's shape", shape(1))
add("N37-flat-2", "version 2 by its number, flat claims", under("2.0.0", shape(1)))
add("N37-nested-1", "version 1 by its number, nested claims", claim(ver="1.0.0"))
add("N38", "claims on the TD in both places", lambda draft: draft.claims.update(tdx_mrtd=draft.tdx["tdx_mrtd"]))

# ---- binding


def about_other(field: str) -> Change:
    """A genuine token for a quote that differs in one field."""
    def change(draft: Draft) -> None:
        start, length = TD_REPORT_10[field]
        start += 54 if draft.quote[0] == 5 else 48
        draft.describe(draft.quote[:start] + hashlib.sha512(field.encode()).digest()[:length] + draft.quote[start + length:])
    return change


add("N39", "a token for another MRTD", about_other("mr_td"))
add("N40", "a token for a sibling: the same image, another REPORTDATA", about_other("report_data"))
add("N41", "a token for another RTMR3", about_other("rtmr3"))
for register in ("rtmr0", "rtmr1", "rtmr2"):
    add(f"N41-{register}", f"a token for another {register.upper()}", about_other(register))
add("N42", "other TD attributes", tdx(tdx_td_attributes="0000001000000080"))
for name, field in (("mr-seam", "mr_seam"), ("tcb-svn", "tee_tcb_svn"), ("xfam", "xfam"), ("mr-config-id", "mr_config_id"), ("mr-owner", "mr_owner"),
                    ("mr-owner-config", "mr_owner_config"), ("mr-signer-seam", "mr_signer_seam"), ("seam-attributes", "seam_attributes")):
    add(f"N42-{name}", f"a token for another {field}", about_other(field))

# ---- claims on the TD

add("N43-missing", "no MRTD", tdx(tdx_mrtd=None))
add("N43-number", "MRTD is a number", tdx(tdx_mrtd=1))
add("N43-94", "MRTD has 94 characters", lambda draft: draft.tdx.update(tdx_mrtd=draft.tdx["tdx_mrtd"][:94]))
add("N43-not-hex", "MRTD is not hexadecimal", lambda draft: draft.tdx.update(tdx_mrtd="zz" + draft.tdx["tdx_mrtd"][2:]))
add("N43-prefix", "MRTD with 0x before it", lambda draft: draft.tdx.update(tdx_mrtd="0x" + draft.tdx["tdx_mrtd"]))
add("N43-empty", "MRTD is empty", tdx(tdx_mrtd=""))
add("N44", "no REPORTDATA", tdx(tdx_report_data=None))
add("N46-missing", "nothing on debugging", tdx(tdx_is_debuggable=None))
add("N46-text", "debuggable is a string", tdx(tdx_is_debuggable="false"))
add("N46-null", "debuggable is null", lambda draft: draft.tdx.update(tdx_is_debuggable=None))
add("N46-zero", "debuggable is 0", tdx(tdx_is_debuggable=0))
add("N47", "not debuggable, but with the attribute DEBUG", tdx(tdx_td_attributes_debug=True))
add("N48", "only dbgstat says that debugging is enabled", tdx(dbgstat="enabled"))
add("N47-hidden", "a debuggable TD that is said not to be", tdx(tdx_is_debuggable=False, tdx_td_attributes_debug=False, dbgstat="disabled"))
for status in ("ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded", "Revoked",
               "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded"):
    add(f"N49-{status}", f"the status is {status}", tdx(attester_tcb_status=status))
add("N49-lower-case", "the status is uptodate", tdx(attester_tcb_status="uptodate"))
add("N49-product-word", "the status is OK", tdx(attester_tcb_status="OK"))
add("N49-empty", "the status is empty", tdx(attester_tcb_status=""))
add("N49-unknown", "the status is an unknown word", tdx(attester_tcb_status="Splendid"))
add("N49-missing", "no status", tdx(attester_tcb_status=None))
add("N49-number", "the status is a number", tdx(attester_tcb_status=0))
add("N50-sgx", "the attester is an enclave", tdx(attester_type="SGX"))
add("N50-missing", "no kind of attester", tdx(attester_type=None))

# ---- text


def twice(first: Callable[[str], str], second: Callable[[str], str]) -> Change:
    """MRTD twice."""
    def change(draft: Draft) -> None:
        value = draft.tdx["tdx_mrtd"]
        found = f'"tdx_mrtd": "{value}"'
        draft.payload_text = draft.payload_json.replace(found, f'"tdx_mrtd": "{first(value)}", "tdx_mrtd": "{second(value)}"')
    return change


def other(value: str) -> str:
    return "ab" * 48 if value[:2] != "ab" else "cd" * 48


def nul_in_issuer(draft: Draft) -> None:
    issuer = json.dumps(draft.claims["iss"])
    draft.payload_text = draft.payload_json.replace(issuer, issuer[:-1] + '\\u0000x"')


def huge(draft: Draft) -> None:
    draft.claims["filler"] = "x" * (1 << 20)


def unused_bits(draft: Draft) -> None:
    """Another spelling of the same bytes, with a signature of its own."""
    text = draft.payload_json
    draft.payload_text = text + " " * ((1 - len(text.encode())) % 3)

    def change(token: str) -> str:
        signed = token.rpartition(".")[0]
        signed = signed[:-1] + ALPHABET[ALPHABET.index(signed[-1]) + 1]
        return f"{signed}.{base64url(draft.signature(signed.encode()))}"
    draft.edit = change


add("N51-good-first", "MRTD twice, the good one first", twice(str, other))
add("N51-bad-first", "MRTD twice, the bad one first", twice(other, str))
add("N52-name", "a name with NUL in it", payload(lambda text: text.replace('"tdx_mrtd"', '"tdx_mrtd\\u0000x"')))
add("N52-issuer", "an issuer with NUL in it", nul_in_issuer)
add("N53-array", "the payload is an array", payload(lambda text: f"[{text}]"))
add("N53-utf8", "the payload is not UTF-8", payload(lambda text: text.replace("generic", "gener\x00").encode().replace(b"\x00", b"\xff")))
add("N53-nested", "the payload is nested 2000 deep", payload(lambda text: f'{{"deep": {"[" * 2000}{"]" * 2000}, {text[1:]}'))
add("N53-trailing", "something follows the payload", payload(lambda text: text + "x"))
add("N54-one-part", "no dots", edit(lambda token: token.replace(".", "")))
add("N54-two-parts", "one dot", edit(lambda token: token.rpartition(".")[0]))
add("N54-four-parts", "three dots", edit(lambda token: token + "." + token.rpartition(".")[2]))
add("N54-padding", "base64 with padding", edit(lambda token: token.replace(".", "==.", 1)))
add("N54-alphabet", "the alphabet of plain base64", edit(lambda token: token.translate({ord("-"): "+", ord("_"): "/"})))
add("N54-newline", "a newline at the end", edit(lambda token: token + "\n"))
add("N54-trailing-bits", "unused bits of base64 are set, and signed", unused_bits)
add("N54-left-over", "base64 with a character left over", edit(lambda token: token + "A"))
add("N55", "a token of a mebibyte", huge)

# ---- policies


def policy(matched: list[str] | None, unmatched: list[str] | None) -> Change:
    def change(draft: Draft) -> None:
        merge(draft.claims, {"policy_ids_matched": entries(matched), "policy_ids_unmatched": entries(unmatched)})

    def entries(ids: list[str] | None) -> list[dict[str, str]] | None:
        return None if ids is None else [{"id": item, "version": "v1", "hash": b64encode(b64encode(bytes(48))).decode()} for item in ids]
    return change


def nulls(draft: Draft) -> None:
    draft.claims |= {"policy_ids_matched": None, "policy_ids_unmatched": None, "policy_defined_claims": None}


add("N56-unmatched", "the policy asked for did not match", policy(None, [POLICY]))
add("N56-absent", "the policy asked for is not mentioned", policy([OTHER_POLICY], None))
add("N56-both", "the policy asked for is among both", policy([POLICY], [POLICY]))
add("N56-unasked", "a policy that was not asked for did not match", policy(None, [OTHER_POLICY]))
add("N59-text", "policies are a string", claim(policy_ids_matched=POLICY))
add("N59-object", "policies are an object", claim(policy_ids_matched={"id": POLICY}))
add("N59-unmatched", "unmatched policies are a string", claim(policy_ids_unmatched=POLICY))
add("N59-instances", "verifier_instance_ids is a number", claim(verifier_instance_ids=7))

# ---- sound, if unusual


def unknown_members(draft: Draft) -> None:
    draft.header["x-future"] = {"a": [1]}
    draft.claims |= {"future": {"a": [None, True, 1.5]}, "nvgpu": {"attester_type": "NVGPU"}}
    draft.tdx.update({"tdx_future": "00", "attester_future": []})


def upper_case(draft: Draft) -> None:
    draft.tdx.update({name: value.upper() for name, value in draft.tdx.items() if name.startswith("tdx_") and isinstance(value, str)})


add("P11", "claims and members that nobody knows", unknown_members)
add("P12", "nulls where policies would be", nulls)
add("P12-text", "matched policies as plain strings", claim(policy_ids_matched=[POLICY]))
add("P15", "hexadecimal in upper case", upper_case)
SCENARIOS["P16"] = Scenario("the client's clock is 50 s behind", clock_s=50)
SCENARIOS["P16-ahead"] = Scenario("the client's clock is 50 s ahead", clock_s=-50)
add("P19", "SWHardeningNeeded", tdx(attester_tcb_status="SWHardeningNeeded", attester_advisory_ids=["INTEL-SA-01036"]))
add("P20", "no advisories", tdx(attester_advisory_ids=None))
add("P20-null", "advisories are null", lambda draft: draft.tdx.update(attester_advisory_ids=None))
add("P23", "the kinds of attester as a list", tdx(attester_type=["TDX"]))
