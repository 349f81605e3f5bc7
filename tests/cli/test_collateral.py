"""Collateral as the command fetches, keeps and foresees it, from a PCCS that may do anything."""
from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import Files, Run, ratls
from simulator.intel.scenario import Rule
from simulator.minted import Minted
from simulator.pccs import FAULTS, Pccs
from simulator.pccs.faults import stale
from simulator.world import World

TDX = "/tdx/certification/v4"
QUICK = ("--attempt-timeout-ms", "250", "--timeout-ms", "5000")


@pytest.fixture(scope="module")
def now_world() -> World:
    return World("command collateral", int(time.time()))


@pytest.fixture(scope="module")
def server(now_world: World) -> Minted:
    return now_world.mint()


@pytest.fixture(scope="module")
def evidence(server: Minted, tmp_path_factory: pytest.TempPathFactory) -> Files:
    directory = tmp_path_factory.mktemp("evidence")
    server.write(directory)
    return Files(directory, server.now)


@pytest.fixture
def pccs(now_world: World) -> Iterator[Pccs]:
    with Pccs(now_world) as running:
        yield running


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))


def sources(evidence: Files, *services: Pccs) -> list[str]:
    return ["--trust-anchor", str(evidence["root.pem"]), "--pccs-url", ",".join(service.url for service in services),
            "--pccs-ca-file", ",".join(str(service.ca_file) for service in services)]


def verify(evidence: Files, pccs: Pccs, *more: str | Path) -> Run:
    return ratls("verify", "--cert", evidence["cert.pem"], *sources(evidence, pccs), *more, "--json")


def code_of(run: Run) -> str | None:
    return None if run.json.get("accepted") else str(run.json["error"]["code"])


def test_fetched_once_by_all_processes(evidence: Files, pccs: Pccs, tmp_path: Path) -> None:
    assert [verify(evidence, pccs).status for _ in range(3)] == [0, 0, 0]
    assert pccs.service.seen == ["/sgx/certification/v4/rootcacrl", "/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
                                 f"{TDX}/tcb?fmspc=510A7E000000", f"{TDX}/qe/identity"]
    (own,) = (tmp_path / "caches" / "ratls").iterdir()
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert len(list(own.glob("*.json"))) == 4 and {stat.S_IMODE(file.stat().st_mode) for file in own.iterdir()} == {0o600}


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if name != "sound"])
def test_faults(evidence: Files, pccs: Pccs, name: str) -> None:
    fault = FAULTS[name]
    pccs.service.play(fault)
    run = verify(evidence, pccs, *QUICK)
    assert run.status == 3 and run.json["error"]["class"] == "unavailable"
    assert run.json["error"]["stage"] == "collateral" or run.json["error"]["code"] == "TIMEOUT"
    assert run.json["error"]["details"]["url"].startswith(pccs.url)
    if fault.code is not None:
        assert run.json["error"]["code"] == fault.code, run.json["error"]
    if name.startswith("status-"):
        assert run.json["error"]["details"]["http_status"] in run.json["error"]["message"]
    pccs.service.play(FAULTS["sound"])
    assert verify(evidence, pccs).status == 0  # nothing of it was kept


@pytest.mark.parametrize("name", ["status-404", "truncated", "html", "other-fmspc", "wrong-chain", "swapped-crls", "other-world", "tampered", "redirect"])
def test_the_next_source(evidence: Files, now_world: World, pccs: Pccs, name: str) -> None:
    pccs.service.play(FAULTS[name])
    with Pccs(now_world) as backup:
        run = ratls("verify", "--cert", evidence["cert.pem"], *sources(evidence, pccs, backup), "--json")
    assert run.status == 0 and backup.service.requests() >= 1 and "another attempt is made" in run.errors


def test_stale(evidence: Files, pccs: Pccs) -> None:
    pccs.service.play(stale(pccs.service))
    assert code_of(verify(evidence, pccs)) == "COLLATERAL_TCB_INFO_EXPIRED"


@pytest.mark.parametrize("form", ["der", "hex", "HEX", "pem"])
def test_lists_in_any_form(evidence: Files, now_world: World, form: str) -> None:
    with Pccs(now_world, identity=None, root_crl_form=form, pck_crl_form=form) as pccs:
        run = ratls("verify", "--cert", evidence["cert.pem"], "--trust-anchor", evidence["root.pem"], "--pccs-url", f"{pccs.url}/sgx/certification/v4/")
    assert run.status == 0


