"""`ratls leader`: signed records in DNS, and every way in which one may be wrong."""
from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import Run, TIMEOUT_S, command_path, ratls
from simulator.manifest import KEYS, ORDER, Manifest, Signer
from simulator.names import MANNERS, PREFIX, Manner, NameServer

DOMAIN = "db.example"
SIGNER = Signer()
NOW = 1780315200
GOOD = Manifest(url="https://there-5433s.example/ignored?path", epoch=7, valid_until=NOW + 60)


@pytest.fixture
def names() -> Iterator[NameServer]:
    with NameServer() as running:
        yield running


def leader(names: NameServer, *more: str, domain: str = DOMAIN, signer: str = SIGNER.address) -> Run:
    return ratls("leader", domain, "--signer", signer, "--dns-servers", names.address, "--at", str(NOW), "--json", *more)


def refusal(run: Run) -> tuple[int, str]:
    return run.status, run.json["error"]["code"]


def test_found(names: NameServer) -> None:
    names.publish(DOMAIN, GOOD.signed(SIGNER))
    run = leader(names)
    assert run.status == 0 and run.json == {
        "cluster": GOOD.cluster, "epoch": 7, "host": "there-5433s.example", "leader_instance": GOOD.instance, "leader_url": GOOD.url,
        "port": 443, "signer": SIGNER.address, "valid_until": "2026-06-01T12:01:00Z"}
    assert names.questions[0].name == PREFIX + DOMAIN and names.questions[0].type == "TXT"


def test_told_to_people(names: NameServer) -> None:
    names.publish(DOMAIN, GOOD.signed(SIGNER))
    run = ratls("leader", DOMAIN, "--signer", SIGNER.address, "--dns-servers", names.address, "--at", str(NOW))
    assert run.status == 0 and "leader_url               https://there-5433s.example/ignored?path\n" in run.output


@pytest.mark.parametrize("domain", [PREFIX + DOMAIN, PREFIX.upper() + DOMAIN, DOMAIN + "."])
def test_domain_as_it_may_be_written(domain: str, names: NameServer) -> None:
    names.publish(DOMAIN, GOOD.signed(SIGNER))
    assert leader(names, domain=domain).status == 0


@pytest.mark.parametrize("signer", [SIGNER.address.removeprefix("0x"), SIGNER.address.upper().replace("0X", "0x")])
def test_signer_as_it_may_be_written(signer: str, names: NameServer) -> None:
    names.publish(DOMAIN, GOOD.signed(SIGNER))
    assert leader(names, signer=signer).status == 0


def test_published_vectors(names: NameServer) -> None:
    directory = os.environ.get("RATLS_VECTORS")
    if not directory:
        pytest.skip("RATLS_VECTORS is not set")
    for vector in json.loads((Path(directory) / "dstack/generated/manifest_vectors.json").read_text()):
        names.publish(DOMAIN, vector["txt"])
        run = ratls("leader", DOMAIN, "--signer", vector["signer_address"], "--dns-servers", names.address, "--at", "1713311999", "--json")
        assert run.status == 0 and run.json["leader_url"] in vector["canonical_body"]
        other = ratls("leader", DOMAIN, "--signer", SIGNER.address, "--dns-servers", names.address, "--at", "1713311999", "--json")
        assert refusal(other) == (1, "LEADER_SIGNATURE") and vector["signer_address"] in other.json["error"]["message"]


def changed_signature(record: str, change: Any) -> str:
    body, _, digits = record.rpartition("0x")
    return body + "0x" + change(bytes.fromhex(digits)).hex()


