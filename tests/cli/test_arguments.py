"""The command line: mistakes, inputs in every form, one JSON object whatever happens."""
from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest

from command import Files, Run, command_path, ratls
from simulator.minted import Minted

MISTAKES: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "ARGUMENT_INVALID"),
    "subcommand-unknown": (["verfiy"], "ARGUMENT_INVALID"),
    "word": (["verify", "cert.pem"], "ARGUMENT_INVALID"),
    "flag-unknown": (["verify", "--cert", "x", "--frobnicate"], "OPTION_UNKNOWN"),
    "flag-of-another-subcommand": (["inspect", "--cert", "x", "--mrtd", "00"], "OPTION_UNKNOWN"),
    "value-missing": (["verify", "--cert"], "ARGUMENT_INVALID"),
    "value-not-wanted": (["verify", "--cert", "x", "--allow-debug=yes"], "ARGUMENT_INVALID"),
    "no-input": (["verify"], "ARGUMENT_INVALID"),
    "two-inputs": (["verify", "--cert", "x", "--quote", "y"], "ARGUMENT_INVALID"),
    "twice": (["verify", "--cert", "x", "--cert", "y"], "OPTION_DUPLICATE"),
    "number": (["verify", "--cert", "x", "--timeout-ms", "soon"], "OPTION_VALUE"),
    "pin": (["verify", "--cert", "x", "--pin", "rtmr0"], "OPTION_VALUE"),
    "pin-unknown": (["verify", "--cert", "x", "--pin", "rtmr9=00"], "PIN_UNKNOWN"),
    "pin-length": (["verify", "--cert", "x", "--pin", "rtmr0=00"], "OPTION_VALUE"),
    "pins-incomplete": (["verify", "--cert", "x", "--pin", "compose_hash=" + "00" * 32], "PINS_INCOMPLETE"),
    "mrtd": (["verify", "--cert", "x", "--mrtd", "00"], "OPTION_VALUE"),
    "status-unknown": (["verify", "--cert", "x", "--tcb-status", "OK,Fine"], "OPTION_VALUE"),
    "status-revoked": (["verify", "--cert", "x", "--tcb-status", "Revoked"], "OPTION_VALUE"),
    "status-empty": (["verify", "--cert", "x", "--tcb-status", ""], "OPTION_EMPTY_LIST"),
    "time": (["verify", "--cert", "x", "--at", "yesterday"], "OPTION_VALUE"),
    "verifier": (["verify", "--cert", "x", "--verifier", "oracle"], "OPTION_VALUE"),
    "noop-collateral": (["verify", "--cert", "x", "--verifier", "noop", "--collateral", "y"], "ARGUMENT_INVALID"),
    "noop-anchor": (["verify", "--cert", "x", "--verifier", "noop", "--trust-anchor", "y"], "ARGUMENT_INVALID"),
    "connect-port": (["verify", "--verifier", "noop", "--connect", "localhost"], "UPSTREAM_INVALID"),
    "connect-timeout": (["verify", "--verifier", "noop", "--connect", "localhost:1", "--connect-timeout", "0"], "OPTION_VALUE"),
    "inspect-connect-port": (["inspect", "--connect", "localhost:99999"], "UPSTREAM_INVALID"),
    "proxy-upstream": (["proxy", "--socket-dir", "/tmp"], "ARGUMENT_INVALID"),
    "proxy-directory": (["proxy", "--upstream", "localhost:1"], "ARGUMENT_INVALID"),
    "file-missing": (["verify", "--verifier", "noop", "--cert", "/no/such/file"], "FILE_UNREADABLE"),
    "file-is-a-directory": (["inspect", "--cert", "/"], "FILE_UNREADABLE"),
    "collateral-missing": (["verify", "--cert", "x", "--collateral", "/no/such/file"], "FILE_UNREADABLE"),
    "policy-missing": (["verify", "--cert", "x", "--policy", "/no/such/file"], "FILE_UNREADABLE"),
    "standard-input-twice": (["verify", "--cert", "-", "--collateral", "-"], "ARGUMENT_INVALID"),
    "pccs": (["verify", "--cert", "x", "--pccs-url", "y"], "OPTION_VALUE"),
    "intel-without-key": (["verify", "--cert", "x", "--verifier", "intel"], "INTEL_API_KEY_MISSING"),
    "api-key-without-intel": (["verify", "--cert", "x", "--api-key-file", "y"], "ARGUMENT_INVALID"),
    "collateral": (["collateral", "fetch"], "ARGUMENT_INVALID"),
    "leader": (["leader", "example.com"], "ARGUMENT_INVALID"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str) -> None:
    arguments, code = MISTAKES[name]
    plain = ratls(*arguments)
    assert (plain.status, plain.output) == (2, "")
    assert plain.errors.startswith(f"ratls: {code}: ") and plain.errors.count("\n") == 1, plain.errors
    told = ratls(*arguments, "--json")
    assert (told.status, told.errors) == (2, "")
    error = told.json["error"]
    assert (error["code"], error["class"]) == (code, "usage") and plain.errors == f"ratls: {code}: {error['message']}\n"
    assert all(isinstance(value, str) for value in error["details"].values()) and "?" not in error["message"]
    if arguments[:1] not in (["inspect"], ["leader"], ["collateral"]):
        assert told.json["accepted"] is False and told.json["verified"] is False and told.json["tcb"] is None


