"""The table of codes against the rules it comes from and the code that raises them."""
import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CODES: dict[str, dict[str, Any]] = {name: code for block in tomllib.loads((ROOT / "core/tables/codes.toml").read_text()).values()
                                    for name, code in block.items()}
#: The DCAP rules' own names for their checks.
SHORTHANDS = """
E_ATT_KEY_INVALID E_CERT_AKI E_CERT_CA E_CERT_EXPIRED E_CERT_EXT E_CERT_FORMAT E_CERT_ISSUER E_CERT_KEY E_CERT_NOT_YET_VALID E_CERT_ROLE
E_CERT_SIGALG E_CERT_SIGNATURE E_COLLATERAL_MISSING E_CRL_EXPIRED E_CRL_EXT E_CRL_FORMAT E_CRL_ISSUER E_CRL_NOT_YET_VALID E_CRL_SIGALG
E_CRL_SIGNATURE E_DEBUG E_JSON_DUPLICATE_KEY E_PCK_CA_NAME E_PCK_CA_REVOKED E_PCK_CA_UNKNOWN E_PCK_CERT_MISMATCH E_PCK_CHAIN_LENGTH
E_PCK_CHAIN_MISSING E_PCK_CPUSVN_INCONSISTENT E_PCK_NAME E_PCK_REVOKED E_PCK_SGX_EXT_FORMAT E_PCK_SGX_EXT_MISSING E_PEM E_QEID_EXPIRED
E_QEID_FORMAT E_QEID_NOT_YET_VALID E_QEID_SIGNATURE E_QEID_TEE E_QEID_VERSION E_QE_ATTRIBUTES E_QE_DEBUG E_QE_ISVPRODID E_QE_MISCSELECT
E_QE_MRSIGNER E_QE_REPORT_DATA E_QE_REPORT_SIGNATURE E_QE_SVN_UNSUPPORTED E_QUOTE_BODY_SIZE E_QUOTE_BODY_TYPE E_QUOTE_CERT_SIZE
E_QUOTE_CERT_TYPE E_QUOTE_KEY_TYPE E_QUOTE_RESERVED E_QUOTE_SIG E_QUOTE_SIGNATURE E_QUOTE_SIG_SLACK E_QUOTE_TEE_MISMATCH E_QUOTE_TEE_TYPE
E_QUOTE_TOO_LARGE E_QUOTE_TRUNCATED E_QUOTE_VENDOR E_QUOTE_VERSION E_REPORT_DATA E_ROOT_NAME E_ROOT_REVOKED E_ROOT_SIGNATURE
E_ROOT_UNTRUSTED E_SERVICE_TD E_SIGNER_CHAIN_LENGTH E_SIGNER_NAME E_SIGNER_REVOKED E_SIG_RANGE E_TCBINFO_DUP_LEVEL E_TCBINFO_EXPIRED
E_TCBINFO_FMSPC E_TCBINFO_FORMAT E_TCBINFO_NOT_YET_VALID E_TCBINFO_PCEID E_TCBINFO_SIGNATURE E_TCBINFO_TEE E_TCBINFO_TYPE
E_TCBINFO_VERSION E_TCB_EVAL_NUMBER E_TCB_NOT_SUPPORTED E_TCB_STATUS_REJECTED E_TCB_STATUS_UNKNOWN E_TDX_MODULE_IDENTITY_MISSING
E_TDX_MODULE_SVN_UNSUPPORTED E_TDX_MODULE_UNKNOWN E_TDX_MRSIGNERSEAM E_TDX_SEAMATTRIBUTES E_TD_ATTR_RESERVED E_TD_DEBUG E_TD_MIGRATABLE
E_TD_PERFMON E_TD_SEPT_VE E_TD_TUD E_TIME E_TOO_LARGE E_XFAM
""".split()
#: One implementation of the certificate rules raises these as an offset into either block.
BY_OFFSET = re.compile(r"^(DCAP|COLLATERAL)_CERT_")


def aliases(code: dict[str, Any]) -> list[str]:
    alias = code.get("alias", [])
    return [alias] if isinstance(alias, str) else list(alias)


def test_every_shorthand_of_the_rules_has_a_code() -> None:
    # The order of a PCK chain has no code of its own: any order is accepted, the issuers decide.
    known = {alias for code in CODES.values() for alias in aliases(code)}
    assert sorted(set(SHORTHANDS) - known) == []


def test_both_blocks_of_certificate_rules_are_alike() -> None:
    blocks = {prefix: {name.removeprefix(prefix): code["value"] for name, code in CODES.items() if name.startswith(prefix)}
              for prefix in ("DCAP_CERT_", "COLLATERAL_CERT_")}
    first, second = blocks["DCAP_CERT_"], blocks["COLLATERAL_CERT_"]
    assert {name: value + 200 for name, value in first.items()} == second


def test_every_code_is_raised() -> None:
    paths = [path for path in ROOT.glob("core/**/*.[ch]") if path.name not in ("codes.h", "codes_table.c")]
    paths += [path for path in ROOT.glob("*/python/src/**/*.py") if path.name != "_codes.py"]
    text = "\n".join(path.read_text() for path in paths)
    unused = [name for name in CODES if not BY_OFFSET.match(name) and not re.search(rf"\b(RATLS_ERR_)?{name}\b", text)]
    assert unused == []


def test_classes_follow_the_blocks() -> None:
    """What collateral lacks is "could not check"; what the quote, its chain or its binding lack is a refusal."""
    for name, code in CODES.items():
        if code["stage"] in ("dcap", "evidence", "binding"):
            assert code["class"] == "refused", name
        if code["stage"] == "collateral":
            assert code["class"] == "unavailable", name
