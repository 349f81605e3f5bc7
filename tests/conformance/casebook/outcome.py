"""Expected outcomes, worked out from the case and the bytes of the quote alone: not by asking the library."""
from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Sequence

from casebook import identity
from casebook.tables import CODES, FIELDS
from simulator.event_log import Event

DAY = 86400
#: The product's word for Intel's.
WORDS = {"UpToDate": "OK"}
TDX = 0x81


def rfc3339(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Verdict:
    """What the collateral says of a machine; the default is the simulator's healthy one."""

    status: str = "UpToDate"  # converged, Intel's words
    platform: str = "UpToDate"
    module: str | None = "UpToDate"  # None: no module level was used
    qe: str = "UpToDate"
    launch: str | None = None  # TD 1.5: converged, at launch and now
    current: str | None = None
    date: str = "2025-05-14"
    advisories: tuple[str, ...] = ()
    number: int = 20  # TCB evaluation data number
    expires: int | None = None  # seconds; 29 days from the world's now unless given
    platform_ca: bool = True

    def of_td15(self) -> Verdict:
        """The same module at launch and now."""
        return replace(self, launch=self.launch or self.status, current=self.current or self.status)

    def tcb(self, now: int, fmspc: str) -> dict[str, Any]:
        """What an error tells of it."""
        return {
            "tcb_status": WORDS.get(self.status, self.status), "tcb_status_dcap": self.status, "platform_tcb_status": self.platform,
            "tdx_module_tcb_status": self.module, "qe_tcb_status": self.qe,
            "launch_tcb_status": self.launch, "current_tcb_status": self.current, "tcb_date": f"{self.date}T00:00:00Z",
            "advisory_ids": sorted(self.advisories), "fmspc": fmspc, "tcb_evaluation_data_number": self.number,
            "collateral_expires_at": rfc3339(self.expires or now + 29 * DAY),
        }


def failure(code: str, tcb: dict[str, Any] | None = None) -> dict[str, Any]:
    """A refusal, a mistake or "could not check": class and stage follow from the code."""
    row = CODES[code]
    return {"accepted": False, "code": code, "class": row["class"], "stage": row["stage"], "tcb": tcb}


def kept(from_cache: bool) -> dict[str, Any]:
    """An accepted turn: whether its verdict was kept from an earlier one."""
    return {"accepted": True, "from_cache": from_cache}


def extracted(quote: bytes | None) -> dict[str, Any]:
    identity = None if quote is None else {"length": len(quote), "sha256": hashlib.sha256(quote).hexdigest()}
    return {"accepted": True, "quote": identity}


def is_tdx(quote: bytes) -> bool:
    return quote[4] == TDX


def body_of(quote: bytes) -> bytes:
    """The report in a quote."""
    return quote[54:] if quote[0] == 5 else quote[48:]


def body_field(quote: bytes, name: str) -> str | int | None:
    """A field that the body holds: hexadecimal in memory order or a number; None where this kind has none."""
    row = FIELDS[name]
    offset = row.get("td" if is_tdx(quote) else "sgx")
    if offset is None or (name in ("tee_tcb_svn_2", "mr_service_td") and not is_td15(quote)):
        return None
    content = body_of(quote)[offset:offset + row["bytes"]]
    return int.from_bytes(content, "little") if row["type"] == "number" else content.hex()


def is_td15(quote: bytes) -> bool:
    return quote[0] == 5 and quote[48] == 3


def is_debug(quote: bytes) -> bool:
    return bool(body_of(quote)[120] & 1) if is_tdx(quote) else bool(body_of(quote)[48] & 2)


def inspected(quote: bytes, *, kind: str, trailing: int = 0, certification: int | None = 5,
              platform: dict[str, str | None] | None = None, events: Sequence[Event] | None = None) -> dict[str, Any]:
    """Every field of a quote; `platform` is what its PCK certificate says (fmspc, ppid, platform_instance_id); `events` are of the
    log beside it."""
    known: dict[str, Any] = {name: body_field(quote, name) for name, row in FIELDS.items() if "td" in row or "sgx" in row}
    known |= {
        "kind": kind, "quote_version": quote[0], "attestation_key_type": 2, "tee_type": quote[4],
        "body_type": quote[48] if quote[0] == 5 else None, "user_data": quote[28:48].hex(),
        "tee": "tdx" if is_tdx(quote) else "sgx", "is_debug_mode": is_debug(quote), "qe_vendor_id": quote[12:28].hex(),
        "certification_data_type": certification, "trailing_bytes": trailing, **(platform or {}),
    }
    known |= identity.known(quote, events) if is_tdx(quote) else {}
    if events is not None:
        known["explained_registers"] = identity.explained(quote, events)
    return {"accepted": True, "fields": {name: known.get(name) for name, row in FIELDS.items() if row["in"] != "result"}}


def result(quote: bytes | None, *, now: int, verifier: str, verdict: Verdict | None = None, trust_anchor: str | None = None,
           verified: bool | None = None, key_bound: bool | None = None, waived: tuple[str, ...] = (), identity_pinned: bool = False,
           platform: dict[str, str | None] | None = None, claims: dict[str, Any] | None = None, events: Sequence[Event] | None = None,
           encoding: str | None = None) -> dict[str, Any]:
    """An acceptance. `quote` None is a certificate without one; `claims` are those of a custom verifier, which is taken at its
    word that it checked a signature; `events` are of the log beside the quote; `encoding` is a report's."""
    known: dict[str, Any] = {
        "accepted": True, "verified": trust_anchor is not None if verified is None else verified, "verifier": verifier, "trust_anchor": trust_anchor,
        "waived": sorted(waived), "identity_pinned": identity_pinned, "verified_at": rfc3339(now), "from_cache": False,
        "key_bound": key_bound,
    }
    if quote is not None:
        known |= {name: body_field(quote, name) for name, row in FIELDS.items() if "td" in row or "sgx" in row}
        known |= {"tee": "tdx" if is_tdx(quote) else "sgx", "is_debug_mode": is_debug(quote), "qe_vendor_id": quote[12:28].hex()}
        known |= identity.known(quote, events) if is_tdx(quote) else {}
    known["report_encoding"] = encoding
    if verdict is not None:
        verdict = verdict.of_td15() if quote is not None and is_td15(quote) else verdict
        known |= verdict.tcb(now, (platform or {}).get("fmspc") or "")
        known |= platform or {}
    known |= claims or {}
    return {"accepted": True, "result": {name: known.get(name) for name, row in FIELDS.items() if row["in"] != "inspect"}}