#: What is wrong → the record and the code.
RECORDS: dict[str, tuple[str, str]] = {
    "forged": (GOOD.signed(SIGNER).replace("epoch=7", "epoch=8"), "LEADER_SIGNATURE"),
    "signed-by-another": (GOOD.signed(Signer("another")), "LEADER_SIGNATURE"),
    "signature-of-zeros": (changed_signature(GOOD.signed(SIGNER), lambda sig: bytes(65)), "LEADER_SIGNATURE_FORMAT"),
    "signature-s-too-large": (changed_signature(GOOD.signed(SIGNER), lambda sig: sig[:32] + ORDER.to_bytes(32, "big") + sig[64:]), "LEADER_SIGNATURE_FORMAT"),
    "signature-v-unknown": (changed_signature(GOOD.signed(SIGNER), lambda sig: sig[:64] + b"\x1d"), "LEADER_SIGNATURE_FORMAT"),
    "signature-v-flipped": (changed_signature(GOOD.signed(SIGNER), lambda sig: sig[:64] + bytes([55 - sig[64]])), "LEADER_SIGNATURE"),
    "signature-short": (GOOD.signed(SIGNER)[:-2], "LEADER_FORMAT"),
    "signature-missing": (GOOD.body(), "LEADER_FORMAT"),
    "expired": (GOOD.but(valid_until=NOW).signed(SIGNER), "LEADER_EXPIRED"),
    "duplicate-key": (GOOD.signed(SIGNER).replace("epoch=7;", "epoch=7;epoch=7;"), "LEADER_FORMAT"),
    "unknown-key": (GOOD.signed(SIGNER).replace("v=1;", "v=1;note=x;"), "LEADER_FORMAT"),
    "missing-key": (GOOD.signed(SIGNER).replace("epoch=7;", ""), "LEADER_FORMAT"),
    "empty-value": (GOOD.signed(SIGNER).replace("epoch=7;", "epoch=;"), "LEADER_FORMAT"),
    "version": (GOOD.but(version="2").signed(SIGNER), "LEADER_FORMAT"),
    "epoch-with-zeros": (GOOD.but(more={"epoch": "07"}).signed(SIGNER), "LEADER_FORMAT"),
    "epoch-with-sign": (GOOD.but(more={"epoch": "+7"}).signed(SIGNER), "LEADER_FORMAT"),
    "epoch-too-large": (GOOD.but(epoch=2**64).signed(SIGNER), "LEADER_FORMAT"),
    "cluster-short": (GOOD.but(cluster="0x" + "c1" * 19).signed(SIGNER), "LEADER_FORMAT"),
    "instance-no-hex": (GOOD.but(instance="someone").signed(SIGNER), "LEADER_FORMAT"),
    "not-ascii": (GOOD.but(url="https://d\u00fc.example").signed(SIGNER), "LEADER_FORMAT"),
    "control-character": (GOOD.but(url="https://d\tb.example").signed(SIGNER), "LEADER_FORMAT"),
    "too-long": (GOOD.but(url="https://a/" + "x" * 2048).signed(SIGNER), "LEADER_FORMAT"),
    "upper-case-in-canonical-order": (GOOD.signed(SIGNER).replace(GOOD.cluster, GOOD.cluster.upper().replace("0X", "0x")), "LEADER_FORMAT"),
    "no-record-at-all": ("v=spf1 -all", "LEADER_FORMAT"),
    "empty": ("", "LEADER_FORMAT"),
    "http": (GOOD.but(url="http://there.example").signed(SIGNER), "LEADER_URL"),
    "no-scheme": (GOOD.but(url="there.example:5433").signed(SIGNER), "LEADER_URL"),
    "userinfo": (GOOD.but(url="https://user@there.example").signed(SIGNER), "LEADER_URL"),
    "no-host": (GOOD.but(url="https://:443/").signed(SIGNER), "LEADER_URL"),
    "port-zero": (GOOD.but(url="https://there.example:0").signed(SIGNER), "LEADER_URL"),
    "port-too-large": (GOOD.but(url="https://there.example:65536").signed(SIGNER), "LEADER_URL"),
    "port-with-zeros": (GOOD.but(url="https://there.example:0443").signed(SIGNER), "LEADER_URL"),
    "port-empty": (GOOD.but(url="https://there.example:/").signed(SIGNER), "LEADER_URL"),
    "host-with-space": (GOOD.but(url="https://there example").signed(SIGNER), "LEADER_URL"),
    "brackets-around-a-name": (GOOD.but(url="https://[there.example]").signed(SIGNER), "LEADER_URL"),
}


