"""A SCALE writer, as far as dstack's V0 envelope needs it (evidence format 2.2)."""
from __future__ import annotations

from typing import Iterable


def compact(value: int) -> bytes:
    """Canonical compact integer below 2^30."""
    if value < 1 << 6:
        return bytes([value << 2])
    if value < 1 << 14:
        return (value << 2 | 1).to_bytes(2, "little")
    return (value << 2 | 2).to_bytes(4, "little")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def byte_vector(content: bytes) -> bytes:
    return compact(len(content)) + content


def text(content: str) -> bytes:
    return byte_vector(content.encode())


def vector(items: Iterable[bytes]) -> bytes:
    """Vec of items that are written already."""
    written = list(items)
    return compact(len(written)) + b"".join(written)
