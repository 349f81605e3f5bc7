"""`inspect` and `verify`: shapes, exit statuses, what each fault leads to."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import Files, ratls
from simulator.minted import Minted
from simulator.world import World

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "result.schema.json").read_text())

FAULTS = {
    "no_quote": ("QUOTE_MISSING", 1, "upstream cert has no TDX attestation extension; set --allow-simulator for non-TEE targets"),
    "other_key": ("KEY_BINDING", 1, "quote report_data does not bind the TLS certificate's public key"),
    "debug": ("DEBUG_MODE", 1, "TDX TD is in debug mode — connection refused. Debug TDs have no confidentiality guarantees. "
                               "Set --allow-debug to override (not recommended for production)."),
    "out_of_date": ("TCB_STATUS", 1, 'Unacceptable TCB status: "OutOfDate". Acceptable statuses: OK, SWHardeningNeeded. '
                                     "Update the platform firmware/microcode or check Intel's advisory."),
    "tampered_signature": ("DCAP_QUOTE_SIGNATURE", 1, None),
    "rogue_root": ("COLLATERAL_CERT_ROOT_UNTRUSTED", 3, None),
    "pck_revoked": ("DCAP_PCK_REVOKED", 1, None),
    "expired_tcb_info": ("COLLATERAL_TCB_INFO_EXPIRED", 3, None),
    "no_crl": ("COLLATERAL_MISSING", 3, None),
}


def mint(world: World, fault: str | None, directory: Path) -> Files:
    minted = world.mint(fault)
    minted.write(directory)
    return Files(directory, minted.now)


def test_accepted(files: Files, sound: Minted) -> None:
    run = ratls("verify", "--cert", files["cert.pem"], *files.dcap, "--json")
    assert run.status == 0
    document = run.json
    assert list(document) == ["accepted", "verified", "result"] and document["accepted"] is True and document["verified"] is True
    result = document["result"]
    assert list(result) == list(SCHEMA["properties"])
    assert (result["mr_td"], result["tcb_status"], result["key_bound"], result["verifier"]) == (sound.mr_td, "OK", True, "dcap")


def test_report_for_people(files: Files, sound: Minted) -> None:
    run = ratls("verify", "--cert", files["cert.pem"], *files.dcap)
    assert run.status == 0
    for piece in (sound.mr_td, "OK", "dcap", "none", "yes", " ms"):
        assert piece in run.output
    assert run.output.startswith("accepted, verified")
    assert "MRTD" in run.errors or run.errors == ""  # the warning that none is pinned


def test_a_quote_alone_is_bound_to_nothing(files: Files) -> None:
    result = ratls("verify", "--quote", files["quote.bin"], *files.dcap, "--json").json["result"]
    assert result["key_bound"] is None


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(fault: str, world: World, tmp_path: Path) -> None:
    code, status, message = FAULTS[fault]
    faulty = mint(world, fault, tmp_path)
    run = ratls("verify", "--cert", faulty["cert.der"], *faulty.dcap, "--json")
    document = run.json
    assert (run.status, document["error"]["code"]) == (status, code)
    assert list(document) == ["accepted", "verified", "error", "tcb"] and document["accepted"] is False and document["verified"] is False
    assert list(document["error"]) == ["code", "class", "stage", "message", "details"]
    assert message is None or document["error"]["message"] == message
    plain = ratls("verify", "--cert", faulty["cert.der"], *faulty.dcap)
    assert (plain.status, plain.output) == (status, "")
    assert plain.errors.splitlines()[-1] == f"ratls: {code}: {document['error']['message']}"


def test_a_verdict_that_was_reached_is_told(world: World, tmp_path: Path) -> None:
    faulty = mint(world, "out_of_date", tmp_path)
    tcb = ratls("verify", "--cert", faulty["cert.der"], *faulty.dcap, "--json").json["tcb"]
    assert (tcb["tcb_status"], tcb["platform_tcb_status"], tcb["qe_tcb_status"]) == ("OutOfDate", "OutOfDate", "UpToDate")
    allowed = ratls("verify", "--cert", faulty["cert.der"], *faulty.dcap, "--tcb-status", "OK,OutOfDate", "--json")
    assert allowed.status == 0 and allowed.json["result"]["tcb_status"] == "OutOfDate"


def test_other_mrtd(files: Files, sound: Minted) -> None:
    run = ratls("verify", "--cert", files["cert.pem"], *files.dcap, "--mrtd", "00" * 48, "--json")
    error = run.json["error"]
    assert run.status == 1 and error["details"]["found"] == sound.mr_td
    assert error["message"] == (f'MRTD "{sound.mr_td[:10]}…{sound.mr_td[-4:]}" is not in the allowlist. '
                                "Update --mrtd if you intentionally upgraded the CVM image.")
    either = ratls("verify", "--cert", files["cert.pem"], *files.dcap, "--mrtd", "00" * 48, "--mrtd", f"0x{sound.mr_td.upper()}")
    assert either.status == 0


def test_without_collateral(files: Files) -> None:
    nobody = ("--pccs-url", "http://127.0.0.1:1", "--cache-dir", "")
    run = ratls("verify", "--cert", files["cert.pem"], "--trust-anchor", files["root.pem"], *nobody, "--json")
    assert run.status == 3 and run.json["error"]["code"] == "COLLATERAL_NETWORK" and "http://127.0.0.1:1/" in run.json["error"]["details"]["url"]
    # Nothing is fetched for a chain that is not Intel's.
    run = ratls("verify", "--cert", files["cert.pem"], *nobody, "--json")
    assert run.status == 1 and run.json["error"]["code"] == "DCAP_CERT_ROOT_UNTRUSTED"


def test_without_the_anchor(files: Files) -> None:
    run = ratls("verify", "--cert", files["cert.pem"], "--collateral", files["collateral.json"], "--at", str(files.now), "--json")
    assert run.status == 3 and run.json["error"]["code"] == "COLLATERAL_CERT_ROOT_UNTRUSTED"


def test_anchor_that_is_none(files: Files) -> None:
    run = ratls("verify", "--cert", files["cert.pem"], "--collateral", files["collateral.json"], "--trust-anchor", files["now.txt"], "--json")
    assert run.status == 2 and run.json["error"]["code"] == "TRUST_ANCHOR_INVALID" and "--trust-anchor" in run.json["error"]["message"]


def test_noop(files: Files) -> None:
    run = ratls("verify", "--cert", files["cert.pem"], "--verifier", "noop", "--json")
    document = run.json
    assert run.status == 0 and document["accepted"] is True and document["verified"] is False and document["result"]["tcb_status"] is None
    assert "NOT verified" in ratls("verify", "--cert", files["cert.pem"], "--verifier", "noop").output


def test_simulator(world: World, tmp_path: Path) -> None:
    faulty = mint(world, "no_quote", tmp_path)
    run = ratls("verify", "--cert", faulty["cert.pem"], *faulty.dcap, "--allow-simulator", "--json")
    assert run.status == 0 and run.json["verified"] is False and run.json["result"]["waived"] == ["quote"]
    assert "warning" in run.errors
    pinned = ratls("verify", "--cert", faulty["cert.pem"], *faulty.dcap, "--allow-simulator", "--mrtd", "00" * 48, "--json")
    assert pinned.status == 1 and pinned.json["error"]["code"] == "QUOTE_MISSING"


def test_inspect_shows_what_the_bytes_say(files: Files, sound: Minted) -> None:
    fields = ratls("inspect", "--quote", files["quote.bin"], "--json").json
    assert (fields["kind"], fields["quote_version"], fields["mr_td"], fields["event_log"]) == ("tdx-v4", 4, sound.mr_td, None)
    plain = ratls("inspect", "--quote", files["quote.bin"])
    assert plain.status == 0 and sound.mr_td in plain.output and "null" not in plain.output


def test_inspect_shows_the_event_log(world: World, tmp_path: Path) -> None:
    minted = world.mint(form="legacy")
    minted.write(tmp_path)
    assert ratls("inspect", "--cert", tmp_path / "cert.der", "--json").json["event_log"] == json.loads(minted.event_log)
    broken = world.mint(form="legacy-bad-log")
    broken.write(tmp_path)
    assert ratls("inspect", "--cert", tmp_path / "cert.der", "--json").json["event_log"] == "bar"


def test_inspect_without_a_quote(world: World, files: Files, tmp_path: Path) -> None:
    faulty = mint(world, "no_quote", tmp_path)
    run = ratls("inspect", "--cert", faulty["cert.der"], "--json")
    assert run.status == 0 and set(run.json.values()) == {None}
    assert list(run.json) == list(ratls("inspect", "--quote", files["quote.bin"], "--json").json)
    assert ratls("inspect", "--cert", faulty["cert.der"]).status == 0


def test_inspect_of_unusable_evidence(world: World, tmp_path: Path) -> None:
    world.mint(form="attestation-garbage").write(tmp_path)
    run = ratls("inspect", "--cert", tmp_path / "cert.der", "--json")
    assert run.status == 1 and list(run.json) == ["error"] and run.json["error"]["code"] == "EVIDENCE_ENVELOPE_VERSION"
    assert ratls("inspect", "--quote", "-", "--json", stdin=b"\x04\x00\x02\x00").status == 1


def test_inspect_shows_the_body_without_its_certification_data(world: World) -> None:
    quote = world.mint(signature={"outer_type": 1}).quote
    fields = ratls("inspect", "--quote", "-", "--json", stdin=quote).json
    assert fields["mr_td"] is not None and fields["certification_data_type"] is None