@pytest.mark.parametrize("identity", ["unknown-ca", "wrong-host", "expired", "self-signed", "tls1.1"])
def test_tls_is_verified(evidence: Files, now_world: World, identity: str) -> None:
    with Pccs(now_world, identity=identity) as pccs:
        run = verify(evidence, pccs)
        assert code_of(run) == "COLLATERAL_TLS" and "--pccs-ca-file" in run.json["error"]["message"]
        assert pccs.service.requests() == 0


def test_an_authority_for_each_source(evidence: Files, now_world: World, pccs: Pccs) -> None:
    """The CA of one says nothing about another."""
    with Pccs(now_world, identity=None) as plain:
        urls = ["--trust-anchor", str(evidence["root.pem"]), "--pccs-url", f"{plain.url},{pccs.url}"]
        plain.service.play(FAULTS["status-404"])
        assert ratls("verify", "--cert", evidence["cert.pem"], *urls, "--pccs-ca-file", f",{pccs.ca_file}").status == 0
        assert ratls("verify", "--cert", evidence["cert.pem"], *urls, "--cache-dir", "", "--pccs-ca-file", f"{pccs.ca_file},").status == 3
        assert ratls("verify", "--cert", evidence["cert.pem"], *urls, "--pccs-ca-file", str(pccs.ca_file)).status == 2


def test_redirects_are_not_followed(evidence: Files, now_world: World, pccs: Pccs) -> None:
    with Pccs(now_world) as elsewhere:
        pccs.service.queue([Rule("GET", status=302, headers={"Location": elsewhere.url + "/sgx/certification/v4/rootcacrl"})])
        assert code_of(verify(evidence, pccs)) == "COLLATERAL_HTTP_STATUS"
        assert elsewhere.service.requests() == 0


