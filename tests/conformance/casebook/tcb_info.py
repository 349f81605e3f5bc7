"""TCB info (DCAP rules 3.4, 3.7, cases 7.4)."""
from __future__ import annotations

import copy
import json
from typing import Any, Callable

from casebook.book import HEALTHY, Book
from casebook.outcome import Verdict, rfc3339
from casebook.tcb import verdict

Change = Callable[[dict[str, Any]], None]
MODULE_2 = bytes.fromhex("06020300000000000000000000000000")
OLD_MODULE = bytes.fromhex("05000300000000000000000000000000")


def put(**members: Any) -> Change:
    return lambda info: info.update(members)


def drop(*names: str) -> Change:
    def change(info: dict[str, Any]) -> None:
        for name in names:
            del info[name]
    return change


def level(index: int, change: Callable[[dict[str, Any]], None]) -> Change:
    return lambda info: change(info["tcbLevels"][index])


def component(kind: str, position: int, svn: Any) -> Change:
    """One component of the first level, and of no other that shares its list."""
    def change(item: dict[str, Any]) -> None:
        item["tcb"][kind] = copy.deepcopy(item["tcb"][kind])
        item["tcb"][kind][position]["svn"] = svn
    return level(0, change)


def module(change: Callable[[dict[str, Any]], None], which: int = 1) -> Change:
    """The identity of the module that the machine runs (the second one is TDX_01)."""
    return lambda info: change(info["tdxModuleIdentities"][which])


def write(book: Book) -> None:
    for name, (description, change, code) in faults().items():
        book.verify(f"tcb-info/{name}", description, book.world.mint(collateral={"tcb_info": change}), code)
    write_texts(book)
    write_levels(book)
    write_modules(book)
    write_dates(book)
    other = json.loads(book.world.collateral("SGX"))
    of_sgx = {"tcb_info": other["tcb_info"], "tcb_info_signature": other["tcb_info_signature"]}
    book.verify("tcb-info/of-sgx", "TCB info for SGX beside a TDX quote", book.world.mint(collateral={"bundle": of_sgx}), "COLLATERAL_TCB_INFO_TEE")
    enclave = book.world.mint(kind="sgx-v3", collateral={"tcb_info": put(tdxModule={"mrsigner": "0" * 96, "attributes": "0" * 16, "attributesMask": "F" * 16})})
    book.verify("tcb-info/sgx-with-module", "TCB info for SGX with a TDX module", enclave, "COLLATERAL_TCB_INFO_FORMAT")


