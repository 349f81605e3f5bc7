"""Quotes of Intel's formats v3, v4 and v5 (DCAP rules, section 1), every byte of which may be replaced."""
from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Callable, Mapping

from simulator.keys import Key

#: Layouts: field name to (offset, length). Names are those of the field table where it has one.
Layout = Mapping[str, tuple[int, int]]
HEADER: Layout = {
    "version": (0, 2), "attestation_key_type": (2, 2), "tee_type": (4, 4), "reserved_1": (8, 2), "reserved_2": (10, 2),
    "qe_vendor_id": (12, 16), "user_data": (28, 20),
}
ENCLAVE_REPORT: Layout = {
    "cpu_svn": (0, 16), "misc_select": (16, 4), "reserved_1": (20, 12), "isv_ext_prod_id": (32, 16), "attributes": (48, 16),
    "mr_enclave": (64, 32), "reserved_2": (96, 32), "mr_signer": (128, 32), "reserved_3": (160, 32), "config_id": (192, 64),
    "isv_prod_id": (256, 2), "isv_svn": (258, 2), "config_svn": (260, 2), "reserved_4": (262, 42), "isv_family_id": (304, 16),
    "report_data": (320, 64),
}
TD_REPORT_10: Layout = {
    "tee_tcb_svn": (0, 16), "mr_seam": (16, 48), "mr_signer_seam": (64, 48), "seam_attributes": (112, 8),
    "td_attributes": (120, 8), "xfam": (128, 8), "mr_td": (136, 48), "mr_config_id": (184, 48), "mr_owner": (232, 48),
    "mr_owner_config": (280, 48), "rtmr0": (328, 48), "rtmr1": (376, 48), "rtmr2": (424, 48), "rtmr3": (472, 48),
    "report_data": (520, 64),
}
TD_REPORT_15: Layout = {**TD_REPORT_10, "tee_tcb_svn_2": (584, 16), "mr_service_td": (600, 48)}
INTEL_QE_VENDOR = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
TEE_SGX, TEE_TDX = 0x00, 0x81


@dataclass(frozen=True)
class Kind:
    """A form of quote: header version, TEE, body layout and size, and v5's body type."""

    version: int
    tee: int
    layout: Layout
    size: int
    body_type: int | None = None


KINDS: Mapping[str, Kind] = {
    "tdx-v4": Kind(4, TEE_TDX, TD_REPORT_10, 584),
    "tdx-v5-type2": Kind(5, TEE_TDX, TD_REPORT_10, 584, 2),
    "tdx-v5-type3": Kind(5, TEE_TDX, TD_REPORT_15, 648, 3),
    "sgx-v3": Kind(3, TEE_SGX, ENCLAVE_REPORT, 384),
    "sgx-v4": Kind(4, TEE_SGX, ENCLAVE_REPORT, 384),
    "sgx-v5": Kind(5, TEE_SGX, ENCLAVE_REPORT, 384, 1),
}


@dataclass
class SignatureData:
    """What is signed with what, and how it is framed; None is the right value."""

    authentication_data: bytes = bytes(range(32))
    certification_type: int = 5
    certification_data: bytes | None = None  # the PCK chain in PEM and a NUL
    certification_size: int | None = None
    outer_type: int = 6  # v4, v5
    outer_size: int | None = None
    size: int | None = None  # the length word after the body
    quote_signature: bytes | None = None
    attestation_key: bytes | None = None
    qe_report_signature: bytes | None = None
    slack: bytes = b""  # after the certification data, inside the length word
    outer_slack: bytes = b""  # v4, v5: after the certification data, inside the outer size
    signed: Callable[[bytes, bytes, bytes], bytes] | None = None  # what the attestation key signs: header, descriptor, body


