"""What a PCCS may do wrong, by name; each with the code of a verification that meets it, where one does."""
from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Mapping

from simulator.intel.scenario import Rule
from simulator.pccs.service import SOUND, Fault, Part, PccsService
from simulator.tcb import timestamp

DAY = 86400


def status(number: int, code: str, **headers: str) -> Fault:
    return Fault(f"answers {number}", code, rules=(Rule("GET", status=number, body="{}", headers=headers),))


def manner(name: str, code: str, about: str) -> Fault:
    return Fault(about, code, rules=(Rule("GET", manner=name),))


def only(name: str, spoil: Any) -> Any:
    """Spoil one kind of part and leave the others."""
    return lambda service, part: spoil(service, part) if part.name == name else part


def of_other_world(service: PccsService, part: Part) -> Part:
    from simulator.world import World  # not at the top: the world is large

    other = PccsService(World("another world", service.world.now))
    path = {"root_crl": "/sgx/certification/v4/rootcacrl", "pck_crl": "/sgx/certification/v4/pckcrl", "tcb": "/tdx/certification/v4/tcb",
            "identity": "/tdx/certification/v4/qe/identity"}[part.name]
    found = other.part(path, {"ca": "platform", "fmspc": service.world.platform.fmspc.hex()})
    assert found is not None
    return found


def swapped(service: PccsService, part: Part) -> Part:
    """Each list in the place of the other."""
    if part.name == "root_crl":
        other = service.part("/sgx/certification/v4/pckcrl", {"ca": "platform"})
    elif part.name == "pck_crl":
        other = service.part("/sgx/certification/v4/rootcacrl", {})
    else:
        return part
    assert other is not None
    return replace(part, body=other.body)


def reformatted(_: PccsService, part: Part) -> Part:
    return replace(part, body=json.dumps(json.loads(part.body), indent=1).encode())


def flip(part: Part, at: int) -> Part:
    body = bytearray(part.body)
    body[at] ^= 1
    return replace(part, body=bytes(body))


def stale(service: PccsService) -> Fault:
    """Collateral that ended yesterday, properly signed."""
    now = service.world.now
    dates = {"issueDate": timestamp(now - 31 * DAY), "nextUpdate": timestamp(now - DAY)}
    return Fault("TCB info of last month", "COLLATERAL_TCB_INFO_EXPIRED", changes={"tcb_info": dates})


FAULTS: Mapping[str, Fault] = {
    "sound": SOUND,
    "status-400": status(400, "COLLATERAL_HTTP_STATUS"),
    "status-401": status(401, "COLLATERAL_HTTP_STATUS"),
    "status-404": status(404, "COLLATERAL_NOT_FOUND"),
    "status-410": status(410, "COLLATERAL_GONE"),
    "status-429": status(429, "COLLATERAL_RATE_LIMITED", **{"Retry-After": "3600"}),
    "status-429-date": status(429, "COLLATERAL_RATE_LIMITED", **{"Retry-After": "Fri, 31 Dec 2049 23:59:59 GMT"}),
    "status-500": status(500, "COLLATERAL_SERVER"),
    "status-503": status(503, "COLLATERAL_SERVER", **{"Retry-After": "120"}),
    "status-204": status(204, "COLLATERAL_HTTP_STATUS"),
    "status-304": status(304, "COLLATERAL_HTTP_STATUS"),
    "redirect": status(302, "COLLATERAL_HTTP_STATUS", Location="https://elsewhere.invalid/"),
    "truncated": manner("truncated", "COLLATERAL_NETWORK", "half of a body"),
    "reset": manner("reset", "COLLATERAL_NETWORK", "a connection that is reset"),
    "silent": manner("silent", "COLLATERAL_TIMEOUT", "no answer at all"),
    "slow": manner("slow-body", "COLLATERAL_TIMEOUT", "a body byte by byte"),
    "endless": manner("endless", "COLLATERAL_RESPONSE_TOO_LARGE", "a body without an end"),
    "declared-huge": manner("declared-huge", "COLLATERAL_RESPONSE_TOO_LARGE", "two GiB that are announced"),
    "header-bomb": manner("header-bomb", "COLLATERAL_RESPONSE_TOO_LARGE", "headers without an end"),
    "gzipped": manner("gzipped", "COLLATERAL_RESPONSE", "an encoding that nobody asked for"),
    "not-http": manner("not-http", "COLLATERAL_RESPONSE", "another protocol"),
    "html": Fault("a page of a captive portal", "COLLATERAL_RESPONSE", spoil=lambda _, part: replace(part, body=b"<html>log in</html>")),
    "empty": Fault("no content", "COLLATERAL_RESPONSE", spoil=lambda _, part: replace(part, body=b"")),
    "no-chain": Fault("no header with the chain", "COLLATERAL_RESPONSE", spoil=lambda _, part: replace(part, chain_header=None)),
    "broken-escape": Fault("a chain that is not percent-encoded", "COLLATERAL_RESPONSE",
                           spoil=lambda _, part: replace(part, chain_header=None, headers={part.chain_header: "%4"} if part.chain_header else None)),
    "other-fmspc": Fault("TCB info of another platform", "COLLATERAL_TCB_INFO_FMSPC", changes={"tcb_info": {"fmspc": "00906ea10000"}}),
    "other-tee": Fault("TCB info for SGX", "COLLATERAL_TCB_INFO_TEE", changes={"tcb_info": lambda info: (
        info.update(id="SGX"), info.pop("tdxModule"), info.pop("tdxModuleIdentities"), [level["tcb"].pop("tdxtcbcomponents") for level in info["tcbLevels"]])}),
    "other-identity": Fault("the identity of SGX's QE", "COLLATERAL_QE_IDENTITY_TEE", changes={"qe_identity": {"id": "QE"}}),
    "wrong-chain": Fault("the chain of another PKI", "COLLATERAL_CERT_ROOT_UNTRUSTED",
                         spoil=only("tcb", lambda service, part: replace(part, chain=of_other_world(service, part).chain))),
    "other-world": Fault("everything of another PKI", None, spoil=of_other_world),
    "swapped-crls": Fault("each CRL in the place of the other", None, spoil=swapped),
    "tampered": Fault("TCB info with a bit flipped", None, spoil=only("tcb", lambda _, part: flip(part, 100))),
    "tampered-crl": Fault("a PCK CRL with a bit flipped", None, spoil=only("pck_crl", lambda _, part: flip(part, len(part.body) // 2))),
    "reformatted": Fault("TCB info that was read and written again", "COLLATERAL_TCB_INFO_SIGNATURE", spoil=only("tcb", reformatted)),
}
