"""What a certificate carries: every form of evidence, and every way in which it can be malformed (evidence format 1, 2)."""
from __future__ import annotations

import hashlib
from typing import Any, Callable

from casebook.book import Book
from simulator import der, messagepack, scale
from simulator.attestation import Attestation
from simulator.certificate import ARC, dstack_extension
from simulator.x509 import Extension

#: Forms of the simulator by what comes out: True is the quote, None no quote, text a code.
FORMS: dict[str, tuple[str, bool | None | str]] = {
    "v0": ("V0 envelope with the stripped event log, as dstack 0.5.9 and later issue it", True),
    "v0-full": ("V0 envelope with the complete event log", True),
    "v1": ("V1 envelope whose quote is an array of integers, as the simulators of 0.5.9 to 0.5.11 write it", True),
    "v1-full": ("V1 envelope with the complete event log", True),
    "v1-bin": ("V1 envelope whose quote is a bin", True),
    "legacy": ("quote in .1 and event log in .2, as releases up to 0.5.8 issue it", True),
    "legacy-no-log": ("quote in .1 without an event log beside it", True),
    "legacy-log-only": ("an event log in .2 without a quote is no quote", None),
    "legacy-bad-log": ("an event log in .2 that cannot be read loses the application, not the quote", True),
    "legacy-empty": ("an empty .1, as old simulators send it", "EVIDENCE_EXTENSION_EMPTY"),
    "legacy-garbage": ("a .1 that is no quote", "EVIDENCE_QUOTE_TRUNCATED"),
    "legacy-unwrapped": ("a .1 without the inner OCTET STRING", "EVIDENCE_EXTENSION_FORMAT"),
    "legacy-twice": ("the .1 extension twice", "EVIDENCE_EXTENSION_DUPLICATE"),
    "both-equal": (".1 and .8 with the same quote", True),
    "both-different": (".1 and .8 with different quotes", "EVIDENCE_CONFLICT"),
    "v0-twice": ("the .8 extension twice", "EVIDENCE_EXTENSION_DUPLICATE"),
    "v0-unwrapped": ("a .8 without the inner OCTET STRING", "EVIDENCE_EXTENSION_FORMAT"),
    "v0-trailing": ("a byte after a V0 envelope", "EVIDENCE_SCALE_FORMAT"),
    "attestation-empty": ("an empty .8", "EVIDENCE_EXTENSION_EMPTY"),
    "attestation-garbage": ("a .8 that is neither V0 nor V1", "EVIDENCE_ENVELOPE_VERSION"),
    "none": ("a certificate without evidence", None),
    "v0-gcp-tdx": ("V0 of a TD on Google's cloud: refused, whatever quote is inside", "EVIDENCE_UNSUPPORTED_TEE"),
    "v1-gcp-tdx": ("V1 of a TD on Google's cloud: refused, whatever quote is inside", "EVIDENCE_UNSUPPORTED_TEE"),
    "v0-gcp-tdx-empty": ("V0 of a TD on Google's cloud from a release that left its body empty", "EVIDENCE_UNSUPPORTED_TEE"),
    "v1-gcp-tdx-empty": ("V1 of a TD on Google's cloud from a release that left its body empty", "EVIDENCE_UNSUPPORTED_TEE"),
    "v0-nitro-enclave": ("V0 of a Nitro enclave", "EVIDENCE_UNSUPPORTED_TEE"),
    "v1-nitro-enclave": ("V1 of a Nitro enclave", "EVIDENCE_UNSUPPORTED_TEE"),
    "v0-nitro-enclave-empty": ("V0 of a Nitro enclave with an empty body", "EVIDENCE_UNSUPPORTED_TEE"),
    "v1-nitro-enclave-empty": ("V1 of a Nitro enclave with an empty body", "EVIDENCE_UNSUPPORTED_TEE"),
    "v0-sev-snp": ("V0 of an AMD SEV-SNP guest", "EVIDENCE_UNSUPPORTED_TEE"),
    "v1-sev-snp": ("V1 of an AMD SEV-SNP guest", "EVIDENCE_UNSUPPORTED_TEE"),
    "v0-aws-nitro-tpm": ("V0 of a Nitro TPM instance", "EVIDENCE_UNSUPPORTED_TEE"),
    "v1-aws-nitro-tpm": ("V1 of a Nitro TPM instance", "EVIDENCE_UNSUPPORTED_TEE"),
}


