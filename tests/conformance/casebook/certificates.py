"""The PCK chain and the collateral's signer chain (DCAP rules 3.2, cases 7.2)."""
from __future__ import annotations

from typing import Any

from casebook.book import Book
from casebook.keys import explicit_parameters_spki, p384_spki, rsa_spki
from simulator import der, x509
from simulator.pki import Pki, intel_name
from simulator.sgx_extension import ROOT as SGX_ROOT, pair
from simulator.x509 import Extension

DAY = 86400
SHA384 = der.sequence(der.oid("1.2.840.10045.4.3.3"))
UNKNOWN_CRITICAL = Extension("1.2.3.4.5", der.octet_string(b"?"), critical=True)


def write(book: Book) -> None:
    write_anchor(book)
    write_roles(book)
    write_sgx(book)
    write_signers(book)


def write_anchor(book: Book) -> None:
    rogue = book.world.mint("rogue_root")
    book.verify("certificate/rogue-root", "the whole world re-issued under another root of the same name", rogue, "COLLATERAL_CERT_ROOT_UNTRUSTED")
    book.verify("certificate/rogue-chain", "a quote from under another root beside sound collateral", rogue, "DCAP_CERT_ROOT_UNTRUSTED",
                collateral=book.sound.collateral_json)
    book.verify("certificate/built-in-root", "without an anchor of the caller's, Intel's own root is the only one", book.sound,
                "COLLATERAL_CERT_ROOT_UNTRUSTED", without=("trust_anchor",))
    for name, anchor in {"empty": b"", "garbage": b"no certificate", "leaf": book.world.pki.tcb_signer.pem.encode(),
                         "two": (book.world.trust_anchor_pem * 2).encode()}.items():
        book.verify(f"certificate/anchor-{name}", f"a trust anchor that is not one root certificate: {name}", book.sound, "TRUST_ANCHOR_INVALID",
                    trust_anchor=anchor)
    changed: dict[str, dict[str, Any]] = {
        "signature": {"signature": flipped_signature(book, "root")}, "not-self-issued": {"issuer": intel_name("Intel SGX Other CA")},
        "algorithm": {"algorithm": SHA384}, "not-a-ca": {"extensions": {"basic_constraints": x509.basic_constraints(False)}},
        "key-p384": {"spki": p384_spki()}, "trailing": {"trailing": b"\0"},
    }
    for name, changes in changed.items():
        anchor = Pki(book.world.seed, book.now, {"root": changes}).root.pem.encode()
        book.verify(f"certificate/anchor-{name}", f"a trust anchor that is no root certificate: {name.replace('-', ' ')}", book.sound,
                    "TRUST_ANCHOR_INVALID", trust_anchor=anchor)
    book.verify("certificate/anchor-der", "a trust anchor in DER", book.sound, book.accepted(book.sound), trust_anchor=book.world.pki.root.der)


def flipped_signature(book: Book, role: str) -> bytes:
    """A DER signature by somebody else."""
    return book.world.seed.key("stranger").sign(role.encode())


