"""Many processes at one cache, processes that are killed in the middle, and places that cannot be written to."""
from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import command_path
from simulator.minted import Minted
from simulator.pccs import FAULTS, Pccs
from simulator.world import World

NOBODY = 65534
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def now_world() -> World:
    return World("collateral processes", int(time.time()))


@pytest.fixture(scope="module")
def server(now_world: World) -> Minted:
    return now_world.mint()


@pytest.fixture
def place(server: Minted) -> Iterator[Path]:
    """A directory that every user can read, with the evidence and a copy of the command: where it is built they may not get."""
    with tempfile.TemporaryDirectory(prefix="ratls-collateral-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        server.write(directory)
        command = Path(command_path()).resolve()
        shutil.copy(command, directory / "ratls")
        for library in (command.parent.parent / "lib").glob("libratls.so.*"):
            shutil.copy(library, directory / library.name)
        yield directory


@pytest.fixture
def pccs(now_world: World) -> Iterator[Pccs]:
    with Pccs(now_world) as running:
        yield running


def arguments(place: Path, pccs: Pccs, cache: Path | str | None = None) -> list[str]:
    shutil.copy(pccs.ca_file, place / "web-ca.pem")
    line = [str(place / "ratls"), "verify", "--cert", str(place / "cert.pem"), "--trust-anchor", str(place / "root.pem"), "--pccs-url", pccs.url,
            "--pccs-ca-file", str(place / "web-ca.pem")]
    return line if cache is None else [*line, "--cache-dir", str(cache)]


def environment(place: Path, **more: str) -> dict[str, str]:
    return {"LD_LIBRARY_PATH": str(place), "PATH": os.environ["PATH"], **more}


def run(line: list[str], place: Path, **keywords: object) -> subprocess.CompletedProcess[str]:
    given = {"env": environment(place), **keywords}
    return subprocess.run(line, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, **given)  # type: ignore[call-overload,no-any-return]


def test_fifty_processes_make_one_set_of_requests(place: Path, pccs: Pccs) -> None:
    line = arguments(place, pccs, place / "cache")
    pccs.service.delay_s = 0.2  # so that they all come while the first one fetches
    started = [subprocess.Popen(line, env=environment(place), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(50)]
    ended = [process.communicate(timeout=TIMEOUT_S) for process in started]
    assert [process.returncode for process in started] == [0] * 50, ended
    assert pccs.service.requests() == 4


def test_fifty_processes_at_a_service_that_is_out_of_order(place: Path, pccs: Pccs) -> None:
    """Each is told in time; none waits for the lock of another beyond its own deadline."""
    pccs.service.play(FAULTS["status-404"])
    line = [*arguments(place, pccs, place / "cache"), "--timeout-ms", "20000"]
    started = [subprocess.Popen(line, env=environment(place), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(50)]
    errors = [process.communicate(timeout=TIMEOUT_S)[1].decode() for process in started]
    assert [process.returncode for process in started] == [3] * 50
    assert all("COLLATERAL_NOT_FOUND" in error for error in errors)


def kill_and_look(place: Path, pccs: Pccs, times: int) -> None:
    """Whenever it ends: what is on the disk is whole or not there, and the next one goes on from it."""
    cache = place / "cache"
    line = arguments(place, pccs, cache)
    run(line, place)
    spans = [time.monotonic()]
    run(line, place)
    lasts = 1.5 * (time.monotonic() - spans[0]) + 0.02
    chance = random.Random(9)
    for number in range(times):
        if number % 2 == 0:
            shutil.rmtree(cache, ignore_errors=True)
        victim = subprocess.Popen(line, env=environment(place), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, lasts))  # not a wait for something: where it strikes is the test
        victim.send_signal(signal.SIGKILL)
        victim.wait(timeout=TIMEOUT_S)
        after = run(line, place)
        assert after.returncode == 0, after
        assert "is ignored" not in after.stderr  # rename is all or nothing
    names = sorted(entry.name for entry in (cache / "collateral-1").iterdir())
    assert len([name for name in names if name.endswith(".json")]) == 4 and not [name for name in names if name.endswith(".new")]


def test_killed_at_any_moment(place: Path, pccs: Pccs) -> None:
    kill_and_look(place, pccs, 20)


@pytest.mark.long
def test_killed_at_any_moment_for_long(place: Path, pccs: Pccs) -> None:
    kill_and_look(place, pccs, 2000)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not there to strike at each call")
@pytest.mark.parametrize("call", ["openat", "write", "fsync", "renameat", "close", "flock"])
def test_killed_at_each_call(place: Path, pccs: Pccs, call: str) -> None:
    line = arguments(place, pccs, place / "cache")
    for when in range(1, 200, 7 if call in ("openat", "close") else 1):
        struck = run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}", *line], place)
        after = run(line, place)
        assert after.returncode == 0 and "is ignored" not in after.stderr, (when, struck, after)
        if struck.returncode == 0:
            break
        shutil.rmtree(place / "cache", ignore_errors=True)


def test_poisoned_files_are_replaced(place: Path, pccs: Pccs) -> None:
    line = arguments(place, pccs, place / "cache")
    assert run(line, place).returncode == 0
    for poison in (b"", b"{}", b"\0" * 5000, b"{" * 100000, os.urandom(3000)):
        for file in (place / "cache" / "collateral-1").glob("*.json"):
            file.write_bytes(poison)
        assert run(line, place).returncode == 0
        pccs.service.forget()
        again = run(line, place)
        assert again.returncode == 0 and pccs.service.requests() == 0 and "is ignored" not in again.stderr


# ---- as a user without rights


def as_nobody() -> dict[str, object]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def assert_goes_on(done: subprocess.CompletedProcess[str], warning: str | None) -> None:
    assert done.returncode == 0, done
    if warning is None:
        assert "memory" not in done.stderr
    else:
        assert done.stderr.count("going on from memory alone: ") == 1 and warning in done.stderr, done.stderr


def test_read_only_directory(place: Path, pccs: Pccs) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o555)
    assert_goes_on(run(arguments(place, pccs, closed), place, **as_nobody()), "Permission denied")
    assert pccs.service.requests() == 4 and not list(closed.iterdir())


