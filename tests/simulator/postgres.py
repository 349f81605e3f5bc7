"""A throw-away PostgreSQL: a fresh cluster in a temporary directory, stopped and removed at the end."""
from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

SUPERUSER = "postgres"
DATABASE = "postgres"
READY = "database system is ready to accept connections"
START_ATTEMPTS = 5  # another process may take the free port before the server does
STOP_TIMEOUT_S = 15
SOCKET_DIRECTORY_MAX = 80  # a longer one leaves no room for the socket's name
#: Runs the server and stops it when told to, or when the line to its parent breaks: then nobody else will remove the directory.
GUARD = """
directory=$1; shift
"$@" & server=$!
exec 2>/dev/null
read -r word
kill -INT $server
wait $server; code=$?
[ "$word" = stop ] || rm -rf -- "$directory"
exit $code
"""
SETTINGS = {
    "listen_addresses": "127.0.0.1", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
    "shared_buffers": "16MB", "max_connections": "60", "log_connections": "on", "password_encryption": "scram-sha-256",
    "lc_messages": "C", "ssl": "off",
}


class Cluster:
    """A running PostgreSQL on a loopback port and a Unix socket; use it in `with`.

    As root it runs as the user `postgres`, since the server refuses root. `authentication` is what pg_hba.conf
    demands of everybody: scram-sha-256 or trust; `programs` is the directory of the server's programs, Debian's newest
    unless said."""

    def __init__(self, password: str = "simulated secret", authentication: str = "scram-sha-256", programs: Path | None = None) -> None:
        self.password = password
        self.authentication = authentication
        self.programs = programs
        self.settings = dict(SETTINGS)
        self.port = 0
        self.directory = Path()
        self.process: subprocess.Popen[str] | None = None
        self.reader: threading.Thread | None = None
        self.lines: list[str] = []

    def __enter__(self) -> Cluster:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def socket_path(self) -> Path:
        """The Unix socket that the server listens on."""
        return self.directory / f".s.PGSQL.{self.port}"

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return "\n".join(self.lines)

    def dsn(self, **changes: Any) -> str:
        """A key/value connection string to the server itself, some keywords replaced."""
        keywords = {"host": "127.0.0.1", "port": self.port, "user": SUPERUSER, "password": f"'{self.password}'",
                    "dbname": DATABASE, **changes}
        return " ".join(f"{key}={value}" for key, value in keywords.items())

    def start(self) -> None:
        """Make the cluster and start the server. Raises RuntimeError with the server's log when it does not start."""
        self.directory = make_directory()
        try:
            self.initialise()
            for _ in range(START_ATTEMPTS):
                if self.launch():
                    return
            raise RuntimeError(f"PostgreSQL did not start:\n{self.log}")
        except BaseException:
            self.stop()
            raise

    def initialise(self) -> None:
        password_file = self.directory / "password"
        password_file.write_text(self.password + "\n")
        give_to_server(password_file)
        subprocess.run(
            [program("initdb", self.programs), "-D", str(self.directory / "data"), "-U", SUPERUSER, "-A", self.authentication,
             f"--pwfile={password_file}", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C"],
            check=True, stdout=subprocess.DEVNULL, cwd="/", **as_server())
        password_file.unlink()

    def launch(self) -> bool:
        """Start the server on a port that was free a moment ago; False when it ended before it was ready."""
        self.port = free_port()
        settings = {**self.settings, "port": str(self.port), "unix_socket_directories": str(self.directory)}
        command = ["/bin/sh", "-c", GUARD, "guard", str(self.directory), program("postgres", self.programs), "-D",
                   str(self.directory / "data")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/",
            start_new_session=True, **as_server())
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            if READY in line:
                self.reader = threading.Thread(target=self.collect, args=(self.process.stderr,), daemon=True)
                self.reader.start()
                return True
        end(self.process)
        return False

    def collect(self, stream: IO[str]) -> None:
        self.lines.extend(line.rstrip() for line in stream)

    def stop(self) -> None:
        """Stop the server, first politely, and remove everything. May be called twice."""
        if self.process is not None:
            end(self.process)
            if self.reader is not None:
                self.reader.join(timeout=STOP_TIMEOUT_S)
            if self.process.stderr is not None:
                self.process.stderr.close()
            self.process = None
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()


def end(process: subprocess.Popen[str]) -> None:
    """Tell the guard to stop the server; what has not ended in time is killed."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write("stop\n")
        process.stdin.close()
    try:
        process.wait(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def program(name: str, directory: Path | None = None) -> str:
    """Path of a PostgreSQL program, in this directory or the newest installed. Raises FileNotFoundError."""
    if directory is not None:
        return str(directory / name)
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"PostgreSQL's {name} is not installed")
    return path


def as_server() -> dict[str, Any]:
    """Arguments of `subprocess` that run a program as the user the server may run as."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def give_to_server(path: Path) -> None:
    path.chmod(0o700 if path.is_dir() else 0o600)
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(path, account.pw_uid, account.pw_gid)


def make_directory() -> Path:
    base = tempfile.gettempdir()
    directory = Path(tempfile.mkdtemp(prefix="ratls-pg-", dir=base if len(base) < SOCKET_DIRECTORY_MAX else "/tmp"))
    give_to_server(directory)
    return directory


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
