"""Rows 7.1 (format), 7.6 (signature and body)."""
from __future__ import annotations

import json

from casebook.book import HEALTHY, re_pem
from casebook.outcome import Verdict
from casebook.rows import Rows
from casebook.signatures import ORDER, raw
from casebook.structure import put, u16, u32
from simulator.minted import Minted

SGX = Verdict(module=None)
SEPT_VE = 1 << 28


def write(rows: Rows) -> None:
    write_header(rows)
    write_lengths(rows)
    write_certification(rows)
    write_chain_text(rows)
    write_signatures(rows)
    write_body(rows)


def write_header(rows: Rows) -> None:
    book = rows.book
    sound, v4 = book.sound, book.sound.quote
    v5 = book.world.mint(kind="tdx-v5-type3").quote
    v3 = book.world.mint(kind="sgx-v3").quote
    noise = book.world.seed.derive("noise", 40)
    rows.case("f01", "empty", sound, "EVIDENCE_QUOTE_TRUNCATED", quote=b"")
    rows.case("f01", "40 random bytes", sound, "EVIDENCE_QUOTE_TRUNCATED", quote=noise)
    rows.case("f01", "random bytes", sound, "EVIDENCE_QUOTE_VERSION", quote=noise * 30)
    for length in (1, 47, 48, 631, 635, 636, 699, 763, 769, 1153, 1217, 1219, 1251, 1257, len(v4) - 1):
        rows.case("f02", f"cut at {length}", sound, "EVIDENCE_QUOTE_TRUNCATED", quote=v4[:length])
    for version in (0, 1, 2, 6, 255, 65535):
        rows.case("f03", f"version {version}", sound, "EVIDENCE_QUOTE_VERSION", quote=put(v4, 0, u16(version)))
    for kind in (0, 1, 3, 255):
        rows.case("f04", f"key type {kind}", sound, "EVIDENCE_QUOTE_KEY_TYPE", quote=put(v4, 2, u16(kind)))
    for tee in (1, 0x80, 0x82, 0x81000000):
        rows.case("f05", f"TEE type {tee:x}", sound, "EVIDENCE_QUOTE_TEE_TYPE", quote=put(v4, 4, u32(tee)))
    rows.case("f06", "version 3 of TDX", sound, "EVIDENCE_QUOTE_TEE_TYPE", quote=put(v3, 4, u32(0x81)))
    enclave = book.world.mint(kind="sgx-v4")
    rows.case("f07", "version 4 of SGX", enclave, book.accepted(enclave, SGX))
    rows.case("f07", "version 4 of SGX where only version 3 is accepted", enclave, ("SGX_VERSION", SGX), options={"sgx_v3_only": True})
    rows.case("f07", "version 4 of SGX within the intersection", enclave, ("STRICT_INTERSECTION", SGX), options={"strict_intersection": True})
    rows.case("f08", "version 5 on version 4", sound, "EVIDENCE_QUOTE_BODY_TYPE", quote=put(v4, 0, u16(5)))
    for kind in (0, 5, 65535):
        rows.case("f09", f"body type {kind}", sound, "EVIDENCE_QUOTE_BODY_TYPE", quote=put(v5, 48, u16(kind)))
    for size in (0, 584, 647, 649, 0xFFFFFFFF):
        rows.case("f10", f"body size {size}", sound, "EVIDENCE_QUOTE_BODY_SIZE", quote=put(v5, 50, u32(size)))
    rows.case("f11", "TDX with an enclave's body", sound, "EVIDENCE_QUOTE_TEE_MISMATCH", quote=put(v5, 48, u16(1)))
    rows.case("f11", "SGX with a TD's body", sound, "EVIDENCE_QUOTE_TEE_MISMATCH", quote=put(book.world.mint(kind="sgx-v5").quote, 48, u16(2)))
    rows.case("f12", "body type 4", sound, "EVIDENCE_QUOTE_BODY_TYPE", quote=put(v5, 48, u16(4) + u32(885)))
    rows.case("f13", "vendor", sound, "EVIDENCE_QUOTE_VENDOR", quote=put(v4, 12, bytes([v4[12] ^ 1])))
    rows.case("f24", "first reserved word", book.world.mint(header={"reserved_1": 1}), "EVIDENCE_QUOTE_RESERVED")
    rows.case("f24", "second reserved word", book.world.mint(header={"reserved_2": 0x8000}), "EVIDENCE_QUOTE_RESERVED")


