"""A PostgreSQL that ends the TLS itself, asked for it by SSLRequest: it offers channel binding, which ends at the tunnel."""
from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import Files, TIMEOUT_S, command_path, ratls
from simulator.minted import Minted
from simulator.postgres import Cluster, give_to_server


@pytest.fixture(scope="module")
def server(sound: Minted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("tls")
    for parent in (directory, *directory.parents[:2]):
        parent.chmod(0o755)  # the server's own user has to get in
    cluster = Cluster()
    for name, content, setting in (("server.pem", sound.files()["cert.pem"], "ssl_cert_file"), ("server.key", sound.files()["key.pem"], "ssl_key_file")):
        path = directory / name
        path.write_bytes(content)
        path.chmod(0o600)
        give_to_server(path)
        cluster.settings[setting] = str(path)
    cluster.settings["ssl"] = "on"
    with cluster:
        yield cluster


@pytest.fixture
def socket_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "socket"
    directory.mkdir(mode=0o700)
    return directory


def test_scram_works(server: Cluster, files: Files, socket_dir: Path) -> None:
    command = [command_path(), "proxy", "--upstream", f"127.0.0.1:{server.port}", "--socket-dir", str(socket_dir), "--start-tls", *files.dcap]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline().startswith("psql -h "), process.communicate(timeout=TIMEOUT_S)
        query = "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"
        done = subprocess.run(["psql", "-h", str(socket_dir), "-p", str(server.port), "-U", "postgres", "-d", "postgres", "-XAtc", query],
                              capture_output=True, text=True, env={**os.environ, "PGPASSWORD": server.password}, timeout=TIMEOUT_S, check=False)
        assert (done.returncode, done.stdout) == (0, "t|TLSv1.3\n"), done.stderr
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT_S)


def test_verify_and_inspect(server: Cluster, files: Files, sound: Minted) -> None:
    at = ["--connect", f"127.0.0.1:{server.port}", "--start-tls", "--json"]
    assert ratls("verify", *at, *files.dcap).json["result"]["mr_td"] == sound.mr_td
    assert ratls("inspect", *at).json["mr_td"] == sound.mr_td


def test_without_the_request(server: Cluster, files: Files) -> None:
    run = ratls("verify", "--connect", f"127.0.0.1:{server.port}", *files.dcap)
    assert run.status == 3 and "may need --start-tls" in run.errors


def test_a_server_without_tls(files: Files, cluster: Cluster) -> None:
    run = ratls("verify", "--connect", f"127.0.0.1:{cluster.port}", "--start-tls", *files.dcap)
    assert run.status == 3 and "START_TLS_REFUSED" in run.errors and "it has no TLS" in run.errors
