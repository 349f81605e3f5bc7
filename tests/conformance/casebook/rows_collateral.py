"""Rows 7.4 (TCB info), 7.5 (QE identity and QE report) and 7.8 (collateral as a whole)."""
from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from casebook.book import HEALTHY
from casebook.outcome import Verdict, rfc3339
from casebook.rows import Rows
from casebook.signatures import raw
from casebook.structure import put as put_bytes
from casebook.tcb import PLATFORM, machine, verdict
from casebook.tcb_info import component, drop, level, module, put
from simulator.tcb import ANY_MODULE, MODULE_LEVELS, isvsvn_levels

SGX = Verdict(module=None)
FORMAT = "COLLATERAL_TCB_INFO_FORMAT"


def write(rows: Rows) -> None:
    write_tcb_info(rows)
    write_tcb_texts(rows)
    write_levels(rows)
    write_modules(rows)
    write_identity(rows)
    write_qe_levels(rows)
    write_report(rows)
    write_whole(rows)


def write_tcb_info(rows: Rows) -> None:
    book = rows.book
    now = book.now

    def info(row: str, what: str, change: Any, code: str, **more: Any) -> None:
        rows.case(row, what, book.world.mint(collateral={"tcb_info": change}, **more), code)

    info("t01", "expired", put(nextUpdate=rfc3339(now - 1)), "COLLATERAL_TCB_INFO_EXPIRED")
    info("t02", "issued in the next second", put(issueDate=rfc3339(now + 1)), "COLLATERAL_TCB_INFO_NOT_YET_VALID")
    other = json.loads(book.world.collateral("SGX"))
    of_sgx = {name: other[name] for name in ("tcb_info", "tcb_info_signature")}
    rows.case("t03", "of SGX for TDX", book.world.mint(collateral={"bundle": of_sgx}), "COLLATERAL_TCB_INFO_TEE")
    rows.case("t03", "of TDX for SGX", book.world.mint(kind="sgx-v3"), "COLLATERAL_TCB_INFO_TEE", collateral=book.sound.collateral_json)
    info("t06", "FMSPC", put(fmspc="00906ed50000"), "COLLATERAL_TCB_INFO_FMSPC")
    info("t07", "PCE-ID", put(pceId="0001"), "COLLATERAL_TCB_INFO_PCEID")
    info("t08", "type 1", put(tcbType=1), "COLLATERAL_TCB_INFO_TYPE")
    for version in (2, 4):
        info("t09", f"version {version}", put(version=version), "COLLATERAL_TCB_INFO_VERSION")
    info("t12", "key in another case", lambda document: document.update(TCBLEVELS=document.pop("tcbLevels")), FORMAT)
    for what, svn in {"256": 256, "257": 257, "negative": -1, "fraction": 1.5, "text": "5"}.items():
        for kind in ("sgxtcbcomponents", "tdxtcbcomponents"):
            info("t13", f"{kind} {what}", component(kind, 3, svn), FORMAT)
    info("t14", "15 components", level(0, lambda item: item["tcb"]["sgxtcbcomponents"].pop()), FORMAT)
    info("t14", "17 components", level(0, lambda item: item["tcb"]["sgxtcbcomponents"].append({"svn": 0})), FORMAT)
    info("t14", "15 TDX components", level(0, lambda item: item["tcb"]["tdxtcbcomponents"].pop()), FORMAT)
    info("t20", "level twice", lambda document: document["tcbLevels"].append({**copy.deepcopy(document["tcbLevels"][0]), "tcbStatus": "Revoked"}),
         "COLLATERAL_TCB_INFO_DUPLICATE_LEVEL")
    info("t21", "no levels", put(tcbLevels=[]), FORMAT)
    info("t22", "status Foo", level(0, lambda item: item.update(tcbStatus="Foo")), "COLLATERAL_TCB_STATUS_UNKNOWN")
    info("t26", "TDX without a module", drop("tdxModule"), FORMAT)
    info("t26", "SGX with a module", put(tdxModule=dict(ANY_MODULE)), FORMAT, kind="sgx-v3")
    for what, text in {"no such day": "2025-02-30T00:00:00Z", "offset": "2026-06-30T00:00:00+00:00", "lower case": "2026-06-30T00:00:00z",
                       "24 hours": "2026-06-30T24:00:00Z"}.items():
        info("t38", what, put(nextUpdate=text), FORMAT)
    last = book.world.mint(collateral={"tcb_info": put(nextUpdate=rfc3339(now))})
    rows.case("t39", "last second", last, book.accepted_until(last, now))
    rows.case("t39", "last second within the intersection", last, ("COLLATERAL_STALE", Verdict(expires=now)), options={"strict_intersection": True})
    number = book.world.mint(collateral={"tcb_info": put(tcbEvaluationDataNumber=17)})
    rows.case("t37", "older than asked", number, ("TCB_EVALUATION_DATA_NUMBER", Verdict(number=17)), options={"min_tcb_evaluation_data_number": 20})


