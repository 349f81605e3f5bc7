"""Warnings of the core, to logger "ra_tls_verify"."""
from __future__ import annotations

import logging

from . import _core

logger = logging.getLogger("ra_tls_verify")


def emit() -> None:
    """Log what the core has said since the last time."""
    for line in _core.drain_log():
        logger.warning("%s", line)
