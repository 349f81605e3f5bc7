"""The faults that a minted world may have, by name: each is one thing wrong, as arguments of `World.mint`."""
from __future__ import annotations

from typing import Any, Callable, Mapping

#: What `World.mint` takes, by its own argument names.
Arguments = Mapping[str, Any]


def flip(offset: int, bit: int = 1) -> Callable[[bytes], bytes]:
    """A function that flips one bit; a negative offset counts from the end."""
    def apply(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[offset] ^= bit
        return bytes(changed)
    return apply


def flip_quote_signature(quote: bytes) -> bytes:
    """One bit of the signature over the quote, wherever this version has it."""
    body = {3: 432, 4: 632, 5: 54 + int.from_bytes(quote[50:54], "little")}[quote[0]]
    if quote[0] == 4 and quote[4] == 0:
        body = 432
    return flip(body + 4 + 40)(quote)


def first_component(svn: int) -> Arguments:
    """A machine whose first component is at this level; the collateral stays as it is."""
    return {"platform": {"components": bytes([svn]) + bytes.fromhex("020202030100050000000000000000")}}


FAULTS: Mapping[str, Arguments] = {
    # what the demo and the documentation show
    "no_quote": {"form": "none"},
    "other_key": {"bound_key": "another-key"},
    "debug": {"body": {"td_attributes": bytes.fromhex("0100001000000000")}},
    "other_mrtd": {"body": {"mr_td": bytes(range(48))}},
    "out_of_date": first_component(4),
    "tampered_signature": {"tamper_quote": flip_quote_signature},
    # the machine's other states, all under the same collateral
    "sw_hardening_needed": first_component(7),
    "configuration_needed": first_component(6),
    "configuration_and_sw_hardening_needed": first_component(5),
    "out_of_date_configuration_needed": first_component(3),
    "revoked_tcb": first_component(2),
    "unsupported_tcb": first_component(1),
    "module_out_of_date": {"body": {"tee_tcb_svn": bytes.fromhex("05010300000000000000000000000000")}},
    "qe_out_of_date": {"qe_report": {"isv_svn": 7}},
    # the guest
    "sept_ve_clear": {"body": {"td_attributes": bytes(8)}},
    "unbound": {"report_data": bytes(64)},
    "other_event_log": {"body": {"rtmr3": bytes(range(48))}},
    # another kernel on the same firmware: it extends RTMR3 with the right application's log, which therefore replays
    "other_kernel": {"body": {"rtmr1": bytes(range(48)), "rtmr2": bytes(range(48, 96))}},
    # Intel's side
    "rogue_root": {"pki": {"root": {"key": "rogue-root"}}},
    "pck_revoked": {"collateral": {"pck_crl": {"revoked": ["pck"]}}},
    "pck_ca_revoked": {"collateral": {"root_crl": {"revoked": ["platform_ca"]}}},
    "signer_revoked": {"collateral": {"root_crl": {"revoked": ["tcb_signer"]}}},
    "expired_tcb_info": {"collateral": {"tcb_info": {"issueDate": "2020-01-01T00:00:00Z", "nextUpdate": "2020-01-31T00:00:00Z"}}},
    "expired_qe_identity": {"collateral": {"qe_identity": {"issueDate": "2020-01-01T00:00:00Z", "nextUpdate": "2020-01-31T00:00:00Z"}}},
    "other_fmspc": {"collateral": {"tcb_info": {"fmspc": "00906ed50000"}}},
    "tampered_tcb_info": {"collateral": {"bundle": {"tcb_info_signature": "1" * 128}}},
    "no_crl": {"collateral": {"bundle": {"pck_crl": None}}},
}


def arguments(fault: str | None) -> dict[str, Any]:
    """What the fault changes. Raises ValueError for a name that is not known."""
    if fault is None:
        return {}
    if fault not in FAULTS:
        raise ValueError(f"no fault is called {fault!r}; known are {', '.join(sorted(FAULTS))}")
    return dict(FAULTS[fault])


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Second over first; mappings are merged, everything else is replaced."""
    merged = dict(first)
    for key, value in second.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged
