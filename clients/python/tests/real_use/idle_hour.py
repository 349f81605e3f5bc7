"""Listen, let an hour of the replaced clock pass, hear a notification, ask, and connect once more.

idle_hour.py DSN PLAIN-DSN DIRECTORY, with shifted_clock loaded before. The verdict is kept for half an hour only."""
from __future__ import annotations

import ctypes
import json
import sys
import time
from pathlib import Path

import psycopg

from psycopg_ratls import attestation, connect
from ra_tls_verify import DcapVerifier, VerifyOptions

HOUR_S = 3600


def let_an_hour_pass() -> None:
    before = time.monotonic(), time.time()
    ctypes.CDLL(None).shift_clock(ctypes.c_long(HOUR_S))
    assert time.monotonic() - before[0] >= HOUR_S and time.time() - before[1] >= HOUR_S, "the clock is replaced"


def main(dsn: str, plain_dsn: str, directory: str) -> None:
    verifier = DcapVerifier((Path(directory) / "collateral.json").read_bytes(), (Path(directory) / "root.pem").read_bytes())
    way = {"verifier": verifier, "options": VerifyOptions(cache_ttl_s=HOUR_S // 2), "autocommit": True}
    with connect(dsn, **way) as listener:  # type: ignore[call-overload]
        listener.execute("listen news")
        let_an_hour_pass()
        with psycopg.connect(plain_dsn, autocommit=True) as speaker:
            speaker.execute("notify news, 'an hour later'")
        heard = [each.payload for each in listener.notifies(timeout=60, stop_after=1)]
        answer = listener.execute("select 6 * 7 as answer").fetchone()
        with connect(dsn, **way) as late:  # type: ignore[call-overload]
            age = attestation(late).verified_at - attestation(listener).verified_at
            print(json.dumps({"heard": heard, "answer": answer, "directory": late._tunnel.directory == listener._tunnel.directory,
                              "from_cache": attestation(late).from_cache, "later_s": age.total_seconds()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
