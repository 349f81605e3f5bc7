"""TCB statuses and how they converge (DCAP rules 3.8, 3.9; design of the words)."""
from __future__ import annotations

from casebook.book import Book
from casebook.outcome import Verdict

#: Status of the platform: the first component that leads to it, its date and its advisories.
PLATFORM = {
    "UpToDate": (8, "2025-05-14", ()),
    "SWHardeningNeeded": (7, "2025-02-12", ("INTEL-SA-00960",)),
    "ConfigurationNeeded": (6, "2024-11-13", ("INTEL-SA-00837",)),
    "ConfigurationAndSWHardeningNeeded": (5, "2024-08-14", ("INTEL-SA-00837", "INTEL-SA-00960")),
    "OutOfDate": (4, "2024-03-13", ("INTEL-SA-00837", "INTEL-SA-00960")),
    "OutOfDateConfigurationNeeded": (3, "2023-08-09", ("INTEL-SA-00837", "INTEL-SA-00960")),
    "Revoked": (2, "2023-02-15", ("INTEL-SA-00837", "INTEL-SA-00960")),
}
#: Status of module and QE: security version, date, advisories.
MODULE = {"UpToDate": (6, "2025-05-14", ()), "OutOfDate": (4, "2024-03-13", ("INTEL-SA-01036",)), "Revoked": (2, "2023-02-15", ("INTEL-SA-01036",))}
QE = {"UpToDate": (8, "2025-05-14", ()), "OutOfDate": (6, "2024-03-13", ("INTEL-SA-00615",)), "Revoked": (5, "2023-02-15", ("INTEL-SA-00615",))}
ACCEPTED = ("UpToDate", "SWHardeningNeeded")
#: Everything that can be accepted at all, for the cases that show whole results.
ALL = ["OK", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded",
       "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded"]


def converge(platform: str, *components: str) -> str:
    """DCAP rules 3.9."""
    if "Revoked" in (platform, *components):
        return "Revoked"
    if "OutOfDate" not in components:
        return platform
    return "OutOfDateConfigurationNeeded" if "Configuration" in platform else "OutOfDate"


def verdict(platform: str, module: str = "UpToDate", qe: str = "UpToDate") -> Verdict:
    levels = (PLATFORM[platform], MODULE[module], QE[qe])
    return Verdict(status=converge(platform, module, qe), platform=platform, module=module, qe=qe, date=min(level[1] for level in levels),
                   advisories=tuple(sorted({advisory for level in levels for advisory in level[2]})))


def machine(platform: str, module: str = "UpToDate", qe: str = "UpToDate") -> dict[str, object]:
    """Mint arguments for a machine in this state."""
    components = bytes([PLATFORM[platform][0]]) + bytes.fromhex("020202030100050000000000000000")
    svn = bytes([MODULE[module][0], 1, 3]) + bytes(13)
    return {"platform": {"components": components, "tee_tcb_svn": svn}, "qe_report": {"isv_svn": QE[qe][0]}}


def write(book: Book) -> None:
    for platform in PLATFORM:
        for module in MODULE:
            for qe in QE:
                write_state(book, platform, module, qe)
    unsupported = book.world.mint("unsupported_tcb")
    book.verify("tcb/platform-below-every-level", "a platform below every level", unsupported, "DCAP_TCB_NOT_SUPPORTED")
    pce = book.world.mint(platform={"pce_svn": 10})
    book.verify("tcb/pce-below-every-level", "a PCESVN below every level", pce, "DCAP_TCB_NOT_SUPPORTED")
    higher = book.world.mint(platform={"components": bytes([255] * 16), "pce_svn": 65535})
    book.verify("tcb/platform-above-every-level", "a platform above every level", higher, book.accepted(higher))


def write_state(book: Book, platform: str, module: str, qe: str) -> None:
    name = f"tcb/{platform}-{module}-{qe}".lower()
    expected = verdict(platform, module, qe)
    minted = book.world.mint(**machine(platform, module, qe))
    description = f"platform {platform}, module {module}, QE {qe}: {expected.status}"
    accepted = expected.status in ACCEPTED
    book.verify(name, description, minted, book.accepted(minted, expected) if accepted else ("TCB_STATUS", expected))
    # The whole result is worth a case of its own where the components decide.
    if not accepted and expected.status != "Revoked" and (module, qe) in (("UpToDate", "UpToDate"), ("OutOfDate", "OutOfDate")):
        book.verify(f"{name}-allowed", f"{description}, and allowed", minted, book.accepted(minted, expected), options={"acceptable_tcb_statuses": ALL})
