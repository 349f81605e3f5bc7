"""Intel's signed JSON: TCB info and QE identity (DCAP rules 2.5), as dictionaries in the order Intel serves."""
from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, List, Tuple

from simulator.platform import Platform

DAY = 86400
QE_MR_SIGNER = bytes.fromhex("dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5")
QE_PRODUCT = {"SGX": 1, "TDX": 2}
EVALUATION_NUMBER = 20
ADVISORIES = ["INTEL-SA-00837", "INTEL-SA-00960"]
#: Security version, status, date, advisories.
Level = Tuple[int, str, str, List[str]]
#: Status of a machine by its first SGX component, best first: so one TCB info judges machines in every state.
LEVELS: list[Level] = [
    (8, "UpToDate", "2025-05-14", []),
    (7, "SWHardeningNeeded", "2025-02-12", ["INTEL-SA-00960"]),
    (6, "ConfigurationNeeded", "2024-11-13", ["INTEL-SA-00837"]),
    (5, "ConfigurationAndSWHardeningNeeded", "2024-08-14", ADVISORIES),
    (4, "OutOfDate", "2024-03-13", ADVISORIES),
    (3, "OutOfDateConfigurationNeeded", "2023-08-09", ADVISORIES),
    (2, "Revoked", "2023-02-15", ADVISORIES),
]
#: Status of the TDX module by its isvsvn, per module; the first byte pair of TEE_TCB_SVN is (isvsvn, module).
MODULE_LEVELS: list[Level] = [
    (6, "UpToDate", "2025-05-14", []), (4, "OutOfDate", "2024-03-13", ["INTEL-SA-01036"]),
    (2, "Revoked", "2023-02-15", ["INTEL-SA-01036"])]
QE_LEVELS: list[Level] = [
    (8, "UpToDate", "2025-05-14", []), (6, "OutOfDate", "2024-03-13", ["INTEL-SA-00615"]),
    (5, "Revoked", "2023-02-15", ["INTEL-SA-00615"])]
ANY_MODULE = {"mrsigner": "0" * 96, "attributes": "0" * 16, "attributesMask": "F" * 16}


def timestamp(seconds: int) -> str:
    """YYYY-MM-DDThh:mm:ssZ."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def level(tcb: dict[str, Any], status: str, date: str, advisories: list[str]) -> dict[str, Any]:
    listed: dict[str, Any] = {"advisoryIDs": list(advisories)} if advisories else {}
    return {"tcb": tcb, "tcbDate": f"{date}T00:00:00Z", "tcbStatus": status, **listed}


def isvsvn_levels(levels: list[Level]) -> list[dict[str, Any]]:
    return [level({"isvsvn": svn}, status, date, advisories) for svn, status, date, advisories in levels]


def validity(now: int) -> dict[str, str]:
    """Issued a day ago, good for thirty days, as Intel does."""
    return {"issueDate": timestamp(now - DAY), "nextUpdate": timestamp(now + 29 * DAY)}


def sgx_components(first: int) -> list[dict[str, Any]]:
    return [
        {"svn": first, "category": "BIOS", "type": "Early Microcode Update"},
        {"svn": 2, "category": "OS/VMM", "type": "SGX Late Microcode Update"},
        {"svn": 2, "category": "OS/VMM", "type": "TXT SINIT"},
        {"svn": 2, "category": "BIOS"}, {"svn": 3, "category": "BIOS"}, {"svn": 1, "category": "BIOS"},
        {"svn": 0}, {"svn": 5, "category": "OS/VMM", "type": "SEAMLDR ACM"}, *({"svn": 0} for _ in range(8)),
    ]


def tdx_components() -> list[dict[str, Any]]:
    """The first two govern module 0 only; later modules have an identity of their own."""
    return [
        {"svn": 5, "category": "OS/VMM", "type": "TDX Module"}, {"svn": 0, "category": "OS/VMM", "type": "TDX Module"},
        {"svn": 2, "category": "OS/VMM", "type": "TDX Late Microcode Update"}, *({"svn": 0} for _ in range(13)),
    ]


def tcb_info(platform: Platform, tee: str, now: int) -> dict[str, Any]:
    """TCB info version 3 for machines like this one; `tee` is SGX or TDX."""
    info: dict[str, Any] = {
        "id": tee, "version": 3, **validity(now), "fmspc": platform.fmspc.hex(), "pceId": platform.pce_id.hex(),
        "tcbType": 0, "tcbEvaluationDataNumber": EVALUATION_NUMBER,
    }
    if tee == "TDX":
        info["tdxModule"] = dict(ANY_MODULE)
        info["tdxModuleIdentities"] = [
            {"id": f"TDX_{module:02X}", **ANY_MODULE, "tcbLevels": isvsvn_levels(MODULE_LEVELS)}
            for module in (3, 1)]
    extra = {"tdxtcbcomponents": tdx_components()} if tee == "TDX" else {}
    info["tcbLevels"] = [
        level({"sgxtcbcomponents": sgx_components(first), "pcesvn": 11, **extra}, status, date, advisories)
        for first, status, date, advisories in LEVELS]
    return info


def qe_identity(tee: str, now: int) -> dict[str, Any]:
    """Identity of the quoting enclave, version 2; `tee` is SGX or TDX."""
    return {
        "id": "TD_QE" if tee == "TDX" else "QE", "version": 2, **validity(now),
        "tcbEvaluationDataNumber": EVALUATION_NUMBER, "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
        "attributes": "11" + "00" * 15, "attributesMask": "FBFFFFFFFFFFFFFF" + "00" * 8,
        "mrsigner": QE_MR_SIGNER.hex().upper(), "isvprodid": QE_PRODUCT[tee],
        "tcbLevels": isvsvn_levels(QE_LEVELS),
    }


def compact(document: dict[str, Any]) -> str:
    """JSON without white space, in the order given: the bytes that are signed."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