def write(book: Book) -> None:
    for form, (description, expect) in FORMS.items():
        minted = book.world.mint(form=form)
        book.extract(form, description, minted.certificate_der, minted.quote if expect is True else expect)
    write_v0(book)
    write_v1(book)
    write_pods(book)
    write_certificates(book)


def with_payload(book: Book, payload: bytes, number: int = 8) -> bytes:
    """A certificate whose extension holds this payload."""
    return book.world.mint(extensions=(dstack_extension(number, payload),)).certificate_der


def write_v0(book: Book) -> None:
    attestation = book.sound.attestation
    sound = attestation.v0()
    quote = book.sound.quote
    after_quote = 2 + len(scale.byte_vector(attestation.quote))
    report_data = sound.index(attestation.report_data, after_quote)
    cases: dict[str, tuple[str, bytes, bytes | str]] = {
        "v0-variant-unknown": ("V0 with a platform that does not exist", sound[:1] + b"\x05" + sound[2:], "EVIDENCE_SCALE_FORMAT"),
        "v0-cut-in-quote": ("V0 that ends inside the quote", sound[:1000], "EVIDENCE_SCALE_FORMAT"),
        "v0-cut-in-events": ("V0 that ends inside the event log", sound[:after_quote + 40], "EVIDENCE_SCALE_FORMAT"),
        "v0-cut-in-report-data": ("V0 that ends inside report_data", sound[:report_data + 63], "EVIDENCE_SCALE_FORMAT"),
        "v0-cut-before-config": ("V0 without its configuration", sound[:report_data + 64], "EVIDENCE_SCALE_FORMAT"),
        "v0-cut-last-byte": ("V0 without its last byte", sound[:-1], "EVIDENCE_SCALE_FORMAT"),
        "v0-version-byte-only": ("V0 that is one byte", b"\x00", "EVIDENCE_SCALE_FORMAT"),
        "v0-length-not-minimal": ("V0 whose quote length is written longer than it has to be",
                                  sound[:2] + (len(attestation.quote) << 2 | 2).to_bytes(4, "little") + attestation.quote + sound[after_quote:],
                                  "EVIDENCE_SCALE_FORMAT"),
        "v0-length-big-integer": ("V0 whose quote length is in SCALE's big-integer mode", sound[:2] + b"\x03\x00\x00\x00\x40" + sound[4:],
                                  "EVIDENCE_SCALE_FORMAT"),
        "v0-config-empty": ("V0 with an empty configuration", Attestation(**{**vars(attestation), "config": ""}).v0(), quote),
        "v0-config-not-utf8": ("V0 whose configuration is not UTF-8", sound[:report_data + 64] + scale.byte_vector(b"\xff\xfe"),
                               "EVIDENCE_SCALE_FORMAT"),
        "v0-no-events": ("V0 without any event", Attestation(**{**vars(attestation), "events": []}).v0(), quote),
        "v0-quote-empty": ("V0 with a quote of no bytes", Attestation(**{**vars(attestation), "quote": b""}).v0(), "EVIDENCE_QUOTE_TRUNCATED"),
        "v0-quote-garbage": ("V0 whose quote is no quote", Attestation(**{**vars(attestation), "quote": b"\x09" * 700}).v0(),
                             "EVIDENCE_QUOTE_VERSION"),
        "v0-quote-sgx": ("V0 whose quote is an SGX quote", Attestation(**{**vars(attestation), "quote": book.world.mint(kind="sgx-v4").quote}).v0(),
                         "EVIDENCE_QUOTE_NOT_TDX"),
        "v0-quote-v5": ("V0 whose quote has version 5",
                        Attestation(**{**vars(attestation), "quote": book.world.mint(kind="tdx-v5-type3").quote}).v0(),
                        book.world.mint(kind="tdx-v5-type3").quote),
        "v0-quote-cut": ("V0 whose quote ends early", Attestation(**{**vars(attestation), "quote": quote[:-1]}).v0(), "EVIDENCE_QUOTE_TRUNCATED"),
    }
    for name, (description, payload, expect) in cases.items():
        book.extract(name, description, with_payload(book, payload), expect)