def test_what_is_there_is_read_where_nothing_can_be_written(place: Path, pccs: Pccs) -> None:
    cache = place / "cache"
    cache.mkdir()
    if os.geteuid() == 0:
        os.chown(cache, NOBODY, NOBODY)
    line = arguments(place, pccs, cache)
    assert_goes_on(run(line, place, **as_nobody()), None)
    pccs.service.forget()
    cache.chmod(0o555)
    assert_goes_on(run(line, place, **as_nobody()), None)
    assert pccs.service.requests() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's directory")
def test_another_users_directory(place: Path, pccs: Pccs) -> None:
    """Who owns the directory could show another file at each look."""
    (place / "shared").mkdir()
    (place / "shared").chmod(0o777)
    (place / "shared" / "collateral-1").mkdir(mode=0o777)
    (place / "shared" / "collateral-1").chmod(0o777)
    done = run(arguments(place, pccs, place / "shared"), place, **as_nobody())
    assert_goes_on(done, "belongs to another user")
    assert not list((place / "shared" / "collateral-1").iterdir())


def test_no_home(place: Path, pccs: Pccs) -> None:
    assert_goes_on(run(arguments(place, pccs), place, **as_nobody()), None)


def test_home_that_is_not_there(place: Path, pccs: Pccs) -> None:
    done = run(arguments(place, pccs), place, env=environment(place, HOME="/nonexistent"), **as_nobody())
    assert_goes_on(done, "/nonexistent/.cache/ratls")


def no_room() -> None:
    """Every write to a file fails, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_no_room(place: Path, pccs: Pccs) -> None:
    cache = place / "cache"
    cache.mkdir(mode=0o777)
    cache.chmod(0o777)
    done = run(arguments(place, pccs, cache), place, preexec_fn=no_room, restore_signals=False, **as_nobody())
    assert_goes_on(done, "cannot be written to")
    assert not list((cache / "collateral-1").glob("*.json")) and not list((cache / "collateral-1").glob("*.new"))


def test_disk_full(place: Path, pccs: Pccs) -> None:
    cache = place / "full"
    cache.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=777", "none", str(cache)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        done = run(arguments(place, pccs, cache), place, **as_nobody())
        assert_goes_on(done, "No space left on device")
    finally:
        subprocess.run(["umount", str(cache)], check=True)
