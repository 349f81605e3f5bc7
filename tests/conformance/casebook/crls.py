"""Revocation lists (DCAP rules 3.3, cases 7.3)."""
from __future__ import annotations

import json
from typing import Any

from casebook.book import Book
from simulator import der, x509
from simulator.x509 import Extension, Revoked

DELTA = Extension("2.5.29.27", der.integer(1), critical=True)
DISTRIBUTION_POINT = Extension("2.5.29.28", der.sequence(), critical=True)
UNKNOWN_CRITICAL = Extension("1.2.3.4.5", der.octet_string(b"?"), critical=True)
REMOVE_FROM_CRL = Extension("2.5.29.21", der.enumerated(8))
SHA384 = der.sequence(der.oid("1.2.840.10045.4.3.3"))


def write(book: Book) -> None:
    write_revoked(book)
    write_lists(book)
    write_encodings(book)
    last = book.world.mint(collateral={"pck_crl": {"next_update": book.now}})
    book.verify("crl/last-second", "a PCK CRL in its last second", last, book.accepted_until(last, book.now))


def write_revoked(book: Book) -> None:
    pki, machine = book.world.pki, book.world.platform
    serial = pki.pck(machine).fields.serial
    padded = der.tlv(2, b"\0\0" + serial.to_bytes(20, "big"))
    cases: dict[str, tuple[str, dict[str, Any], str | None]] = {
        "pck": ("the leaf in the PCK CRL", {"pck_crl": {"revoked": ["pck"]}}, "DCAP_PCK_REVOKED"),
        "pck-among-others": ("the leaf among others", {"pck_crl": {"revoked": [7, "pck", 8]}}, "DCAP_PCK_REVOKED"),
        "pck-no-reason": ("the leaf without a reason", {"pck_crl": {"revoked": [Revoked(serial, ())]}}, "DCAP_PCK_REVOKED"),
        "pck-remove-from-crl": ("the leaf as removed from the CRL", {"pck_crl": {"revoked": [Revoked(serial, (REMOVE_FROM_CRL,))]}}, "DCAP_PCK_REVOKED"),
        "ca": ("the CA in the root CRL", {"root_crl": {"revoked": ["platform_ca"]}}, "DCAP_PCK_CA_REVOKED"),
        "root": ("the root in its own CRL", {"root_crl": {"revoked": ["root"]}}, "DCAP_ROOT_REVOKED"),
        "signer": ("the collateral's signer in the root CRL", {"root_crl": {"revoked": ["tcb_signer"]}}, "COLLATERAL_SIGNER_REVOKED"),
        "leaf-in-root-crl": ("the leaf's serial in the root CRL means another certificate", {"root_crl": {"revoked": [serial]}}, None),
        "entry-critical": ("an entry with an unknown critical extension", {"pck_crl": {"revoked": [Revoked(7, (UNKNOWN_CRITICAL,))]}},
                           "COLLATERAL_CRL_EXT"),
        "serial-padded": ("an entry whose serial is padded with zeros is not DER", {"pck_crl": {"revoked": [Revoked(serial, serial_der=padded)]}},
                          "COLLATERAL_CRL_FORMAT"),
    }
    for name, (description, changes, code) in cases.items():
        minted = book.world.mint(collateral=changes)
        book.verify(f"crl/revoked-{name}", description, minted, code if code is not None else book.accepted(minted))


def write_lists(book: Book) -> None:
    now = book.now
    sound = json.loads(book.sound.collateral_json)
    processor = book.world.pki.pck_crl("processor").hex()
    faults: dict[str, tuple[str, dict[str, Any], str]] = {
        "signed-by-stranger": ("signed by somebody else", {"signer": "stranger"}, "COLLATERAL_CRL_SIGNATURE"),
        "signed-by-leaf": ("signed by the leaf", {"signer": "pck"}, "COLLATERAL_CRL_SIGNATURE"),
        "expired": ("expired", {"next_update": now - 1}, "COLLATERAL_CRL_EXPIRED"),
        "not-yet-valid": ("not yet valid", {"this_update": now + 1}, "COLLATERAL_CRL_NOT_YET_VALID"),
        "next-update-missing": ("without a next update", {"next_update": None}, "COLLATERAL_CRL_FORMAT"),
        "number-missing": ("without a CRL number", {"extensions": {"crl_number": None}}, "COLLATERAL_CRL_EXT"),
        "authority-missing": ("without an authority key identifier", {"extensions": {"authority_key_identifier": None}}, "COLLATERAL_CRL_EXT"),
        "authority-other": ("with another authority key", {"extensions": {
            "authority_key_identifier": x509.authority_key_identifier(bytes(20))}}, "COLLATERAL_CRL_EXT"),
        "delta": ("a delta CRL", {"extra_extensions": (DELTA,)}, "COLLATERAL_CRL_EXT"),
        "distribution-point": ("for a part of the certificates only", {"extra_extensions": (DISTRIBUTION_POINT,)}, "COLLATERAL_CRL_EXT"),
        "extension-critical": ("with an unknown critical extension", {"extra_extensions": (UNKNOWN_CRITICAL,)}, "COLLATERAL_CRL_EXT"),
        "algorithm": ("says SHA-384", {"algorithm": SHA384}, "COLLATERAL_CRL_SIGALG"),
        "version-1": ("version 1", {"version": None}, "COLLATERAL_CRL_FORMAT"),
        "trailing": ("a byte after it", {"trailing": b"\0"}, "COLLATERAL_CRL_FORMAT"),
    }
    for which in ("root", "pck"):
        for name, (description, changes, code) in faults.items():
            minted = book.world.mint(collateral={f"{which}_crl": changes})
            book.verify(f"crl/{which}-{name}", f"{which} CRL: {description}", minted, code)
    swaps = {
        "processor-crl": ("the CRL of the Processor CA beside a Platform CA's leaf", {"pck_crl": processor}),
        "root-crl-as-pck-crl": ("the root CRL in place of the PCK CRL", {"pck_crl": sound["root_ca_crl"]}),
        "pck-crl-as-root-crl": ("the PCK CRL in place of the root CRL", {"root_ca_crl": sound["pck_crl"]}),
    }
    for name, (description, changes) in swaps.items():
        book.verify(f"crl/{name}", description, book.world.mint(collateral={"bundle": changes}), "COLLATERAL_CRL_ISSUER")


def write_encodings(book: Book) -> None:
    sound = json.loads(book.sound.collateral_json)
    crl = sound["pck_crl"]
    good = {"upper-case": crl.upper(), "pem": x509.pem(bytes.fromhex(crl), "X509 CRL")}
    for name, text in good.items():
        minted = book.world.mint(collateral={"bundle": {"pck_crl": text}})
        book.verify(f"crl/encoding-{name}", f"the PCK CRL in {name.replace('-', ' ')}", minted, book.accepted(minted))
    bad = {"odd": crl[:-1], "not-hex": "zz" + crl[2:], "cut": crl[:-2], "trailing": crl + "00", "white-space": crl[:8] + " " + crl[8:]}
    for name, text in bad.items():
        minted = book.world.mint(collateral={"bundle": {"pck_crl": text}})
        book.verify(f"crl/encoding-{name}", f"the PCK CRL: {name.replace('-', ' ')}", minted, "COLLATERAL_CRL_FORMAT")
