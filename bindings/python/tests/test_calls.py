"""Calls that wait: the interpreter goes on, they can be ended, nothing leaks, forks and exits are survived."""
from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable

import pytest

from ra_tls_verify import NoopVerifier, RaTlsVerifier, RefusedError, UnavailableError, VerifyOptions, _core
from simulator.minted import Minted

NO_CACHE = VerifyOptions(cache_ttl_s=0)


class Waiting(RaTlsVerifier):
    """Judges nothing until it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.released = threading.Event()

    def verify(self, quote: bytes, options: VerifyOptions) -> Any:
        self.asked.set()
        self.released.wait(30)
        return {"tcb_status": "OK"}


@pytest.fixture
def waiting() -> Any:
    verifier = Waiting()
    yield verifier
    verifier.released.set()


def run_program(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    tests = Path(__file__).resolve().parents[3] / "tests"
    return subprocess.run([sys.executable, "-X", "dev", "-c", program, *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(tests)}, check=False)


def test_the_event_loop_goes_on(waiting: Waiting, minted: Minted) -> None:
    async def main() -> bool:
        verification = asyncio.create_task(waiting.verify_certificate(minted.certificate_der))
        while not waiting.asked.is_set():
            await asyncio.sleep(0)
        assert not verification.done()
        waiting.released.set()
        return bool((await verification).accepted)

    assert asyncio.run(main())


def test_cancelling_the_task_ends_the_call(waiting: Waiting, minted: Minted) -> None:
    async def main() -> None:
        verification = asyncio.create_task(waiting.verify_certificate(minted.certificate_der))
        while not waiting.asked.is_set():
            await asyncio.sleep(0)
        verification.cancel()
        with pytest.raises(asyncio.CancelledError):
            await verification

    asyncio.run(main())


def test_a_cancelled_call_says_so(waiting: Waiting, minted: Minted) -> None:
    cancel = _core.ratls_cancel_new()
    failures: list[UnavailableError] = []

    def verify() -> None:
        with pytest.raises(UnavailableError) as caught:
            _core.ratls_verify(waiting._handle(None), minted.quote, None, cancel)
        failures.append(caught.value)

    thread = threading.Thread(target=verify)
    thread.start()
    assert waiting.asked.wait(30)
    _core.trigger_cancel(cancel)
    thread.join(30)
    assert failures[0].code == "CANCELLED"


def test_many_verifications_at_once(minted: Minted) -> None:
    verifier = NoopVerifier()

    async def main() -> list[Any]:
        return await asyncio.gather(*(verifier.verify(minted.quote) for _ in range(100)))

    assert all(result.accepted for result in asyncio.run(main()))


def test_ctrl_c_ends_a_call_that_waits(waiting: Waiting, minted: Minted) -> None:
    def interrupt() -> None:
        waiting.asked.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        waiting.verify_sync(minted.quote)
    thread.join()


def test_a_handle_of_another_kind_is_refused(minted: Minted) -> None:
    cancel = _core.ratls_cancel_new()
    verifier = _core.new_noop_verifier()
    for arguments in ((cancel, b"", None, None), (verifier, b"", cancel, None), (verifier, b"", None, verifier), (None, b"", None, None)):
        with pytest.raises((ValueError, TypeError)):
            _core.ratls_verify(*arguments)
    with pytest.raises(TypeError):
        _core.ratls_verify(verifier, "text", None, None)
    with pytest.raises(TypeError):
        _core.ratls_verify(verifier, b"")


def test_a_request_is_answered_once(minted: Minted) -> None:
    seen: list[Any] = []

    def judge(request: Any) -> None:
        assert _core.custom_quote(request) == minted.quote
        _core.custom_accept('{"tcb_status":"OK"}', request)
        for again in (lambda: _core.custom_accept("{}", request), lambda: _core.custom_reject("no", 2, request),
                      lambda: _core.custom_quote(request)):
            try:
                again()
            except ValueError as error:
                seen.append(error)

    verifier = _core.new_custom_verifier(judge)
    assert _core.ratls_verify(verifier, minted.quote, None, None) is not None
    del verifier
    while len(seen) < 3:
        threading.Event().wait(0.001)


def test_a_request_that_nobody_answers_is_unavailable(minted: Minted) -> None:
    with pytest.raises(UnavailableError, match="it gave no answer"):
        _core.ratls_verify(_core.new_custom_verifier(lambda request: None), minted.quote, None, None)


def resident_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


class Accepting(RaTlsVerifier):
    def verify(self, quote: bytes, options: VerifyOptions) -> Any:
        return {"tcb_status": "OK"}


def cases(minted: Minted) -> list[Callable[[], object]]:
    noop, own = NoopVerifier(), Accepting()

    def refused() -> None:
        with pytest.raises(RefusedError):
            noop.verify_sync(minted.quote[:100])

    def new_verifiers() -> None:
        NoopVerifier().verify_sync(minted.quote)
        Accepting().verify_sync(minted.quote)

    return [lambda: noop.verify_certificate_sync(minted.certificate_der, NO_CACHE), refused, new_verifiers,
            lambda: own.verify_certificate_sync(minted.certificate_der, NO_CACHE),
            lambda: asyncio.run(own.verify_certificate(minted.certificate_der))]


@pytest.mark.parametrize("case", range(5), ids=["verify", "refuse", "new-verifiers", "own-verifier", "async"])
def test_a_thousand_calls_leak_nothing(minted: Minted, case: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "ra_tls_verify")  # pytest would keep every warning
    call = cases(minted)[case]
    for _ in range(200):
        call()
    gc.collect()
    memory, files, objects = resident_kib(), descriptors(), len(gc.get_objects())
    for _ in range(1000):
        call()
    gc.collect()
    assert descriptors() <= files
    assert len(gc.get_objects()) - objects < 100
    assert resident_kib() - memory < 2048


FORKED = """
import logging, os, sys, warnings
from ra_tls_verify import NoopVerifier, RaTlsVerifier
from simulator.world import World
minted = World().mint()
logging.disable()
warnings.simplefilter("ignore", DeprecationWarning)  # later Pythons dislike any fork with threads