def pck_and_ca(book: Book) -> dict[str, tuple[str, dict[str, Any], str]]:
    now = book.now
    key = book.world.seed.key
    stranger = x509.authority_key_identifier(key("stranger").identifier)
    leaf_ca = {"extensions": {"basic_constraints": x509.basic_constraints(True), "key_usage": x509.key_usage(x509.KEY_CERT_SIGN | x509.CRL_SIGN)}}
    return {
        "leaf-signature": ("leaf: signature of somebody else", {"pck": {"signature": flipped_signature(book, "pck")}}, "DCAP_CERT_SIGNATURE"),
        "leaf-signed-by-stranger": ("leaf: signed by a key that is not the CA's", {"pck": {"signer": "stranger"}}, "DCAP_CERT_SIGNATURE"),
        "ca-signature": ("CA: signature of somebody else", {"platform_ca": {"signature": flipped_signature(book, "ca")}}, "DCAP_CERT_SIGNATURE"),
        "leaf-expired": ("leaf: expired", {"pck": {"not_after": now - 1}}, "DCAP_CERT_EXPIRED"),
        "leaf-not-yet-valid": ("leaf: not yet valid", {"pck": {"not_before": now + 1}}, "DCAP_CERT_NOT_YET_VALID"),
        "ca-expired": ("CA: expired", {"platform_ca": {"not_after": now - 1}}, "DCAP_CERT_EXPIRED"),
        "ca-not-yet-valid": ("CA: not yet valid", {"platform_ca": {"not_before": now + 1}}, "DCAP_CERT_NOT_YET_VALID"),
        "root-expired": ("root: expired", {"root": {"not_after": now - 1}}, "DCAP_CERT_EXPIRED"),
        "leaf-is-ca": ("leaf: a CA", {"pck": leaf_ca}, "DCAP_CERT_ROLE"),
        "leaf-key-usage": ("leaf: may sign certificates", {"pck": {"extensions": {
            "key_usage": x509.key_usage(x509.DIGITAL_SIGNATURE | x509.KEY_CERT_SIGN)}}}, "DCAP_CERT_ROLE"),
        "ca-is-no-ca": ("CA: not one", {"platform_ca": {"extensions": {"basic_constraints": x509.basic_constraints(False)}}}, "DCAP_CERT_CA"),
        "ca-key-usage": ("CA: may not sign certificates", {"platform_ca": {"extensions": {"key_usage": x509.key_usage(x509.CRL_SIGN)}}}, "DCAP_CERT_CA"),
        "ca-path-length": ("CA: path length 1", {"platform_ca": {"extensions": {"basic_constraints": x509.basic_constraints(True, 1)}}}, "DCAP_CERT_CA"),
        "root-path-length": ("root: path length 0", {"root": {"extensions": {"basic_constraints": x509.basic_constraints(True, 0)}}}, "DCAP_CERT_CA"),
        "leaf-name-longer": ("leaf: a longer name", {"pck": {"subject": intel_name("Intel SGX PCK Certificate X")}}, "DCAP_PCK_NAME"),
        "leaf-name-prefixed": ("leaf: a prefix before the name", {"pck": {"subject": intel_name("x Intel SGX PCK Certificate")}}, "DCAP_PCK_NAME"),
        "leaf-name-nul": ("leaf: a NUL after the name", {"pck": {"subject": intel_name("Intel SGX PCK Certificate\0X")}}, "DCAP_PCK_NAME"),
        "leaf-algorithm": ("leaf: says SHA-384", {"pck": {"algorithm": SHA384}}, "DCAP_CERT_SIGALG"),
        "leaf-algorithm-outer": ("leaf: says SHA-384 outside the signed part", {"pck": {"outer_algorithm": SHA384}}, "DCAP_CERT_FORMAT"),
        "leaf-key-p384": ("leaf: a key on P-384", {"pck": {"spki": p384_spki()}}, "DCAP_CERT_KEY"),
        "leaf-key-rsa": ("leaf: an RSA key", {"pck": {"spki": rsa_spki()}}, "DCAP_CERT_KEY"),
        "ca-key-explicit": ("CA: a key with explicit curve parameters", {"platform_ca": {"spki": explicit_parameters_spki(key("platform_ca").point)}},
                            "DCAP_CERT_KEY"),
        "leaf-extension-critical": ("leaf: an unknown critical extension", {"pck": {"extra_extensions": (UNKNOWN_CRITICAL,)}}, "DCAP_CERT_EXT"),
        "leaf-extension-twice": ("leaf: key usage twice", {"pck": {"extra_extensions": (x509.key_usage(x509.DIGITAL_SIGNATURE),)}}, "DCAP_CERT_EXT"),
        **{f"leaf-without-{name.replace('_', '-')}": (f"leaf: without {name.replace('_', ' ')}", {"pck": {"extensions": {name: None}}}, "DCAP_CERT_EXT")
           for name in ("authority_key_identifier", "crl_distribution_points", "subject_key_identifier", "key_usage", "basic_constraints")},
        "leaf-authority": ("leaf: names another authority key", {"pck": {"extensions": {"authority_key_identifier": stranger}}}, "DCAP_CERT_AKI"),
        "leaf-issuer": ("leaf: names another issuer", {"pck": {"issuer": intel_name("Intel SGX PCK Processor CA")}}, "DCAP_CERT_ISSUER"),
        "ca-name": ("CA: another name", {"platform_ca": {"subject": intel_name("Intel SGX PCK Other CA")}}, "DCAP_PCK_CA_NAME"),
        "root-name": ("root: another name", {"root": {"subject": intel_name("Other Root CA"), "issuer": intel_name("Other Root CA")}},
                      "DCAP_CERT_ROOT_NAME"),
        "leaf-version-1": ("leaf: version 1", {"pck": {"version": None}}, "DCAP_CERT_FORMAT"),
        "leaf-serial-negative": ("leaf: a negative serial number", {"pck": {"serial": -5}}, "DCAP_CERT_FORMAT"),
        "leaf-serial-zero": ("leaf: serial number zero", {"pck": {"serial": 0}}, "DCAP_CERT_FORMAT"),
        "leaf-serial-long": ("leaf: a serial number of 21 bytes", {"pck": {"serial": 1 << 160}}, "DCAP_CERT_FORMAT"),
        "leaf-sgx-missing": ("leaf: no SGX extension", {"pck": {"extensions": {"sgx": None}}}, "DCAP_PCK_SGX_EXT_MISSING"),
    }


