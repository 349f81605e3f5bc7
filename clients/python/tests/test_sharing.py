"""One tunnel for all who go the same way, and the verdict of each connection."""
from __future__ import annotations

import asyncio
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

import psycopg_ratls
from psycopg_ratls import attestation, connect, connect_async, save_evidence
from ra_tls_verify import DcapVerifier, NoopVerifier, VerifyOptions
from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World


@pytest.fixture
def dsn(cluster: Cluster, sidecar: Sidecar) -> str:
    return cluster.dsn(port=sidecar.port)


def directory(conn: Any) -> Path:
    return Path(conn._tunnel.directory)


def test_the_same_way_is_one_tunnel(dsn: str, sidecar: Sidecar, verifier: DcapVerifier, options: VerifyOptions) -> None:
    with connect(dsn, verifier=verifier, options=options) as first:
        with connect(dsn, verifier=verifier, options=replace(options), application_name="other", user="postgres") as second:
            assert directory(first) == directory(second)
            assert len(sidecar.connections) == 2, "one handshake for each connection"
        assert directory(first).exists()
        assert first.execute("select 1 as one").fetchone() == {"one": 1}
    assert not directory(first).exists(), "it closes with its last user"


def test_another_way_is_another_tunnel(
        dsn: str, minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    other = DcapVerifier(minted.collateral_json.encode(), minted.trust_anchor_pem.encode())
    ways: list[dict[str, Any]] = [
        {"verifier": verifier, "options": options}, {"verifier": other, "options": options}, {"verifier": NoopVerifier()},
        {"verifier": verifier, "options": replace(options, allow_sept_ve=True)},
        {"verifier": verifier, "options": options, "host": "db.example", "hostaddr": "127.0.0.1"},
        {"verifier": verifier, "options": options, "tcp_user_timeout": 5000},
        {"verifier": verifier, "options": options, "connect_timeout": 60}]
    open_ones = [connect(dsn, **way) for way in ways]
    assert len({directory(conn) for conn in open_ones}) == len(ways)
    for conn in open_ones:
        conn.close()


def test_synchronous_and_asynchronous_share(dsn: str, verifier: DcapVerifier, options: VerifyOptions) -> None:
    async def main() -> None:
        async with await connect_async(dsn, verifier=verifier, options=options) as other:
            assert directory(other) == directory(conn)

    with connect(dsn, verifier=verifier, options=options) as conn:
        asyncio.run(main())


def test_each_connection_tells_its_own_verdict(
        world: World, dsn: str, sidecar: Sidecar, minted: Minted, verifier: DcapVerifier, options: VerifyOptions) -> None:
    upgraded = world.mint("other_mrtd")
    both = replace(options, allowed_mr_td=[minted.mr_td, upgraded.mr_td])
    with connect(dsn, verifier=verifier, options=both) as old:
        sidecar.present(upgraded)
        with connect(dsn, verifier=verifier, options=both) as new:
            sidecar.present(minted)
            with connect(dsn, verifier=verifier, options=both) as newest:
                assert directory(old) == directory(new) == directory(newest)
                assert [attestation(conn).mr_td for conn in (old, new, newest)] == [minted.mr_td, upgraded.mr_td, minted.mr_td]
    assert attestation(new).mr_td == upgraded.mr_td, "it stays readable"


def repeat(saved: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The command's verdict on saved evidence."""
    done = subprocess.run([os.environ["RATLS_COMMAND"], "verify", "--saved", saved, "--json", *arguments],
                          capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)


def test_saved_evidence_repeats_the_verdict(
        world: World, dsn: str, sidecar: Sidecar, minted: Minted, verifier: DcapVerifier, options: VerifyOptions, tmp_path: Path) -> None:
    upgraded = world.mint("other_mrtd")
    both = replace(options, allowed_mr_td=[minted.mr_td, upgraded.mr_td])
    with connect(dsn, verifier=verifier, options=both) as conn:
        sidecar.present(upgraded)
        with connect(dsn, verifier=verifier, options=both):
            save_evidence(conn, tmp_path / "evidence.json")
        verdict = attestation(conn)
    saved = tmp_path / "evidence.json"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir() if "evidence" in file.name] == ["evidence.json"]
    status, told = repeat(saved, "--mrtd", minted.mr_td)
    assert (status, told["accepted"], told["verified"]) == (0, True, True)
    for name in ("mr_td", "tcb_status", "fmspc", "report_data", "trust_anchor", "key_bound"):
        assert told["result"][name] == getattr(verdict, name), name
    status, told = repeat(saved, "--mrtd", upgraded.mr_td)
    assert (status, told["error"]["code"]) == (1, "MRTD_NOT_ALLOWED")


def test_saving_again_replaces_the_whole_file(dsn: str, verifier: DcapVerifier, options: VerifyOptions, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text("before" * 100_000)
    path.chmod(0o644)

    async def main() -> None:
        async with await connect_async(dsn, verifier=verifier, options=options) as conn:
            save_evidence(conn, str(path))

    asyncio.run(main())
    assert set(json.loads(path.read_text())) >= {"certificate", "quote", "collateral", "trust_anchor", "verified_at"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_evidence_that_cannot_be_saved(dsn: str, cluster: Cluster, verifier: DcapVerifier, options: VerifyOptions, tmp_path: Path) -> None:
    with connect(dsn, verifier=verifier, options=options) as conn:
        with pytest.raises(FileNotFoundError):
            save_evidence(conn, tmp_path / "nowhere" / "evidence.json")
        (tmp_path / "folder").mkdir()
        with pytest.raises(IsADirectoryError):
            save_evidence(conn, tmp_path / "folder")
    assert [file.name for file in tmp_path.iterdir()] == ["folder"], "nothing is left behind"
    with pytest.raises(psycopg_ratls.UsageError, match="it is closed"):
        save_evidence(conn, tmp_path / "evidence.json")
    with psycopg.connect(cluster.dsn()) as plain, pytest.raises(psycopg_ratls.UsageError, match="not made by psycopg_ratls"):
        save_evidence(plain, tmp_path / "evidence.json")