class Own(RaTlsVerifier):
    async def verify(self, quote, options):
        return {"tcb_status": "OK"}

noop, own = NoopVerifier(), Own()
noop.verify_sync(minted.quote), own.verify_sync(minted.quote)
child = os.fork()
for _ in range(3):
    assert noop.verify_certificate_sync(minted.certificate_der).accepted
    assert own.verify_certificate_sync(minted.certificate_der).accepted
if child == 0:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_both_sides_of_a_fork_go_on() -> None:
    done = run_program(FORKED)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


LEFT_OVER = """
import asyncio, threading
from ra_tls_verify import RaTlsVerifier, VerifyOptions
from simulator.world import World
minted = World().mint()
asked = threading.Event()

class Stuck(RaTlsVerifier):
    def verify(self, quote, options):
        asked.set()
        threading.Event().wait()

class StuckLater(RaTlsVerifier):
    async def verify(self, quote, options):
        asked.set()
        await asyncio.Event().wait()

for verifier in (Stuck(), StuckLater()):
    asked.clear()
    threading.Thread(target=lambda: verifier.verify_sync(minted.quote, VerifyOptions(timeout_ms=50)), daemon=True).start()
    asked.wait()
print("end")
"""


def test_the_interpreter_ends_while_verifiers_are_stuck() -> None:
    done = run_program(LEFT_OVER)
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr


def test_a_text_with_a_nul_is_not_cut() -> None:
    verifier = _core.new_noop_verifier()
    with pytest.raises(ValueError, match="null character"):
        _core.open_tunnel(verifier, {"host": "good.example\0.evil.example"}, None, None, 0)
    with pytest.raises(ValueError, match="null character"):
        _core.open_tunnel(verifier, {"host": "good.example", "server_name": "a\0b"}, None, None, 0)


def test_the_log_is_bounded_and_says_what_it_lost(minted: Minted) -> None:
    _core.drain_log()
    for _ in range(100):  # one warning each: no MRTD was given
        _core.ratls_verify_certificate(_core.new_noop_verifier(), minted.certificate_der, None, None)
    lines = _core.drain_log()
    assert len(lines) == 65 and lines[-1] == "36 further warnings were lost"
    assert _core.drain_log() == []
