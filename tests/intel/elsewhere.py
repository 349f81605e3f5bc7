"""Cases that no single run of the command can show, and where they are tested."""
from __future__ import annotations

from typing import Mapping

SEQUENCES = "test_sequences.py: many verifications of one verifier"
UNIT = "tests/unit/intel: with the clock, the web and memory replaced"
ELSEWHERE: Mapping[str, str] = {"P10": SEQUENCES, "P14": SEQUENCES, "N78": SEQUENCES, "N84": UNIT, "N85": SEQUENCES}
