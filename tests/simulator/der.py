"""A small DER writer: what a certificate library would refuse to write can be written with it, too."""
from __future__ import annotations

from datetime import datetime, timezone


def tlv(tag: int, content: bytes) -> bytes:
    """Tag, minimal definite length, content."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def sequence(*items: bytes) -> bytes:
    return tlv(0x30, b"".join(items))


def set_of(*items: bytes) -> bytes:
    return tlv(0x31, b"".join(items))


def integer(value: int) -> bytes:
    """Minimal two's complement, negative numbers included."""
    magnitude = value if value >= 0 else ~value
    return tlv(0x02, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def enumerated(value: int) -> bytes:
    return tlv(0x0A, integer(value)[2:])


def boolean(value: bool) -> bytes:
    return tlv(0x01, b"\xff" if value else b"\x00")


def octet_string(content: bytes) -> bytes:
    return tlv(0x04, content)


def bit_string(content: bytes, unused: int = 0) -> bytes:
    return tlv(0x03, bytes([unused]) + content)


def utf8_string(text: str) -> bytes:
    return tlv(0x0C, text.encode())


def printable_string(text: str) -> bytes:
    return tlv(0x13, text.encode("ascii"))


def explicit(number: int, content: bytes) -> bytes:
    """[number] EXPLICIT content."""
    return tlv(0xA0 | number, content)


def implicit(number: int, content: bytes, constructed: bool = False) -> bytes:
    """[number] IMPLICIT: content without its own tag."""
    return tlv((0xA0 if constructed else 0x80) | number, content)


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    return tlv(0x06, b"".join(base128(arc) for arc in [first * 40 + second, *rest]))


def base128(value: int) -> bytes:
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(0x80 | (value & 0x7F))
    return bytes(reversed(octets))


def time(seconds: int) -> bytes:
    """UTCTime up to 2049, GeneralizedTime after it, as RFC 5280 demands."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    if 1950 <= moment.year < 2050:
        return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())
