"""A connection that says nothing for an hour, which the test does not wait for: the client's clocks are replaced.

All of them, at the system's calls: the core's own hook would move the core's clock alone, and an idle timer of the driver, of Python
or of a library would go unnoticed. That the core sees it too is in the verdict, which is an hour younger and no longer the kept one.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from simulator.postgres import Cluster
from simulator.process import SidecarProcess
from simulator.world import World

HERE = Path(__file__).parent


def test_a_notification_after_an_idle_hour(cluster: Cluster, tmp_path: Path) -> None:
    clock = tmp_path / "shifted_clock.so"
    subprocess.run(["cc", "-std=c11", "-shared", "-fPIC", "-O2", "-o", clock, HERE / "shifted_clock.c"], check=True)
    now = int(time.time())
    World("idle", now=now).mint().write(tmp_path)
    with SidecarProcess("--seed", "idle", "--now", str(now), "--upstream", str(cluster.socket_path)) as far:
        done = subprocess.run(
            [sys.executable, HERE / "idle_hour.py", cluster.dsn(port=far.port), cluster.dsn(), tmp_path],
            env={**os.environ, "LD_PRELOAD": str(clock)}, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    said = json.loads(done.stdout)
    assert said["later_s"] >= 3600
    assert said == {"heard": ["an hour later"], "answer": {"answer": 42}, "directory": True, "from_cache": False,
                    "later_s": said["later_s"]}
