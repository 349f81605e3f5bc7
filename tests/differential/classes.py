"""Why two verifiers may answer differently: every difference is one of these, by our code, or a mistake of somebody's.

The numbers are the rows of the table in DCAP rules 4. What is not here is not known, and fails.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

BOTH = ("pypi", "npm")
NPM, PYPI = ("npm",), ("pypi",)


@dataclass(frozen=True)
class Difference:
    """A class: of which oracles, which code or statuses of ours, and what the message must say besides."""

    oracles: tuple[str, ...]
    codes: tuple[str, ...]
    name: str
    reason: str
    message: str = ""


#: We refuse, it accepts.
REFUSED = (
    Difference(BOTH, ("EVIDENCE_QUOTE_SIG_SLACK", "EVIDENCE_QUOTE_CERT_SIZE"), "slack", "bytes inside the signature data that nobody reads (9)"),
    Difference(BOTH, ("EVIDENCE_QUOTE_CERT_TYPE",), "certification type", "any outer type, and inner types beside a chain of their own (6, 7)"),
    Difference(BOTH, ("EVIDENCE_QUOTE_RESERVED",), "reserved words", "reserved words of the header may be anything (F24)"),
    Difference(BOTH, ("EVIDENCE_QUOTE_BODY_SIZE", "EVIDENCE_QUOTE_BODY_TYPE", "EVIDENCE_QUOTE_TEE_MISMATCH"), "body descriptor",
               "the descriptor's size is not compared, and one says what the other may not be (3, 4)"),
    Difference(BOTH, ("EVIDENCE_QUOTE_TOO_LARGE",), "sizes", "no limit, or a larger one (I3)"),
    Difference(BOTH, ("DCAP_PCK_CHAIN_PEM", "COLLATERAL_PEM", "DCAP_PCK_CHAIN_LENGTH", "COLLATERAL_SIGNER_CHAIN_LENGTH"), "PEM",
               "text around PEM blocks, loose base64, blocks that are not needed (10, 20)"),
    Difference(PYPI, ("DCAP_CERT_FORMAT", "DCAP_CERT_KEY", "DCAP_CERT_SIGNATURE", "DCAP_CERT_EXT", "DCAP_CERT_CA", "DCAP_CERT_EXPIRED", "DCAP_CERT_SIGALG",
                      "DCAP_CERT_NOT_YET_VALID", "DCAP_CERT_AKI", "COLLATERAL_CERT_FORMAT", "COLLATERAL_CERT_KEY", "COLLATERAL_CERT_SIGNATURE",
                      "COLLATERAL_CERT_EXT", "COLLATERAL_CERT_CA", "COLLATERAL_CERT_EXPIRED", "COLLATERAL_CERT_SIGALG", "COLLATERAL_CERT_NOT_YET_VALID"),
               "root certificate", "the root in the chain is not looked at: only its key counts, which is given (15, 18)", "root certificate"),
    Difference(PYPI, ("DCAP_CERT_ROOT_NAME", "COLLATERAL_CERT_ROOT_NAME", "DCAP_CERT_ROOT_UNTRUSTED", "COLLATERAL_CERT_ROOT_UNTRUSTED"), "root certificate",
               "the root in the chain is not looked at: only its key counts, which is given (15, 18)"),
    Difference(BOTH, ("DCAP_CERT_EXT", "COLLATERAL_CERT_EXT", "DCAP_CERT_CA", "COLLATERAL_CERT_CA", "DCAP_CERT_ROLE", "COLLATERAL_CERT_ROLE"), "certificate profile",
               "extensions that Intel's certificates always have, and what they say, are not asked for (16, 17)"),
    Difference(BOTH, ("DCAP_CERT_FORMAT", "COLLATERAL_CERT_FORMAT"), "serial numbers", "a serial number may be zero or longer than 20 bytes (X12)", "serial number"),
    Difference(BOTH, ("DCAP_PCK_SGX_EXT_FORMAT",), "SGX extension", "only the elements that are used are looked for (2.4)"),
    Difference(BOTH, ("DCAP_PCK_CPUSVN_INCONSISTENT",), "CPUSVN", "one of the two places that have the platform's versions is not read (42)"),
    Difference(BOTH, ("DCAP_PCK_NAME", "DCAP_PCK_CA_NAME", "COLLATERAL_SIGNER_NAME"), "names", "who may sign what is not told by names (11, 19)"),
    Difference(BOTH, ("COLLATERAL_CRL_NOT_YET_VALID",), "CRL of the future", "thisUpdate is not compared (24)"),
    Difference(BOTH, ("COLLATERAL_CRL_EXT",), "CRL extensions", "what a list has to have, and critical extensions of its own, are not looked at (26)"),
    Difference(NPM, ("COLLATERAL_CRL_FORMAT", "COLLATERAL_CRL_SIGALG", "COLLATERAL_CRL_ISSUER", "COLLATERAL_CRL_SIGNATURE", "COLLATERAL_CRL_EXPIRED"), "CRL unverified",
               "a list is searched for serial numbers and not verified; one that cannot be read is left out (23, 25, 27)"),
    Difference(NPM, ("COLLATERAL_MISSING",), "CRL left out", "a list that is empty is left out", "crl"),
    Difference(NPM, ("COLLATERAL_MISSING", "COLLATERAL_FORMAT"), "bundle", "a part of the bundle that is not used may be anything"),
    Difference(PYPI, ("COLLATERAL_CRL_FORMAT",), "CRL form", "DER that is not strict where nothing is read from it (L1)"),
    Difference(BOTH, ("COLLATERAL_TCB_INFO_VERSION", "COLLATERAL_QE_IDENTITY_VERSION"), "versions", "later versions of a document are taken for this one (28, 52)"),
    Difference(BOTH, ("COLLATERAL_TCB_INFO_TYPE",), "tcbType", "not looked at (30)"),
    Difference(BOTH, ("COLLATERAL_TCB_INFO_PCEID",), "PCE-ID", "not compared (34)"),
    Difference(BOTH, ("COLLATERAL_TCB_INFO_DUPLICATE_LEVEL",), "level twice", "the first of two counts (40)"),
    Difference(BOTH, ("COLLATERAL_TCB_INFO_FORMAT", "COLLATERAL_QE_IDENTITY_FORMAT", "COLLATERAL_DUPLICATE_KEY"), "documents",
               "parts of a signed document that do not decide are not checked: dates, levels below the one that counts, bits outside a mask (37, 55)"),
    Difference(BOTH, ("COLLATERAL_TCB_STATUS_UNKNOWN",), "unknown status", "the status of a level that does not count is not read"),
    Difference(NPM, ("DCAP_TDX_MODULE_IDENTITY_MISSING", "DCAP_TDX_MODULE_UNKNOWN", "DCAP_TDX_MODULE_SVN_UNSUPPORTED", "DCAP_TDX_MRSIGNERSEAM",
                     "DCAP_TDX_SEAMATTRIBUTES"), "module identity", "identities of TDX modules are not read (45 to 49)"),
    Difference(NPM, ("DCAP_TCB_NOT_SUPPORTED", "TCB_STATUS"), "running module", "the versions of the module that runs now are not read, nor the module's level (49, 62)"),
    Difference(PYPI, ("TCB_STATUS", "DCAP_TCB_NOT_SUPPORTED", "DCAP_TDX_MODULE_UNKNOWN", "DCAP_TDX_MODULE_SVN_UNSUPPORTED"), "running module",
               "a module that runs now and is worse than the one at launch does not count (62)"),
    Difference(BOTH, ("TD_XFAM", "TD_LASS", "TD_PERFMON", "TD_ATTRIBUTES_RESERVED", "TD_MIGRATABLE", "TD_MR_SEAM_ZERO", "ENCLAVE_INIT"), "body policy",
               "bits of the body that are left to the caller (64, 66)"),
    Difference(BOTH, ("DCAP_QE_REPORT_DATA",), "report data", "the second half of the QE report's data may be anything (57)"),
    Difference(BOTH, ("COLLATERAL_STALE",), "last second", "the last second counts, as it does with us and not with Intel's QvE"),
    Difference(BOTH, ("STRICT_INTERSECTION",), "intersection", "one of the other verifiers refuses it, or Intel's does"),
)

#: We accept, it refuses; `message` is what it says. None of them is a check that we lack.
ACCEPTED = (
    Difference(NPM, (), "list of another issuer", "a serial number is looked up in every list, not in its issuer's alone (L12)", "Certificate is revoked"),
    Difference(PYPI, (), "bundle", "a part of the bundle that nobody uses has to be there and text", "pck_crl_issuer_chain|invalid type: null"),
)

#: Both judge, and their statuses differ: `codes` are ours and theirs.
STATUSES = (
    Difference(NPM, ("UpToDate", "OutOfDate"), "TDX components", "all sixteen components are compared, also those that a module identity judges (43)"),
    Difference(NPM, ("SWHardeningNeeded", "OutOfDate"), "TDX components", "all sixteen components are compared, also those that a module identity judges (43)"),
    Difference(NPM, ("OutOfDate", "UpToDate"), "running module", "module levels and what runs now are not read (49, 62)"),
)


def find_class(table: tuple[Difference, ...], oracle: str, code: str, message: str) -> Difference | None:
    for difference in table:
        if oracle in difference.oracles and (code in difference.codes or not difference.codes) and re.search(difference.message, message):
            return difference
    return None


def find_status(oracle: str, ours: str, theirs: str) -> Difference | None:
    """By the two statuses: first those that are named, then what follows from reading less."""
    for difference in STATUSES:
        if oracle in difference.oracles and difference.codes == (ours, theirs):
            return difference
    return None
