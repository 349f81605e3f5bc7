"""A short comparison with the published verifiers, the same on every run; `compare.py` by hand for the long one."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SEARCHED = [HERE.parent / "simulator/node_modules", *(Path(folder) for folder in os.environ.get("NODE_PATH", "").split(os.pathsep) if folder)]

pytest.importorskip("dcap_qvl")


def test_every_difference_has_a_name() -> None:
    npm = ["--npm"] if any((folder / "@phala/dcap-qvl").is_dir() for folder in SEARCHED) else []
    run = subprocess.run([sys.executable, str(HERE / "compare.py"), "--seed", "7", "--cases", "300", *npm], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