def faults() -> dict[str, tuple[str, Change, str]]:
    svns: dict[str, Any] = {"256": 256, "257": 257, "negative": -1, "fraction": 1.5, "text": "5", "null": None}
    return {
        "id-sgx": ("TCB info that says SGX and has a TDX module", put(id="SGX"), "COLLATERAL_TCB_INFO_FORMAT"),
        "id-case": ("TCB info for tdx in lower case", put(id="tdx"), "COLLATERAL_TCB_INFO_TEE"),
        "fmspc": ("TCB info for other machines", put(fmspc="00906ed50000"), "COLLATERAL_TCB_INFO_FMSPC"),
        "fmspc-short": ("an FMSPC of 10 digits", put(fmspc="510a7e0000"), "COLLATERAL_TCB_INFO_FORMAT"),
        "pce-id": ("TCB info for another PCE", put(pceId="0001"), "COLLATERAL_TCB_INFO_PCEID"),
        "tcb-type": ("a TCB type that is not 0", put(tcbType=1), "COLLATERAL_TCB_INFO_TYPE"),
        "version-2": ("version 2", put(version=2), "COLLATERAL_TCB_INFO_VERSION"),
        "version-4": ("version 4", put(version=4), "COLLATERAL_TCB_INFO_VERSION"),
        "version-text": ("a version that is text", put(version="3"), "COLLATERAL_TCB_INFO_FORMAT"),
        "levels-empty": ("no levels", put(tcbLevels=[]), "COLLATERAL_TCB_INFO_FORMAT"),
        "levels-missing": ("no list of levels", drop("tcbLevels"), "COLLATERAL_TCB_INFO_FORMAT"),
        "levels-key-case": ("levels under a key in the wrong case", lambda info: info.update(TCBLEVELS=info.pop("tcbLevels")), "COLLATERAL_TCB_INFO_FORMAT"),
        "number-missing": ("no evaluation number", drop("tcbEvaluationDataNumber"), "COLLATERAL_TCB_INFO_FORMAT"),
        **{f"component-{name}": (f"a component's SVN: {name}", component("sgxtcbcomponents", 0, svn), "COLLATERAL_TCB_INFO_FORMAT")
           for name, svn in svns.items()},
        **{f"tdx-component-{name}": (f"a TDX component's SVN: {name}", component("tdxtcbcomponents", 3, svn), "COLLATERAL_TCB_INFO_FORMAT")
           for name, svn in svns.items()},
        "components-15": ("15 components", level(0, lambda item: item["tcb"]["sgxtcbcomponents"].pop()), "COLLATERAL_TCB_INFO_FORMAT"),
        "components-17": ("17 components", level(0, lambda item: item["tcb"]["sgxtcbcomponents"].append({"svn": 0})), "COLLATERAL_TCB_INFO_FORMAT"),
        "tdx-components-15": ("15 TDX components", level(0, lambda item: item["tcb"]["tdxtcbcomponents"].pop()), "COLLATERAL_TCB_INFO_FORMAT"),
        "tdx-components-missing": ("no TDX components", level(0, lambda item: item["tcb"].pop("tdxtcbcomponents")), "COLLATERAL_TCB_INFO_FORMAT"),
        "pcesvn-65536": ("a PCESVN of 65536", level(0, lambda item: item["tcb"].update(pcesvn=65536)), "COLLATERAL_TCB_INFO_FORMAT"),
        "level-date": ("a level with a day that does not exist", level(0, lambda item: item.update(tcbDate="2025-02-30T00:00:00Z")), "COLLATERAL_TCB_INFO_FORMAT"),
        "level-status": ("a level with a status that is not known", level(0, lambda item: item.update(tcbStatus="Foo")), "COLLATERAL_TCB_STATUS_UNKNOWN"),
        "level-status-missing": ("a level without a status", level(0, lambda item: item.pop("tcbStatus")), "COLLATERAL_TCB_INFO_FORMAT"),
        "level-twice": ("the same level twice with different statuses",
                        lambda info: info["tcbLevels"].append({**copy.deepcopy(info["tcbLevels"][0]), "tcbStatus": "Revoked"}),
                        "COLLATERAL_TCB_INFO_DUPLICATE_LEVEL"),
        "module-missing": ("TCB info for TDX without a module", drop("tdxModule"), "COLLATERAL_TCB_INFO_FORMAT"),
        "identities-empty": ("an empty list of module identities", put(tdxModuleIdentities=[]), "COLLATERAL_TCB_INFO_FORMAT"),
        "identities-missing": ("no module identities, and a module that needs one", drop("tdxModuleIdentities"), "DCAP_TDX_MODULE_IDENTITY_MISSING"),
        "identities-same-id": ("two module identities of one id but for its case", module(lambda item: item.update(id="tdx_03")), "COLLATERAL_TCB_INFO_FORMAT"),
        "identity-id": ("a module identity of an unknown form", module(lambda item: item.update(id="TDX_1"), 0), "COLLATERAL_TCB_INFO_FORMAT"),
        "identity-levels-empty": ("a module identity without levels", module(lambda item: item.update(tcbLevels=[])), "COLLATERAL_TCB_INFO_FORMAT"),
        "identity-status": ("a module level with a status of platforms", module(lambda item: item["tcbLevels"][0].update(tcbStatus="ConfigurationNeeded")),
                            "COLLATERAL_TCB_STATUS_UNKNOWN"),
        "identity-signer": ("a module of another signer", module(lambda item: item.update(mrsigner="01" + "0" * 94)), "DCAP_TDX_MRSIGNERSEAM"),
        "identity-attributes": ("module attributes that the quote lacks", module(lambda item: item.update(attributes="01" + "0" * 14)), "DCAP_TDX_SEAMATTRIBUTES"),
        "next-update-no-such-day": ("a next update on a day that does not exist", put(nextUpdate="2027-02-30T00:00:00Z"), "COLLATERAL_TCB_INFO_FORMAT"),
        "next-update-offset": ("a next update with an offset", put(nextUpdate="2026-06-30T00:00:00+00:00"), "COLLATERAL_TCB_INFO_FORMAT"),
        "next-update-lower-case": ("a next update with a lower-case z", put(nextUpdate="2026-06-30T00:00:00z"), "COLLATERAL_TCB_INFO_FORMAT"),
        "next-update-24": ("a next update at 24:00:00", put(nextUpdate="2026-06-30T24:00:00Z"), "COLLATERAL_TCB_INFO_FORMAT"),
    }


