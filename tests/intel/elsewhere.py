"""Cases that no single run of the command can show, and where they are tested."""
from __future__ import annotations

from typing import Mapping

SEQUENCES = "test_sequences.py: many verifications of one verifier"
MEMORY = "test_memory.py: allocations that fail"
ELSEWHERE: Mapping[str, str] = {"P10": SEQUENCES, "P14": SEQUENCES, "N78": SEQUENCES, "N84": MEMORY, "N85": SEQUENCES}
