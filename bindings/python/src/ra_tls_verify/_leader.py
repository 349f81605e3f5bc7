"""Who leads a cluster: signed records in DNS."""
from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from . import _calls, _core
from ._errors import from_code

if TYPE_CHECKING:
    from ._core import CancelHandle, LeaderHandle


@dataclass(frozen=True, kw_only=True)
class LeaderRecord:
    """What a cluster's signer says of its leader: where it is, never whom to trust. What answers there is attested like every
    server."""

    __module__ = "ra_tls_verify"

    #: Where to dial.
    host: str
    port: int
    #: The leader's URL, as it was signed.
    leader_url: str
    #: The leader's instance, lower-case hexadecimal.
    leader_instance: str
    #: Addresses of the cluster and of who signed, 0x and 40 hexadecimal digits.
    cluster: str
    signer: str
    #: The leader's term: a later leader has a higher one.
    epoch: int
    #: From then on the record is no longer valid (UTC; the end of the year 9999 stands for every later time).
    valid_until: datetime


class Leader:
    """The leader of a cluster, whoever that is at the time. Connections, pools and tunnels that are given it follow it.

    Keep one for each cluster as long as the process runs: it remembers the highest epoch that it has accepted, and refuses
    lower ones, since DNS answers can be replayed. Safe for threads; a forked child looks up for itself.
    """

    __module__ = "ra_tls_verify"

    def __init__(self, domain: str, signer: str | bytes, *, cluster_address: str | None = None, dns_servers: Sequence[str] | None = None,
                 state_dir: str | os.PathLike[str] | None = None, timeout_ms: int | None = None, refresh_ms: int | None = None,
                 leader_drain_ms: int | None = None, now: datetime | int | None = None) -> None:
        """
        Args:
            domain: the cluster's; the record is looked up at _teesql-leader.DOMAIN.
            signer: address that signs its records: 40 hexadecimal digits, with or without 0x, or its 20 bytes.
            cluster_address: address of the cluster that records must name; not given: any.
            dns_servers: servers to ask, in this order: ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; not given: the system's.
            state_dir: existing directory where the newest record is kept, so that no later process takes an older one.
            timeout_ms: limit of one look-up; not given: 5000.
            refresh_ms: how long a look-up's outcome is used for new connections, and how often it is repeated while connections
                are open; not given: 5000.
            leader_drain_ms: so long may a leader that has been superseded finish its answers; 0: not at all; not given: 5000.
            now: the time that records must be valid at, instead of the clock's.

        Raises:
            UsageError: an argument is not valid, or the directory is of no use.
        """
        self.domain = domain
        self._given = {
            "domain": _text("domain", domain), "signer": _address("signer", signer),
            "cluster_address": None if cluster_address is None else _text("cluster_address", cluster_address),
            "dns_servers": _texts("dns_servers", dns_servers), "state_dir": None if state_dir is None else _text("state_dir", os.fspath(state_dir)),
            "timeout_ms": _above_zero("timeout_ms", timeout_ms), "refresh_ms": _above_zero("refresh_ms", refresh_ms),
            "now": _seconds("now", now)}
        #: For a tunnel: 0 is the core's default there, and less than 0 not at all.
        self.drain_ms = -1 if leader_drain_ms == 0 and leader_drain_ms is not False else _above_zero("leader_drain_ms", leader_drain_ms) or 0
        self._handle = _core.new_leader(self._given)
        self._process = os.getpid()

    def find(self) -> LeaderRecord:
        """Look the leader up, now.

        Raises:
            RefusedError: there are records, but none that the signer signed and that is valid, of this cluster and of this time.
            UnavailableError: there is no record, or the name service failed.
        """
        return _calls.interruptible(self._finding())

    async def find_async(self) -> LeaderRecord:
        """find() as a coroutine; cancelling the task ends the look-up."""
        return await _calls.awaitable(self._finding())

    def __copy__(self) -> Leader:
        """Itself: what it remembers hangs on the instance."""
        return self

    def __deepcopy__(self, memo: Any) -> Leader:
        """Itself, as with __copy__()."""
        return self

    def __repr__(self) -> str:
        return f"<Leader of {self.domain!r}, signer {self._given['signer']}>"

    def handle(self) -> LeaderHandle:
        """The core's. A child's is its own: a thread that is not there may have held a lock of the parent's."""
        if self._process != os.getpid():
            _of_the_parent.append(self._handle)
            self._handle = _core.new_leader(self._given)
            self._process = os.getpid()
        return self._handle

    def _finding(self) -> Callable[[CancelHandle | None], LeaderRecord]:
        handle = self.handle()
        return lambda cancel: _record(_core.ratls_leader_record_json(_core.ratls_leader_find(handle, cancel)))


#: Handles of the parent, in a forked child: never freed.
_of_the_parent: list[Any] = []


def _record(text: str | None) -> LeaderRecord:
    if text is None:
        raise from_code("OUT_OF_MEMORY")
    known = json.loads(text)
    return LeaderRecord(**{**known, "valid_until": datetime.fromisoformat(known["valid_until"].replace("Z", "+00:00"))})


def _text(argument: str, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value or value != value.encode("utf-8", "replace").decode():
        raise from_code("ARGUMENT_INVALID", argument=argument, what="expected text without NUL")
    return value


def _texts(argument: str, values: Any) -> list[str] | None:
    if values is None:
        return None
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence) or len(values) > 16:
        raise from_code("ARGUMENT_INVALID", argument=argument, what="expected a sequence of at most 16 str")
    return [_text(argument, value) for value in values]


def _address(argument: str, value: Any) -> str:
    return "0x" + bytes(value).hex() if isinstance(value, (bytes, bytearray, memoryview)) else _text(argument, value)


def _above_zero(argument: str, value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63):
        raise from_code("ARGUMENT_INVALID", argument=argument, what=f"expected milliseconds above 0, found {value!r}")
    return value


def _seconds(argument: str, value: Any) -> int | None:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise from_code("ARGUMENT_INVALID", argument=argument, what="expected a datetime with a time zone")
        value = int(value.astimezone(timezone.utc).timestamp())
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63):
        raise from_code("ARGUMENT_INVALID", argument=argument, what=f"expected seconds since 1970 above 0, found {value!r}")
    return value