@pytest.mark.parametrize("wrong", RECORDS)
def test_refused(wrong: str, names: NameServer) -> None:
    record, code = RECORDS[wrong]
    names.publish(DOMAIN, record)
    assert refusal(leader(names)) == (1, code)


@pytest.mark.parametrize("wrong", ["forged", "expired", "duplicate-key", "http", "empty"])
def test_every_record_is_examined(wrong: str, names: NameServer) -> None:
    """One that is right among others, wherever it stands."""
    bad = RECORDS[wrong][0]
    for records in ((bad, GOOD.signed(SIGNER)), (GOOD.signed(SIGNER), bad), (bad, "v=spf1 -all", GOOD.signed(SIGNER), bad)):
        names.publish(DOMAIN, *records)
        assert leader(names).json["epoch"] == 7


def test_the_failure_told_is_the_nearest(names: NameServer) -> None:
    names.publish(DOMAIN, "v=spf1 -all", RECORDS["expired"][0], RECORDS["forged"][0])
    assert refusal(leader(names)) == (1, "LEADER_EXPIRED")


def test_the_highest_epoch_counts(names: NameServer) -> None:
    later = GOOD.but(epoch=2**64 - 1, instance="2b" * 20)
    names.publish(DOMAIN, GOOD.signed(SIGNER), later.signed(SIGNER), GOOD.but(epoch=0).signed(SIGNER))
    assert leader(names).json["epoch"] == 2**64 - 1


def test_two_leaders_of_one_epoch(names: NameServer) -> None:
    names.publish(DOMAIN, GOOD.signed(SIGNER), GOOD.but(instance="2b" * 20).signed(SIGNER))
    assert refusal(leader(names)) == (1, "LEADER_CONFLICT")
    names.publish(DOMAIN, GOOD.signed(SIGNER), GOOD.but(valid_until=NOW + 90).signed(SIGNER))
    assert leader(names).json["valid_until"] == "2026-06-01T12:01:30Z"


def test_wire_order_is_free(names: NameServer) -> None:
    """And then hexadecimal may be in upper case: what was signed is in lower case."""
    names.publish(DOMAIN, GOOD.but(order=tuple(reversed(KEYS))).signed(SIGNER).replace(GOOD.cluster, GOOD.cluster.upper().replace("0X", "0x")))
    assert leader(names).json["cluster"] == GOOD.cluster


def test_cluster_address(names: NameServer) -> None:
    names.publish(DOMAIN, GOOD.signed(SIGNER))
    assert leader(names, "--cluster-address", GOOD.cluster.upper()).status == 0
    other = leader(names, "--cluster-address", "0x" + "c2" * 20)
    assert refusal(other) == (1, "LEADER_CLUSTER") and "--cluster-address expects 0xc2c2" in other.json["error"]["message"]


@pytest.mark.parametrize("url, host, port", [("https://There.Example", "there.example", 443), ("https://127.0.0.1:5433", "127.0.0.1", 5433),
                                             ("https://[2001:DB8::1]:99#x", "2001:db8::1", 99), ("https://a_b-c.example:65535?q", "a_b-c.example", 65535)])
def test_where_to_dial(url: str, host: str, port: int, names: NameServer) -> None:
    names.publish(DOMAIN, GOOD.but(url=url).signed(SIGNER))
    document = leader(names).json
    assert (document["host"], document["port"]) == (host, port)


@pytest.mark.parametrize("manner, outcome", [
    ("nxdomain", (3, "LEADER_LOOKUP")), ("servfail", (3, "LEADER_LOOKUP")), ("refused", (3, "LEADER_LOOKUP")),
    ("cut-short", (3, "LEADER_LOOKUP")), ("truncated-no-tcp", (3, "LEADER_LOOKUP")), ("silent", (3, "LEADER_TIMEOUT")),
    ("garbage", (3, "LEADER_TIMEOUT")), ("other-id", (3, "LEADER_TIMEOUT"))])
