"""The scenarios by name: one thing wrong in each, numbered as in the rules for Intel Trust Authority (5.2, 5.3)."""
from __future__ import annotations

from typing import Mapping

from simulator.intel import scenarios_keys, scenarios_token, scenarios_wire
from simulator.intel.scenario import SOUND, Scenario


def collect(*chapters: Mapping[str, Scenario]) -> dict[str, Scenario]:
    found: dict[str, Scenario] = {"sound": SOUND}
    for chapter in chapters:
        twice = found.keys() & chapter.keys()
        assert not twice, f"two scenarios are called {twice}"
        found.update(chapter)
    return found


SCENARIOS: Mapping[str, Scenario] = collect(scenarios_token.SCENARIOS, scenarios_keys.SCENARIOS, scenarios_wire.SCENARIOS)