def write_tcb_texts(rows: Rows) -> None:
    """The signed text, and its signature."""
    book = rows.book
    sound = json.loads(book.sound.collateral_json)
    text, signature = sound["tcb_info"], sound["tcb_info_signature"]

    def bundle(row: str, what: str, code: str, **members: Any) -> None:
        rows.case(row, what, book.world.mint(collateral={"bundle": members}), code)

    def signed(row: str, what: str, code: str, rewrite: Any) -> None:
        rows.case(row, what, book.world.mint(collateral={"tcb_info_text": rewrite}), code)

    bundle("t04", "no JSON", "COLLATERAL_TCB_INFO_SIGNATURE", tcb_info="INVALID JSON")
    signed("t04", "no JSON and signed", FORMAT, lambda _: "INVALID JSON")
    bundle("t05", "signature of zeros", "COLLATERAL_TCB_INFO_SIGNATURE", tcb_info_signature="0" * 128)
    bundle("t10", "a space", "COLLATERAL_TCB_INFO_SIGNATURE", tcb_info=text.replace(",", ", ", 1))
    signed("t11", "key twice", "COLLATERAL_DUPLICATE_KEY", lambda document: document[:-1] + ',"tcbLevels":[]}')
    signed("t13", "exponent", FORMAT, lambda document: document.replace('"svn":8', '"svn":1e2', 1))
    for depth in (33, 10_000):
        signed("t25", f"depth {depth}", FORMAT, lambda document, depth=depth: document[:-1] + ',"x":' + "[" * (depth - 1) + "]" * (depth - 1) + "}")
    for what, digits in {"127": signature[:-1], "129": signature + "0", "130": signature + "00", "no hex": "x" * 128}.items():
        bundle("t40", f"signature {what}", FORMAT, tcb_info_signature=digits)


def write_levels(rows: Rows) -> None:
    book = rows.book

    def everywhere(kind: str, position: int, svn: int) -> Any:
        return lambda document: [item["tcb"][kind][position].update(svn=svn) for item in document["tcbLevels"]]

    higher = book.world.mint(collateral={"tcb_info": everywhere("sgxtcbcomponents", 9, 1)})
    rows.case("t15", "component above the platform", higher, "DCAP_TCB_NOT_SUPPORTED")
    tdx = book.world.mint(collateral={"tcb_info": everywhere("tdxtcbcomponents", 2, 4)})
    rows.case("t16", "TDX component above the platform", tdx, "DCAP_TCB_NOT_SUPPORTED")
    first = book.world.mint(collateral={"tcb_info": component("tdxtcbcomponents", 0, 200)})
    rows.case("t17", "first TDX component", first, None)
    rows.case("t17", "first TDX component within the intersection", first, ("STRICT_INTERSECTION", HEALTHY), options={"strict_intersection": True})
    above = book.world.mint(platform={"components": bytes([255] * 16), "pce_svn": 65535})
    rows.case("t18", "platform above everything", above, None)
    permuted = book.world.mint("sw_hardening_needed", collateral={"tcb_info": lambda document: document["tcbLevels"].reverse()})
    rows.case("t19", "levels permuted", permuted, book.accepted(permuted, verdict("SWHardeningNeeded")))
    rows.case("t19", "levels permuted within the intersection", permuted, ("STRICT_INTERSECTION", verdict("SWHardeningNeeded")),
              options={"strict_intersection": True})
    rows.case("t23", "revoked", book.world.mint("revoked_tcb"), ("TCB_STATUS", verdict("Revoked")))
    pce = book.world.mint(collateral={"tcb_info": level(0, lambda item: item["tcb"].update(pcesvn=12))})
    rows.case("t24", "PCESVN of the first level", pce, book.accepted(pce, verdict("SWHardeningNeeded")))
    rows.case("t24", "PCESVN below every level", book.world.mint(platform={"pce_svn": 10}), "DCAP_TCB_NOT_SUPPORTED")