def write_lengths(rows: Rows) -> None:
    book = rows.book
    sound, v4 = book.sound, book.sound.quote
    enclave = book.world.mint(kind="sgx-v3")
    size = int.from_bytes(v4[632:636], "little")
    enclave_size = int.from_bytes(enclave.quote[432:436], "little")
    for name, value in (("plus one", size + 1), ("4 GiB", 0xFFFFFFFF), ("zero", 0), ("133", 133)):
        rows.case("f14", f"signature length {name}", sound, "EVIDENCE_QUOTE_TRUNCATED", quote=put(v4, 632, u32(value)))
    rows.case("f15", "signature length minus one", sound, "EVIDENCE_QUOTE_CERT_SIZE", quote=put(v4, 632, u32(size - 1)))
    rows.case("f15", "signature length minus one in version 3", enclave, "EVIDENCE_QUOTE_TRUNCATED", quote=put(enclave.quote, 432, u32(enclave_size - 1)))
    for kind in (5, 1, 7):
        rows.case("f16", f"outer type {kind}", book.world.mint(signature={"outer_type": kind}), "EVIDENCE_QUOTE_CERT_TYPE")
    rows.case("f17", "outer size plus one", sound, "EVIDENCE_QUOTE_CERT_SIZE", quote=put(v4, 766, u32(size - 133)))
    rows.case("f17", "outer size minus one", sound, "EVIDENCE_QUOTE_CERT_SIZE", quote=put(v4, 766, u32(size - 135)))
    for kind in (6, 7, 0, 0xFFFF):
        rows.case("f18", f"inner type {kind}", book.world.mint(signature={"certification_type": kind}), "EVIDENCE_QUOTE_CERT_TYPE")
    for wrap in range(0xFFFFFFFA, 0x100000000):
        rows.case("f19", f"inner size {wrap:x}", sound, "EVIDENCE_QUOTE_TRUNCATED", quote=put(v4, 1254, u32(wrap)))
    rows.case("f20", "authentication data of 65535 bytes", sound, "EVIDENCE_QUOTE_TRUNCATED", quote=put(v4, 1218, u16(65535)))
    rows.case("f21", "slack inside the outer size", book.world.mint(signature={"outer_slack": b"\0"}), "EVIDENCE_QUOTE_SIG_SLACK")
    rows.case("f22", "slack in version 3", book.world.mint(kind="sgx-v3", signature={"slack": b"\0"}), "EVIDENCE_QUOTE_SIG_SLACK")
    zeros, others = v4 + bytes(70), v4 + bytes(range(1, 40))
    rows.case("f23", "70 zero bytes behind", sound, book.accepted(sound), quote=zeros)
    rows.case("f23", "39 bytes behind", sound, book.accepted(sound), quote=others)
    rows.case("f23", "70 zero bytes behind where nothing else is accepted", sound, book.accepted(sound), quote=zeros, options={"strict_trailing": True})
    rows.case("f23", "39 bytes behind where only zeros are accepted", sound, ("TRAILING_BYTES", HEALTHY), quote=others, options={"strict_trailing": True})


def write_certification(rows: Rows) -> None:
    book = rows.book
    pki, machine = book.world.pki, book.world.platform
    bundle = json.loads(book.sound.collateral_json)
    chain = pki.pck(machine).pem + pki.pck_ca("platform").pem + pki.root.pem
    given = json.dumps({**bundle, "pck_certificate_chain": chain})
    encrypted = bytes(384) + machine.components + machine.pce_svn.to_bytes(2, "little") + machine.pce_id
    outside = book.world.mint(signature={"certification_type": 3, "certification_data": encrypted})
    rows.case("f25", "type 3 alone", outside, "DCAP_PCK_CHAIN_MISSING")
    rows.case("f26", "type 3 and a chain beside it", outside, book.accepted(outside), collateral=given)
    rows.case("f26", "type 3 and a chain beside it within the intersection", outside, ("STRICT_INTERSECTION", HEALTHY), collateral=given,
              options={"strict_intersection": True})
    rows.case("f27", "type 5 and its chain beside it", book.sound, None, collateral=given)
    other = book.world.mint(pki={"pck": {"key": "other-machine"}}).quote
    leaf = other[other.index(b"-----BEGIN"):].split(b"-----END CERTIFICATE-----\n")[0].decode() + "-----END CERTIFICATE-----\n"
    swapped = json.dumps({**bundle, "pck_certificate_chain": leaf + pki.pck_ca("platform").pem + pki.root.pem})
    rows.case("f27", "type 5 and another machine's chain beside it", book.sound, "DCAP_QE_REPORT_SIGNATURE", collateral=swapped)


def write_chain_text(rows: Rows) -> None:
    book = rows.book
    pki = book.world.pki
    pck, ca, root = pki.pck(book.world.platform).der, pki.pck_ca("platform").der, pki.root.der
    chain = re_pem(pck, ca, root)[:-1]
    first_end = chain.index(b"-----END") + len(b"-----END CERTIFICATE-----\n")
    texts: dict[str, tuple[bytes, str | None]] = {
        "NUL inside": (chain[:first_end] + b"\0" + chain[first_end:], "DCAP_PCK_CHAIN_PEM"),
        "text between": (chain[:first_end] + b"text\n" + chain[first_end:], "DCAP_PCK_CHAIN_PEM"),
        "broken base64": (chain.replace(b"MII", b"M!I", 1), "DCAP_PCK_CHAIN_PEM"),
        "one NUL behind": (chain + b"\0", None), "two NULs behind": (chain + b"\0\0", None), "CRLF": (chain.replace(b"\n", b"\r\n") + b"\0", None),
    }
    for what, (text, code) in texts.items():
        rows.case("f28", what, book.world.mint(pck_chain=text), code)
    for what, text in {"two": re_pem(pck, ca), "four": re_pem(pck, ca, root, root), "the leaf twice": re_pem(pck, pck, ca, root)}.items():
        rows.case("f29", what, book.world.mint(pck_chain=text), "DCAP_PCK_CHAIN_LENGTH")


