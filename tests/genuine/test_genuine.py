"""Captured evidence of real platforms reads and verifies as its index says."""
import json
from pathlib import Path
from typing import Any

import pytest

from conftest import entries, run_command

#: Header and body fields, by their names in the index and in ours.
TD_FIELDS = {
    "tee_tcb_svn": "tee_tcb_svn", "mrseam": "mr_seam", "mrsignerseam": "mr_signer_seam",
    "seamattributes": "seam_attributes", "td_attributes": "td_attributes", "xfam": "xfam", "mrtd": "mr_td",
    "mrconfigid": "mr_config_id", "mrowner": "mr_owner", "mrownerconfig": "mr_owner_config", "rtmr0": "rtmr0",
    "rtmr1": "rtmr1", "rtmr2": "rtmr2", "rtmr3": "rtmr3", "report_data": "report_data", "debug": "is_debug_mode",
    "tee_tcb_svn2": "tee_tcb_svn_2", "mrservicetd": "mr_service_td",
}
SGX_FIELDS = {
    "cpusvn": "cpu_svn", "miscselect": "misc_select", "attributes": "attributes", "mrenclave": "mr_enclave",
    "mrsigner": "mr_signer", "isv_prod_id": "isv_prod_id", "isv_svn": "isv_svn", "report_data": "report_data",
    "debug": "is_debug_mode",
}
#: Accept whatever Intel's verifier would only report: these tests are about the verdict on the TCB.
ANY_STATUS = ["--tcb-status", "OK,SWHardeningNeeded,ConfigurationNeeded,ConfigurationAndSWHardeningNeeded,OutOfDate,"
              "OutOfDateConfigurationNeeded,TDRelaunchAdvised,TDRelaunchAdvisedConfigurationNeeded",
              "--allow-debug", "--allow-sept-ve"]

QUOTES = [entry for entry in entries() if entry["file"].startswith("quotes/")]
CERTIFICATES = [entry for entry in entries() if entry["kind"] == "ra-tls-cert"]
VERDICTS = [(entry, oracle) for entry in QUOTES + CERTIFICATES for oracle in entry.get("oracle", [])]
#: Certificates of our scheme; the others belong to other projects.
OURS = [entry for entry in CERTIFICATES if entry["quote_oid"].startswith("1.3.6.1.4.1.62397.1.")]
BOUND = 'sha512("ratls-cert:"+SPKI_DER)'


def name_of(value: Any) -> str:
    return value["file"].split("/")[-1] if isinstance(value, dict) and "file" in value else str(value.get("case"))


def test_index_has_evidence(vectors: Path) -> None:
    assert len(QUOTES) >= 80 and len(CERTIFICATES) >= 42 and len(VERDICTS) >= 100


@pytest.mark.parametrize("entry", QUOTES, ids=name_of)
def test_quote_inspects_to_its_index(vectors: Path, entry: dict[str, Any]) -> None:
    status, seen = run_command("inspect", "--quote", str(vectors / entry["file"]))
    header, body = entry["header"], entry["body"]
    tdx = header["tee_type"] == 0x81
    expected = {ours: body.get(theirs) for theirs, ours in (TD_FIELDS if tdx else SGX_FIELDS).items()}
    expected |= {"quote_version": header["version"], "attestation_key_type": header["att_key_type"],
                 "qe_vendor_id": header["qe_vendor_id"], "user_data": header["user_data"], "tee": "tdx" if tdx else "sgx",
                 "trailing_bytes": entry["trailing_len"], "certification_data_type": entry["cert_data_type"]}
    assert status == 0
    assert {key: seen[key] for key in expected} == expected
    pck = entry.get("pck") or {}
    if pck.get("fmspc") and not entry.get("pck_error"):
        assert (seen["fmspc"], seen["ppid"]) == (pck["fmspc"], pck["ppid"])


def tcb_of(seen: dict[str, Any]) -> dict[str, Any] | None:
    return seen["result"] if seen["accepted"] else seen["tcb"]


