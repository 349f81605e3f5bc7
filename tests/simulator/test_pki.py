"""The PKI has the shape of Intel's, and every field of it may be changed."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography import x509

from simulator import der
from simulator.pki import Pki
from simulator.sgx_extension import ROOT
from simulator.world import World
from simulator.x509 import Extension


def shape(certificate: x509.Certificate | x509.CertificateRevocationList) -> list[tuple[str, bool]]:
    """OID and criticality of every extension, in order."""
    return [(extension.oid.dotted_string, extension.critical) for extension in certificate.extensions]


def sgx_elements(certificate: x509.Certificate) -> list[tuple[bytes, int]]:
    """Identifiers and tags of the elements of the SGX extension, in order."""
    value = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(ROOT)).value
    assert isinstance(value, x509.UnrecognizedExtension)
    return [(name, tag) for name, tag in pairs(value.value)]


def pairs(sequence: bytes) -> list[tuple[bytes, int]]:
    found = []
    for element in elements(sequence):
        name, value = elements(element)
        found.append((name, value[0]))
        if value[0] == 0x30:
            found += pairs(value)
    return found


def elements(sequence: bytes) -> list[bytes]:
    """The elements of a well-formed DER SEQUENCE."""
    def header(data: bytes) -> tuple[int, int]:
        if data[1] < 0x80:
            return 2, data[1]
        size = data[1] & 0x7F
        return 2 + size, int.from_bytes(data[2:2 + size], "big")
    start, length = header(sequence)
    rest, found = sequence[start:start + length], []
    while rest:
        start, length = header(rest)
        found.append(rest[:start + length])
        rest = rest[start + length:]
    return found


def names(certificate: x509.Certificate) -> list[tuple[str, str]]:
    return [(attribute.oid.dotted_string, str(attribute.value)) for attribute in certificate.subject]


@pytest.fixture(scope="module")
def real_chain(vectors: Path) -> list[x509.Certificate]:
    """PCK leaf, Platform CA and root out of a genuine quote."""
    quote = next(iter(sorted((vectors / "quotes").glob("tdx-v4-phala-dstack-*.bin")))).read_bytes()
    return x509.load_pem_x509_certificates(quote[quote.index(b"-----BEGIN"):quote.rindex(b"-----END CERTIFICATE-----") + 26])


@pytest.fixture(scope="module")
def real_collateral(vectors: Path) -> dict[str, str]:
    path = max((vectors / "collateral").glob("tdx-*-platform-*-native-*.json"), key=lambda path: path.name.split("-")[3])  # the newest
    return dict(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def our_chain(world: World) -> list[x509.Certificate]:
    pki = world.pki
    return [x509.load_der_x509_certificate(role.der) for role in (pki.pck(world.platform), pki.pck_ca("platform"), pki.root)]


def test_certificates_have_the_shape_of_real_ones(real_chain: list[x509.Certificate], our_chain: list[x509.Certificate]) -> None:
    for ours, real in zip(our_chain, real_chain, strict=True):
        assert shape(ours) == shape(real)
        assert names(ours) == names(real)
        for oid in (x509.OID_KEY_USAGE, x509.OID_BASIC_CONSTRAINTS, x509.OID_CRL_DISTRIBUTION_POINTS):
            assert ours.extensions.get_extension_for_oid(oid) == real.extensions.get_extension_for_oid(oid)
        assert ours.version == real.version
        assert ours.signature_algorithm_oid == real.signature_algorithm_oid
        assert ours.tbs_certificate_bytes.count(ours.subject.public_bytes()) == real.tbs_certificate_bytes.count(real.subject.public_bytes())


def test_names_are_written_as_the_real_ones(real_chain: list[x509.Certificate], our_chain: list[x509.Certificate]) -> None:
    assert [item.subject.public_bytes() for item in our_chain] == [item.subject.public_bytes() for item in real_chain]
    for ours, real in zip(our_chain, real_chain, strict=True):
        assert ours.subject.public_bytes() in ours.tbs_certificate_bytes
        assert ours.issuer.public_bytes() == real.issuer.public_bytes()


def test_sgx_extension_has_the_elements_of_a_real_one(real_chain: list[x509.Certificate], our_chain: list[x509.Certificate]) -> None:
    assert sgx_elements(our_chain[0]) == sgx_elements(real_chain[0])


def test_signer_has_the_shape_of_the_real_one(world: World, real_collateral: dict[str, str]) -> None:
    real = x509.load_pem_x509_certificates(real_collateral["tcb_info_issuer_chain"].encode())[0]
    ours = x509.load_der_x509_certificate(world.pki.tcb_signer.der)
    assert shape(ours) == shape(real)
    assert names(ours) == names(real)


def test_crls_have_the_shape_of_real_ones(world: World, real_collateral: dict[str, str]) -> None:
    ours = json.loads(world.collateral())
    for member in ("root_ca_crl", "pck_crl"):
        real_crl, our_crl = (x509.load_der_x509_crl(bytes.fromhex(item[member])) for item in (real_collateral, ours))
        assert shape(our_crl) == shape(real_crl)
        assert our_crl.issuer == real_crl.issuer
        assert [[extension.oid for extension in entry.extensions] for entry in our_crl][:1] == \
               [[extension.oid for extension in entry.extensions] for entry in real_crl][:1]


def test_collateral_has_the_members_of_real_one(world: World, real_collateral: dict[str, str]) -> None:
    ours = json.loads(world.collateral())
    assert set(ours) == set(real_collateral) - {"pck_certificate_chain"}
    for member in ("tcb_info", "qe_identity"):
        our_keys, real_keys = list(json.loads(ours[member])), list(json.loads(real_collateral[member]))
        assert our_keys == real_keys
        assert json.dumps(json.loads(ours[member]), separators=(",", ":")) == ours[member], "compact, as Intel serves it"


def test_chain_is_signed_and_bounded(our_chain: list[x509.Certificate]) -> None:
    leaf, ca, root = our_chain
    leaf.verify_directly_issued_by(ca)
    ca.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(False, None)
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 0)
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 1)


def test_processor_ca_issues_the_short_extension(world: World) -> None:
    minted = world.mint(platform={"ca": "processor"})
    leaf = x509.load_pem_x509_certificates(minted.quote[minted.quote.index(b"-----BEGIN"):].rstrip(b"\0"))[0]
    assert len(elements(leaf.extensions.get_extension_for_oid(x509.ObjectIdentifier(ROOT)).value.value)) == 5  # type: ignore[attr-defined]


@pytest.mark.parametrize("changes", [
    {"serial": 5}, {"not_after": 0}, {"algorithm": der.sequence(der.oid("1.2.840.10045.4.3.3"))}, {"signature": bytes(8)},
    {"extensions": {"key_usage": None}}, {"extra_extensions": (Extension("1.2.3", b"\x05\0", critical=True),)},
    {"trailing": b"\0"}, {"signer": "a stranger"}, {"key": "another"}, {"version": None},
])
@pytest.mark.parametrize("role", ["root", "platform_ca", "tcb_signer", "pck"])
def test_every_field_may_be_changed(world: World, role: str, changes: dict[str, object]) -> None:
    def issue(pki: Pki) -> bytes:
        if role == "pck":
            return pki.pck(world.platform).der
        return {"root": pki.root, "tcb_signer": pki.tcb_signer, "platform_ca": pki.pck_ca("platform")}[role].der
    assert issue(Pki(world.seed, world.now, {role: changes})) != issue(Pki(world.seed, world.now))


def test_revoked_roles_are_listed(world: World) -> None:
    bundle = json.loads(world.mint("pck_revoked").collateral_json)
    crl = x509.load_der_x509_crl(bytes.fromhex(bundle["pck_crl"]))
    assert crl.get_revoked_certificate_by_serial_number(world.pki.pck(world.platform).fields.serial) is not None


@pytest.mark.parametrize(("value", "expected"), [(0, "020100"), (127, "02017f"), (128, "02020080"), (256, "02020100"), (-1, "0201ff"), (-129, "0202ff7f")])
def test_integers_are_minimal(value: int, expected: str) -> None:
    assert der.integer(value).hex() == expected
