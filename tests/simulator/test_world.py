"""Minted evidence: deterministic, well-formed, bound, and as an independent verifier sees it."""
from __future__ import annotations

import hashlib
import json
from pathlib import Path

import dcap_qvl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from simulator.certificate import FORMS, bind
from simulator.faults import FAULTS
from simulator.minted import Minted
from simulator.quote import KINDS
from simulator.world import World

ATTESTATION, QUOTE, EVENT_LOG = (f"1.3.6.1.4.1.62397.1.{number}" for number in (8, 1, 2))
#: Faults that leave the quote genuine: status and advisories.
STATES: list[tuple[str, str, list[str]]] = [
    ("sw_hardening_needed", "SWHardeningNeeded", ["INTEL-SA-00960"]),
    ("configuration_needed", "ConfigurationNeeded", ["INTEL-SA-00837"]),
    ("configuration_and_sw_hardening_needed", "ConfigurationAndSWHardeningNeeded", ["INTEL-SA-00837", "INTEL-SA-00960"]),
    ("out_of_date", "OutOfDate", ["INTEL-SA-00837", "INTEL-SA-00960"]),
    ("out_of_date_configuration_needed", "OutOfDateConfigurationNeeded", ["INTEL-SA-00837", "INTEL-SA-00960"]),
    ("module_out_of_date", "OutOfDate", ["INTEL-SA-01036"]),
    ("qe_out_of_date", "OutOfDate", ["INTEL-SA-00615"]),
    ("other_key", "UpToDate", []),
    ("other_mrtd", "UpToDate", []),
    ("no_quote", "UpToDate", []),
    ("unbound", "UpToDate", []),
    ("other_event_log", "UpToDate", []),
    ("other_kernel", "UpToDate", []),
]
#: Faults that the oracle sees, and a word of what it says.
REFUSALS = [
    ("debug", "Debug mode is enabled"),
    ("sept_ve_clear", "SEPT_VE_DISABLE"),
    ("tampered_signature", "report signature is invalid"),
    ("revoked_tcb", "Revoked"),
    ("unsupported_tcb", "No matching TCB level"),
    ("rogue_root", "Failed to parse root CA CRL"),
    ("pck_revoked", "CertRevoked"),
    ("pck_ca_revoked", "CertRevoked"),
    ("signer_revoked", "CertRevoked"),
    ("expired_tcb_info", "TCBInfo expired"),
    ("expired_qe_identity", "QE Identity expired"),
    ("other_fmspc", "Fmspc mismatch"),
    ("tampered_tcb_info", "Signature is invalid for tcb_info"),
    ("no_crl", "missing field `pck_crl`"),
]


def judge(minted: Minted) -> tuple[str, list[str]]:
    """Status and advisories that the published dcap-qvl package gives; ValueError when it refuses."""
    root = x509.load_pem_x509_certificate(minted.trust_anchor_pem.encode()).public_bytes(Encoding.DER)
    collateral = dcap_qvl.QuoteCollateralV3.from_json(minted.collateral_json)
    report = dcap_qvl.verify_with_root_ca(minted.quote, collateral, root, minted.now)
    return report.status, list(report.advisory_ids)


def refusal(minted: Minted) -> str:
    """Everything that the package says when it refuses."""
    with pytest.raises(ValueError) as refused:
        judge(minted)
    return f"{refused.value} {refused.value.__cause__}"


def payload(minted: Minted, oid: str) -> bytes:
    """What is in an extension, without the OCTET STRING inside extnValue."""
    extensions = x509.load_der_x509_certificate(minted.certificate_der).extensions
    value = extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value
    assert isinstance(value, x509.UnrecognizedExtension)
    assert value.value[0] == 4
    return value.value[2 + (value.value[1] & 0x7F if value.value[1] & 0x80 else 0):]


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_and_time_give_the_same_bytes(kind: str) -> None:
    assert World(7).mint(kind=kind).files() == World(7).mint(kind=kind).files()


def test_another_seed_gives_another_world() -> None:
    one, other = World(7).mint(), World(8).mint()
    assert one.trust_anchor_pem != other.trust_anchor_pem
    assert one.mr_td != other.mr_td
    assert one.key_pem != other.key_pem


def test_another_label_is_another_server_of_the_same_world(world: World) -> None:
    one, other = world.mint(), world.mint(label="second")
    assert one.collateral_json == other.collateral_json
    assert one.mr_td == other.mr_td
    assert one.spki != other.spki


@pytest.mark.parametrize("kind", ["tdx-v4", "tdx-v5-type2", "tdx-v5-type3", "sgx-v3"])
def test_a_healthy_quote_is_up_to_date(world: World, kind: str) -> None:
    assert judge(world.mint(kind=kind)) == ("UpToDate", [])


@pytest.mark.parametrize("ca", ["platform", "processor"])
@pytest.mark.parametrize("kind", ["tdx-v4", "sgx-v3"])
def test_either_ca_may_have_issued_the_pck_certificate(world: World, kind: str, ca: str) -> None:
    assert judge(world.mint(kind=kind, platform={"ca": ca})) == ("UpToDate", [])


@pytest.mark.parametrize(("fault", "status", "advisories"), STATES)
def test_a_machine_in_another_state(world: World, fault: str, status: str, advisories: list[str]) -> None:
    minted = world.mint(fault)
    assert judge(minted) == (status, advisories)
    assert minted.collateral_json == world.mint().collateral_json, "the collateral is the world's, whatever the machine's state"