def write_roles(book: Book) -> None:
    """One thing wrong in leaf, CA or root of the PCK chain; the collateral is the sound world's."""
    sound = book.world.collateral()
    for name, (description, changes, code) in pck_and_ca(book).items():
        minted = book.world.mint(pki=changes)
        book.verify(f"certificate/{name}", description, minted, code, collateral=sound)
    last = book.world.mint(pki={"pck": {"not_after": book.now}})
    book.verify("certificate/leaf-last-second", "leaf: in its last second", last, book.accepted_until(last, book.now))


def write_sgx(book: Book) -> None:
    """The SGX extension of the PCK certificate (DCAP rules 2.4)."""
    components = book.world.platform.components
    integers = tuple(der.integer(svn) for svn in components)
    nested = b""
    for _ in range(60):
        nested = der.sequence(nested)
    cases: dict[str, tuple[str, dict[str, Any], str]] = {
        "fmspc-short": ("FMSPC of 5 bytes", {"fmspc": bytes(5)}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "pceid-long": ("PCE-ID of 3 bytes", {"pce_id": bytes(3)}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "ppid-short": ("PPID of 15 bytes", {"ppid": bytes(15)}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "component-256": ("a component of 256", {"component_values": (der.integer(256), *integers[1:])}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "component-negative": ("a component of -1", {"component_values": (der.integer(-1), *integers[1:])}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "component-not-minimal": ("a component written longer than it has to be",
                                  {"component_values": (b"\x02\x02\x00\x08", *integers[1:])}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "components-17": ("17 components", {"component_values": (*integers, der.integer(0))}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "components-15": ("15 components", {"component_values": integers[:15]}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "pcesvn-65536": ("PCESVN 65536", {"pce_svn": 65536}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "element-twice": ("PCE-ID twice", {"extra_elements": (pair("3", der.octet_string(bytes(2))),), "skip": (7,)}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "element-unknown": ("an element that is not known", {"extra_elements": (pair("9", der.octet_string(b"?")),), "skip": (7,)},
                            "DCAP_PCK_SGX_EXT_FORMAT"),
        "element-nested": ("an element nested sixty deep", {"extra_elements": (pair("9", nested),), "skip": (7,)}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "element-missing": ("no FMSPC", {"skip": (4,)}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "five-elements": ("the five elements of a Processor CA's leaf under the Platform CA", {"skip": (6, 7)}, "DCAP_PCK_SGX_EXT_FORMAT"),
        "cpusvn-differs": ("CPUSVN that differs from the components", {"cpu_svn": bytes([255]) + components[1:]}, "DCAP_PCK_CPUSVN_INCONSISTENT"),
    }
    for name, (description, changes, code) in cases.items():
        book.verify(f"certificate/sgx-{name}", f"SGX extension: {description}", book.world.mint(sgx=changes), code)
    seven = {"platform_instance_id": bytes(16), "configuration": (True, True, True)}
    book.verify("certificate/sgx-seven-elements", "SGX extension: seven elements under the Processor CA",
                book.world.mint(platform={"ca": "processor"}, sgx=seven), "DCAP_PCK_SGX_EXT_FORMAT")
    sgx = book.world.platform.sgx_extension().extension()
    twice = book.world.mint(pki={"pck": {"extra_extensions": (Extension(SGX_ROOT, sgx.value),)}})
    book.verify("certificate/sgx-twice", "the SGX extension twice", twice, "DCAP_PCK_SGX_EXT_FORMAT")


def write_signers(book: Book) -> None:
    """The chain of TCB info and QE identity; a fault in it is the collateral's, not the evidence's."""
    pki = book.world.pki
    signer, root, pck = pki.tcb_signer.pem, pki.root.pem, pki.pck(book.world.platform).pem
    ca = pki.pck_ca("platform").pem
    chains = {
        "newline": ("a chain that is a newline", "\n", "COLLATERAL_SIGNER_CHAIN_LENGTH"),
        "three": ("a chain with an intermediate", signer + ca + root, "COLLATERAL_SIGNER_CHAIN_LENGTH"),
        "signer-only": ("a chain without its root", signer, "COLLATERAL_SIGNER_CHAIN_LENGTH"),
        "ca-as-signer": ("a CA as the signer", ca + root, "COLLATERAL_SIGNER_NAME"),
        "pck-as-signer": ("a PCK certificate as the signer", pck + root, "COLLATERAL_SIGNER_NAME"),
        "text": ("text around the certificates", signer + "text\n" + root, "COLLATERAL_PEM"),
    }
    for member in ("tcb_info", "qe_identity"):
        for name, (description, chain, code) in chains.items():
            minted = book.world.mint(collateral={"bundle": {f"{member}_issuer_chain": chain}})
            book.verify(f"certificate/signer-{member.replace('_', '-')}-{name}", f"{member}: {description}", minted, code)
    now = book.now
    changed: dict[str, tuple[str, dict[str, Any], str]] = {
        "expired": ("expired", {"not_after": now - 1}, "COLLATERAL_CERT_EXPIRED"),
        "not-yet-valid": ("not yet valid", {"not_before": now + 1}, "COLLATERAL_CERT_NOT_YET_VALID"),
        "signature": ("signed by somebody else", {"signer": "stranger"}, "COLLATERAL_CERT_SIGNATURE"),
        "is-ca": ("a CA", {"extensions": {"basic_constraints": x509.basic_constraints(True)}}, "COLLATERAL_CERT_ROLE"),
        "algorithm": ("says SHA-384", {"algorithm": SHA384}, "COLLATERAL_CERT_SIGALG"),
        "key-p384": ("a key on P-384", {"spki": p384_spki()}, "COLLATERAL_CERT_KEY"),
        "extension-critical": ("an unknown critical extension", {"extra_extensions": (UNKNOWN_CRITICAL,)}, "COLLATERAL_CERT_EXT"),
        "trailing": ("a byte after its DER", {"trailing": b"\0"}, "COLLATERAL_CERT_FORMAT"),
        "name": ("another name", {"subject": intel_name("Intel SGX TCB Signing 2")}, "COLLATERAL_SIGNER_NAME"),
        "issuer": ("another issuer", {"issuer": intel_name("Intel SGX Other CA")}, "COLLATERAL_CERT_ISSUER"),
    }
    for name, (description, changes, code) in changed.items():
        book.verify(f"certificate/signer-{name}", f"signer: {description}", book.world.mint(pki={"tcb_signer": changes}), code)
    rogue = book.world.mint("rogue_root").collateral_json
    book.verify("certificate/signer-rogue-root", "sound evidence beside collateral from another root", book.sound, "COLLATERAL_CERT_ROOT_UNTRUSTED",
                collateral=rogue)