def write_signatures(rows: Rows) -> None:
    book = rows.book
    sound, quote = book.sound, book.sound.quote
    r, s = int.from_bytes(quote[636:668], "big"), int.from_bytes(quote[668:700], "big")
    flipped = bytearray(quote)
    flipped[676] ^= 1
    rows.case("s01", "signature corrupted", sound, "DCAP_QUOTE_SIGNATURE", quote=bytes(flipped))
    for offset in (28, 47, 50, 65, 120, 170, 176, 184, 231, 240, 290, 376, 430, 480, 530, 567, 568, 600, 631):
        for bit in (0, 7):
            changed = bytearray(quote)
            changed[offset] ^= 1 << bit
            rows.case("s02", f"byte {offset} bit {bit}", sound, "DCAP_QUOTE_SIGNATURE", quote=bytes(changed))
    numbers = {"r 0": raw(0, s), "s 0": raw(r, 0), "r n": raw(ORDER, s), "s n": raw(r, ORDER), "r n and r": raw(ORDER + r, s), "s n and s": raw(r, ORDER + s),
               "r all ones": raw(2**256 - 1, s), "s all ones": raw(r, 2**256 - 1)}
    for what, signature in numbers.items():
        rows.case("s03", what, sound, "DCAP_QUOTE_SIGNATURE", quote=put(quote, 636, signature))
    rows.case("s04", "high s", sound, book.accepted(sound), quote=put(quote, 636, raw(r, ORDER - s)))
    descriptor = book.world.mint(kind="tdx-v5-type3", signature={"signed": lambda header, descriptor, body: header + body})
    rows.case("s05", "descriptor not signed", descriptor, "DCAP_QUOTE_SIGNATURE")
    rows.case("s06", "header not signed", book.world.mint(signature={"signed": lambda header, descriptor, body: body}), "DCAP_QUOTE_SIGNATURE")
    other = book.world.mint(label="other-server").quote
    rows.case("s16", "body of another quote", sound, "DCAP_QUOTE_SIGNATURE", quote=other[:632] + quote[632:])


def write_body(rows: Rows) -> None:
    book = rows.book

    def attributes(*bits: int) -> Minted:
        return book.world.mint(body={"td_attributes": sum((1 << bit for bit in bits), SEPT_VE).to_bytes(8, "little")})

    debug = book.world.mint(kind="sgx-v3", body={"attributes": bytes.fromhex("0700000000000000e700000000000000")})
    rows.case("s07", "debug enclave", debug, ("ENCLAVE_DEBUG", SGX))
    rows.case("s08", "debug TD", book.world.mint("debug"), ("DEBUG_MODE", HEALTHY))
    rows.case("s09", "SEPT_VE_DISABLE clear", book.world.mint("sept_ve_clear"), ("TD_SEPT_VE", HEALTHY))
    rows.case("s10", "reserved bits", attributes(8, 20, 40), ("TD_ATTRIBUTES_RESERVED", HEALTHY))
    rows.case("s11", "PKS", attributes(30), None)
    rows.case("s11", "KL", attributes(31), None)
    for bit in range(1, 8):
        rows.case("s12", f"bit {bit}", attributes(bit), ("TD_ATTRIBUTES_TUD", HEALTHY))
    for bit, code in ((29, "TD_MIGRATABLE"), (39, "TD_ATTRIBUTES_RESERVED"), (62, "TD_ATTRIBUTES_RESERVED"), (63, "TD_PERFMON")):
        rows.case("s12", f"bit {bit}", attributes(bit), (code, HEALTHY))
    for value in (0x2, 0x1, 1 << 40 | 0x602E7):
        rows.case("s13", f"XFAM {value:x}", book.world.mint(body={"xfam": value.to_bytes(8, "little")}), ("TD_XFAM", HEALTHY))
    service = book.world.mint(kind="tdx-v5-type3", body={"mr_service_td": bytes(47) + b"\x01"})
    rows.case("s14", "service TD", service, ("SERVICE_TD", HEALTHY.of_td15()))
    rows.case("s15", "signer of the module", book.world.mint(body={"mr_signer_seam": b"\x01" + bytes(47)}), "DCAP_TDX_MRSIGNERSEAM")
    rows.case("s17", "another key", book.world.mint("other_key"), ("KEY_BINDING", HEALTHY), bound=True)
    for kind, verdict in (("sgx-v3", SGX), ("tdx-v4", HEALTHY)):
        minted = book.world.mint(kind=kind)
        rows.case("s18", kind, minted, book.accepted(minted, verdict))
