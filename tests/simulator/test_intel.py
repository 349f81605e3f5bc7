"""The stand-in for Intel Trust Authority, asked by a plain HTTP client and judged with a library that is not ours."""
from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from simulator.intel import Rule, Scenario, TrustAuthority, token
from simulator.intel.process import TESTS, VARIABLE, TrustAuthorityProcess
from simulator.intel.rsa_key import DEFAULT_SEED, derive_key, distances, is_prime, known_distances, make_key, search_starts
from simulator.intel.scenarios import SCENARIOS
from simulator.intel.service import Service
from simulator.keys import Seed
from simulator.world import World

TIMEOUT_S = 20


@pytest.fixture(scope="module")
def running() -> Iterator[TrustAuthority]:
    with TrustAuthority(now=World().now) as authority:
        yield authority


@pytest.fixture
def authority(running: TrustAuthority) -> TrustAuthority:
    """The stand-in, sound, with nothing seen."""
    running.service.play(SCENARIOS["sound"])
    return running


def fetch(authority: TrustAuthority, url: str, body: Any = None, **headers: str) -> Any:
    """What is answered, as JSON."""
    return json.loads(fetch_bytes(authority, url, body, **headers))


def fetch_bytes(authority: TrustAuthority, url: str, body: Any = None, **headers: str) -> bytes:
    context = ssl.create_default_context(cadata=authority.ca_pem)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, sent), context=context, timeout=TIMEOUT_S) as answer:
        content: bytes = answer.read()
    return content


def attest(authority: TrustAuthority, quote: bytes, version: int = 2, **more: Any) -> str:
    """The token for a quote."""
    evidence = {"quote": base64.b64encode(quote).decode()}
    body = {"tdx": evidence, **more} if version == 2 else {**evidence, **more}
    token: str = fetch(authority, f"{authority.api_url}/appraisal/v{version}/attest", body, x_api_key=authority.api_key,
                       Accept="application/json", Content_Type="application/json")["token"]
    return token


def part(token: str, number: int) -> Any:
    text = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def failure(authority: TrustAuthority, *arguments: Any, **headers: str) -> urllib.error.HTTPError:
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(authority, *arguments, **headers)
    return caught.value


def verify(token: str, key: rsa.RSAPublicKey) -> None:
    """Raises InvalidSignature."""
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    if part(token, 0)["alg"] == "RS256":
        key.verify(raw, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    else:
        key.verify(raw, signed.encode(), padding.PSS(padding.MGF1(hashes.SHA384()), 48), hashes.SHA384())


def chain_of(entry: dict[str, Any]) -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(base64.b64decode(item)) for item in entry["x5c"]]


