"""A stand-in for Intel Trust Authority: the service that appraises quotes, and the portal that publishes its keys.

`TrustAuthority` answers as the service does, from keys and certificate authorities of its own, and does wrong on
demand (`scenario.Scenario`; the named ones are in `scenarios.SCENARIOS`). It checks no quote: a token of its own says
nothing about whether the evidence is genuine. See README.md.
"""
from simulator.intel.authority import TrustAuthority
from simulator.intel.scenario import Rule, Scenario

__all__ = ["Rule", "Scenario", "TrustAuthority"]
