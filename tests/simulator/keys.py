"""Keys that follow from a seed: the same seed and label give the same key and the same signatures."""
from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Seed:
    """Source of everything that looks random in a world."""

    def __init__(self, seed: str | bytes | int) -> None:
        self.secret = seed if isinstance(seed, bytes) else str(seed).encode()

    def derive(self, label: str, size: int) -> bytes:
        """`size` bytes that depend on seed and label only."""
        blocks = (hmac.digest(self.secret, f"{label}/{counter}".encode(), "sha512") for counter in range((size + 63) // 64))
        return b"".join(blocks)[:size]

    def key(self, label: str) -> Key:
        """A P-256 key."""
        scalar = int.from_bytes(self.derive(f"key/{label}", 48), "big") % (P256_ORDER - 1) + 1
        return Key(ec.derive_private_key(scalar, ec.SECP256R1()))


class Key:
    """A P-256 key pair that signs deterministically (RFC 6979)."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self.private = private

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo in DER, 91 bytes."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def point(self) -> bytes:
        """X and Y, 64 bytes, as quotes carry a key."""
        return self.spki[-64:]

    @property
    def identifier(self) -> bytes:
        """Subject key identifier: SHA-1 of the public key's bits, 20 bytes."""
        return hashlib.sha1(self.spki[-65:], usedforsecurity=False).digest()

    @property
    def pem(self) -> str:
        """The private key, PKCS#8 in PEM."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()

    def sign(self, message: bytes) -> bytes:
        """ECDSA with SHA-256, DER form as certificates carry it."""
        return self.private.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))

    def sign_raw(self, message: bytes) -> bytes:
        """ECDSA with SHA-256, r and s of 32 bytes each as quotes and signed JSON carry it."""
        r, s = decode_dss_signature(self.sign(message))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