def test_name_server_fails(manner: str, outcome: tuple[int, str], names: NameServer) -> None:
    names.publish(DOMAIN, GOOD.signed(SIGNER))
    names.manner = MANNERS[manner]
    assert refusal(leader(names, "--leader-timeout-ms", "700")) == outcome


@pytest.mark.parametrize("manner", ["truncated", "slow", "cname", "split-strings"])
def test_name_server_is_odd(manner: str, names: NameServer) -> None:
    names.publish(DOMAIN, GOOD.signed(SIGNER))
    names.manner = MANNERS[manner]
    assert leader(names).json["epoch"] == 7
    assert [question.protocol for question in names.questions] == (["udp", "tcp"] if manner == "truncated" else ["udp"])


def test_answer_too_large_for_udp(names: NameServer) -> None:
    names.publish(DOMAIN, *[GOOD.but(epoch=epoch).signed(SIGNER) for epoch in range(40)])
    assert leader(names).json["epoch"] == 39
    assert [question.protocol for question in names.questions] == ["udp", "tcp"]


def test_name_without_records(names: NameServer) -> None:
    names.publish(DOMAIN)
    assert refusal(leader(names)) == (3, "LEADER_LOOKUP")


@pytest.mark.parametrize("manner", [Manner(silent=True), Manner(rcode="SERVFAIL"), Manner(rcode="REFUSED")])
def test_the_next_server_is_asked(manner: Manner, names: NameServer) -> None:
    names.publish(DOMAIN, GOOD.signed(SIGNER))
    with NameServer(manner) as first:
        run = ratls("leader", DOMAIN, "--signer", SIGNER.address, "--dns-servers", f"{first.address},{names.address}", "--at", str(NOW), "--json")
        assert run.status == 0 and run.json["epoch"] == 7
        assert len(first.questions) == 1


def test_nobody_there(names: NameServer) -> None:
    names.stop()
    assert refusal(leader(names)) == (3, "LEADER_LOOKUP")


def test_interrupt_while_it_waits(names: NameServer) -> None:
    names.manner = MANNERS["silent"]
    process = subprocess.Popen([command_path(), "leader", DOMAIN, "--signer", SIGNER.address, "--dns-servers", names.address],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    names.wait_for(1)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, output) == (3, "") and errors == "ratls: CANCELLED: cancelled while looking up the leader\n"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    return directory


def remember(names: NameServer, state: Path, manifest: Manifest) -> Run:
    names.publish(DOMAIN, manifest.signed(SIGNER))
    return leader(names, "--leader-state-dir", str(state))


def test_no_later_process_goes_back(names: NameServer, state: Path) -> None:
    assert remember(names, state, GOOD).status == 0
    assert refusal(remember(names, state, GOOD.but(epoch=6))) == (1, "LEADER_EPOCH")
    assert remember(names, state, GOOD).status == 0
    assert remember(names, state, GOOD.but(epoch=9)).status == 0
    assert refusal(remember(names, state, GOOD)) == (1, "LEADER_EPOCH")
    assert refusal(remember(names, state, GOOD.but(epoch=9, instance="2b" * 20))) == (1, "LEADER_CONFLICT")
    kept, = state.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.read_text() == GOOD.but(epoch=9).signed(SIGNER)


def test_what_was_refused_is_not_kept(names: NameServer, state: Path) -> None:
    names.publish(DOMAIN, RECORDS["forged"][0])
    assert leader(names, "--leader-state-dir", str(state)).status == 1
    assert list(state.iterdir()) == []


