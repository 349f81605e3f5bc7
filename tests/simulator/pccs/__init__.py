"""A stand-in for a PCCS and for Intel's PCS: collateral of a world, over HTTP(S) on loopback addresses, soundly or with a fault."""
from __future__ import annotations

from simulator.pccs.faults import FAULTS
from simulator.pccs.server import Pccs, PccsProcess
from simulator.pccs.service import PccsService

__all__ = ["FAULTS", "Pccs", "PccsProcess", "PccsService"]
