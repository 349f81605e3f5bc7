"""What the tunnel costs, as ratios to its rivals in the same run: `python tests/bench/tunnel`, one JSON object.

The terminator is HAProxy in front of a real PostgreSQL; the rivals are libpq 18 with its own direct TLS, and stunnel on
a Unix socket. `parts` has medians in microseconds: round_trip (one query), connect (with a cached verdict, and closing),
copy_out and copy_in (400 MB); and the median of the tunnel's ratio to each rival in the same round. `ratios` are those that
there is a target for; each should be at most its `targets`."""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests")]

import psycopg  # noqa: E402

from servers import forwarder, terminator  # noqa: E402
from simulator.minted import Minted  # noqa: E402
from simulator.postgres import DATABASE, SUPERUSER, Cluster  # noqa: E402
from simulator.world import World  # noqa: E402

PARTS = ("round_trip", "connect", "copy_out", "copy_in")
#: Ratio: (part, rival, what it may be).
TARGETS = {
    "round_trip_to_direct": ("round_trip", "direct", 1.25),
    "round_trip_to_forwarder": ("round_trip", "forwarder", 1.0),
    "connect_to_direct": ("connect", "direct", 1.1),
    "copy_out_to_forwarder": ("copy_out", "forwarder", 1.0),
    "copy_in_to_forwarder": ("copy_in", "forwarder", 1.0),
}


def bundled_libpq() -> Path:
    """The libpq that psycopg's binary package brings along."""
    libraries = Path(psycopg.__file__).parents[1] / "psycopg_binary.libs"
    found = sorted(libraries.glob("libpq-*.so*"))
    if not found:
        raise FileNotFoundError(f"no libpq in {libraries}")
    return found[0]


def run(arguments: argparse.Namespace, cluster: Cluster, minted: Minted, directory: Path) -> dict[str, dict[str, float]]:
    """Measure: part, way, median in microseconds."""
    (directory / "collateral.json").write_text(minted.collateral_json)
    (directory / "root.pem").write_text(minted.trust_anchor_pem)
    with terminator(cluster, minted, directory) as port, forwarder(port, directory):
        command = [
            *arguments.under.split(), str(arguments.program), "--libpq", str(bundled_libpq()), "--host", "127.0.0.1", "--port", str(port),
            "--collateral", str(directory / "collateral.json"), "--trust-anchor", str(directory / "root.pem"),
            "--login", f"user={SUPERUSER} password='{cluster.password}' dbname={DATABASE} gssencmode=disable options='-c client_min_messages=warning'",
            "--direct", f"host=localhost hostaddr=127.0.0.1 port={port} sslmode=require sslnegotiation=direct",
            "--forwarder", f"host={directory} port={port}", "--rounds", str(arguments.rounds)]
        if arguments.only:
            command += ["--only", arguments.only]
        measured: dict[str, dict[str, float]] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        return measured


def report(parts: dict[str, dict[str, float]]) -> dict[str, Any]:
    ratios = {name: parts[part][f"to_{rival}"] for name, (part, rival, _) in TARGETS.items() if part in parts}
    return {"parts": parts, "ratios": ratios, "targets": {name: TARGETS[name][2] for name in ratios},
            "met": all(ratio <= TARGETS[name][2] for name, ratio in ratios.items())}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/bench/tunnel", description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, default=ROOT / "build/bin/ratls-tunnel-bench")
    parser.add_argument("--only", choices=PARTS, help="this part alone")
    parser.add_argument("--rounds", type=int, default=0, help="other than the usual number")
    parser.add_argument("--under", default="", help="a command to run the program under, a profiler for example")
    parser.add_argument("--authentication", default="scram-sha-256", choices=["scram-sha-256", "trust"])
    arguments = parser.parse_args()
    minted = World("tunnel benchmark", now=int(time.time())).mint()
    with tempfile.TemporaryDirectory(prefix="ratls-bench-") as name, Cluster(authentication=arguments.authentication) as cluster:
        print(json.dumps(report(run(arguments, cluster, minted, Path(name))), indent=2))


if __name__ == "__main__":
    main()
