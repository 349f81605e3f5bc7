"""What the benchmark measures against: HAProxy ends TLS in front of a real PostgreSQL, stunnel forwards to it."""
from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, Iterator

from simulator.minted import Minted
from simulator.postgres import Cluster, free_port

START_TIMEOUT_S = 10
HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m
listen terminator
    bind 127.0.0.1:{port} ssl crt {certificate} alpn postgresql
    server postgres unix@{postgres}
"""
STUNNEL = """
foreground = yes
pid =
syslog = no
debug = err
[forwarder]
client = yes
accept = {directory}/.s.PGSQL.{port}
connect = 127.0.0.1:{port}
verify = 0
"""


@contextlib.contextmanager
def terminator(cluster: Cluster, minted: Minted, directory: Path) -> Iterator[int]:
    """HAProxy with the minted certificate in front of the cluster; gives its port."""
    port = free_port()
    certificate = directory / "haproxy.pem"
    certificate.write_text(minted.chain_pem + minted.key_pem)
    configuration = directory / "haproxy.cfg"
    configuration.write_text(HAPROXY.format(port=port, certificate=certificate, postgres=cluster.socket_path))
    with running([program("haproxy"), "-db", "-f", str(configuration)], ("127.0.0.1", port)):
        yield port


@contextlib.contextmanager
def forwarder(port: int, directory: Path) -> Iterator[None]:
    """stunnel from a Unix socket in the directory, named as libpq expects, to the terminator."""
    configuration = directory / "stunnel.conf"
    configuration.write_text(STUNNEL.format(directory=directory, port=port))
    with running([program("stunnel4", "stunnel"), str(configuration)], str(directory / f".s.PGSQL.{port}")):
        yield


@contextlib.contextmanager
def running(command: list[str], address: tuple[str, int] | str) -> Iterator[None]:
    """A server while the block runs, from when it takes connections. Raises RuntimeError when it does not start."""
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        try:
            wait_until_listening(process, address, said)
            yield
        finally:
            process.terminate()


def wait_until_listening(process: subprocess.Popen[bytes], address: tuple[str, int] | str, said: IO[str]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not listening(address):
        if process.poll() is not None or time.monotonic() > deadline:
            said.seek(0)
            raise RuntimeError(f"{process.args!r} does not listen: {said.read()[-500:]}")
        time.sleep(0.01)


def listening(address: tuple[str, int] | str) -> bool:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(address) == 0


def program(*names: str) -> str:
    """Path of the first that is installed. Raises FileNotFoundError."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/bin"
    for name in names:
        found = shutil.which(name, path=path)
        if found is not None:
            return found
    raise FileNotFoundError(f"{names[0]} is not installed (Debian: apt-get install haproxy stunnel4)")
