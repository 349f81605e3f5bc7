"""A MessagePack writer, as far as dstack's V1 envelope needs it (evidence format 2.6)."""
from __future__ import annotations

from typing import Any


def pack(value: Any) -> bytes:
    """Write None, booleans, unsigned integers, str, bytes (as bin), lists and dicts (in order).

    Raises TypeError for anything else."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return pack_unsigned(value)
    if isinstance(value, str):
        return pack_text(value.encode())
    if isinstance(value, bytes):
        return sized(len(value), 0xC4, (1, 2, 4)) + value
    if isinstance(value, list):
        head = bytes([0x90 | len(value)]) if len(value) < 16 else sized(len(value), 0xDC, (2, 4))
        return head + b"".join(pack(item) for item in value)
    if isinstance(value, dict):
        head = bytes([0x80 | len(value)]) if len(value) < 16 else sized(len(value), 0xDE, (2, 4))
        return head + b"".join(pack(key) + pack(item) for key, item in value.items())
    raise TypeError(f"no MessagePack form for {type(value).__name__}")


def pack_unsigned(value: int) -> bytes:
    return bytes([value]) if value < 128 else sized(value, 0xCC, (1, 2, 4, 8))


def pack_text(content: bytes) -> bytes:
    head = bytes([0xA0 | len(content)]) if len(content) < 32 else sized(len(content), 0xD9, (1, 2, 4))
    return head + content


def sized(value: int, first_tag: int, widths: tuple[int, ...]) -> bytes:
    """The smallest of the widths that holds the value, big-endian, after its tag."""
    for step, width in enumerate(widths):
        if value < 1 << (8 * width):
            return bytes([first_tag + step]) + value.to_bytes(width, "big")
    raise ValueError(f"{value} is too large")
