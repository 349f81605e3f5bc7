"""The collateral bundle as a whole (DCAP rules 2.8, 3.0, cases 7.8)."""
from __future__ import annotations

import json

from casebook.book import Book

REQUIRED = ("root_ca_crl", "pck_crl", "tcb_info_issuer_chain", "tcb_info", "tcb_info_signature", "qe_identity_issuer_chain", "qe_identity",
            "qe_identity_signature")


def write(book: Book) -> None:
    sound = json.loads(book.sound.collateral_json)
    for name in REQUIRED:
        without = {key: value for key, value in sound.items() if key != name}
        book.verify(f"collateral/without-{name.replace('_', '-')}", f"no {name}", book.sound, "COLLATERAL_MISSING", collateral=json.dumps(without))
        book.verify(f"collateral/empty-{name.replace('_', '-')}", f"an empty {name}", book.sound, "COLLATERAL_MISSING",
                    collateral=json.dumps({**sound, name: ""}))
    texts = {
        "empty": ("an empty file", "", "COLLATERAL_MISSING"),
        "not-json": ("a file that is not JSON", "not JSON", "COLLATERAL_FORMAT"),
        "array": ("a list", "[]", "COLLATERAL_FORMAT"),
        "number": ("a CRL that is a number", json.dumps({**sound, "pck_crl": 1}), "COLLATERAL_FORMAT"),
        "duplicate-key": ("a key twice", json.dumps(sound)[:-1] + ', "pck_crl": "00"}', "COLLATERAL_DUPLICATE_KEY"),
        "trailing": ("something after the object", json.dumps(sound) + "{}", "COLLATERAL_FORMAT"),
    }
    for name, (description, text, code) in texts.items():
        book.verify(f"collateral/{name}", description, book.sound, code, collateral=text)
    same = {
        "indented": json.dumps(sound, indent=2), "key-unknown": json.dumps({**sound, "later": 1}),
        "issuer-chain-garbage": json.dumps({**sound, "pck_crl_issuer_chain": "garbage"}),
        "issuer-chain-missing": json.dumps({key: value for key, value in sound.items() if key != "pck_crl_issuer_chain"}),
    }
    for name, text in same.items():
        book.verify(f"collateral/{name}", f"what does not matter: {name.replace('-', ' ')}", book.sound, book.accepted(book.sound), collateral=text)
    write_external_chain(book, sound)
    write_times(book)
    mixed = book.world.mint(kind="sgx-v3")
    book.verify("collateral/of-another-tee", "collateral for TDX beside an SGX quote", mixed, "COLLATERAL_TCB_INFO_TEE", collateral=book.sound.collateral_json)


def write_external_chain(book: Book, sound: dict[str, str]) -> None:
    """A PCK chain that comes with the collateral instead of the quote."""
    pki, machine = book.world.pki, book.world.platform
    chain = pki.pck(machine).pem + pki.pck_ca("platform").pem + pki.root.pem
    given = json.dumps({**sound, "pck_certificate_chain": chain})
    book.verify("collateral/chain-same", "a PCK chain beside the same one in the quote", book.sound, book.accepted(book.sound), collateral=given)
    plain = machine.ppid + machine.components + machine.pce_svn.to_bytes(2, "little") + machine.pce_id
    outside = book.world.mint(signature={"certification_type": 1, "certification_data": plain})
    book.verify("collateral/chain-for-type-1", "a PCK chain for a quote that names its platform only", outside, book.accepted(outside), collateral=given)
    wrong = plain[:16] + bytes([plain[16] ^ 1]) + plain[17:]
    mismatch = book.world.mint(signature={"certification_type": 1, "certification_data": wrong})
    book.verify("collateral/chain-for-another-cpusvn", "a PCK chain for a quote that names another CPUSVN", mismatch, "DCAP_PCK_CERT_MISMATCH",
                collateral=given)
    stranger = book.world.mint(signature={"certification_type": 1, "certification_data": bytes(16) + plain[16:]})
    book.verify("collateral/chain-for-another-ppid", "a PCK chain for a quote that names another PPID", stranger, "DCAP_PCK_CERT_MISMATCH",
                collateral=given)
    other = book.world.mint(pki={"pck": {"key": "other-machine"}})
    other_pck = other.quote[other.quote.index(b"-----BEGIN"):].split(b"-----END CERTIFICATE-----\n")[0].decode() + "-----END CERTIFICATE-----\n"
    swapped = json.dumps({**sound, "pck_certificate_chain": other_pck + pki.pck_ca("platform").pem + pki.root.pem})
    book.verify("collateral/chain-of-another-machine", "a PCK chain of another machine", book.sound, "DCAP_QE_REPORT_SIGNATURE", collateral=swapped)


def write_times(book: Book) -> None:
    """One set of evidence at different times."""
    day = 86400
    for name, at, code in (("before-collateral", book.now - 2 * day, "COLLATERAL_CRL_NOT_YET_VALID"),
                           ("after-collateral", book.now + 30 * day, "COLLATERAL_CRL_EXPIRED")):
        book.verify(f"collateral/time-{name}", f"sound evidence, verified {name.replace('-', ' ')}", book.sound, code, at=at)
    late = book.now + 29 * day
    book.verify("collateral/time-last-second", "sound evidence in the collateral's last second", book.sound, book.accepted(book.sound, at=late), at=late)