def write_texts(book: Book) -> None:
    """The signed text and its signature."""
    texts: dict[str, tuple[str, dict[str, Any], str]] = {
        "not-json": ("a signed text that is not JSON", {"tcb_info_text": lambda text: "INVALID JSON"}, "COLLATERAL_TCB_INFO_FORMAT"),
        "duplicate-key": ("a key twice", {"tcb_info_text": lambda text: text[:-1] + ',"tcbLevels":[]}'}, "COLLATERAL_DUPLICATE_KEY"),
        "deep": ("nested forty deep", {"tcb_info_text": lambda text: text[:-1] + ',"x":' + "[" * 40 + "]" * 40 + "}"}, "COLLATERAL_TCB_INFO_FORMAT"),
        "exponent": ("an SVN written as 1e2", {"tcb_info_text": lambda text: text.replace('"svn":8', '"svn":8e0', 1)}, None),
        "signed-by-stranger": ("signed by somebody else", {"tcb_info_signer": "stranger"}, "COLLATERAL_TCB_INFO_SIGNATURE"),
    }
    for name, (description, changes, code) in texts.items():
        if code is not None:
            book.verify(f"tcb-info/{name}", description, book.world.mint(collateral=changes), code)
    text = json.loads(book.sound.collateral_json)["tcb_info"]
    signature = json.loads(book.sound.collateral_json)["tcb_info_signature"]
    after: dict[str, tuple[str, dict[str, Any], str]] = {
        "space-added": ("one space added after it was signed", {"tcb_info": text.replace(",", ", ", 1)}, "COLLATERAL_TCB_INFO_SIGNATURE"),
        "bit-flipped": ("one letter changed after it was signed", {"tcb_info": text.replace("UpToDate", "UpTodate", 1)}, "COLLATERAL_TCB_INFO_SIGNATURE"),
        "signature-zero": ("a signature of zeros", {"tcb_info_signature": "0" * 128}, "COLLATERAL_TCB_INFO_SIGNATURE"),
        "signature-127": ("a signature of 127 digits", {"tcb_info_signature": signature[:-1]}, "COLLATERAL_TCB_INFO_FORMAT"),
        "signature-130": ("a signature of 130 digits", {"tcb_info_signature": signature + "00"}, "COLLATERAL_TCB_INFO_FORMAT"),
        "signature-not-hex": ("a signature that is not hexadecimal", {"tcb_info_signature": "x" * 128}, "COLLATERAL_TCB_INFO_FORMAT"),
        "of-the-qe": ("the QE identity in its place", {"tcb_info": json.loads(book.sound.collateral_json)["qe_identity"],
                      "tcb_info_signature": json.loads(book.sound.collateral_json)["qe_identity_signature"]}, "COLLATERAL_TCB_INFO_VERSION"),
    }
    for name, (description, changes, code) in after.items():
        book.verify(f"tcb-info/{name}", description, book.world.mint(collateral={"bundle": changes}), code)


def write_levels(book: Book) -> None:
    """Which level counts (DCAP rules 3.8)."""
    permuted = book.world.mint("sw_hardening_needed", collateral={"tcb_info": lambda info: info["tcbLevels"].reverse()})
    book.verify("tcb-info/levels-permuted", "levels in ascending order lead to the same verdict", permuted,
                book.accepted(permuted, verdict("SWHardeningNeeded")))
    cases: dict[str, tuple[str, Change, Any]] = {
        "fmspc-upper-case": ("an FMSPC in upper case", put(fmspc="510A7E000000"), HEALTHY),
        "component-higher": ("the first level asks for more: the next one counts", component("sgxtcbcomponents", 15, 1), verdict("SWHardeningNeeded")),
        "tdx-component-higher": ("the first level asks for more of TDX: the next one counts", component("tdxtcbcomponents", 15, 1),
                                 verdict("SWHardeningNeeded")),
        "pcesvn-higher": ("the first level asks for another PCE: the next one counts", level(0, lambda item: item["tcb"].update(pcesvn=12)),
                          verdict("SWHardeningNeeded")),
        "tdx-component-0-higher": ("the module's own components count by its identity instead", component("tdxtcbcomponents", 0, 200), HEALTHY),
        "tdx-component-1-higher": ("the same for the second one", component("tdxtcbcomponents", 1, 200), HEALTHY),
    }
    for name, (description, change, expected) in cases.items():
        minted = book.world.mint(collateral={"tcb_info": change})
        book.verify(f"tcb-info/{name}", description, minted, book.accepted(minted, expected))
    higher = book.world.mint(collateral={"tcb_info": lambda info: [item["tcb"]["sgxtcbcomponents"][9].update(svn=1) for item in info["tcbLevels"]]})
    book.verify("tcb-info/component-higher-everywhere", "every level asks for more", higher, "DCAP_TCB_NOT_SUPPORTED")
    tdx = book.world.mint(collateral={"tcb_info": lambda info: [item["tcb"]["tdxtcbcomponents"][2].update(svn=4) for item in info["tcbLevels"]]})
    book.verify("tcb-info/tdx-component-higher-everywhere", "every level asks for more of TDX", tdx, "DCAP_TCB_NOT_SUPPORTED")


