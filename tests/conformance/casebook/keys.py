"""Public keys that Intel's rules do not accept, always the same ones."""
from __future__ import annotations

from simulator import der

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
A = P - 3
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
GENERATOR = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                          "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
P384_GENERATOR = bytes.fromhex(
    "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f")
EC_PUBLIC_KEY = "1.2.840.10045.2.1"


def p384_spki() -> bytes:
    """The generator of P-384."""
    return der.sequence(der.sequence(der.oid(EC_PUBLIC_KEY), der.oid("1.3.132.0.34")), der.bit_string(P384_GENERATOR))


def rsa_spki() -> bytes:
    """An RSA key of 2048 bits that nobody can use."""
    key = der.sequence(der.integer((1 << 2047) + 1), der.integer(65537))
    return der.sequence(der.sequence(der.oid("1.2.840.113549.1.1.1"), der.tlv(5, b"")), der.bit_string(key))


def explicit_parameters_spki(point: bytes) -> bytes:
    """A point of P-256 whose curve is written out instead of named."""
    parameters = der.sequence(
        der.integer(1), der.sequence(der.oid("1.2.840.10045.1.1"), der.integer(P)),
        der.sequence(der.octet_string(A.to_bytes(32, "big")), der.octet_string(B.to_bytes(32, "big"))),
        der.octet_string(GENERATOR), der.integer(ORDER), der.integer(1))
    return der.sequence(der.sequence(der.oid(EC_PUBLIC_KEY), parameters), der.bit_string(b"\x04" + point))
