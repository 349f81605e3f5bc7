"""How the TD or the enclave runs: attributes, XFAM, service TDs (DCAP rules 3.12, cases 7.6)."""
from __future__ import annotations

from casebook.book import HEALTHY, Book
from casebook.outcome import Verdict

SEPT_VE = 1 << 28
SGX = Verdict(module=None)


def bit_code(bit: int) -> str | None:
    """What a TD attribute bit leads to when it is set beside SEPT_VE_DISABLE; None is acceptance."""
    named = {0: "DEBUG_MODE", 27: "TD_LASS", 28: None, 29: "TD_MIGRATABLE", 30: None, 31: None, 63: "TD_PERFMON"}
    if bit in named:
        return named[bit]
    return "TD_ATTRIBUTES_TUD" if bit < 8 else "TD_ATTRIBUTES_RESERVED"


def write(book: Book) -> None:
    for bit in range(64):
        minted = book.world.mint(body={"td_attributes": (SEPT_VE | 1 << bit).to_bytes(8, "little")})
        code = bit_code(bit)
        expect = book.accepted(minted) if code is None else (code, HEALTHY)
        book.verify(f"attributes/td-bit-{bit:02}", f"TD attribute bit {bit} set", minted, expect)
    clear = book.world.mint("sept_ve_clear")
    book.verify("attributes/sept-ve-clear", "SEPT_VE_DISABLE clear", clear, ("TD_SEPT_VE", HEALTHY))
    book.verify("attributes/sept-ve-allowed", "SEPT_VE_DISABLE clear, and allowed", clear, book.accepted(clear, waived=("sept_ve",)),
                options={"allow_sept_ve": True})
    debug = book.world.mint("debug")
    book.verify("attributes/debug-allowed", "a debug TD, and allowed", debug, book.accepted(debug, waived=("debug_mode",)),
                options={"allow_debug_mode": True})
    write_choices(book)
    both = book.world.mint(body={"td_attributes": (SEPT_VE | 3).to_bytes(8, "little")})
    book.verify("attributes/debug-allowed-tud", "allowing debug does not allow the rest of its byte", both, ("TD_ATTRIBUTES_TUD", HEALTHY),
                options={"allow_debug_mode": True})
    write_xfam(book)
    write_enclaves(book)


def write_choices(book: Book) -> None:
    """Attributes that an option accepts, and no other option."""
    choices = {16: "allow_icssd", 27: "allow_lass", 29: "allow_migratable", 63: "allow_perfmon"}
    for bit, option in choices.items():
        minted = book.world.mint(body={"td_attributes": (SEPT_VE | 1 << bit).to_bytes(8, "little")})
        book.verify(f"attributes/td-bit-{bit:02}-allowed", f"TD attribute bit {bit} set, and allowed", minted,
                    book.accepted(minted, waived=(option.removeprefix("allow_"),)), options={option: True})
        others = {other: True for other in [*choices.values(), "allow_debug_mode", "allow_sept_ve", "allow_service_td"] if other != option}
        book.verify(f"attributes/td-bit-{bit:02}-others-allowed", f"TD attribute bit {bit} set, and everything else allowed", minted,
                    (bit_code(bit) or "", HEALTHY), options=others)
    tpa = book.world.mint(body={"td_attributes": (SEPT_VE | 1 << 62 | 1 << 16).to_bytes(8, "little")})
    book.verify("attributes/td-bit-62-icssd-allowed", "allowing ICSSD allows no other reserved bit", tpa, ("TD_ATTRIBUTES_RESERVED", HEALTHY),
                options={"allow_icssd": True})


def write_xfam(book: Book) -> None:
    for value, code in ((0x3, None), (0x602E7, None), (0x6DBE7, None), (0x2, "TD_XFAM"), (0x1, "TD_XFAM"), (1 << 40 | 0x602E7, "TD_XFAM"),
                        (0x602E7 | 0x8, "TD_XFAM")):
        minted = book.world.mint(body={"xfam": value.to_bytes(8, "little")})
        expect = book.accepted(minted) if code is None else (code, HEALTHY)
        book.verify(f"attributes/xfam-{value:x}", f"XFAM {value:#x}", minted, expect)
    service = book.world.mint(kind="tdx-v5-type3", body={"mr_service_td": bytes(47) + b"\x01"})
    book.verify("attributes/service-td", "a TD with a service TD bound to it", service, ("SERVICE_TD", HEALTHY.of_td15()))
    book.verify("attributes/service-td-allowed", "a TD with a service TD bound to it, and allowed", service,
                book.accepted(service, waived=("service_td",)), options={"allow_service_td": True})
    nameless = book.world.mint(body={"mr_seam": bytes(48)})
    book.verify("attributes/mr-seam-zero", "a TD report that names no TDX module", nameless, ("TD_MR_SEAM_ZERO", HEALTHY))


def write_enclaves(book: Book) -> None:
    debug = book.world.mint(kind="sgx-v3", body={"attributes": bytes.fromhex("0700000000000000e700000000000000")})
    book.verify("attributes/enclave-debug", "a debug enclave", debug, ("ENCLAVE_DEBUG", SGX))
    book.verify("attributes/enclave-debug-allowed", "a debug enclave, and allowed", debug, book.accepted(debug, SGX, waived=("debug_mode",)),
                options={"allow_debug_mode": True})
    unborn = book.world.mint(kind="sgx-v3", body={"attributes": bytes.fromhex("0400000000000000e700000000000000")})
    book.verify("attributes/enclave-init-clear", "an enclave that was not initialised", unborn, ("ENCLAVE_INIT", SGX))