@dataclass
class Quote:
    """A quote before it is made: its parts by name, integers little-endian."""

    kind: Kind
    header: dict[str, bytes | int]
    body: dict[str, bytes | int]
    qe_report: dict[str, bytes | int]
    signature: SignatureData = field(default_factory=SignatureData)
    body_type: int | None = None  # v5: instead of the kind's
    body_size: int | None = None

    def build(self, attestation_key: Key, pck_key: Key, pck_chain: bytes) -> bytes:
        """Sign everything and write the quote. `pck_chain` is the type 5 certification data."""
        header = pack(HEADER, 48, {
            "version": self.kind.version, "attestation_key_type": 2, "tee_type": self.kind.tee,
            "qe_vendor_id": INTEL_QE_VENDOR, **self.header})
        body = pack(self.kind.layout, self.kind.size, self.body)
        descriptor = self.descriptor()
        data = self.signature_data(header, descriptor, body, attestation_key, pck_key, pck_chain)
        size = len(data) if self.signature.size is None else self.signature.size
        return header + descriptor + body + size.to_bytes(4, "little") + data

    def descriptor(self) -> bytes:
        """v5's body type and size; nothing in other versions."""
        if self.kind.body_type is None:
            return b""
        kind = self.kind.body_type if self.body_type is None else self.body_type
        size = self.kind.size if self.body_size is None else self.body_size
        return kind.to_bytes(2, "little") + size.to_bytes(4, "little")

    def signature_data(self, header: bytes, descriptor: bytes, body: bytes, attestation_key: Key, pck_key: Key,
                       pck_chain: bytes) -> bytes:
        parts = self.signature
        signed = (parts.signed or (lambda *pieces: b"".join(pieces)))(header, descriptor, body)
        point = attestation_key.point if parts.attestation_key is None else parts.attestation_key
        first = (attestation_key.sign_raw(signed) if parts.quote_signature is None else parts.quote_signature) + point
        rest = self.qe_part(point, pck_key) + self.certification(pck_chain)
        if self.kind.version == 3:
            return first + rest + parts.slack
        rest += parts.outer_slack
        size = len(rest) if parts.outer_size is None else parts.outer_size
        return first + parts.outer_type.to_bytes(2, "little") + size.to_bytes(4, "little") + rest + parts.slack

    def qe_part(self, point: bytes, pck_key: Key) -> bytes:
        """QE report, its signature, authentication data."""
        parts = self.signature
        digest = hashlib.sha256(point + parts.authentication_data).digest()
        report = pack(ENCLAVE_REPORT, 384, {"report_data": digest + bytes(32), **self.qe_report})
        signature = pck_key.sign_raw(report) if parts.qe_report_signature is None else parts.qe_report_signature
        length = len(parts.authentication_data).to_bytes(2, "little")
        return report + signature + length + parts.authentication_data

    def certification(self, pck_chain: bytes) -> bytes:
        parts = self.signature
        data = pck_chain if parts.certification_data is None else parts.certification_data
        size = len(data) if parts.certification_size is None else parts.certification_size
        return parts.certification_type.to_bytes(2, "little") + size.to_bytes(4, "little") + data


def pack(layout: Layout, size: int, values: Mapping[str, bytes | int]) -> bytes:
    """Write the named values at their places; what is not named is zero.

    Raises KeyError for a name that the layout lacks, ValueError for a value of another length."""
    out = bytearray(size)
    for name, value in values.items():
        offset, length = layout[name]
        data = value.to_bytes(length, "little") if isinstance(value, int) else value
        if len(data) != length:
            raise ValueError(f"{name} has {len(data)} bytes, its field {length}")
        out[offset:offset + length] = data
    return bytes(out)


def read_field(quote: bytes, name: str) -> bytes:
    """A field of the body of a well-formed quote, by name."""
    version, tee = quote[0], quote[4]
    start = 54 if version == 5 else 48
    layout = TD_REPORT_15 if tee == TEE_TDX else ENCLAVE_REPORT
    offset, length = layout[name]
    return quote[start + offset:start + offset + length]