def public_key(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return key


# ---- keys and chains

def test_keys_follow_from_the_seed() -> None:
    one, two = make_key(Seed("a"), "x", 1024), make_key(Seed("a"), "y", 1024)
    assert one.modulus != two.modulus != make_key(Seed("b"), "y", 1024).modulus
    assert one.private.key_size == 1024 and make_key(Seed("a"), "x", 1024) is one


def test_known_keys_are_those_that_would_be_found() -> None:
    known = known_distances()
    assert known["leaf/1024"] == distances(Seed(DEFAULT_SEED), "leaf", 1024)
    for name, away in known.items():
        label, _, bits = name.rpartition("/")
        for start, distance in zip(search_starts(Seed(DEFAULT_SEED), label, int(bits)), away):
            assert is_prime(start + distance), name


def test_every_key_that_scenarios_use_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finding one takes seconds on a busy machine, in which a client may lose its patience."""
    def search(*_: object) -> list[int]:
        raise AssertionError("a key that is not known: see simulator.intel.rsa_key")
    monkeypatch.setattr("simulator.intel.rsa_key.distances", search)
    derive_key.cache_clear()
    for name, scenario in SCENARIOS.items():
        service = Service(scenario, Seed(DEFAULT_SEED), World().now)
        service.urls = {part: f"https://{part}.invalid" for part in ("api", "portal", "stranger", "plain")}
        service.key_set()
        for issuer in ("root", "ats"):
            service.crl(issuer)
        draft = token.draft(service, World().mint().quote, 1 if "-v1-answers" in name else 2, {})
        if scenario.token:
            scenario.token(draft)
        draft.finish()


def test_key_set_has_each_key_twice(authority: TrustAuthority) -> None:
    keys = fetch(authority, f"{authority.portal_url}/certs")["keys"]
    assert [key["alg"] for key in keys] == ["PS384", "RS256"]
    assert all(set(key) == {"alg", "e", "kid", "kty", "n", "x5c"} and key["kty"] == "RSA" and key["e"] == "AQAB" for key in keys)
    assert keys[0]["kid"] == keys[1]["kid"] == hashlib.sha384(base64.b64decode(keys[0]["x5c"][0])).hexdigest()
    assert len(keys[0]["n"]) == 512 and keys[0]["n"] == keys[1]["n"] and len(keys[0]["x5c"]) == 3


def test_chain_and_lists(authority: TrustAuthority) -> None:
    leaf, ats, root = chain_of(fetch(authority, f"{authority.portal_url}/certs")["keys"][0])
    for certificate, issuer in ((leaf, ats), (ats, root), (root, root)):
        certificate.verify_directly_issued_by(issuer)
    for certificate, issuer in ((leaf, ats), (ats, root)):
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        assert points[0].full_name is not None
        crl = x509.load_der_x509_crl(fetch_bytes(authority, points[0].full_name[0].value))
        assert crl.issuer == issuer.subject and crl.is_signature_valid(public_key(issuer)) and len(crl) == 0
        assert isinstance(crl.signature_hash_algorithm, hashes.SHA512)
        assert crl.extensions.get_extension_for_class(x509.CRLNumber)


def test_openssl_accepts_the_chain_strictly(authority: TrustAuthority) -> None:
    pki, directory = authority.service.pki, authority.file("leaf.pem", authority.service.pki.leaf.pem).parent
    authority.file("ats.pem", pki.ats.pem)
    assert authority.root_file.parent == directory
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-auth_level", "2", "-attime", str(authority.service.now), "-CAfile", "token-root.pem",
                           "-untrusted", "ats.pem", "leaf.pem"], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_web_server_is_what_its_ca_says(authority: TrustAuthority) -> None:
    assert fetch(authority, f"{authority.portal_url}/.well-known/openid-configuration")["issuer"] == authority.portal_url
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{authority.portal_url}/certs", timeout=TIMEOUT_S)


@pytest.mark.parametrize("identity", ["unknown-ca", "wrong-host", "expired", "self-signed", "tls1.1"])
def test_web_server_with_one_thing_wrong(identity: str) -> None:
    with TrustAuthority(SCENARIOS[f"N74-{identity}"], now=World().now) as authority, pytest.raises(urllib.error.URLError):
        fetch(authority, f"{authority.api_url}/")


# ---- tokens

@pytest.mark.parametrize(("version", "algorithm"), [(2, "PS384"), (2, "RS256"), (1, "PS384")])
def test_token_verifies_and_is_about_the_quote(authority: TrustAuthority, world: World, version: int, algorithm: str) -> None:
    minted = world.mint()
    token = attest(authority, minted.quote, version, token_signing_alg=algorithm)
    verify(token, public_key(chain_of(fetch(authority, f"{authority.portal_url}/certs")["keys"][0])[0]))
    claims = part(token, 1)
    inner = claims["tdx"] if version == 2 else claims
    assert part(token, 0) == {"alg": algorithm, "jku": f"{authority.portal_url}/certs", "kid": authority.service.pki.leaf.kid, "typ": "JWT"}
    assert (inner["tdx_mrtd"], inner["tdx_report_data"]) == (minted.mr_td, minted.field("report_data"))
    assert (claims["ver"], claims["exp"] - claims["iat"]) == {1: ("1.0.0", 1800), 2: ("2.0.0", 300)}[version]
    assert claims["iss"] == {1: "Intel Trust Authority", 2: authority.portal_url}[version] and ("tdx" in claims) == (version == 2)
    assert claims["iat"] == world.now and inner["tdx_is_debuggable"] is False
    if version == 2:
        assert inner["tdx_collateral"]["fmspc"] == world.platform.fmspc.hex()
    assert authority.service.problems == [] and authority.appraisals == 1


def test_token_of_a_v5_quote_and_of_a_debuggable_td(authority: TrustAuthority, world: World) -> None:
    newer = world.mint(kind="tdx-v5-type3")
    assert part(attest(authority, newer.quote), 1)["tdx"]["tdx_mrtd"] == newer.mr_td
    claims = part(attest(authority, world.mint("debug").quote), 1)["tdx"]
    assert claims["tdx_is_debuggable"] is True and claims["dbgstat"] == "enabled"


def test_rotated_signer(authority: TrustAuthority, world: World) -> None:
    before = part(attest(authority, world.mint().quote), 0)["kid"]
    authority.service.rotate()
    token = attest(authority, world.mint().quote)
    keys = fetch(authority, f"{authority.portal_url}/certs")["keys"]
    assert before != part(token, 0)["kid"] == keys[0]["kid"] and before == keys[2]["kid"]
    verify(token, public_key(chain_of(keys[0])[0]))


# ---- requests

def test_flat_body_is_refused_by_version_2(authority: TrustAuthority, world: World) -> None:
    error = failure(authority, f"{authority.api_url}/appraisal/v2/attest", {"quote": base64.b64encode(world.mint().quote).decode()},
                    x_api_key=authority.api_key, Accept="application/json", Content_Type="application/json")
    assert error.code == 400 and error.read().endswith(b"}\n")


@pytest.mark.parametrize(("body", "status"), [
    ({"tdx": {"quote": "***"}}, 400), ({"tdx": {"quote": "AAAA"}}, 400), ({"tdx": {}}, 400), ([], 400), (b"{", 400), ({"filler": "x" * 500_001}, 413)])
def test_unusable_body_is_refused(authority: TrustAuthority, body: Any, status: int) -> None:
    assert failure(authority, f"{authority.api_url}/appraisal/v2/attest", body, x_api_key=authority.api_key, Accept="application/json",
                   Content_Type="application/json").code == status


def test_unknown_algorithm_is_refused(authority: TrustAuthority, world: World) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        attest(authority, world.mint().quote, token_signing_alg="HS256")


def test_runtime_data_must_be_what_report_data_commits_to(authority: TrustAuthority, world: World) -> None:
    held = b"runtime data"
    quote = world.mint(report_data=hashlib.sha512(held).digest()).quote
    for data, status in ((held, 200), (b"other", 400)):
        evidence = {"quote": base64.b64encode(quote).decode(), "runtime_data": base64.b64encode(data).decode()}
        arguments = (f"{authority.api_url}/appraisal/v2/attest", {"tdx": evidence})
        headers = {"x_api_key": authority.api_key, "Accept": "application/json", "Content_Type": "application/json"}
        if status == 200:
            assert fetch(authority, *arguments, **headers)["token"]
        else:
            assert failure(authority, *arguments, **headers).code == 400


def test_nonce_binds_and_is_signed(authority: TrustAuthority, world: World) -> None:
    nonce = fetch(authority, f"{authority.api_url}/appraisal/v2/nonce", x_api_key=authority.api_key, Accept="application/json")
    value, moment = base64.b64decode(nonce["val"]), base64.b64decode(nonce["iat"])
    assert len(base64.b64decode(value)) == 64 and moment.endswith(b" +0000 UTC")
    quote = world.mint(report_data=hashlib.sha512(value + moment).digest()).quote
    body = {"tdx": {"quote": base64.b64encode(quote).decode(), "verifier_nonce": nonce}}
    headers = {"x_api_key": authority.api_key, "Accept": "application/json", "Content_Type": "application/json"}
    assert fetch(authority, f"{authority.api_url}/appraisal/v2/attest", body, **headers)["token"]
    body["tdx"]["verifier_nonce"] = {**nonce, "val": base64.b64encode(b"other").decode()}
    assert failure(authority, f"{authority.api_url}/appraisal/v2/attest", body, **headers).code == 400


@pytest.mark.parametrize("key", [None, "wrong"])
def test_key_is_demanded(authority: TrustAuthority, key: str | None) -> None:
    headers = {} if key is None else {"x_api_key": key}
    assert failure(authority, f"{authority.api_url}/appraisal/v2/nonce", **headers).code == 401


def test_key_at_the_portal_is_a_problem(authority: TrustAuthority) -> None:
    fetch(authority, f"{authority.portal_url}/certs", x_api_key=authority.api_key)
    assert authority.service.problems == ["x-api-key arrived at the portal: GET /certs"]
    assert authority.api_key not in repr(authority.service.seen)


def test_request_id_comes_back_and_trace_id_with_it(authority: TrustAuthority) -> None:
    context = ssl.create_default_context(cadata=authority.ca_pem)
    request = urllib.request.Request(f"{authority.portal_url}/certs", headers={"Request-Id": "abc-1"})
    with urllib.request.urlopen(request, context=context, timeout=TIMEOUT_S) as answer:
        assert answer.headers["Request-Id"] == "abc-1" and len(answer.headers["Trace-Id"]) == 16


# ---- faults

def test_queue_of_rules(authority: TrustAuthority, world: World) -> None:
    authority.service.queue([Rule("POST", times=1, after=1, status=503), Rule("POST /nowhere", status=418)])
    attest(authority, world.mint().quote)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        attest(authority, world.mint().quote)
    attest(authority, world.mint().quote)


@pytest.mark.parametrize("name", ["N69", "N76-reset-body", "N76-reset", "N76-close", "N76-not-http", "N73", "N74-plain"])
def test_fault_on_the_wire(authority: TrustAuthority, world: World, name: str) -> None:
    authority.service.play(SCENARIOS[name])
    with pytest.raises((OSError, http.client.HTTPException)):
        attest(authority, world.mint().quote)


def test_forged_tokens_do_not_verify(authority: TrustAuthority, world: World) -> None:
    key = public_key(chain_of(fetch(authority, f"{authority.portal_url}/certs")["keys"][0])[0])
    for name in ("N15", "N15-improved", "N16", "N17-half", "N17-383", "N17-385", "N18-0", "N18-32", "N19"):
        authority.service.play(SCENARIOS[name])
        token = attest(authority, world.mint().quote)
        with pytest.raises(InvalidSignature):
            verify(token, key)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_scenario_is_another_than_the_sound_one(name: str) -> None:
    """A scenario whose change has no effect would prove nothing."""
    scenario = SCENARIOS[name]
    assert scenario.about
    if name not in ("sound", "N23", "P20"):  # these are the service as it is
        assert scenario != Scenario(scenario.about)


TOKEN_SCENARIOS = sorted(name for name, scenario in SCENARIOS.items() if scenario.token and not scenario.strangers)
#: Where only the signature is another, or what the claims were when it was made.
SIGNATURE_ONLY = {"N15-improved", "N16", "N17-half", "N17-383", "N17-385", "N18-0", "N18-32", "N19", "N20", "N21", "N54-alphabet",
                  "N54-newline", "N54-left-over"}


@pytest.mark.parametrize("name", TOKEN_SCENARIOS)
def test_token_of_a_scenario_is_another_than_the_sound_one(authority: TrustAuthority, world: World, name: str) -> None:
    tokens = []
    more = {"token_signing_alg": "RS256"} if name == "N08-reverse" else {}
    quote = world.mint("debug" if name == "N47-hidden" else None).quote
    for scenario in ("sound", name):
        authority.service.play(SCENARIOS[scenario])
        authority.service.counters.clear()
        tokens.append(attest(authority, quote, 1 if "-v1-answers" in name else 2, **more))
    if name != "P20":  # a healthy platform has no advisories anyway
        assert tokens[0] != tokens[1]
        assert name in SIGNATURE_ONLY or tokens[0].rpartition(".")[0] != tokens[1].rpartition(".")[0]


# ---- the program

def test_process_is_told_and_asked(world: World) -> None:
    with TrustAuthorityProcess("--scenario", "sound", "--scenario", "N60-401", "--now", str(world.now)) as process:
        assert set(process.authorities) == {"sound", "N60-401"}
        process.tell(rules=[{"match": "GET /certs", "status": 418}])
        where = process.authorities["sound"]
        context = ssl.create_default_context(cafile=where["ca_file"])
        with pytest.raises(urllib.error.HTTPError, match="418"):
            urllib.request.urlopen(f"{where['portal_url']}/certs", context=context, timeout=TIMEOUT_S)
        seen = process.seen()
        assert [item["path"] for item in seen["seen"]] == ["/certs"] and seen["connections"]["portal"] == 1
        with pytest.raises(urllib.error.HTTPError, match="400"):
            process.tell(rules=[{"match": "GET", "colour": "red"}])
        with pytest.raises(urllib.error.HTTPError, match="400"):
            process.tell("unheard-of")


def test_command_beside_the_stand_in() -> None:
    program = f"import json, os, sys; where = json.load(open(os.environ['{VARIABLE}'])); sys.exit(7 if 'sound' in where['authorities'] else 1)"
    done = subprocess.run([sys.executable, "-m", "simulator", "intel", "--", sys.executable, "-c", program], cwd=TESTS, check=False)
    assert done.returncode == 7