def test_help_and_version() -> None:
    run = ratls("--help")
    assert run.status == 0 and "--min-tee-tcb-svn" in run.output and "--pccs-url" in run.output
    assert ratls("verify", "--help").output == run.output
    assert ratls("--version").output.strip() == (Path(__file__).parents[2] / "VERSION").read_text().strip()
    assert ratls("--version", "--json").json == {"version": ratls("--version").output.strip()}


def forms(name: str, content: bytes) -> dict[str, bytes]:
    """A file's content in every form that is accepted."""
    text = base64.b64encode(content).decode()
    lines = "\n".join(text[start:start + 64] for start in range(0, len(text), 64))
    pem = f"-----BEGIN {name}-----\n{lines}\n-----END {name}-----\n"
    return {
        "binary": content, "hex": content.hex().encode(), "hex-upper": content.hex().upper().encode() + b"\n", "hex-0x": b"0x" + content.hex().encode(),
        "base64": text.encode() + b"\n", "base64-lines": lines.encode(), "base64-crlf": lines.replace("\n", "\r\n").encode(),
        "pem": pem.encode(), "pem-crlf": pem.replace("\n", "\r\n").encode(), "pem-text": f"some text\n{pem}more text\n".encode(),
        "pem-bom": b"\xef\xbb\xbf" + pem.encode(),
    }


@pytest.mark.parametrize("form", forms("CERTIFICATE", b"x"))
def test_certificate_in_every_form(form: str, files: Files, tmp_path: Path) -> None:
    content = forms("CERTIFICATE", files["cert.der"].read_bytes())[form]
    path = tmp_path / "input"
    path.write_bytes(content)
    reference = ratls("inspect", "--cert", files["cert.der"], "--json").json
    assert ratls("inspect", "--cert", path, "--json").json == reference
    assert ratls("inspect", "--cert", "-", "--json", stdin=content).json == reference


@pytest.mark.parametrize("form", forms("QUOTE", b"x"))
def test_quote_in_every_form(form: str, files: Files, tmp_path: Path) -> None:
    content = forms("QUOTE", files["quote.bin"].read_bytes())[form]
    path = tmp_path / "input"
    path.write_bytes(content)
    reference = ratls("inspect", "--quote", files["quote.bin"], "--json").json
    assert ratls("inspect", "--quote", path, "--json").json == reference
    assert ratls("inspect", "--quote", "-", "--json", stdin=content).json == reference


def test_first_of_a_chain_is_the_leaf(files: Files) -> None:
    assert ratls("inspect", "--cert", files["chain.pem"], "--json").json == ratls("inspect", "--cert", files["cert.pem"], "--json").json