@pytest.mark.parametrize(("entry", "oracle"), VERDICTS, ids=name_of)
def test_verdict_is_intels(vectors: Path, entry: dict[str, Any], oracle: dict[str, Any], tmp_path: Path) -> None:
    flag = "--cert" if entry["kind"] == "ra-tls-cert" else "--quote"
    path = vectors / entry["file"]
    if flag == "--cert":  # the verdict is on the quote; binding has a test of its own
        raw = quote_in(entry, path)
        path = tmp_path / "quote.bin"
        path.write_bytes(raw)
    status, seen = run_command("verify", "--quote", str(path), "--collateral",
                               str(vectors / "collateral" / oracle["collateral"]), "--at", str(oracle["now"]), *ANY_STATUS)
    intel = oracle["intel_qvl"]
    if oracle["case"] != "valid":
        # Outside the window nothing is accepted, whatever Intel's core says of a single part: it does not look at the start
        # of a certificate's validity. A PCK certificate that is not valid yet is a refusal, collateral out of date is not.
        assert not seen["accepted"] and seen["error"]["code"].endswith(("_EXPIRED", "_NOT_YET_VALID")), seen
        assert status == (1 if seen["error"]["code"].startswith("DCAP_CERT_") else 3)
    elif intel.get("tcb_status"):
        tcb = tcb_of(seen)
        assert tcb is not None, seen
        assert tcb["tcb_status_dcap"] == intel["tcb_status"]
    else:
        assert not seen["accepted"] and seen["tcb"] is None, seen


def quote_in(entry: dict[str, Any], path: Path) -> bytes:
    """The quote that the index says is in this certificate."""
    start = entry["quote_offset_in_der"]
    return path.read_bytes()[start:start + entry["quote"]["quote_len"]]


@pytest.mark.parametrize("entry", CERTIFICATES, ids=name_of)
def test_certificate_yields_its_quote(vectors: Path, entry: dict[str, Any]) -> None:
    from ra_tls_verify import extract_tdx_quote

    der = (vectors / entry["file"]).read_bytes()
    quote = extract_tdx_quote(der)
    if entry["quote_oid"].startswith("1.3.6.1.4.1.62397.1."):
        assert quote == quote_in(entry, vectors / entry["file"])
    else:
        assert quote is None, "a certificate of another scheme has no quote of ours"
        status, seen = run_command("inspect", "--cert", str(vectors / entry["file"]))
        assert status == 0 and set(seen.values()) == {None}


@pytest.mark.parametrize("entry", OURS, ids=name_of)
def test_certificate_binding_is_as_indexed(vectors: Path, entry: dict[str, Any]) -> None:
    status, seen = run_command("verify", "--cert", str(vectors / entry["file"]), "--verifier", "noop", "--allow-sept-ve")
    if entry["report_data_binding"] == BOUND:
        assert (status, seen["verified"], seen["result"]["key_bound"]) == (0, False, True), seen
    else:
        assert (status, seen["error"]["code"]) == (1, "KEY_BINDING"), seen


@pytest.mark.parametrize(("entry", "oracle"), [(entry, oracle) for entry in OURS for oracle in entry.get("oracle", [])
                                               if oracle["case"] == "valid"], ids=name_of)
def test_certificate_verifies_under_intels_root(vectors: Path, entry: dict[str, Any], oracle: dict[str, Any]) -> None:
    status, seen = run_command("verify", "--cert", str(vectors / entry["file"]), "--collateral",
                               str(vectors / "collateral" / oracle["collateral"]), "--at", str(oracle["now"]), *ANY_STATUS)
    bound = entry["report_data_binding"] == BOUND
    if oracle["intel_qvl"].get("tcb_status") and bound:
        assert (status, seen["verified"], seen["result"]["key_bound"], seen["result"]["trust_anchor"]) == (0, True, True, "intel"), seen
        assert seen["result"]["tcb_status_dcap"] == oracle["intel_qvl"]["tcb_status"]
    else:
        assert status == 1 and seen["error"]["code"] in ("KEY_BINDING", "DCAP_TCB_NOT_SUPPORTED"), seen


@pytest.mark.parametrize("entry", [entry for entry in entries() if entry["file"].startswith("conformance/")], ids=name_of)
def test_mutation_of_a_real_quote_is_refused(vectors: Path, entry: dict[str, Any], tmp_path: Path) -> None:
    case = json.loads((vectors / entry["file"]).read_text())
    (tmp_path / "quote").write_bytes(bytes.fromhex(case["quote_hex"]))
    (tmp_path / "collateral").write_text(json.dumps(case["collateral"]))
    status, seen = run_command("verify", "--quote", str(tmp_path / "quote"), "--collateral", str(tmp_path / "collateral"),
                               "--at", str(entry["now"]), *ANY_STATUS)
    if entry["oracle"]["intel_qvl"].get("tcb_status"):
        tcb = tcb_of(seen)
        assert tcb is not None and tcb["tcb_status_dcap"] == entry["oracle"]["intel_qvl"]["tcb_status"]
    else:
        assert not seen["accepted"] and status in (1, 3), seen