def write_modules(rows: Rows) -> None:
    book = rows.book

    def svn(digits: str) -> dict[str, bytes]:
        return {"tee_tcb_svn": bytes.fromhex(digits + "00" * 13)}

    def info(row: str, what: str, change: Any, code: Any, **more: Any) -> None:
        rows.case(row, what, book.world.mint(collateral={"tcb_info": change}, **more), code)

    info("t27", "no identities in the list", put(tdxModuleIdentities=[]), FORMAT)
    info("t27", "no list of identities", drop("tdxModuleIdentities"), "DCAP_TDX_MODULE_IDENTITY_MISSING")
    rows.case("t28", "no identity of the module", book.world.mint(platform=svn("060203")), "DCAP_TDX_MODULE_UNKNOWN")
    tenth = {"id": "tdx_0A", **ANY_MODULE, "tcbLevels": isvsvn_levels(MODULE_LEVELS)}
    info("t29", "module 10", lambda document: document["tdxModuleIdentities"].append(tenth), None, platform=svn("060a03"))
    info("t30", "one id in two cases", module(lambda item: item.update(id="tdx_03")), FORMAT)
    info("t31", "signer", module(lambda item: item.update(mrsigner="01" + "0" * 94)), "DCAP_TDX_MRSIGNERSEAM")
    attribute = {"seam_attributes": b"\x01" + bytes(7)}
    rows.case("t32", "attribute", book.world.mint(body=attribute), "DCAP_TDX_SEAMATTRIBUTES")
    info("t32", "attribute outside the mask", module(lambda item: item.update(attributesMask="0" * 16)), "DCAP_TDX_SEAMATTRIBUTES", body=attribute)
    rows.case("t33", "SVN below every level", book.world.mint(platform=svn("010103")), "DCAP_TDX_MODULE_SVN_UNSUPPORTED")
    rows.case("t34", "out of date", book.world.mint(**machine("UpToDate", "OutOfDate")), ("TCB_STATUS", verdict("UpToDate", "OutOfDate")))
    rows.case("t35", "revoked", book.world.mint(**machine("UpToDate", "Revoked")), ("TCB_STATUS", verdict("UpToDate", "Revoked")))
    info("t36", "status of platforms", module(lambda item: item["tcbLevels"][0].update(tcbStatus="ConfigurationNeeded")), "COLLATERAL_TCB_STATUS_UNKNOWN")