@pytest.mark.parametrize("content", [b"", b"\n", b"hello world", b"0x", b"abcde", b"-----BEGIN CERTIFICATE-----\n", b"[]", b"====", b"QQ=Q"])
@pytest.mark.parametrize("flag", ["--cert", "--quote"])
def test_text_that_is_no_evidence(flag: str, content: bytes) -> None:
    run = ratls("inspect", flag, "-", "--json", stdin=content)
    assert run.status == 2 and run.json["error"]["code"] == "INPUT_FORMAT", run


def test_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"\0" * ((4 << 20) + 1))
    assert ratls("inspect", "--quote", path, "--json").json["error"]["code"] == "FILE_UNREADABLE"
    assert ratls("inspect", "--quote", "-", "--json", stdin=path.read_bytes()).status == 2


def test_messages_cannot_drive_a_terminal() -> None:
    run = ratls("verify", "--cert", "/no/\x1b[2J\n/file", "--verifier", "noop")
    assert run.status == 2 and "\x1b" not in run.errors and run.errors.count("\n") == 1


def test_arguments_that_are_not_utf8() -> None:
    done = subprocess.run([command_path().encode(), b"verify", b"--cert", b"/no/\xff\xfe", b"--verifier", b"noop", b"--json"], capture_output=True, check=False)
    assert done.returncode == 2 and json.loads(done.stdout)["error"]["code"] == "FILE_UNREADABLE"


def test_output_that_nobody_takes(files: Files) -> None:
    """A full disk must not look like an acceptance."""
    with open("/dev/full", "wb") as full:
        for more in ([], ["--json"]):
            done = subprocess.run([command_path(), "inspect", "--quote", str(files["quote.bin"]), *more], stdout=full, stderr=subprocess.PIPE, check=False)
            assert done.returncode == 3, (more, done)


def test_policy_file_and_flags(files: Files, sound: Minted, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"

    def verify(text: str, *flags: str) -> Run:
        policy.write_text(text)
        return ratls("verify", "--cert", files["cert.pem"], *files.dcap, "--policy", policy, *flags, "--json")

    assert verify("{}").status == 0
    assert verify(json.dumps({"allowed_mr_td": [sound.mr_td]})).status == 0
    assert verify(json.dumps({"allowed_mr_td": ["00" * 48]})).json["error"]["code"] == "MRTD_NOT_ALLOWED"
    assert verify(json.dumps({"allow_debug_mode": False}), "--mrtd", sound.mr_td).status == 0
    twice = verify(json.dumps({"allowed_mr_td": ["00" * 48]}), "--mrtd", sound.mr_td)
    assert twice.status == 2 and twice.json["error"]["code"] == "OPTION_DUPLICATE" and "--mrtd" in twice.json["error"]["message"]
    assert verify(json.dumps({"now": sound.now})).json["error"]["code"] == "OPTION_DUPLICATE"
    assert verify('{"allow_debug_mode":true,"allow_debug_mode":true}').json["error"]["code"] == "OPTION_DUPLICATE"
    assert verify('{"allowed_mrtd":[]}').json["error"]["code"] == "OPTION_UNKNOWN"
    assert verify("not JSON").json["error"]["code"] == "POLICY_FORMAT"
    assert verify("[]").json["error"]["code"] == "POLICY_FORMAT"
    pinned = json.dumps({"pins": {"rtmr0": sound.field("rtmr0")}})
    assert verify(pinned, "--pin", "rtmr1=" + sound.field("rtmr1")).status == 0
    assert verify(pinned, "--pin", "rtmr1=" + "00" * 48).json["error"]["code"] == "PIN_MISMATCH"
    assert verify(pinned, "--pin", "rtmr0=" + sound.field("rtmr0")).json["error"]["code"] == "OPTION_DUPLICATE"
    incomplete = json.dumps({"pins": {"compose_hash": "00" * 32}})
    assert verify(incomplete).json["error"]["code"] == "PINS_INCOMPLETE"
