"""QE identity, and the QE that it describes (DCAP rules 3.5, 3.6, cases 7.5)."""
from __future__ import annotations

import copy
import json
from typing import Any, Callable

from casebook.book import Book
from casebook.outcome import Verdict, rfc3339
from casebook.tcb import verdict
from casebook.tcb_info import Change, drop, put


def write(book: Book) -> None:
    for name, (description, change, code) in faults().items():
        book.verify(f"qe-identity/{name}", description, book.world.mint(collateral={"qe_identity": change}), code)
    write_reports(book)
    write_texts(book)
    write_dates(book)
    ascending = book.world.mint(collateral={"qe_identity": lambda identity: identity["tcbLevels"].reverse()})
    book.verify("qe-identity/levels-permuted", "levels in ascending order lead to the same verdict", ascending, book.accepted(ascending))
    low = book.world.mint(qe_report={"isv_svn": 4})
    book.verify("qe-identity/svn-below-every-level", "a QE below every level", low, "DCAP_QE_SVN_UNSUPPORTED")
    between = book.world.mint(qe_report={"isv_svn": 7})
    book.verify("qe-identity/svn-between-levels", "a QE between two levels", between, ("TCB_STATUS", verdict("UpToDate", "UpToDate", "OutOfDate")))
    enclave = book.world.mint(kind="sgx-v3", collateral={"qe_identity": put(id="TD_QE")})
    book.verify("qe-identity/td-qe-for-sgx", "the TDX QE's identity beside an SGX quote", enclave, "COLLATERAL_QE_IDENTITY_TEE")


def first_level(change: Callable[[dict[str, Any]], Any]) -> Change:
    return lambda identity: change(identity["tcbLevels"][0])


def faults() -> dict[str, tuple[str, Change, str]]:
    return {
        "id-qe": ("the SGX QE's identity beside a TDX quote", put(id="QE"), "COLLATERAL_QE_IDENTITY_TEE"),
        "id-qve": ("the QvE's identity", put(id="QVE"), "COLLATERAL_QE_IDENTITY_TEE"),
        "id-case": ("an id in lower case", put(id="td_qe"), "COLLATERAL_QE_IDENTITY_TEE"),
        "version-1": ("version 1", put(version=1), "COLLATERAL_QE_IDENTITY_VERSION"),
        "version-3": ("version 3", put(version=3), "COLLATERAL_QE_IDENTITY_VERSION"),
        "mrsigner-short": ("an MRSIGNER of 62 digits", put(mrsigner="0" * 62), "COLLATERAL_QE_IDENTITY_FORMAT"),
        "attributes-long": ("attributes of 34 digits", put(attributes="0" * 34), "COLLATERAL_QE_IDENTITY_FORMAT"),
        "miscselect-mask-missing": ("no mask of MISCSELECT", drop("miscselectMask"), "COLLATERAL_QE_IDENTITY_FORMAT"),
        "attributes-outside-mask": ("attributes outside their mask", put(attributes="15" + "00" * 15), "COLLATERAL_QE_IDENTITY_FORMAT"),
        "miscselect-outside-mask": ("MISCSELECT outside its mask", put(miscselect="01000000", miscselectMask="FEFFFFFF"), "COLLATERAL_QE_IDENTITY_FORMAT"),
        "isvprodid-65536": ("an ISVPRODID of 65536", put(isvprodid=65536), "COLLATERAL_QE_IDENTITY_FORMAT"),
        "levels-empty": ("no levels", put(tcbLevels=[]), "COLLATERAL_QE_IDENTITY_FORMAT"),
        "levels-missing": ("no list of levels", drop("tcbLevels"), "COLLATERAL_QE_IDENTITY_FORMAT"),
        "level-twice": ("one ISVSVN twice", lambda identity: identity["tcbLevels"].append(copy.deepcopy(identity["tcbLevels"][0])),
                        "COLLATERAL_QE_IDENTITY_FORMAT"),
        "level-status": ("a status that is not known", first_level(lambda item: item.update(tcbStatus="Foo")), "COLLATERAL_TCB_STATUS_UNKNOWN"),
        "level-status-of-platforms": ("a status of platforms", first_level(lambda item: item.update(tcbStatus="SWHardeningNeeded")),
                                      "COLLATERAL_TCB_STATUS_UNKNOWN"),
        "level-svn-text": ("an ISVSVN that is text", first_level(lambda item: item["tcb"].update(isvsvn="8")), "COLLATERAL_QE_IDENTITY_FORMAT"),
        "mrsigner": ("another MRSIGNER", put(mrsigner="AB" * 32), "DCAP_QE_MRSIGNER"),
        "isvprodid": ("another ISVPRODID", put(isvprodid=1), "DCAP_QE_ISVPRODID"),
        "miscselect": ("another MISCSELECT", put(miscselect="01000000"), "DCAP_QE_MISCSELECT"),
        "attributes": ("other attributes", put(attributes="13" + "00" * 15), "DCAP_QE_ATTRIBUTES"),
    }