def write_identity(rows: Rows) -> None:
    book = rows.book
    now, sound = book.now, json.loads(book.sound.collateral_json)
    form = "COLLATERAL_QE_IDENTITY_FORMAT"

    def identity(row: str, what: str, change: Any, code: str, **more: Any) -> None:
        rows.case(row, what, book.world.mint(collateral={"qe_identity": change}, **more), code)

    def bundle(row: str, what: str, code: str, **members: Any) -> None:
        rows.case(row, what, book.world.mint(collateral={"bundle": members}), code)

    identity("e01", "expired", put(nextUpdate=rfc3339(now - 1)), "COLLATERAL_QE_IDENTITY_EXPIRED")
    identity("e01", "issued in the next second", put(issueDate=rfc3339(now + 1)), "COLLATERAL_QE_IDENTITY_NOT_YET_VALID")
    bundle("e02", "no JSON", "COLLATERAL_QE_IDENTITY_SIGNATURE", qe_identity="not valid json {{{")
    rows.case("e02", "no JSON and signed", book.world.mint(collateral={"qe_identity_text": lambda _: "not valid json {{{"}), form)
    bundle("e03", "chain of a newline", "COLLATERAL_SIGNER_CHAIN_LENGTH", qe_identity_issuer_chain="\n")
    bundle("e04", "signature of zeros", "COLLATERAL_QE_IDENTITY_SIGNATURE", qe_identity_signature="0" * 128)
    identity("e05", "MRSIGNER", put(mrsigner="AB" * 32), "DCAP_QE_MRSIGNER")
    identity("e06", "ISVPRODID", put(isvprodid=1), "DCAP_QE_ISVPRODID")
    identity("e07", "MISCSELECT", put(miscselect="01000000"), "DCAP_QE_MISCSELECT")
    identity("e08", "attributes", put(attributes="13" + "00" * 15), "DCAP_QE_ATTRIBUTES")
    identity("e09", "debug", put(attributesMask="F9FFFFFFFFFFFFFF" + "00" * 8), "DCAP_QE_DEBUG",
             qe_report={"attributes": bytes.fromhex("1700000000000000e700000000000000")})
    identity("e10", "QE for TDX", put(id="QE"), "COLLATERAL_QE_IDENTITY_TEE")
    identity("e11", "TD_QE for SGX", put(id="TD_QE"), "COLLATERAL_QE_IDENTITY_TEE", kind="sgx-v3")
    identity("e11", "QVE", put(id="QVE"), "COLLATERAL_QE_IDENTITY_TEE")
    for version in (1, 3):
        identity("e12", f"version {version}", put(version=version), "COLLATERAL_QE_IDENTITY_VERSION")
    identity("e13", "attributes outside their mask", put(attributes="15" + "00" * 15), form)
    identity("e13", "MISCSELECT outside its mask", put(miscselect="01000000", miscselectMask="FEFFFFFF"), form)
    identity("e18", "no levels", put(tcbLevels=[]), form)
    for what, value in {"empty": "", "null": None}.items():
        rows.case("e19", what, book.sound, "COLLATERAL_MISSING", collateral=json.dumps({**sound, "qe_identity": value}))
    without = {key: value for key, value in sound.items() if not key.startswith("qe_identity")}
    rows.case("e19", "left out with all that belongs to it", book.sound, "COLLATERAL_MISSING", collateral=json.dumps(without))


def write_qe_levels(rows: Rows) -> None:
    book = rows.book
    revoked = verdict("UpToDate", "UpToDate", "Revoked")
    rows.case("e14", "revoked", book.world.mint(**machine("UpToDate", "UpToDate", "Revoked")), ("TCB_STATUS", revoked))
    for platform in PLATFORM:
        out_of_date = verdict(platform, "UpToDate", "OutOfDate")
        rows.case("e15", f"{platform} platform", book.world.mint(**machine(platform, "UpToDate", "OutOfDate")), ("TCB_STATUS", out_of_date))
    rows.case("e16", "below every level", book.world.mint(qe_report={"isv_svn": 4}), "DCAP_QE_SVN_UNSUPPORTED")
    ascending = book.world.mint(collateral={"qe_identity": lambda document: document["tcbLevels"].reverse()})
    rows.case("e17", "levels ascending", ascending, None)
    rows.case("e17", "levels ascending within the intersection", ascending, ("STRICT_INTERSECTION", HEALTHY), options={"strict_intersection": True})


def write_report(rows: Rows) -> None:
    book = rows.book
    sound, quote = book.sound, book.sound.quote
    point = book.world.seed.key("attestation").point
    digest = hashlib.sha256(point + bytes(range(32))).digest()
    mint = book.world.mint
    rows.case("e20", "another key", mint(qe_report={"report_data": bytes(64)}), "DCAP_QE_REPORT_DATA")
    rows.case("e21", "signature of ones", mint(signature={"qe_report_signature": raw(1, 1)}), "DCAP_QE_REPORT_SIGNATURE")
    rows.case("e22", "tail not zero", mint(qe_report={"report_data": digest + bytes(31) + b"\x01"}), "DCAP_QE_REPORT_DATA")
    rows.case("e23", "one bit", sound, "DCAP_QE_REPORT_DATA", quote=put_bytes(quote, 1220, bytes([quote[1220] ^ 1])))
    for length in (31, 33):
        other = mint(signature={"authentication_data": bytes(range(length))}, qe_report={"report_data": digest + bytes(32)})
        rows.case("e23", f"{length} bytes", other, "DCAP_QE_REPORT_DATA")
    for length in (0, 31, 33, 64):
        other = mint(signature={"authentication_data": bytes(range(length))})
        rows.case("e24", f"{length} bytes", other, None)
        rows.case("e24", f"{length} bytes within the intersection", other, ("STRICT_INTERSECTION", HEALTHY), options={"strict_intersection": True})
    rows.case("e25", "another enclave", mint(qe_report={"mr_signer": book.world.seed.derive("other-signer", 32)}), "DCAP_QE_MRSIGNER")
    off_curve = bytes(63) + b"\x01"
    for what, key in {"zero": bytes(64), "off the curve": off_curve}.items():
        rows.case("e26", f"{what} and vouched for", mint(signature={"attestation_key": key}), "DCAP_ATTESTATION_KEY")
        rows.case("e26", what, sound, "DCAP_QE_REPORT_DATA", quote=put_bytes(quote, 700, key))