def write_modules(book: Book) -> None:
    """The TDX module's identity (DCAP rules 3.7)."""
    unknown = book.world.mint(platform={"tee_tcb_svn": MODULE_2})
    book.verify("tcb-info/module-unknown", "a module that TCB info does not know", unknown, "DCAP_TDX_MODULE_UNKNOWN")
    low = book.world.mint(platform={"tee_tcb_svn": bytes.fromhex("01010300000000000000000000000000")})
    book.verify("tcb-info/module-svn", "a module below every level", low, "DCAP_TDX_MODULE_SVN_UNSUPPORTED")
    lower_case = book.world.mint(collateral={"tcb_info": module(lambda item: item.update(id="tdx_01"))})
    book.verify("tcb-info/module-id-lower-case", "a module identity whose id is in lower case", lower_case, book.accepted(lower_case))
    old = book.world.mint(platform={"tee_tcb_svn": OLD_MODULE})
    book.verify("tcb-info/module-0", "module 0 has no identity of its own, and its components count", old, book.accepted(old, Verdict(module=None)))
    old_low = book.world.mint(platform={"tee_tcb_svn": bytes.fromhex("04000300000000000000000000000000")})
    book.verify("tcb-info/module-0-svn", "module 0 below every level", old_low, "DCAP_TCB_NOT_SUPPORTED")
    signer = book.world.mint(body={"mr_signer_seam": b"\x01" + bytes(47)})
    book.verify("tcb-info/mr-signer-seam", "a quote of a module of another signer", signer, "DCAP_TDX_MRSIGNERSEAM")
    attributes = book.world.mint(body={"seam_attributes": b"\x01" + bytes(7)})
    book.verify("tcb-info/seam-attributes", "a quote with module attributes", attributes, "DCAP_TDX_SEAMATTRIBUTES")
    masked = book.world.mint(body={"seam_attributes": b"\x01" + bytes(7)}, collateral={"tcb_info": module(lambda item: item.update(attributesMask="0" * 16))})
    book.verify("tcb-info/seam-attributes-masked", "module attributes outside the mask", masked, "DCAP_TDX_SEAMATTRIBUTES")


def write_dates(book: Book) -> None:
    now = book.now
    expired = book.world.mint(collateral={"tcb_info": put(nextUpdate=rfc3339(now - 1))})
    book.verify("tcb-info/expired", "TCB info that expired a second ago", expired, "COLLATERAL_TCB_INFO_EXPIRED")
    last = book.world.mint(collateral={"tcb_info": put(nextUpdate=rfc3339(now))})
    book.verify("tcb-info/last-second", "TCB info in its last second", last, book.accepted_until(last, now))
    early = book.world.mint(collateral={"tcb_info": put(issueDate=rfc3339(now + 1))})
    book.verify("tcb-info/not-yet-valid", "TCB info of the next second", early, "COLLATERAL_TCB_INFO_NOT_YET_VALID")
    first = book.world.mint(collateral={"tcb_info": put(issueDate=rfc3339(now))})
    book.verify("tcb-info/first-second", "TCB info of this very second", first, book.accepted(first))
    backwards = book.world.mint(collateral={"tcb_info": put(issueDate=rfc3339(now - 10), nextUpdate=rfc3339(now - 20))})
    book.verify("tcb-info/backwards", "TCB info that expired before it was issued", backwards, "COLLATERAL_TCB_INFO_FORMAT")
    number = book.world.mint(collateral={"tcb_info": put(tcbEvaluationDataNumber=17)})
    book.verify("tcb-info/number-lower", "the lower of two evaluation numbers is told", number, book.accepted(number, Verdict(number=17)))
    book.verify("tcb-info/number-lower-than-asked", "the lower of two evaluation numbers counts", number, ("TCB_EVALUATION_DATA_NUMBER", Verdict(number=17)),
                options={"min_tcb_evaluation_data_number": 20})
