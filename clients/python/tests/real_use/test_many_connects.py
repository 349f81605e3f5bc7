"""A thousand connects: descriptors, threads and memory stay what they were after the first hundred."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.process import SidecarProcess

#: In a process of its own, so that nothing but the connections moves what is counted.
CLIENT = Path(__file__).with_name("connecting.py")
SETTLED = 100
#: What an allocator may still spread after the first hundred; a leak of one kilobyte a connection would show with a thousand.
MEMORY_NOISE_KB = 900


@pytest.mark.parametrize("way", ["one", "own", "shared", "refused", "async"])
@pytest.mark.parametrize("count", [150, pytest.param(1000, marks=pytest.mark.long)])
def test_connects_leave_nothing_behind(cluster: Cluster, minted: Minted, far: SidecarProcess, tmp_path: Path, way: str, count: int) -> None:
    minted.write(tmp_path)
    done = subprocess.run(
        [sys.executable, CLIENT, way, str(SETTLED), str(count), cluster.dsn(port=far.port), tmp_path, str(minted.now)],
        stdout=subprocess.PIPE, text=True, check=True, timeout=240)
    early, late = json.loads(done.stdout)
    assert late["descriptors"] == early["descriptors"]
    assert late["threads"] == early["threads"]
    assert late["memory_kb"] - early["memory_kb"] < MEMORY_NOISE_KB, (early, late)
