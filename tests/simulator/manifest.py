"""Leader records as a TeeSQL cluster publishes them: Ethereum-style signatures over a line of text, in plain Python."""
from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

PRIME = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
GENERATOR = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
             0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)
Point = "tuple[int, int] | None"
RATE = 136  # bytes that one block of Keccak-256 takes
STRING_MAX = 255  # bytes of one character-string in DNS
#: The order of the signed body.
KEYS = ("cluster", "epoch", "leader_instance", "leader_url", "v", "valid_until")


def keccak256(data: bytes) -> bytes:
    """Keccak-256 with its own padding, as Ethereum has it: hashlib knows SHA-3's only."""
    lanes = [[0] * 5 for _ in range(5)]
    padded = bytearray(data + bytes(RATE - len(data) % RATE))
    padded[len(data)] |= 0x01
    padded[-1] |= 0x80
    for start in range(0, len(padded), RATE):
        for i in range(RATE // 8):
            lanes[i % 5][i // 5] ^= int.from_bytes(padded[start + 8 * i:start + 8 * i + 8], "little")
        lanes = permute(lanes)
    return b"".join(lanes[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def rotate(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & (2**64 - 1) if by else value


def permute(a: list[list[int]]) -> list[list[int]]:
    constant = 1
    for _ in range(24):
        c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        a = [[a[x][y] ^ c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1) for y in range(5)] for x in range(5)]
        x, y, moving = 1, 0, a[1][0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            moving, a[x][y] = a[x][y], rotate(moving, (t + 1) * (t + 2) // 2 % 64)
        a = [[a[x][y] ^ (~a[(x + 1) % 5][y] & a[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
        for j in range(7):
            constant = (constant << 1 ^ (constant >> 7) * 0x71) % 256
            if constant & 2:
                a[0][0] ^= 1 << ((1 << j) - 1)
    return a


def add(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % PRIME == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, PRIME)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, PRIME)
    x = (slope * slope - a[0] - b[0]) % PRIME
    return x, (slope * (a[0] - x) - a[1]) % PRIME


def multiply(factor: int, point: Point) -> Point:
    total: Point = None
    while factor:
        if factor & 1:
            total = add(total, point)
        point = add(point, point)
        factor >>= 1
    return total


class Signer:
    """A key of the cluster's publisher, from a seed, or the key itself. `address` is what clients pin."""

    def __init__(self, seed: "str | int" = "signer") -> None:
        self.key = seed if isinstance(seed, int) else int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big") % (ORDER - 1) + 1
        point = multiply(self.key, GENERATOR)
        assert point is not None
        self.address = "0x" + keccak256(point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big"))[-20:].hex()

    def sign(self, body: bytes) -> bytes:
        """r, s and v over the body, as Ethereum signs messages; the same bytes each time."""
        digest = keccak256(b"\x19Ethereum Signed Message:\n" + str(len(body)).encode() + body)
        nonce = int.from_bytes(hashlib.sha256(self.key.to_bytes(32, "big") + digest).digest(), "big") % (ORDER - 1) + 1
        point = multiply(nonce, GENERATOR)
        assert point is not None
        r = point[0] % ORDER
        s = pow(nonce, -1, ORDER) * (int.from_bytes(digest, "big") + r * self.key) % ORDER
        parity = point[1] & 1
        if s > ORDER // 2:
            s, parity = ORDER - s, 1 - parity
        return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + parity])


@dataclass(frozen=True)
class Manifest:
    """One leader record. `more` replaces or adds keys on the wire; `order` is the wire's, `body` replaces what is signed."""

    url: str = "https://127.0.0.1:5433"
    epoch: int = 1
    valid_until: int = 4102444800
    cluster: str = "0x" + "c1" * 20
    instance: str = "1a" * 20
    version: str = "1"
    more: "dict[str, str]" = field(default_factory=dict)
    order: "tuple[str, ...]" = KEYS

    def values(self) -> dict[str, str]:
        return {"cluster": self.cluster, "epoch": str(self.epoch), "leader_instance": self.instance, "leader_url": self.url, "v": self.version,
                "valid_until": str(self.valid_until), **self.more}

    def body(self) -> str:
        """What is signed: the keys in the order of the alphabet."""
        values = self.values()
        return ";".join(f"{key}={values[key]}" for key in KEYS)

    def signed(self, signer: Signer) -> str:
        """The record as it stands in DNS."""
        values = self.values()
        wire = ";".join(f"{key}={values[key]}" for key in self.order)
        return f"{wire};sig=0x{signer.sign(self.body().encode()).hex()}"

    def but(self, **changes: object) -> Manifest:
        return replace(self, **changes)  # type: ignore[arg-type]


def strings(record: str, size: int = STRING_MAX) -> list[bytes]:
    """The record as the character-strings of one TXT record."""
    data = record.encode()
    return [data[start:start + size] for start in range(0, len(data), size)] or [b""]