def test_clusters_and_signers_are_kept_apart(names: NameServer, state: Path) -> None:
    assert remember(names, state, GOOD).status == 0
    names.publish("other.example", GOOD.but(epoch=1).signed(SIGNER))
    assert leader(names, "--leader-state-dir", str(state), domain="other.example").status == 0
    another = Signer("another")
    names.publish(DOMAIN, GOOD.but(epoch=1).signed(another))
    assert leader(names, "--leader-state-dir", str(state), signer=another.address).status == 0
    assert len(list(state.iterdir())) == 3


@pytest.mark.parametrize("damage", ["", "cut", "forged"])
def test_damaged_state(damage: str, names: NameServer, state: Path) -> None:
    assert remember(names, state, GOOD).status == 0
    kept, = state.iterdir()
    text = kept.read_text()
    kept.write_text({"cut": text[:100], "forged": text.replace("epoch=7", "epoch=1")}.get(damage, ""))
    run = remember(names, state, GOOD)
    assert refusal(run) == (2, "LEADER_STATE") if damage else run.status == 0


def test_state_that_cannot_be_used(names: NameServer, state: Path) -> None:
    names.publish(DOMAIN, GOOD.signed(SIGNER))
    assert refusal(leader(names, "--leader-state-dir", str(state / "missing"))) == (2, "LEADER_STATE")
    state.chmod(0o770)
    run = leader(names, "--leader-state-dir", str(state))
    assert refusal(run) == (2, "LEADER_STATE") and "--leader-state-dir" in run.json["error"]["message"]


#: What is wrong with the command line → the code.
MISTAKES: dict[str, tuple[list[str], str]] = {
    "no-domain": (["leader", "--signer", SIGNER.address], "ARGUMENT_INVALID"),
    "two-domains": (["leader", "a.example", "b.example", "--signer", SIGNER.address], "ARGUMENT_INVALID"),
    "no-signer": (["leader", DOMAIN], "ARGUMENT_INVALID"),
    "signer-short": (["leader", DOMAIN, "--signer", "0x1234"], "OPTION_VALUE"),
    "signer-no-hex": (["leader", DOMAIN, "--signer", "0x" + "g" * 40], "OPTION_VALUE"),
    "domain-empty-label": (["leader", "a..b", "--signer", SIGNER.address], "OPTION_VALUE"),
    "domain-with-space": (["leader", "a b", "--signer", SIGNER.address], "OPTION_VALUE"),
    "domain-too-long": (["leader", "a." * 124 + "bc", "--signer", SIGNER.address], "OPTION_VALUE"),
    "server-by-name": (["leader", DOMAIN, "--signer", SIGNER.address, "--dns-servers", "ns.example"], "OPTION_VALUE"),
    "server-port": (["leader", DOMAIN, "--signer", SIGNER.address, "--dns-servers", "127.0.0.1:0"], "OPTION_VALUE"),
    "servers-empty": (["leader", DOMAIN, "--signer", SIGNER.address, "--dns-servers", "127.0.0.1,"], "OPTION_VALUE"),
    "servers-too-many": (["leader", DOMAIN, "--signer", SIGNER.address, "--dns-servers", ",".join(["127.0.0.1"] * 9)], "OPTION_VALUE"),
    "timeout": (["leader", DOMAIN, "--signer", SIGNER.address, "--leader-timeout-ms", "-1"], "OPTION_VALUE"),
    "cluster-address": (["leader", DOMAIN, "--signer", SIGNER.address, "--cluster-address", "0x"], "OPTION_VALUE"),
    "proxy-both": (["proxy", "--upstream", "a:1", "--cluster", DOMAIN, "--manifest-signer", SIGNER.address, "--socket-dir", "/"], "ARGUMENT_INVALID"),
    "proxy-no-signer": (["proxy", "--cluster", DOMAIN, "--socket-dir", "/"], "ARGUMENT_INVALID"),
    "proxy-signer-alone": (["proxy", "--upstream", "a:1", "--manifest-signer", SIGNER.address, "--socket-dir", "/"], "ARGUMENT_INVALID"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake(mistake: str) -> None:
    arguments, code = MISTAKES[mistake]
    assert refusal(ratls(*arguments, "--json")) == (2, code)
