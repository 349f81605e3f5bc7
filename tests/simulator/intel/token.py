"""Tokens as the service issues them for a TDX quote (Intel rules 2 and 3), every part of which may be replaced."""
from __future__ import annotations

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable, Mapping

from simulator.intel.rsa_key import RsaKey
from simulator.quote import read_field

if TYPE_CHECKING:
    from simulator.intel.service import Service

#: Claims that are fields of the quote, in hexadecimal.
QUOTE_CLAIMS = {
    "tdx_tee_tcb_svn": "tee_tcb_svn", "tdx_mrseam": "mr_seam", "tdx_mrsignerseam": "mr_signer_seam", "tdx_seam_attributes": "seam_attributes",
    "tdx_td_attributes": "td_attributes", "tdx_xfam": "xfam", "tdx_mrtd": "mr_td", "tdx_mrconfigid": "mr_config_id", "tdx_mrowner": "mr_owner",
    "tdx_mrownerconfig": "mr_owner_config", "tdx_rtmr0": "rtmr0", "tdx_rtmr1": "rtmr1", "tdx_rtmr2": "rtmr2", "tdx_rtmr3": "rtmr3",
    "tdx_report_data": "report_data",
}
#: Claims that are bits of the TD attributes.
ATTRIBUTE_CLAIMS = {
    "tdx_is_debuggable": 0, "tdx_td_attributes_debug": 0, "tdx_td_attributes_septve_disable": 28, "tdx_td_attributes_protection_keys": 30,
    "tdx_td_attributes_key_locker": 31, "tdx_td_attributes_perfmon": 63, "tdx_is_migratable": 29, "tdx_td_attributes_migratable": 29,
}
COLLATERAL_HASHES = ("qeidcerthash", "qeidcrlhash", "qeidhash", "tcbinfocerthash", "tcbinfocrlhash", "tcbinfohash")
LIFETIME_S = {1: 1800, 2: 300}
VERSIONS = {1: "1.0.0", 2: "2.0.0"}
V1_ISSUER = "Intel Trust Authority"


#: Object identifier of the FMSPC in a PCK certificate, and the OCTET STRING of 6 bytes that follows.
FMSPC = bytes.fromhex("060a2a864886f84d010d01040406")


def fmspc_of(quote: bytes) -> str:
    """FMSPC in the quote's PCK certificate, in hexadecimal; zeros where there is none."""
    _, _, rest = quote.partition(b"-----BEGIN CERTIFICATE-----")
    certificate = base64.b64decode(rest.partition(b"-----END CERTIFICATE-----")[0])
    _, _, value = certificate.partition(FMSPC)
    return value[:6].hex() if value else "00" * 6


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def attester_claims(quote: bytes, tcb_status: str) -> dict[str, Any]:
    """What the service says of the TD and its platform: top level in version 1, inside `tdx` in version 2."""
    claims: dict[str, Any] = {name: read_field(quote, source).hex() for name, source in QUOTE_CLAIMS.items()}
    attributes = int.from_bytes(read_field(quote, "td_attributes"), "little")
    claims |= {name: bool(attributes >> bit & 1) for name, bit in ATTRIBUTE_CLAIMS.items()}
    claims["tdx_seamsvn"] = int.from_bytes(read_field(quote, "tee_tcb_svn")[:2], "little")
    claims["tdx_collateral"] = {
        **{name: hashlib.sha256(name.encode()).hexdigest() for name in COLLATERAL_HASHES}, "quotehash": hashlib.sha256(quote).hexdigest()}
    claims |= {
        "attester_type": "TDX", "attester_tcb_status": tcb_status, "attester_tcb_date": "2025-05-14T00:00:00Z",
        "dbgstat": "enabled" if attributes & 1 else "disabled",
    }
    if tcb_status != "UpToDate":
        claims["attester_advisory_ids"] = ["INTEL-SA-01036", "INTEL-SA-01079"]
    return claims


@dataclass
class Draft:
    """A token before it is signed. A scenario changes what it likes; what is None is written from the rest."""

    service: Service
    quote: bytes
    version: int
    header: dict[str, Any]
    claims: dict[str, Any]  # the payload
    key: RsaKey
    sign: Callable[[bytes], bytes] | None = None
    header_text: str | bytes | None = None
    payload_text: str | bytes | None = None
    edit: Callable[[str], str] | None = None  # of the finished token

    @property
    def tdx(self) -> dict[str, Any]:
        """Where the claims on the TD are."""
        inner: dict[str, Any] = self.claims["tdx"] if self.version == 2 else self.claims
        return inner

    @property
    def payload_json(self) -> str:
        return json.dumps(self.claims)

    def describe(self, quote: bytes) -> None:
        """Say of another quote what is said of this one."""
        self.tdx.update(attester_claims(quote, self.tdx["attester_tcb_status"]))

    def signature(self, message: bytes) -> bytes:
        algorithm = str(self.header.get("alg"))
        return self.key.sign_pkcs1(message, algorithm[2:]) if algorithm.startswith("RS") else self.key.sign_pss(message, "384")

    def finish(self) -> str:
        header = json.dumps(self.header) if self.header_text is None else self.header_text
        payload = self.payload_json if self.payload_text is None else self.payload_text
        signed = ".".join(base64url(part.encode() if isinstance(part, str) else part) for part in (header, payload))
        token = f"{signed}.{base64url((self.sign or self.signature)(signed.encode()))}"
        return self.edit(token) if self.edit else token


def draft(service: Service, quote: bytes, version: int, request: Mapping[str, Any]) -> Draft:
    """The sound token for a request."""
    now = service.now
    signer = service.pki.signer(service.signer)
    attester = attester_claims(quote, service.tcb_status)
    if version == 2:
        attester["tdx_collateral"] |= {"fmspc": fmspc_of(quote), "tcbevaluationdatanumber": 20}
        attester |= {"pce_svn": 13, "sgx_tcb_comp_svn": "0b0b0202030001000000000000000000"}
    claims: dict[str, Any] = {
        "iat": now, "nbf": now, "exp": now + LIFETIME_S[version], "iss": service.portal_url if version == 2 else V1_ISSUER,
        "jti": str(uuid.UUID(bytes=service.random("jti", 16), version=4)), "ver": VERSIONS[version],
        "eat_profile": f"{service.portal_url}/eat_profile.html", "intuse": "generic",
        "verifier_instance_ids": [str(uuid.UUID(bytes=service.random("instance", 16), version=4)) for _ in range(2)],
        **policies(service, request),
        **({"tdx": attester, "appraisal": {"method": "default", "ver": 2}} if version == 2 else attester),
    }
    algorithm = request.get("token_signing_alg") or "PS384"
    header = {"alg": algorithm, "jku": f"{service.portal_url}/certs", "kid": signer.kid, "typ": "JWT"}
    return Draft(service, quote, version, header, claims, signer.key)


def policies(service: Service, request: Mapping[str, Any]) -> dict[str, Any]:
    """Every policy that is asked for matches."""
    def entry(policy: str) -> dict[str, str]:
        digest = base64.b64encode(service.seed.derive(f"policy/{policy}", 48))
        return {"id": policy, "version": "v1", "hash": base64.b64encode(digest).decode()}
    asked = request.get("policy_ids") or []
    return {"policy_ids_matched": [entry(policy) for policy in asked]} if asked else {}


def text_time(now: int) -> str:
    """A moment as nonces have it."""
    return datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
