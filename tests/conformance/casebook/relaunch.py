"""TD 1.5: the module at launch and the module that runs now (DCAP rules 3.10, cases 7.7)."""
from __future__ import annotations

from casebook.book import Book
from casebook.outcome import Verdict
from casebook.tcb import ALL, MODULE, PLATFORM, converge

ADVISED = {"OutOfDate", "OutOfDateConfigurationNeeded"}
GOOD = {"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded"}


def current_decides(launch: str, current: str) -> bool:
    """Where Intel's rule keeps the launch's verdict although the module that runs now is worse, ours does not."""
    return current == "Revoked" or (current in ADVISED and launch not in ADVISED | {"Revoked"})


def relaunched(launch: str, current: str) -> str:
    """The verdict of both evaluations."""
    if launch in ADVISED and current in GOOD:
        advised = "Configuration" in launch or "Configuration" in current
        return "TDRelaunchAdvisedConfigurationNeeded" if advised else "TDRelaunchAdvised"
    return current if current_decides(launch, current) else launch


def write(book: Book) -> None:
    for platform in ("UpToDate", "SWHardeningNeeded", "ConfigurationNeeded"):
        for launch in MODULE:
            for current in MODULE:
                write_state(book, platform, launch, current)
    unknown = book.world.mint(kind="tdx-v5-type3", platform={"tee_tcb_svn_2": bytes.fromhex("06090300000000000000000000000000")})
    book.verify("relaunch/current-module-unknown", "the module that runs now is not known", unknown, "DCAP_TDX_MODULE_UNKNOWN")
    low = book.world.mint(kind="tdx-v5-type3", platform={"tee_tcb_svn_2": bytes.fromhex("01010300000000000000000000000000")})
    book.verify("relaunch/current-module-svn", "the module that runs now is below every level", low, "DCAP_TDX_MODULE_SVN_UNSUPPORTED")
    microcode = book.world.mint(kind="tdx-v5-type3", platform={"tee_tcb_svn_2": bytes.fromhex("06010100000000000000000000000000")})
    book.verify("relaunch/current-microcode", "the microcode that is loaded now is below every level", microcode, "DCAP_TCB_NOT_SUPPORTED")
    zero = book.world.mint(kind="tdx-v5-type3", platform={"tee_tcb_svn_2": bytes(16)})
    book.verify("relaunch/current-zero", "security versions of now that are all zero", zero, "DCAP_TCB_NOT_SUPPORTED")


def write_state(book: Book, platform: str, launch: str, current: str) -> None:
    def svn(module: str) -> bytes:
        return bytes([MODULE[module][0], 1, 3]) + bytes(13)

    components = bytes([PLATFORM[platform][0]]) + bytes.fromhex("020202030100050000000000000000")
    minted = book.world.mint(kind="tdx-v5-type3", platform={"components": components, "tee_tcb_svn": svn(launch), "tee_tcb_svn_2": svn(current)})
    both = converge(platform, launch), converge(platform, current)
    status = relaunched(*both)
    levels = (PLATFORM[platform], MODULE[launch], MODULE[current])
    verdict = Verdict(status=status, launch=both[0], current=both[1], platform=platform, module=current if current_decides(*both) else launch, date=min(level[1] for level in levels),
                      advisories=tuple(sorted({advisory for level in levels for advisory in level[2]})))
    name = f"relaunch/{platform}-{launch}-{current}".lower()
    description = f"platform {platform}, module {launch} at launch and {current} now: {status}"
    if status == "Revoked":
        book.verify(name, description, minted, ("TCB_STATUS", verdict))
    else:
        book.verify(name, description, minted, book.accepted(minted, verdict), options={"acceptable_tcb_statuses": ALL})
