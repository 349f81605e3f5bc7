"""The sidecar's attestation report: the JSON of `/attestation` (evidence format 3.5, 7), and what may be wrong with it."""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any, Callable, Mapping

from simulator.minted import Minted
from simulator.world import World


@dataclass(frozen=True)
class PostgresState:
    """What a report says of the database."""

    wal_lsn: str = "0/1A2B3C8"
    controldata_hash: bytes = hashlib.sha256(b"pg_controldata").digest()
    pg_version: str = "15.8"


def big(timestamp: int) -> bytes:
    return timestamp.to_bytes(8, "big")


def little(timestamp: int) -> bytes:
    return timestamp.to_bytes(8, "little")


def decimal(timestamp: int) -> bytes:
    return str(timestamp).encode()


#: Encodings by their names: whether the hash is written as text, and how the time is.
ENCODINGS: Mapping[str, tuple[bool, Callable[[int], bytes]]] = {
    "A": (True, decimal), "B": (False, big), "C": (False, little), "D": (True, big), "E": (True, little), "F": (False, decimal),
}


def report_data(state: PostgresState, timestamp: int, encoding: str = "A") -> bytes:
    """REPORTDATA that commits to the state, 64 bytes."""
    as_text, write_time = ENCODINGS[encoding]
    digest = state.controldata_hash.hex().encode() if as_text else state.controldata_hash
    return hashlib.sha256(state.wal_lsn.encode() + digest + write_time(timestamp)).digest() + bytes(32)


def document(minted: Minted, state: PostgresState, timestamp: int) -> dict[str, Any]:
    """The report of a server whose quote is `minted`'s."""
    return {
        "app_id": minted.guest.app_id.hex(), "compose_hash": minted.guest.compose_hash.hex(), "instance_id": minted.guest.instance_id.hex(),
        "quote": minted.attestation.quote.hex(),
        "tcb_info": {"mrtd": minted.mr_td, **{f"rtmr{number}": minted.field(f"rtmr{number}") for number in range(4)}},
        "postgres_state": {"wal_lsn": state.wal_lsn, "controldata_hash": state.controldata_hash.hex(), "pg_version": state.pg_version},
        "timestamp": timestamp,
    }


def make(world: World, timestamp: int, state: PostgresState = PostgresState(), *, encoding: str = "A", fault: str | None = None,
         **recipe: Any) -> dict[str, Any]:
    """A sound report of a server in this world; `fault` and `recipe` are `World.mint`'s."""
    recipe.setdefault("report_data", report_data(state, timestamp, encoding))
    return document(world.mint(fault, **recipe), state, timestamp)


#: Faults of a report, by name: each makes one from the world, the time and the state of now.
Fault = Callable[[World, int, PostgresState], "dict[str, Any]"]


def wrong_lsn(world: World, timestamp: int, state: PostgresState) -> dict[str, Any]:
    """Another LSN than the one that the quote commits to."""
    report = make(world, timestamp, state)
    report["postgres_state"]["wal_lsn"] = "0/FFFFFFF"
    return report


def tampered_tcb_info(world: World, timestamp: int, state: PostgresState) -> dict[str, Any]:
    """A measurement that is not the quote's."""
    report = make(world, timestamp, state)
    report["tcb_info"]["rtmr3"] = "ab" * 48
    return report


def other_cluster(world: World, timestamp: int, state: PostgresState) -> dict[str, Any]:
    """The quote of another cluster, in another state."""
    other = world.mint(label="other-cluster", report_data=report_data(replace(state, controldata_hash=hashlib.sha256(b"other").digest()), timestamp))
    return document(other, state, timestamp)


REPORT_FAULTS: Mapping[str, Fault] = {
    "stale": lambda world, timestamp, state: make(world, timestamp - 3600, state),
    "wrong-lsn": wrong_lsn, "tampered-tcb-info": tampered_tcb_info, "other-cluster": other_cluster,
    "debug": lambda world, timestamp, state: make(world, timestamp, state, fault="debug"),
    "out-of-date": lambda world, timestamp, state: make(world, timestamp, state, fault="out_of_date"),
}


def to_json(report: Mapping[str, Any]) -> bytes:
    return json.dumps(report).encode()