def write_v1(book: Book) -> None:
    attestation = Attestation(**{**vars(book.sound.attestation), "bytes_as_bin": True})

    def changed(change: Callable[[dict[str, Any]], None]) -> bytes:
        document = attestation.v1_document()
        change(document)
        return messagepack.pack(document)

    def set_in(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
        def change(document: dict[str, Any]) -> None:
            *parents, last = path.split(".")
            for key in parents:
                document = document[key]
            document[last] = value
        return change

    def remove(path: str) -> Callable[[dict[str, Any]], None]:
        def change(document: dict[str, Any]) -> None:
            *parents, last = path.split(".")
            for key in parents:
                document = document[key]
            del document[last]
        return change

    def reorder(document: dict[str, Any]) -> None:
        for key in reversed(list(document)):
            document[key] = document.pop(key)

    quote = book.sound.quote
    sound = attestation.v1()
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    listed = list(attestation.quote)
    cases: dict[str, tuple[str, bytes, bytes | str]] = {
        "v1-keys-in-another-order": ("V1 whose keys come in another order", changed(reorder), quote),
        "v1-key-unknown": ("V1 with keys that are not known, which are ignored", changed(set_in("later", {"a": [1, None, True]})), quote),
        "v1-key-twice": ("V1 with one key twice", b"\x84" + sound[1:] + messagepack.pack("version") + b"\x01", "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-version-2": ("V1 that says version 2", changed(set_in("version", 2)), "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-version-missing": ("V1 without a version", changed(remove("version")), "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-platform-missing": ("V1 without a platform", changed(remove("platform")), "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-stack-missing": ("V1 without a stack", changed(remove("stack")), "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-quote-missing": ("V1 without a quote", changed(remove("platform.data.quote")), "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-platform-unknown": ("V1 of a platform that is not known", changed(set_in("platform.kind", "sgx")), "EVIDENCE_UNSUPPORTED_TEE"),
        "v1-stack-unknown": ("V1 of a stack that is not known", changed(set_in("stack.kind", "other")), "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-quote-element-256": ("V1 whose quote has an element above 255", changed(set_in("platform.data.quote", [*listed[:-1], 256])),
                                 "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-quote-is-text": ("V1 whose quote is text", changed(set_in("platform.data.quote", "quote")), "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-report-data-short": ("V1 whose report_data has 63 bytes", changed(set_in("stack.data.report_data", bytes(63))),
                                 "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-nested-too-deep": ("V1 with a value nested forty deep", changed(set_in("later", deep)), "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-trailing": ("a byte after a V1 envelope", sound + b"\x00", "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-cut": ("V1 without its last byte", sound[:-1], "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-array": ("V1 that is an array", b"\x93" + sound[1:], "EVIDENCE_ENVELOPE_VERSION"),
        "v1-empty-map": ("V1 that is an empty map", b"\x80", "EVIDENCE_MESSAGEPACK_FORMAT"),
        "v1-quote-garbage": ("V1 whose quote is no quote", changed(set_in("platform.data.quote", b"\x09" * 700)), "EVIDENCE_QUOTE_VERSION"),
    }
    for name, (description, payload, expect) in cases.items():
        book.extract(name, description, with_payload(book, payload), expect)


def write_pods(book: Book) -> None:
    """A pod's report_data commits to a payload that the envelope carries (evidence format 2.6)."""
    payload = "what the pod said"
    minted = book.world.mint(report_data=hashlib.sha512(b"app-data:" + payload.encode()).digest())
    for name, said, expect in (("v1-pod", payload, minted.quote), ("v1-pod-payload-differs", payload + "!", "EVIDENCE_REPORT_DATA_PAYLOAD")):
        document = minted.attestation.v1_document()
        document["stack"]["kind"] = "dstack-pod"
        document["stack"]["data"]["report_data_payload"] = said
        book.extract(name, f"V1 of a pod: {name}", with_payload(book, messagepack.pack(document)), expect)


def write_certificates(book: Book) -> None:
    sound = book.sound.certificate_der
    quote_extension = dstack_extension(1, book.sound.quote)
    critical = book.world.mint(extensions=(Extension(quote_extension.oid, quote_extension.value, critical=True),))
    trailing_inside = Extension(f"{ARC}.1", quote_extension.value + b"\0")
    long_form = Extension(f"{ARC}.1", b"\x04\x83\x00" + len(book.sound.quote).to_bytes(2, "big") + book.sound.quote)
    trailing = book.sound.quote + bytes(39)
    cases: dict[str, tuple[str, bytes, bytes | None | str]] = {
        "certificate-empty": ("nothing at all", b"", "EVIDENCE_CERTIFICATE_FORMAT"),
        "certificate-cut": ("a certificate without its last byte", sound[:-1], "EVIDENCE_CERTIFICATE_FORMAT"),
        "certificate-trailing": ("a byte after the certificate", sound + b"\0", "EVIDENCE_CERTIFICATE_FORMAT"),
        "certificate-indefinite-length": ("a certificate of indefinite length", b"\x30\x80" + sound[4:] + b"\0\0", "EVIDENCE_CERTIFICATE_FORMAT"),
        "certificate-length-not-minimal": ("a certificate whose length is written longer than it has to be",
                                           b"\x30\x83\x00" + sound[2:], "EVIDENCE_CERTIFICATE_FORMAT"),
        "certificate-not-a-sequence": ("an OCTET STRING", der.octet_string(sound), "EVIDENCE_CERTIFICATE_FORMAT"),
        "extension-trailing": ("a .1 with a byte after the inner OCTET STRING", book.world.mint(extensions=(trailing_inside,)).certificate_der,
                               "EVIDENCE_EXTENSION_FORMAT"),
        "extension-length-not-minimal": ("a .1 whose inner length is written longer than it has to be",
                                         book.world.mint(extensions=(long_form,)).certificate_der, "EVIDENCE_EXTENSION_FORMAT"),
        "extension-critical": ("a .1 that is critical", critical.certificate_der, book.sound.quote),
        "event-log-twice": ("the .2 extension twice", book.world.mint(
            extensions=(quote_extension, dstack_extension(2, b"[]"), dstack_extension(2, b"[]"))).certificate_der, "EVIDENCE_EXTENSION_DUPLICATE"),
        "quote-trailing": ("39 bytes after the quote in .1 are not part of it", with_payload(book, trailing, 1), book.sound.quote),
        "quote-sgx": ("an SGX quote in .1", with_payload(book, book.world.mint(kind="sgx-v3").quote, 1), "EVIDENCE_QUOTE_NOT_TDX"),
        "quote-v5": ("a version 5 quote of TD 1.5 in .1", with_payload(book, book.world.mint(kind="tdx-v5-type3").quote, 1),
                     book.world.mint(kind="tdx-v5-type3").quote),
        "self-signed": ("a certificate that is self-signed", book.world.mint(chain="self-signed").certificate_der,
                        book.world.mint(chain="self-signed").quote),
        "other-arc": ("evidence under an OID of nobody", book.world.mint(
            extensions=(Extension("1.3.6.1.4.1.62397.2.8", der.octet_string(book.sound.attestation.v0())),)).certificate_der, None),
    }
    for name, (description, certificate, expect) in cases.items():
        book.extract(name, description, certificate, expect)
