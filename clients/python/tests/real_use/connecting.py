"""Connect, ask, close, over and over; says what the process holds after so many, and in the end.

connecting.py WAY SETTLED COUNT DSN DIRECTORY NOW"""
from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from psycopg_ratls import RefusedError, connect, connect_async
from ra_tls_verify import DcapVerifier, VerifyOptions


def held() -> dict[str, int]:
    """Descriptors, threads, private resident memory."""
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {"descriptors": len(os.listdir("/proc/self/fd")), "threads": len(os.listdir("/proc/self/task")),
            "memory_kb": int(status["RssAnon"].split()[0])}


def make_verifier(directory: Path) -> DcapVerifier:
    return DcapVerifier((directory / "collateral.json").read_bytes(), (directory / "root.pem").read_bytes())


def ways(dsn: str, directory: Path, now: int) -> dict[str, Callable[[], Any]]:
    """One connection each: `one` verifier, its `own` verifier, a `shared` tunnel that stays, `refused`, `async`."""
    verifier, options = make_verifier(directory), VerifyOptions(now=now)
    keeper: list[Any] = []

    def ask(**arguments: Any) -> None:
        with connect(dsn, **{"verifier": verifier, "options": options, **arguments}) as connection:
            assert connection.execute("select 1 as one").fetchone() == {"one": 1}

    def shared() -> None:
        if not keeper:
            keeper.append(connect(dsn, verifier=verifier, options=options))
        ask()

    def refused() -> None:
        try:
            ask(options=VerifyOptions(now=now, allowed_mr_td=["00" * 48]))
        except RefusedError:
            return
        raise AssertionError("it was accepted")

    async def ask_async() -> None:
        async with await connect_async(dsn, verifier=verifier, options=options) as connection:
            cursor = await connection.execute("select 1 as one")
            assert await cursor.fetchone() == {"one": 1}

    loop = asyncio.new_event_loop()
    return {"one": ask, "own": lambda: ask(verifier=make_verifier(directory)), "shared": shared, "refused": refused,
            "async": lambda: loop.run_until_complete(ask_async())}


def main(way: str, settled: str, count: str, dsn: str, directory: str, now: str) -> None:
    once = ways(dsn, Path(directory), int(now))[way]
    measured = []
    for number in range(1, int(count) + 1):
        once()
        if number in (int(settled), int(count)):
            measured.append(held())
    print(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