@pytest.mark.parametrize(("fault", "reason"), REFUSALS)
def test_a_fault_that_the_oracle_refuses(world: World, fault: str, reason: str) -> None:
    assert reason in refusal(world.mint(fault))


def test_every_fault_was_tried() -> None:
    assert {fault for fault, *_ in [*STATES, *REFUSALS]} == set(FAULTS)


def test_the_certificate_of_another_machine_is_revoked_as_well(world: World) -> None:
    assert judge(world.mint("out_of_date"))[0] == "OutOfDate"
    revoked = world.mint("pck_revoked", platform={"components": bytes([4]) + world.platform.components[1:]})
    assert "CertRevoked" in refusal(revoked)


def test_an_unknown_fault_or_argument_is_an_error(world: World) -> None:
    with pytest.raises(ValueError, match="no fault is called"):
        world.mint("nonsense")
    with pytest.raises(TypeError):
        world.mint(nonsense=1)
    with pytest.raises(KeyError):
        world.mint(body={"nonsense": b""})
    with pytest.raises(ValueError, match="mr_td has 1 bytes"):
        world.mint(body={"mr_td": b"\0"})


@pytest.mark.parametrize("form", sorted(set(FORMS) - {"legacy-twice", "v0-twice"}))
@pytest.mark.parametrize("chain", ["kms", "self-signed"])
def test_a_certificate_of_every_form_reads_and_is_signed(world: World, form: str, chain: str) -> None:
    minted = world.mint(form=form, chain=chain)
    certificates = [x509.load_der_x509_certificate(item) for item in minted.chain]
    for child, parent in zip(certificates, certificates[1:] + certificates[-1:]):
        child.verify_directly_issued_by(parent)
    leaf = certificates[0]
    key = load_pem_private_key(minted.key_pem.encode(), None)
    assert key.public_key() == leaf.public_key()
    assert leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == minted.spki
    assert [extension.oid for extension in leaf.extensions][:2] == [x509.OID_KEY_USAGE, x509.OID_EXTENDED_KEY_USAGE]
    assert len(certificates) == (3 if chain == "kms" else 1)


@pytest.mark.parametrize("form", ["legacy-twice", "v0-twice"])
def test_a_repeated_extension_is_there_twice(world: World, form: str) -> None:
    with pytest.raises(x509.DuplicateExtension):
        x509.load_der_x509_certificate(world.mint(form=form).certificate_der).extensions  # noqa: B018


def test_report_data_commits_to_the_key(world: World) -> None:
    minted = world.mint()
    assert minted.field("report_data") == bind(minted.spki).hex()
    assert minted.field("report_data") == hashlib.sha512(b"ratls-cert:" + minted.spki).hexdigest()
    other = world.mint("other_key")
    assert other.field("report_data") != bind(other.spki).hex()


def test_v0_starts_as_the_format_says(world: World) -> None:
    minted = world.mint(form="v0")
    envelope = payload(minted, ATTESTATION)
    delivered = len(minted.quote) + 70
    assert envelope == minted.attestation.v0()
    assert envelope[:4] == b"\x00\x00" + (delivered << 2 | 1).to_bytes(2, "little")
    assert envelope[4:4 + delivered] == minted.quote + bytes(70)


def test_v1_starts_as_the_format_says(world: World) -> None:
    minted = world.mint(form="v1")
    envelope = payload(minted, ATTESTATION)
    start = bytes.fromhex("83a776657273696f6e01a8706c6174666f726d82a46b696e64a3746478a46461746182a571756f7465dc")
    assert envelope[:len(start)] == start
    assert envelope[len(start) + 2:len(start) + 11] == bytes.fromhex("04000200cc81000000")


def test_legacy_has_quote_and_event_log(world: World) -> None:
    minted = world.mint(form="legacy")
    assert payload(minted, QUOTE) == minted.quote + bytes(70)
    assert payload(minted, EVENT_LOG).decode() == minted.event_log


def test_contradicting_certificate_has_two_genuine_quotes(world: World) -> None:
    minted = world.mint(form="both-different")
    assert payload(minted, QUOTE)[:632] != payload(minted, ATTESTATION)[4:636]
    assert payload(minted, QUOTE)[:568] == payload(minted, ATTESTATION)[4:572], "they differ in REPORTDATA and what follows"


def test_events_replay_to_the_registers(world: World) -> None:
    minted = world.mint()
    registers = [bytes(48)] * 4
    for event in json.loads(minted.event_log):
        register = event["imr"]
        registers[register] = hashlib.sha384(registers[register] + bytes.fromhex(event["digest"])).digest()
    assert [register.hex() for register in registers] == [minted.field(f"rtmr{number}") for number in range(4)]
    assert all(any(register) for register in registers)


def test_runtime_digest_is_the_published_one() -> None:
    from simulator.event_log import Event
    digest = Event(3, "app-id", bytes.fromhex("5bb4ff9a3837357f19dc176407a5709c62eb6c56")).measured
    assert digest.hex() == "ddd202447c612b8bb8723d2ce3b9882b7cfc0ede203c36b15639cc80b181b61a7692850c5333a1c6effef82a73d0a4f2"


def test_key_provider_names_the_kms_root(world: World) -> None:
    minted = world.mint()
    root = x509.load_pem_x509_certificate(minted.kms_root_pem.encode())
    spki = root.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert json.loads(minted.guest.key_provider) == {"name": "kms", "id": spki.hex()}


def test_files_are_written(world: World, tmp_path: Path) -> None:
    minted = world.mint()
    minted.write(tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == minted.files()
    assert (tmp_path / "out/key.pem").stat().st_mode & 0o077 == 0
