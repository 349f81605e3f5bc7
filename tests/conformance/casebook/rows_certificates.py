"""Rows 7.2 (certificates) and 7.3 (revocation lists)."""
from __future__ import annotations

import json
from typing import Any

from casebook.book import HEALTHY, re_pem
from casebook.certificates import SHA384, UNKNOWN_CRITICAL, flipped_signature
from casebook.crls import DELTA, DISTRIBUTION_POINT, REMOVE_FROM_CRL
from casebook.keys import explicit_parameters_spki, p384_spki, rsa_spki
from casebook.rows import Rows
from simulator import der, x509
from simulator.pki import COMMON_NAMES, YEAR, intel_name
from simulator.sgx_extension import ROOT as SGX_ROOT, pair
from simulator.x509 import Extension, Revoked

#: A row, what it is, changes of the PKI, the code.
Change = tuple[str, str, dict[str, Any], str]


def write(rows: Rows) -> None:
    write_roots(rows)
    sound = rows.book.world.collateral()
    for row, what, changes, code in chain_changes(rows):
        rows.case(row, what, rows.book.world.mint(pki=changes), code, collateral=sound)
    write_sgx(rows)
    write_signers(rows)
    write_revocations(rows)
    write_lists(rows)
    write_encodings(rows)


def write_roots(rows: Rows) -> None:
    book = rows.book
    rogue = book.world.mint("rogue_root")
    rows.case("c01", "rogue chain", rogue, "DCAP_CERT_ROOT_UNTRUSTED", collateral=book.sound.collateral_json)
    rows.case("c02", "rogue root with its own lists", rogue, "COLLATERAL_CERT_ROOT_UNTRUSTED")
    older = book.world.mint(pki={"root": {"not_after": book.now + 7 * YEAR}})
    rows.case("c03", "older root of the same key", older, None)
    rows.case("c03", "older root within the intersection", older, ("STRICT_INTERSECTION", HEALTHY), options={"strict_intersection": True})
    processor = book.world.mint(platform={"ca": "processor"})
    rows.case("c13", "Processor CA", processor, book.accepted(processor, platform={**book.platform(), "platform_instance_id": None}))
    pki = book.world.pki
    chain = re_pem(pki.tcb_signer.der, pki.pck_ca("platform").der, pki.root.der)
    rows.case("c26", "TCB signer as leaf", book.world.mint(pck_chain=chain), "DCAP_PCK_NAME")
    trailing = re_pem(pki.pck(book.world.platform).der + b"\0", pki.pck_ca("platform").der, pki.root.der)
    rows.case("c31", "a byte behind the DER", book.world.mint(pck_chain=trailing), "DCAP_CERT_FORMAT")


def chain_changes(rows: Rows) -> list[Change]:
    book = rows.book
    now, key = book.now, book.world.seed.key
    stranger = x509.authority_key_identifier(key("stranger").identifier)
    of_root = {"signer": "root", "issuer": intel_name(COMMON_NAMES["root"]),
               "extensions": {"authority_key_identifier": x509.authority_key_identifier(key("root").identifier)}}
    ca_leaf = {"basic_constraints": x509.basic_constraints(True), "key_usage": x509.key_usage(x509.KEY_CERT_SIGN | x509.CRL_SIGN)}
    return [
        ("c04", "leaf by the root", {"pck": of_root}, "DCAP_CERT_ISSUER"),
        ("c05", "leaf signature", {"pck": {"signature": flipped_signature(book, "pck")}}, "DCAP_CERT_SIGNATURE"),
        ("c06", "CA signature", {"platform_ca": {"signature": flipped_signature(book, "ca")}}, "DCAP_CERT_SIGNATURE"),
        ("c07", "leaf expired", {"pck": {"not_after": now - 1}}, "DCAP_CERT_EXPIRED"),
        ("c07", "leaf not yet valid", {"pck": {"not_before": now + 1}}, "DCAP_CERT_NOT_YET_VALID"),
        ("c08", "CA expired", {"platform_ca": {"not_after": now - 1}}, "DCAP_CERT_EXPIRED"),
        ("c09", "leaf is a CA", {"pck": {"extensions": ca_leaf}}, "DCAP_CERT_ROLE"),
        ("c10", "CA is none", {"platform_ca": {"extensions": {"basic_constraints": x509.basic_constraints(False)}}}, "DCAP_CERT_CA"),
        ("c10", "CA may not sign certificates", {"platform_ca": {"extensions": {"key_usage": x509.key_usage(x509.CRL_SIGN)}}}, "DCAP_CERT_CA"),
        ("c10", "CA of path length 1", {"platform_ca": {"extensions": {"basic_constraints": x509.basic_constraints(True, 1)}}}, "DCAP_CERT_CA"),
        ("c10", "root of path length 0", {"root": {"extensions": {"basic_constraints": x509.basic_constraints(True, 0)}}}, "DCAP_CERT_CA"),
        ("c11", "longer name", {"pck": {"subject": intel_name("Intel SGX PCK Certificate X")}}, "DCAP_PCK_NAME"),
        ("c11", "name with a prefix", {"pck": {"subject": intel_name("x Intel SGX PCK Certificate")}}, "DCAP_PCK_NAME"),
        ("c12", "NUL in the name", {"pck": {"subject": intel_name("Intel SGX PCK Certificate\0X")}}, "DCAP_PCK_NAME"),
        ("c14", "algorithm", {"pck": {"algorithm": SHA384}}, "DCAP_CERT_SIGALG"),
        ("c15", "P-384", {"pck": {"spki": p384_spki()}}, "DCAP_CERT_KEY"),
        ("c16", "RSA", {"pck": {"spki": rsa_spki()}}, "DCAP_CERT_KEY"),
        ("c17", "explicit parameters of the CA", {"platform_ca": {"spki": explicit_parameters_spki(key("platform_ca").point)}}, "DCAP_CERT_KEY"),
        ("c17", "explicit parameters of the root", {"root": {"spki": explicit_parameters_spki(key("root").point)}}, "DCAP_CERT_KEY"),
        ("c18", "unknown critical extension", {"pck": {"extra_extensions": (UNKNOWN_CRITICAL,)}}, "DCAP_CERT_EXT"),
        ("c19", "no SGX extension", {"pck": {"extensions": {"sgx": None}}}, "DCAP_PCK_SGX_EXT_MISSING"),
        ("c30", "authority key of another", {"pck": {"extensions": {"authority_key_identifier": stranger}}}, "DCAP_CERT_AKI"),
    ]