def test_proxy(evidence: Files, pccs: Pccs, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_of(verify(evidence, pccs, "--cache-dir", "", "--proxy", "http://127.0.0.1:1")) == "COLLATERAL_NETWORK"
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    assert code_of(verify(evidence, pccs, "--cache-dir", "")) == "COLLATERAL_NETWORK"
    assert verify(evidence, pccs, "--cache-dir", "", "--proxy", "").status == 0
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert verify(evidence, pccs, "--cache-dir", "").status == 0


def test_a_bundle_needs_no_network(evidence: Files, pccs: Pccs, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    run = ratls("collateral", "fetch", "--quote", evidence["quote.bin"], *sources(evidence, pccs), "--out", bundle, "--json")
    assert run.status == 0 and run.json == {"out": str(bundle)}
    offline = ratls("verify", "--cert", evidence["cert.pem"], "--trust-anchor", evidence["root.pem"], "--collateral", bundle, "--json")
    assert offline.status == 0
    given = json.loads(bundle.read_text())
    same = ratls("collateral", "fetch", "--fmspc", "510a7e000000", *sources(evidence, pccs), "--out", "-")
    assert json.loads(same.output) == given
    assert {name: given[name] for name in json.loads(evidence["collateral.json"].read_text())} == json.loads(evidence["collateral.json"].read_text())


def test_fetch_asks_for_what_there_is_now(evidence: Files, pccs: Pccs) -> None:
    for _ in range(2):
        assert ratls("collateral", "fetch", "--cert", evidence["cert.pem"], *sources(evidence, pccs), "--out", "-").status == 0
    assert (pccs.service.requests(), pccs.service.not_modified) == (8, 4)


@pytest.mark.parametrize("arguments", [("--fmspc", "zz"), ("--fmspc", "510a7e000000", "--ca", "none"), ("--quote", "/nonexistent")])
def test_fetch_for_nobody(evidence: Files, pccs: Pccs, arguments: tuple[str, ...]) -> None:
    assert ratls("collateral", "fetch", *arguments, *sources(evidence, pccs), "--out", "-").status == 2
    assert pccs.service.requests() == 0


def test_fetch_to_nowhere(evidence: Files, pccs: Pccs, tmp_path: Path) -> None:
    run = ratls("collateral", "fetch", "--fmspc", "510a7e000000", *sources(evidence, pccs), "--out", tmp_path / "none" / "b", "--json")
    assert run.status == 2 and run.json["error"]["code"] == "FILE_UNWRITABLE"


# ---- foresight


def early(pccs: Pccs, levels: str) -> None:
    """Intel's next set: number 21, in which what was up to date is `levels`."""
    def change(info: dict[str, object]) -> None:
        info["tcbEvaluationDataNumber"] = 21
        info["tcbLevels"][0]["tcbStatus"] = levels  # type: ignore[index]

    pccs.service.early_changes = {"tcb_info": change, "qe_identity": {"tcbEvaluationDataNumber": 21}}


def check(evidence: Files, pccs: Pccs, *more: str) -> Run:
    return ratls("collateral", "check", "--cert", evidence["cert.pem"], *sources(evidence, pccs), *more)


def test_nothing_to_expect(evidence: Files, pccs: Pccs) -> None:
    run = check(evidence, pccs, "--json")
    assert run.status == 0 and run.json["attention"] is False and run.json["warnings"] == []
    assert run.json["standard"]["tcb_status_dcap"] == run.json["early"]["tcb_status_dcap"] == "UpToDate"
    assert sorted(run.json["standard"]["documents"]) == ["pck_crl", "qe_identity", "root_ca_crl", "tcb_info"]


def test_a_pipe_is_written_to_and_not_replaced(evidence: Files, pccs: Pccs, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert ratls("collateral", "fetch", "--fmspc", "510a7e000000", *sources(evidence, pccs), "--out", pipe).status == 0
        assert pipe.is_fifo() and json.loads(os.read(reader, 1 << 20))["tcb_info"]
    finally:
        os.close(reader)


def test_will_become_out_of_date(evidence: Files, pccs: Pccs) -> None:
    early(pccs, "OutOfDate")
    run = check(evidence, pccs)
    assert run.status == 1
    assert ("TCB_STATUS_WILL_CHANGE: the platform (FMSPC 510a7e000000) is UpToDate now and will become OutOfDate when the standard set moves to "
            "evaluation number 21 (now 20)") in run.output
    told = check(evidence, pccs, "--json")
    assert told.status == 1 and told.json["attention"] is True and [item["code"] for item in told.json["warnings"]] == ["TCB_STATUS_WILL_CHANGE"]
    assert (told.json["standard"]["tcb_evaluation_data_number"], told.json["early"]["tcb_evaluation_data_number"]) == (20, 21)


def test_a_new_set_that_changes_nothing(evidence: Files, pccs: Pccs) -> None:
    early(pccs, "UpToDate")
    assert check(evidence, pccs).status == 0


def test_the_early_set_on_request(evidence: Files, pccs: Pccs) -> None:
    early(pccs, "OutOfDate")
    assert verify(evidence, pccs).status == 0
    assert code_of(verify(evidence, pccs, "--update", "early")) == "TCB_STATUS"
    assert verify(evidence, pccs).status == 0  # each set has its own place
    assert verify(evidence, pccs, "--update", "late").status == 2


def test_out_of_date_already(evidence: Files, pccs: Pccs, now_world: World, tmp_path: Path) -> None:
    now_world.mint("out_of_date").write(tmp_path / "old")
    run = ratls("collateral", "check", "--quote", tmp_path / "old" / "quote.bin", *sources(evidence, pccs), "--json")
    assert run.status == 1 and [item["code"] for item in run.json["warnings"]] == ["TCB_STATUS"]


def test_warn_days(evidence: Files, pccs: Pccs) -> None:
    assert check(evidence, pccs, "--warn-days", "28").status == 0
    run = check(evidence, pccs, "--warn-days", "30", "--json")
    assert run.status == 1 and {item["code"] for item in run.json["warnings"]} == {"EXPIRES_SOON"} and len(run.json["warnings"]) == 3
    assert check(evidence, pccs, "--warn-days", "-1").status == 0
    assert check(evidence, pccs, "--warn-days", "soon").status == 2


def test_could_not_check(evidence: Files, pccs: Pccs) -> None:
    pccs.service.play(FAULTS["status-404"])
    run = check(evidence, pccs, "--json")
    assert run.status == 3 and run.json["error"]["code"] == "COLLATERAL_NOT_FOUND"


# ---- what costs nothing more


def test_conditional_requests(evidence: Files, now_world: World) -> None:
    with Pccs(now_world, etags=True) as pccs:
        for _ in range(2):
            ratls("collateral", "fetch", "--cert", evidence["cert.pem"], *sources(evidence, pccs), "--out", os.devnull)
        assert pccs.service.not_modified == 4
        pccs.service.publish(tcb_info={"tcbEvaluationDataNumber": 22})
        run = ratls("collateral", "fetch", "--cert", evidence["cert.pem"], *sources(evidence, pccs), "--out", "-")
        assert '"tcbEvaluationDataNumber":22' in json.loads(run.output)["tcb_info"] and pccs.service.not_modified == 7
