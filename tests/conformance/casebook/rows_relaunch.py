"""Rows 7.7: TD 1.5, the module at launch and the module of now."""
from __future__ import annotations

from typing import Any

from casebook.book import Book
from casebook.outcome import Verdict
from casebook.relaunch import current_decides, relaunched
from casebook.rows import Rows
from casebook.tcb import ALL, PLATFORM, QE
from simulator.minted import Minted
from simulator.tcb import level, sgx_components, tdx_components

#: The microcode's SVN at launch and now: each leads to a level of its own.
LAUNCH, CURRENT = 2, 3


def svn(microcode: int, module: bytes = b"\x06\x01") -> bytes:
    return module + bytes([microcode]) + bytes(13)


def two_levels(launch: str, current: str) -> Any:
    """TCB info in which the microcode alone decides between two statuses."""
    def levels(document: dict[str, Any]) -> None:
        document["tcbLevels"] = []
        for microcode, status in ((CURRENT, current), (LAUNCH, launch)):
            components = tdx_components()
            components[2] = {"svn": microcode}
            tcb = {"sgxtcbcomponents": sgx_components(8), "pcesvn": 11, "tdxtcbcomponents": components}
            document["tcbLevels"].append(level(tcb, status, PLATFORM[status][1], list(PLATFORM[status][2])))
    return levels


def state(launch: str, current: str, qe: str = "UpToDate") -> Verdict:
    decisive = current if current_decides(launch, current) else launch
    levels = [PLATFORM[launch], PLATFORM[current], QE[qe]]
    converged = [("OutOfDateConfigurationNeeded" if "Configuration" in one else "OutOfDate") if qe == "OutOfDate" else one for one in (launch, current)]
    return Verdict(status=relaunched(*converged), platform=decisive, qe=qe, launch=converged[0], current=converged[1], date=min(item[1] for item in levels),
                   advisories=tuple(sorted({advisory for item in levels for advisory in item[2]})))


def mint(book: Book, launch: str, current: str, **more: Any) -> Minted:
    return book.world.mint(**{"kind": "tdx-v5-type3", "platform": {"tee_tcb_svn": svn(LAUNCH), "tee_tcb_svn_2": svn(CURRENT)},
                              "collateral": {"tcb_info": two_levels(launch, current)}, **more})


def write(rows: Rows) -> None:
    book = rows.book
    pairs = {
        "r01": [("UpToDate", "UpToDate")], "r02": [("OutOfDate", "UpToDate")], "r03": [("OutOfDate", "ConfigurationNeeded")],
        "r04": [("OutOfDateConfigurationNeeded", "UpToDate"), ("OutOfDateConfigurationNeeded", "SWHardeningNeeded")],
        "r05": [("OutOfDate", "SWHardeningNeeded")], "r06": [("OutOfDate", "OutOfDate")], "r07": [("OutOfDate", "Revoked")],
        "r08": [("UpToDate", "OutOfDate")], "r13": [("Revoked", "UpToDate")],
    }
    for row, states in pairs.items():
        for launch, current in states:
            write_pair(rows, row, launch, current)
    unmatched = mint(book, "UpToDate", "UpToDate", platform={"tee_tcb_svn": svn(CURRENT), "tee_tcb_svn_2": svn(LAUNCH - 1)})
    rows.case("r09", "current below every level", unmatched, "DCAP_TCB_NOT_SUPPORTED")
    unknown = mint(book, "UpToDate", "UpToDate", platform={"tee_tcb_svn_2": svn(CURRENT, b"\x06\x09")})
    rows.case("r10", "current module unknown", unknown, "DCAP_TDX_MODULE_UNKNOWN")
    zero = book.world.mint(kind="tdx-v5-type3", platform={"tee_tcb_svn_2": bytes(16)})
    rows.case("r11", "current all zero", zero, "DCAP_TCB_NOT_SUPPORTED")
    qe = mint(book, "UpToDate", "UpToDate", qe_report={"isv_svn": QE["OutOfDate"][0]})
    rows.case("r12", "QE out of date", qe, ("TCB_STATUS", state("UpToDate", "UpToDate", "OutOfDate")))
    old = book.world.mint(kind="tdx-v5-type2", platform={"tee_tcb_svn": svn(LAUNCH)}, collateral={"tcb_info": two_levels("OutOfDate", "UpToDate")})
    plain = Verdict(status="OutOfDate", platform="OutOfDate", date=PLATFORM["OutOfDate"][1], advisories=PLATFORM["OutOfDate"][2])
    rows.case("r14", "body of TD 1.0", old, ("TCB_STATUS", plain))
    # What Intel's verifier of 2024 asks about besides: the SGX part alone is out of date, and a relaunch does not help.
    platform = mint(book, "OutOfDate", "OutOfDate", platform={"tee_tcb_svn": svn(LAUNCH), "tee_tcb_svn_2": svn(CURRENT)})
    rows.case("r15", "platform out of date and module newer", platform, ("TCB_STATUS", state("OutOfDate", "OutOfDate")))


def write_pair(rows: Rows, row: str, launch: str, current: str) -> None:
    book = rows.book
    minted, expected = mint(book, launch, current), state(launch, current)
    what = f"{launch} and {current}"
    if expected.status == "UpToDate":
        rows.case(row, what, minted, book.accepted(minted, expected))
        return
    rows.case(row, what, minted, ("TCB_STATUS", expected))
    if expected.status != "Revoked":
        rows.case(row, f"{what} allowed", minted, book.accepted(minted, expected), options={"acceptable_tcb_statuses": ALL})