def write_sgx(rows: Rows) -> None:
    book = rows.book
    components = book.world.platform.components
    integers = tuple(der.integer(svn) for svn in components)
    nested = b""
    for _ in range(60):
        nested = der.sequence(nested)
    extension = book.world.platform.sgx_extension().extension()
    twice = book.world.mint(pki={"pck": {"extra_extensions": (Extension(SGX_ROOT, extension.value),)}})
    rows.case("c19", "SGX extension twice", twice, "DCAP_PCK_SGX_EXT_FORMAT")
    faults: dict[str, dict[str, Any]] = {
        "FMSPC of 5 bytes": {"fmspc": bytes(5)}, "PCE-ID of 3 bytes": {"pce_id": bytes(3)},
        "component 256": {"component_values": (der.integer(256), *integers[1:])}, "component -1": {"component_values": (der.integer(-1), *integers[1:])},
        "component not minimal": {"component_values": (b"\x02\x02\x00\x08", *integers[1:])},
        "17 components": {"component_values": (*integers, der.integer(0))},
        "PCE-ID twice": {"extra_elements": (pair("3", der.octet_string(bytes(2))),), "skip": (7,)},
    }
    for what, changes in faults.items():
        rows.case("c20", what, book.world.mint(sgx=changes), "DCAP_PCK_SGX_EXT_FORMAT")
    rows.case("c21", "CPUSVN differs", book.world.mint(sgx={"cpu_svn": bytes([255]) + components[1:]}), "DCAP_PCK_CPUSVN_INCONSISTENT")
    seven = {"platform_instance_id": bytes(16), "configuration": (True, True, True)}
    rows.case("c22", "seven elements under the Processor CA", book.world.mint(platform={"ca": "processor"}, sgx=seven), "DCAP_PCK_SGX_EXT_FORMAT")
    rows.case("c22", "five elements under the Platform CA", book.world.mint(sgx={"skip": (6, 7)}), "DCAP_PCK_SGX_EXT_FORMAT")
    rows.case("c23", "nested sixty deep", book.world.mint(sgx={"extra_elements": (pair("9", nested),), "skip": (7,)}), "DCAP_PCK_SGX_EXT_FORMAT")


def write_signers(rows: Rows) -> None:
    book = rows.book
    pki = book.world.pki
    signer, root, ca, pck = pki.tcb_signer.pem, pki.root.pem, pki.pck_ca("platform").pem, pki.pck(book.world.platform).pem
    chains = (
        ("c24", "CA", ca + root, "COLLATERAL_SIGNER_NAME"), ("c25", "PCK certificate", pck + root, "COLLATERAL_SIGNER_NAME"),
        ("c25", "PCK certificate and its CA", pck + ca + root, "COLLATERAL_SIGNER_CHAIN_LENGTH"), ("c27", "newline", "\n", "COLLATERAL_SIGNER_CHAIN_LENGTH"),
        ("c27", "broken base64", signer.replace("MII", "M!I", 1) + root, "COLLATERAL_PEM"),
        ("c28", "intermediate", signer + ca + root, "COLLATERAL_SIGNER_CHAIN_LENGTH"), ("c29", "no root", signer, "COLLATERAL_SIGNER_CHAIN_LENGTH"),
    )
    for row, what, chain, code in chains:
        for member in ("tcb_info", "qe_identity"):
            rows.case(row, f"{what} over {member}", book.world.mint(collateral={"bundle": {f"{member}_issuer_chain": chain}}), code)


