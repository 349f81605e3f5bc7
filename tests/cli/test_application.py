"""The command about applications: event logs as a table, pins to copy, hashes of app-compose files, evidence without a certificate."""
from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from command import ROOT, Files, ratls
from simulator.event_log import Event
from simulator.minted import Minted
from simulator.sidecar import Sidecar
from simulator.postgres import Cluster
from simulator.world import World


def rows(output: str) -> list[list[str]]:
    """The table of events."""
    table = output[output.index("\nregister  event"):]
    return [line.split(maxsplit=2) for line in table.splitlines()[2:-1]]


def test_the_log_is_a_table(files: Files, sound: Minted) -> None:
    run = ratls("inspect", "--evidence", files["getquote.json"])
    assert run.status == 0 and run.output.splitlines()[-1] == "explained by these events: rtmr0 rtmr1 rtmr2 rtmr3"
    table = rows(run.output)
    assert len(table) == len(sound.guest.events)
    assert ["rtmr3", "app-id", f"ok      {sound.guest.app_id.hex()}"] in [[row[0], row[1], row[2]] for row in table]
    assert any(row[1] == "storage-fs" and row[2].split() == ["ok", "zfs"] for row in table)
    assert any(row[1] == "key-provider" and '{"name":"kms"' in row[2] for row in table)


def test_a_stripped_log_explains_what_it_has(files: Files) -> None:
    run = ratls("inspect", "--cert", files["cert.pem"])
    assert run.output.splitlines()[-1] == "explained by these events: rtmr3"


def test_a_digest_that_is_wrong_is_shown(sound: Minted, tmp_path: Path) -> None:
    log = json.loads(sound.event_log)
    log[-1]["event_payload"] = "00"
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({**json.loads(sound.getquote_json), "event_log": json.dumps(log)}))
    run = ratls("inspect", "--evidence", path)
    assert run.status == 0 and rows(run.output)[-1][:2] == ["rtmr3", "system-ready"] and "WRONG" in rows(run.output)[-1][2]
    assert run.output.splitlines()[-1] == "explained by these events: rtmr0 rtmr1 rtmr2"
    assert ratls("inspect", "--evidence", path, "--json").json["app_id"] is None


def test_names_cannot_upset_a_terminal(world: World, tmp_path: Path) -> None:
    nasty = (*world.guest.events, Event(3, "\x1b[2Jgone\r\n", b"\x1b[31m"))
    minted = world.mint(guest={"events": nasty})
    (tmp_path / "v0").write_bytes(minted.attestation.v0())
    output = ratls("inspect", "--evidence", tmp_path / "v0").output
    assert "\x1b" not in output and "\r" not in output and "gone" in output
    world.mint(form="legacy", event_log="\x1b[2Jbar").write(tmp_path)
    assert "\x1b" not in ratls("inspect", "--cert", tmp_path / "cert.der").output


@pytest.mark.parametrize("name", ["getquote.json", "attestation-v0.bin", "attestation-v1.bin"])
def test_evidence_is_verified(name: str, files: Files, sound: Minted) -> None:
    run = ratls("verify", "--evidence", files[name], *files.dcap, "--json")
    result = run.json["result"]
    assert run.status == 0 and result["app_id"] == sound.guest.app_id.hex() and result["compose_hash_source"] == "event_log"
    assert result["key_bound"] is None
    assert ratls("verify", "--evidence", "-", *files.dcap, stdin=files[name].read_bytes()).status == 0


def test_evidence_that_is_none(files: Files) -> None:
    run = ratls("verify", "--evidence", files["now.txt"], *files.dcap, "--json")
    assert run.status == 1 and run.json["error"]["code"] == "EVIDENCE_ENVELOPE_VERSION"
    assert ratls("inspect", "--evidence", files["now.txt"]).status == 1


# ---- pins

def policy_of(*evidence: str | Path) -> dict[str, Any]:
    run = ratls("inspect", *evidence, "--print-pins", "--json")
    assert run.status == 0 and "nothing of this evidence was verified" in run.errors
    return run.json


