"""Verified quotes of every kind, and quotes that are malformed (DCAP rules 1, cases 7.1)."""
from __future__ import annotations

from casebook.book import HEALTHY, Book, re_pem
from casebook.outcome import Verdict
from casebook.structure import signature_cases

SGX = Verdict(module=None)


def write(book: Book) -> None:
    for kind in ("tdx-v4", "tdx-v5-type2", "tdx-v5-type3"):
        minted = book.world.mint(kind=kind)
        book.verify(f"quote/{kind}", f"a sound {kind} quote", minted, book.accepted(minted))
    for kind in ("sgx-v3", "sgx-v4", "sgx-v5"):
        minted = book.world.mint(kind=kind)
        book.verify(f"quote/{kind}", f"a sound {kind} quote", minted, book.accepted(minted, SGX))
    trailing = book.sound.quote + bytes(range(1, 40))
    book.verify("quote/trailing", "bytes after the quote are not signed and not read", book.sound, book.accepted(book.sound), quote=trailing)
    processor = book.world.mint(platform={"ca": "processor"})
    book.verify("quote/processor-ca", "a TDX machine with one package, under the Processor CA", processor, book.accepted(
        processor, platform={**book.platform(), "platform_instance_id": None}))
    for name, (description, fault, code) in signature_cases(book).items():
        if isinstance(fault, bytes):
            book.verify(f"quote/{name}", description, book.sound, code, quote=fault)
        else:
            book.verify(f"quote/{name}", description, book.world.mint(**fault), code)
    write_chains(book)


def write_chains(book: Book) -> None:
    """Certification data of type 5: the PEM chain (DCAP rules 1.7)."""
    pki, machine = book.world.pki, book.world.platform
    pck, ca, root = pki.pck(machine).der, pki.pck_ca("platform").der, pki.root.der
    chain = re_pem(pck, ca, root)[:-1]
    first_end = chain.index(b"-----END") + len(b"-----END CERTIFICATE-----\n")
    cases: dict[str, tuple[str, bytes, str | None]] = {
        "without-nul": ("no NUL after the chain", chain, None),
        "two-nuls": ("two NULs after the chain", chain + b"\0\0", None),
        "crlf": ("CRLF line ends", chain.replace(b"\n", b"\r\n") + b"\0", None),
        "order": ("root, CA, leaf", re_pem(root, ca, pck), None),
        "nul-inside": ("a NUL between two certificates", chain[:first_end] + b"\0" + chain[first_end:], "DCAP_PCK_CHAIN_PEM"),
        "text-between": ("text between two certificates", chain[:first_end] + b"text\n" + chain[first_end:], "DCAP_PCK_CHAIN_PEM"),
        "base64-broken": ("a character that is not base64", chain.replace(b"MII", b"M!I", 1), "DCAP_PCK_CHAIN_PEM"),
        "empty": ("an empty chain", b"", "DCAP_PCK_CHAIN_LENGTH"),
        "one": ("the leaf only", re_pem(pck), "DCAP_PCK_CHAIN_LENGTH"),
        "two": ("leaf and CA, no root", re_pem(pck, ca), "DCAP_PCK_CHAIN_LENGTH"),
        "four": ("the leaf twice", re_pem(pck, pck, ca, root), "DCAP_PCK_CHAIN_LENGTH"),
        "der-trailing": ("a byte after a certificate's DER", re_pem(pck + b"\0", ca, root), "DCAP_CERT_FORMAT"),
    }
    for name, (description, data, code) in cases.items():
        minted = book.world.mint(pck_chain=data)
        expect = code if code is not None else book.accepted(minted, HEALTHY)
        book.verify(f"quote/chain-{name}", f"PCK chain: {description}", minted, expect)