def write_whole(rows: Rows) -> None:
    book = rows.book
    sound = json.loads(book.sound.collateral_json)
    numbers = book.world.mint(collateral={"tcb_info": put(tcbEvaluationDataNumber=17), "qe_identity": put(tcbEvaluationDataNumber=18)})
    rows.case("x01", "two numbers", numbers, book.accepted(numbers, Verdict(number=17)))
    other = json.loads(book.world.collateral("SGX"))
    assert json.loads(other["tcb_info"])["fmspc"] == json.loads(sound["tcb_info"])["fmspc"]
    of_sgx = {name: other[name] for name in ("tcb_info", "tcb_info_signature")}
    rows.case("x02", "another TEE and the same machine", book.world.mint(collateral={"bundle": of_sgx}), "COLLATERAL_TCB_INFO_TEE")
    short = book.world.mint(collateral={"tcb_info": put(nextUpdate=rfc3339(book.now + 60))})
    rows.case("x03", "before its next update", short, book.accepted_until(short, book.now + 60))
    rows.case("x03", "after its next update", short, "COLLATERAL_TCB_INFO_EXPIRED", at=book.now + 61)
    rows.case("x04", "sound list", book.sound, None)
    rows.case("x04", "list that has come since", book.world.mint("pck_revoked"), "DCAP_PCK_REVOKED")
    rows.case("x05", "known report with another signature", book.world.mint(signature={"qe_report_signature": raw(2, 3)}), "DCAP_QE_REPORT_SIGNATURE")
    rows.case("x05", "known report of another platform", book.world.mint(pki={"pck": {"key": "other-machine"}}, pck_signing_key="pck"), "DCAP_QE_REPORT_SIGNATURE")
    assert "+" in sound["tcb_info_issuer_chain"]
    rows.case("x06", "base64 with a plus", book.sound, None)
    rows.case("x06", "plus turned into a space", book.world.mint(collateral={"bundle": {
        "tcb_info_issuer_chain": sound["tcb_info_issuer_chain"].replace("+", " ")}}), "COLLATERAL_PEM")
    rows.case("x07", "issuer chain of the list", book.world.mint(collateral={"bundle": {"pck_crl_issuer_chain": "garbage"}}), None)
    pki = book.world.pki
    stranger = book.world.mint(pki={"pck": {"key": "other-machine"}}).quote
    leaf = stranger[stranger.index(b"-----BEGIN"):].split(b"-----END CERTIFICATE-----\n")[0].decode() + "-----END CERTIFICATE-----\n"
    chain = {"pck_certificate_chain": leaf + pki.pck_ca("platform").pem + pki.root.pem}
    rows.case("x08", "chain of another machine", book.world.mint(collateral={"bundle": chain}), "DCAP_QE_REPORT_SIGNATURE")
    rows.case("x09", "a time before the clock may be believed", book.sound, "DCAP_CERT_NOT_YET_VALID", at=1_672_531_200)
    hardening = book.world.mint("sw_hardening_needed")
    rows.case("x10", "status not listed", hardening, ("TCB_STATUS", verdict("SWHardeningNeeded")), options={"acceptable_tcb_statuses": ["OK"]})
    rows.case("x10", "status listed", hardening, book.accepted(hardening, verdict("SWHardeningNeeded")))