def test_the_policy_pins_what_is_running(files: Files, sound: Minted, tmp_path: Path) -> None:
    policy = policy_of("--cert", files["cert.pem"])
    assert policy["allowed_mr_td"] == [sound.mr_td] and policy["pins"]["compose_hash"] == [sound.guest.compose_hash.hex()]
    assert set(policy["pins"]) == {"rtmr0", "rtmr1", "rtmr2", "compose_hash", "app_id", "key_provider", "os_image_hash"}
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(policy))
    run = ratls("verify", "--cert", files["cert.pem"], *files.dcap, "--policy", path, "--json")
    assert run.status == 0 and run.json["result"]["identity_pinned"] is True and "warning" not in run.errors


def test_the_policy_refuses_another_application(world: World, files: Files, tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(policy_of("--cert", files["cert.pem"])))
    compose = b'{"manifest_version":2,"name":"another"}'
    events = tuple(Event(3, event.event, hashlib.sha256(compose).digest()) if event.event == "compose-hash" else event for event in world.guest.events)
    other = world.mint(guest={"app_compose": compose, "events": events})
    other.write(tmp_path / "other")
    run = ratls("verify", "--cert", tmp_path / "other" / "cert.pem", *files.dcap, "--policy", path, "--json")
    assert run.status == 1 and run.json["error"]["code"] == "PIN_MISMATCH" and run.json["error"]["details"]["field"] == "compose_hash"


def test_without_a_log_the_policy_pins_less(world: World, tmp_path: Path) -> None:
    world.mint(form="legacy-no-log").write(tmp_path)
    assert set(policy_of("--cert", tmp_path / "cert.pem")["pins"]) == {"rtmr0", "rtmr1", "rtmr2", "compose_hash"}


def test_there_is_nothing_to_pin(world: World, tmp_path: Path) -> None:
    world.mint("no_quote").write(tmp_path)
    run = ratls("inspect", "--cert", tmp_path / "cert.pem", "--print-pins", "--json")
    assert run.status == 2 and run.json["error"]["code"] == "ARGUMENT_INVALID"


def test_the_pins_of_a_server(sound: Minted, cluster: Cluster) -> None:
    with Sidecar(sound, cluster.socket_path) as sidecar:
        assert policy_of("--connect", f"127.0.0.1:{sidecar.port}")["allowed_mr_td"] == [sound.mr_td]
        first, = sidecar.wait_closed()
        assert first.application_bytes == 0


@pytest.fixture(scope="module")
def printed(files: Files) -> str:
    run = ratls("inspect", "--cert", files["cert.pem"], "--print-pins")
    assert run.status == 0
    return run.output


def section(printed: str, title: str) -> str:
    """What stands under a title, to the next empty line."""
    return printed[printed.index(title) + len(title):].split("\n\n")[0].strip()


def test_each_language_says_the_same(printed: str, files: Files) -> None:
    policy = policy_of("--cert", files["cert.pem"])
    values = [policy["allowed_mr_td"][0], *(value for value, in policy["pins"].values())]
    assert json.loads(section(printed, "every language reads it")) == policy
    for title in ("# Python", "// TypeScript", "// Rust", "/* C */", "# ratls"):
        assert re.findall(r"(?:kms:)?[0-9a-f]{40,}", section(printed, title)) == values, title


def test_python_reads_its_own(printed: str, files: Files) -> None:
    policy = policy_of("--cert", files["cert.pem"])
    scope: dict[str, Any] = {"VerifyOptions": dict}
    assert eval(section(printed, "# Python"), scope) == policy  # noqa: S307


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_typescript_reads_its_own(printed: str, files: Files) -> None:
    policy = policy_of("--cert", files["cert.pem"])
    program = section(printed, "// TypeScript") + "\nconsole.log(JSON.stringify(pinned))"
    shown = json.loads(subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True).stdout)
    assert shown["allowedMrTd"] == policy["allowed_mr_td"] and shown["pins"]["composeHash"] == policy["pins"]["compose_hash"]


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
def test_c_reads_its_own(printed: str, tmp_path: Path) -> None:
    *declarations, first, second, third, fourth = section(printed, "/* C */").splitlines()
    program = ["#include <ratls/ratls.h>", *declarations, "int main(void) { ratls_verify_options options;", first, second, third, fourth,
               "return options.pins_len == 7 ? 0 : 1; }"]
    source = tmp_path / "pins.c"
    source.write_text("\n".join(program))
    subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", ROOT / "core/include", source], check=True)


