"""How calls that wait are made: without blocking an event loop, and so that they can be ended early."""
from __future__ import annotations

import asyncio
import atexit
import contextvars
import os
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeVar

from . import _core, _log

if TYPE_CHECKING:
    from ._core import CancelHandle

T = TypeVar("T")

#: Threads for calls that wait. Not asyncio's own executor: that one also resolves names and has few threads.
WAITING_CALLS_MAX = 32
#: How late a signal may be noticed while the main thread waits.
SIGNAL_CHECK_SECONDS = 0.2
#: How long the interpreter's exit waits for verifiers written in Python.
SHUTDOWN_SECONDS = 2.0


class _Workers:
    """The threads and the event loop of this package in this process, made on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def executor(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(WAITING_CALLS_MAX, thread_name_prefix="ra_tls_verify")
            return self._executor

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="ra_tls_verify-loop", daemon=True).start()
            return self._loop


_workers = _Workers()


def _forget_workers() -> None:
    """In a forked child: the parent's threads are not here."""
    global _workers
    _workers = _Workers()


def _shut_down() -> None:
    """No verifier written in Python begins from now on; those at work get a moment to end."""
    end = time.monotonic() + SHUTDOWN_SECONDS
    while _core.begin_shutdown() > 0 and time.monotonic() < end:
        time.sleep(0.01)


os.register_at_fork(after_in_child=_forget_workers)
atexit.register(_shut_down)


def direct(call: Callable[[CancelHandle | None], T]) -> T:
    """Run a call that does not wait for others: in this thread, other Python threads go on meanwhile."""
    try:
        return call(None)
    finally:
        _log.emit()


def interruptible(call: Callable[[CancelHandle | None], T]) -> T:
    """Run a call that may wait for others. In the main thread Ctrl-C (and any signal handler that raises) ends it."""
    if threading.current_thread() is not threading.main_thread():
        return direct(call)
    cancel = _core.ratls_cancel_new()
    future = _workers.executor().submit(contextvars.copy_context().run, call, cancel)
    try:
        # A signal that comes just before a thread blocks does not wake it: look again now and then.
        while wait([future], SIGNAL_CHECK_SECONDS).not_done:
            pass
        return future.result()
    except BaseException:
        _core.trigger_cancel(cancel)
        raise
    finally:
        _log.emit()


def watched(call: Callable[[CancelHandle | None], T]) -> T:
    """Run a call of the core's that looks for signals itself when it waits in the main thread: is_watched()."""
    return direct(lambda cancel: call(_core.ratls_cancel_new() if is_watched() else None))


def is_watched() -> bool:
    """Whether signals are this thread's: Python runs their handlers in the main thread only."""
    return threading.current_thread() is threading.main_thread()


async def awaitable(call: Callable[[CancelHandle | None], T]) -> T:
    """Run a call in a thread of the package; cancelling the task ends the call too."""
    cancel = _core.ratls_cancel_new()
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(_workers.executor(), contextvars.copy_context().run, call, cancel)
    except BaseException:
        _core.trigger_cancel(cancel)
        raise
    finally:
        _log.emit()


def schedule(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the package's own event loop: always the same one, and never one that the caller keeps busy."""
    return asyncio.run_coroutine_threadsafe(coroutine, _workers.loop())
