"""Certificates of the stand-in's web servers, under a CA that has nothing to do with tokens; bad ones by name."""
from __future__ import annotations

import ipaddress
import ssl
import tempfile
import warnings
from functools import lru_cache
from pathlib import Path

from simulator import der, x509
from simulator.keys import Key, Seed
from simulator.x509 import Certificate, Extension

BEFORE, AFTER = 946684800, 2524607999  # 2000 and 2049: what a server presents does not depend on the day
EXPIRED = 978307200  # 2001
CA_NAME = x509.name(("2.5.4.3", "Test web CA"))
#: Ways for a server to be: sound, or one thing wrong.
IDENTITIES = ("sound", "unknown-ca", "wrong-host", "expired", "self-signed", "tls1.1", "tls1.2")


def ca_fields(key: Key, serial: int) -> Certificate:
    return Certificate(
        serial=serial, issuer=CA_NAME, subject=CA_NAME, spki=key.spki, not_before=BEFORE, not_after=AFTER,
        extensions={
            "basic_constraints": x509.basic_constraints(True, 0), "key_usage": x509.key_usage(x509.KEY_CERT_SIGN | x509.CRL_SIGN),
            "subject_key_identifier": x509.subject_key_identifier(key.identifier),
            "authority_key_identifier": x509.authority_key_identifier(key.identifier)})


def ca_pem(seed: Seed) -> str:
    """The CA that clients are told to trust."""
    key = seed.key("web-ca")
    return x509.pem(ca_fields(key, 1).issue(key))


def alternative_names(identity: str) -> Extension:
    if identity == "wrong-host":
        names = [der.implicit(2, b"elsewhere.invalid")]
    else:
        names = [der.implicit(2, b"localhost"), *(der.implicit(7, ipaddress.ip_address(item).packed) for item in ("127.0.0.1", "127.0.0.2"))]
    return Extension("2.5.29.17", der.sequence(*names))


def server_certificate(seed: Seed, identity: str) -> tuple[str, Key]:
    """A server's certificate in PEM, and its key."""
    key = seed.key(f"web/{identity}")
    signer = {"unknown-ca": seed.key("another-web-ca"), "self-signed": key}.get(identity, seed.key("web-ca"))
    subject = x509.name(("2.5.4.3", "Test web server"))
    fields = Certificate(
        serial=int.from_bytes(seed.derive(f"web-serial/{identity}", 8), "big") | 1 << 62, issuer=subject if identity == "self-signed" else CA_NAME,
        subject=subject, spki=key.spki, not_before=BEFORE, not_after=EXPIRED if identity == "expired" else AFTER,
        extensions={
            "basic_constraints": x509.basic_constraints(False), "key_usage": x509.key_usage(x509.DIGITAL_SIGNATURE),
            "extended_key_usage": Extension("2.5.29.37", der.sequence(der.oid("1.3.6.1.5.5.7.3.1"))),
            "subject_alternative_name": alternative_names(identity),
            "subject_key_identifier": x509.subject_key_identifier(key.identifier),
            "authority_key_identifier": x509.authority_key_identifier(signer.identifier)})
    return x509.pem(fields.issue(signer)), key


@lru_cache(maxsize=None)
def server_context(secret: bytes, identity: str) -> ssl.SSLContext:
    """A server's context. Raises ValueError for an identity that is not known."""
    if identity not in IDENTITIES:
        raise ValueError(f"no server is {identity!r}; known are {', '.join(IDENTITIES)}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = server_certificate(Seed(secret), identity)
    if identity == "tls1.1":
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old is what it is for
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2 if identity == "tls1.2" else ssl.TLSVersion.TLSv1_3
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "server.pem"
        path.touch(mode=0o600)
        path.write_text(certificate + key.pem)
        context.load_cert_chain(path)
    return context