def test_the_flags_verify(printed: str, files: Files) -> None:
    flags = section(printed, "# ratls").replace("\\\n", "").split()
    run = ratls("verify", "--cert", files["cert.pem"], *files.dcap, *flags, "--json")
    assert run.status == 0 and run.json["result"]["identity_pinned"] is True


# ---- pins as flags

def test_application_pins_are_checked(files: Files, sound: Minted) -> None:
    identity = [f"--pin={name}={sound.field(name)}" for name in ("rtmr0", "rtmr1", "rtmr2")]
    pinned = ["verify", "--cert", files["cert.pem"], *files.dcap, "--json", "--mrtd", sound.mr_td, *identity]
    assert ratls(*pinned, "--pin", f"compose_hash={sound.guest.compose_hash.hex()}").status == 0
    other = ratls(*pinned, "--pin", f"compose_hash={'ab' * 32}")
    assert other.status == 1 and other.json["error"]["code"] == "PIN_MISMATCH"
    alone = ratls("verify", "--cert", files["cert.pem"], *files.dcap, "--json", "--pin", f"compose_hash={'ab' * 32}")
    assert alone.status == 2 and alone.json["error"]["code"] == "PINS_INCOMPLETE"
    assert "--allow-partial-pins" in alone.json["error"]["message"]
    partial = ratls("verify", "--cert", files["cert.pem"], *files.dcap, "--json", "--pin", f"compose_hash={'ab' * 32}", "--allow-partial-pins")
    assert partial.status == 1 and partial.json["error"]["code"] == "PIN_MISMATCH"


def test_an_application_that_is_not_pinned_is_warned_about(files: Files, sound: Minted) -> None:
    assert "nothing of the application is pinned" in ratls("verify", "--cert", files["cert.pem"], *files.dcap, "--mrtd", sound.mr_td).errors


# ---- compose-hash

def test_the_hash_of_a_file(sound: Minted, tmp_path: Path) -> None:
    path = tmp_path / "app-compose.json"
    path.write_bytes(sound.guest.app_compose)
    assert ratls("compose-hash", path).output == f"{sound.guest.compose_hash.hex()}\n"
    assert ratls("compose-hash", "-", stdin=sound.guest.app_compose).output == f"{sound.guest.compose_hash.hex()}\n"
    shown = ratls("compose-hash", path, "--json").json
    assert shown == {"compose_hash": sound.guest.compose_hash.hex(), "default_app_id": sound.guest.compose_hash.hex()[:40]}
    path.write_bytes(sound.guest.app_compose + b"\n")
    assert ratls("compose-hash", path).output == hashlib.sha256(sound.guest.app_compose + b"\n").hexdigest() + "\n"


@pytest.mark.parametrize("content", [b"services:\n  db:\n    image: postgres\n", b"", b"[1]", b"{"])
def test_a_file_that_is_no_app_compose(content: bytes) -> None:
    run = ratls("compose-hash", "-", "--json", stdin=content)
    assert run.status == 2 and run.json["error"]["code"] == "ARGUMENT_INVALID" and "app-compose.json" in run.json["error"]["message"]


@pytest.mark.parametrize("arguments", [["compose-hash"], ["compose-hash", "a", "b"], ["compose-hash", "a", "--mrtd", "x"], ["compose-hash", "/nowhere"]])
def test_mistakes_with_compose_hash(arguments: list[str]) -> None:
    assert ratls(*arguments, "--json").status == 2