def write_revocations(rows: Rows) -> None:
    book = rows.book
    pki, machine = book.world.pki, book.world.platform
    serial = pki.pck(machine).fields.serial
    top_bit = 0xE8 << 152 | 0x25941783E2
    entries: list[tuple[str, str, dict[str, Any], str | None]] = [
        ("l01", "leaf", {"pck_crl": {"revoked": ["pck"]}}, "DCAP_PCK_REVOKED"), ("l02", "CA", {"root_crl": {"revoked": ["platform_ca"]}}, "DCAP_PCK_CA_REVOKED"),
        ("l03", "signer", {"root_crl": {"revoked": ["tcb_signer"]}}, "COLLATERAL_SIGNER_REVOKED"),
        ("l04", "root", {"root_crl": {"revoked": ["root"]}}, "DCAP_ROOT_REVOKED"),
        ("l05", "leaf in the root's list", {"root_crl": {"revoked": [serial]}}, None),
        ("l16", "padded", {"pck_crl": {"revoked": [Revoked(serial, serial_der=der.tlv(2, b"\0\0" + serial.to_bytes(20, "big")))]}}, "COLLATERAL_CRL_FORMAT"),
        ("l18", "critical extension of an entry", {"pck_crl": {"revoked": [Revoked(7, (UNKNOWN_CRITICAL,))]}}, "COLLATERAL_CRL_EXT"),
        ("l19", "300 entries", {"pck_crl": {"revoked": list(range(1000, 1300))}}, None),
        ("l19", "300 entries and the leaf", {"pck_crl": {"revoked": [*range(1000, 1300), "pck"]}}, "DCAP_PCK_REVOKED"),
        ("l20", "removed from the list", {"pck_crl": {"revoked": [Revoked(serial, (REMOVE_FROM_CRL,))]}}, "DCAP_PCK_REVOKED"),
    ]
    for row, what, changes, code in entries:
        rows.case(row, what, book.world.mint(collateral=changes), code)
    high = book.world.mint(pki={"pck": {"serial": top_bit}}, collateral={"pck_crl": {"revoked": [top_bit]}})
    rows.case("l16", "top bit set", high, "DCAP_PCK_REVOKED")


def write_lists(rows: Rows) -> None:
    book = rows.book
    now, sound = book.now, json.loads(book.sound.collateral_json)
    processor = book.world.pki.pck_crl("processor").hex()
    for row, what, bundle in (("l06", "Processor CA's list", {"pck_crl": processor}), ("l07", "root's list for the CA's", {"pck_crl": sound["root_ca_crl"]}),
                              ("l07", "CA's list for the root's", {"root_ca_crl": sound["pck_crl"]})):
        rows.case(row, what, book.world.mint(collateral={"bundle": bundle}), "COLLATERAL_CRL_ISSUER")
    faults: list[tuple[str, str, dict[str, Any], str]] = [
        ("l08", "signed by a stranger", {"signer": "stranger"}, "COLLATERAL_CRL_SIGNATURE"), ("l08", "signed by the leaf", {"signer": "pck"}, "COLLATERAL_CRL_SIGNATURE"),
        ("l09", "expired", {"next_update": now - 1}, "COLLATERAL_CRL_EXPIRED"), ("l10", "not yet valid", {"this_update": now + 1}, "COLLATERAL_CRL_NOT_YET_VALID"),
        ("l11", "no next update", {"next_update": None}, "COLLATERAL_CRL_FORMAT"), ("l12", "no number", {"extensions": {"crl_number": None}}, "COLLATERAL_CRL_EXT"),
        ("l12", "no authority", {"extensions": {"authority_key_identifier": None}}, "COLLATERAL_CRL_EXT"),
        ("l13", "delta", {"extra_extensions": (DELTA,)}, "COLLATERAL_CRL_EXT"), ("l13", "part", {"extra_extensions": (DISTRIBUTION_POINT,)}, "COLLATERAL_CRL_EXT"),
    ]
    for which in ("root", "pck"):
        for row, what, changes, code in faults:
            rows.case(row, f"{which} list {what}", book.world.mint(collateral={f"{which}_crl": changes}), code)


def write_encodings(rows: Rows) -> None:
    book = rows.book
    sound = json.loads(book.sound.collateral_json)
    for member in ("pck_crl", "root_ca_crl"):
        text = sound[member]
        forms = {"hex": text, "upper-case hex": text.upper(), "PEM": x509.pem(bytes.fromhex(text), "X509 CRL")}
        for form, written in forms.items():
            rows.case("l14", f"{member} as {form}", book.world.mint(collateral={"bundle": {member: written}}), None)
        for fault, written in {"odd": text[:-1], "trailing": text + "00"}.items():
            rows.case("l15", f"{member} {fault}", book.world.mint(collateral={"bundle": {member: written}}), "COLLATERAL_CRL_FORMAT")
        for fault, value in {"empty": "", "null": None}.items():
            changed = json.dumps({**sound, member: value})
            rows.case("l17", f"{member} {fault}", book.sound, "COLLATERAL_MISSING", collateral=changed)
