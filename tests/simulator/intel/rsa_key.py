"""RSA keys that follow from a seed, as simulator.keys has them for P-256."""
from __future__ import annotations

import hashlib
import json
import sys
from functools import lru_cache
from math import gcd
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from simulator.keys import Seed

EXPONENT = 65537
DEFAULT_SEED = "intel"
#: Of the default seed: "label/bits" to the distances of both primes. Written by `python -m simulator.intel.rsa_key LABEL/BITS…`.
DISTANCES = Path(__file__).with_name("rsa_distances.json")
SIEVE_LIMIT = 1 << 16
SPAN = 1 << 13  # odd numbers that are looked at together
WITNESSES = (2, 3, 5, 7, 11)
HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


@lru_cache(maxsize=None)
def small_primes() -> tuple[int, ...]:
    sieve = bytearray([1]) * SIEVE_LIMIT
    for number in range(3, 256, 2):
        sieve[number * number::2 * number] = bytes(len(range(number * number, SIEVE_LIMIT, 2 * number)))
    return tuple(number for number in range(3, SIEVE_LIMIT, 2) if sieve[number])


def is_prime(number: int) -> bool:
    """Miller-Rabin: enough for numbers that nobody chose to deceive it."""
    odd, shift = number - 1, 0
    while odd % 2 == 0:
        odd, shift = odd // 2, shift + 1
    for witness in WITNESSES:
        power = pow(witness, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(shift - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def next_prime(start: int) -> int:
    """The first fitting prime from an odd number on."""
    while True:
        candidates = bytearray([1]) * SPAN
        for prime in small_primes():
            first = -start * pow(2, -1, prime) % prime  # start + 2 * first is a multiple
            candidates[first::prime] = bytes(len(range(first, SPAN, prime)))
        for place, left in enumerate(candidates):
            number = start + 2 * place
            if left and gcd(number - 1, EXPONENT) == 1 and is_prime(number):
                return number
        start += 2 * SPAN


class RsaKey:
    """An RSA key pair. `sign` is how its certificates are signed: PKCS#1 v1.5 with SHA-512."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self.private = private

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo in DER."""
        return self.private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def identifier(self) -> bytes:
        """Key identifier: SHA-1 of the public key, 20 bytes."""
        key = self.private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        return hashlib.sha1(key, usedforsecurity=False).digest()

    @property
    def modulus(self) -> bytes:
        return self.private.public_key().public_numbers().n.to_bytes(self.private.key_size // 8, "big")

    def sign(self, message: bytes) -> bytes:
        return self.sign_pkcs1(message, "512")

    def sign_pkcs1(self, message: bytes, size: str) -> bytes:
        """PKCS#1 v1.5 with SHA-`size`."""
        return self.private.sign(message, padding.PKCS1v15(), HASHES[size])

    def sign_pss(self, message: bytes, size: str, salt: int | None = None) -> bytes:
        """PSS with SHA-`size` and MGF1 of the same; the salt has the digest's length unless told."""
        digest = HASHES[size]
        length = digest.digest_size if salt is None else salt
        return self.private.sign(message, padding.PSS(padding.MGF1(digest), length), digest)


@lru_cache(maxsize=None)
def known_distances() -> dict[str, list[int]]:
    """How far the primes of the default seed's keys are from where their search begins: looked up, since finding them takes a second."""
    found: dict[str, list[int]] = json.loads(DISTANCES.read_text())
    return found


def search_starts(seed: Seed, label: str, bits: int) -> list[int]:
    """Where the search for each prime begins: odd, with both top bits, so that the product has all its bits."""
    return [int.from_bytes(seed.derive(f"rsa/{label}/{bits}/{which}", bits // 16), "big") | 1 | 3 << bits // 2 - 2 for which in ("p", "q")]


def distances(seed: Seed, label: str, bits: int) -> list[int]:
    """From there to each prime."""
    return [next_prime(start) - start for start in search_starts(seed, label, bits)]


def make_key(seed: Seed, label: str, bits: int = 3072) -> RsaKey:
    """The key of this seed and label. A second or so, unless it is known; asked for again it is the same object."""
    return derive_key(seed.secret, label, bits)


@lru_cache(maxsize=None)
def derive_key(secret: bytes, label: str, bits: int) -> RsaKey:
    seed = Seed(secret)
    known = known_distances().get(f"{label}/{bits}") if secret == DEFAULT_SEED.encode() else None
    away = known or distances(seed, label, bits)
    primes = [start + distance for start, distance in zip(search_starts(seed, label, bits), away)]
    p, q = max(primes), min(primes)
    d = pow(EXPONENT, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(EXPONENT, p * q))
    return RsaKey(numbers.private_key(unsafe_skip_rsa_key_validation=True))  # we have just made it


def write_distances(names: list[str]) -> None:
    """Keep the distances of these keys ("label/bits") of the default seed."""
    found = {}
    for name in sorted(names):
        label, _, bits = name.rpartition("/")
        found[name] = distances(Seed(DEFAULT_SEED), label, int(bits))
    DISTANCES.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    write_distances(sys.argv[1:])