def write_reports(book: Book) -> None:
    """A QE that is not the one that the identity describes."""
    reports: dict[str, tuple[str, dict[str, Any], str]] = {
        "report-mrsigner": ("a QE of another signer: a genuine enclave is not a QE", {"mr_signer": bytes(32)}, "DCAP_QE_MRSIGNER"),
        "report-isvprodid": ("the QE of another TEE", {"isv_prod_id": 1}, "DCAP_QE_ISVPRODID"),
        "report-miscselect": ("a QE with another MISCSELECT", {"misc_select": 1}, "DCAP_QE_MISCSELECT"),
        "report-attributes": ("a QE with other attributes", {"attributes": bytes.fromhex("2500000000000000e700000000000000")}, "DCAP_QE_ATTRIBUTES"),
    }
    for name, (description, report, code) in reports.items():
        book.verify(f"qe-identity/{name}", description, book.world.mint(qe_report=report), code)
    debug = book.world.mint(qe_report={"attributes": bytes.fromhex("1700000000000000e700000000000000")},
                            collateral={"qe_identity": put(attributesMask="F9FFFFFFFFFFFFFF" + "00" * 8)})
    book.verify("qe-identity/report-debug", "a debug QE where the mask leaves debug out", debug, "DCAP_QE_DEBUG")


def write_texts(book: Book) -> None:
    sound = json.loads(book.sound.collateral_json)
    signed: dict[str, tuple[str, dict[str, Any], str]] = {
        "not-json": ("a signed text that is not JSON", {"qe_identity_text": lambda text: "not valid json {{{"}, "COLLATERAL_QE_IDENTITY_FORMAT"),
        "duplicate-key": ("a key twice", {"qe_identity_text": lambda text: text[:-1] + ',"isvprodid":1}'}, "COLLATERAL_DUPLICATE_KEY"),
        "signed-by-stranger": ("signed by somebody else", {"qe_identity_signer": "stranger"}, "COLLATERAL_QE_IDENTITY_SIGNATURE"),
        "space-added": ("one space added after it was signed", {"bundle": {"qe_identity": sound["qe_identity"].replace(",", ", ", 1)}},
                        "COLLATERAL_QE_IDENTITY_SIGNATURE"),
        "signature-zero": ("a signature of zeros", {"bundle": {"qe_identity_signature": "0" * 128}}, "COLLATERAL_QE_IDENTITY_SIGNATURE"),
        "of-tcb-info": ("TCB info in its place", {"bundle": {"qe_identity": sound["tcb_info"], "qe_identity_signature": sound["tcb_info_signature"]}},
                        "COLLATERAL_QE_IDENTITY_VERSION"),
    }
    for name, (description, changes, code) in signed.items():
        book.verify(f"qe-identity/{name}", description, book.world.mint(collateral=changes), code)


def write_dates(book: Book) -> None:
    now = book.now
    expired = book.world.mint(collateral={"qe_identity": put(nextUpdate=rfc3339(now - 1))})
    book.verify("qe-identity/expired", "a QE identity that expired a second ago", expired, "COLLATERAL_QE_IDENTITY_EXPIRED")
    last = book.world.mint(collateral={"qe_identity": put(nextUpdate=rfc3339(now))})
    book.verify("qe-identity/last-second", "a QE identity in its last second", last, book.accepted_until(last, now))
    early = book.world.mint(collateral={"qe_identity": put(issueDate=rfc3339(now + 1))})
    book.verify("qe-identity/not-yet-valid", "a QE identity of the next second", early, "COLLATERAL_QE_IDENTITY_NOT_YET_VALID")
    number = book.world.mint(collateral={"qe_identity": put(tcbEvaluationDataNumber=18)})
    book.verify("qe-identity/number-lower", "the lower of two evaluation numbers is told", number, book.accepted(number, Verdict(number=18)))
