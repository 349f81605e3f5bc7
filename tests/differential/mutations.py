"""Inputs for both sides: sound ones, and whatever can be done to them. Everything follows from the seed."""
from __future__ import annotations

import base64
import json
import os
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Iterator

from simulator import x509
from simulator.tcb import timestamp
from simulator.world import World

DAY = 86400
KINDS = ("tdx-v4", "tdx-v5-type2", "tdx-v5-type3", "sgx-v3", "sgx-v4", "sgx-v5")
STATUSES = ("UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
            "OutOfDateConfigurationNeeded", "Revoked", "Foo")
MEMBERS = ("pck_crl_issuer_chain", "root_ca_crl", "pck_crl", "tcb_info_issuer_chain", "tcb_info", "tcb_info_signature", "qe_identity_issuer_chain",
           "qe_identity", "qe_identity_signature")


@dataclass(frozen=True)
class Case:
    """One input, and what was done to it."""

    quote: bytes
    collateral: str
    root: bytes
    now: int
    what: str


def genuine() -> list[Case]:
    """Captured quotes with collateral, where RATLS_VECTORS points; under Intel's own root."""
    folder = os.environ.get("RATLS_VECTORS")
    if folder is None:
        return []
    root = Path(folder, "certs/intel-sgx-root-ca.der").read_bytes()
    found = []
    for entry in json.loads(Path(folder, "index.json").read_text())["entries"]:
        if entry["kind"] in ("tdx-v4", "tdx-v5-td15", "sgx-v3") and entry.get("klass") == "genuine" and entry.get("collateral"):
            bundle = entry["collateral"][0]
            found.append(Case(Path(folder, entry["file"]).read_bytes(), Path(folder, "collateral", bundle["file"]).read_text(), root,
                              bundle["valid_time"], f"genuine {Path(entry['file']).name}"))
    return found


def minted_case(world: World, what: str, **arguments: Any) -> Case:
    minted = world.mint(**arguments)
    return Case(minted.quote, minted.collateral_json, world.pki.root.der, world.now, what)


class Mutations:
    """An endless supply of cases."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = World("differential")
        self.bases = [minted_case(self.world, f"sound {kind}", kind=kind) for kind in KINDS]
        self.genuine = genuine()

    def sound(self) -> list[Case]:
        return [*self.bases, *self.genuine]

    def cases(self) -> Iterator[Case]:
        changes: list[Callable[[Case], Case]] = [
            self.flip_quote_bit, self.set_quote_word, self.cut_or_extend, self.swap_quote_part, self.flip_chain_text, self.flip_collateral,
            self.swap_member, self.drop_member, self.shift_time]
        while True:
            yield from (change(self.base()) for change in changes)
            yield self.resigned()
            yield self.resigned()
            yield self.resigned()

    def base(self) -> Case:
        chosen = self.bases if not self.genuine or self.random.random() < 0.5 else self.genuine
        return self.random.choice(chosen)

    # ---- bytes

    def flip_quote_bit(self, case: Case) -> Case:
        changed = bytearray(case.quote)
        at = self.random.randrange(len(changed))
        changed[at] ^= 1 << self.random.randrange(8)
        return replace(case, quote=bytes(changed), what=f"{case.what}: bit in byte {at}")

    def set_quote_word(self, case: Case) -> Case:
        """A header field, a length or a type, wherever one may be."""
        changed = bytearray(case.quote)
        at = self.random.choice([0, 2, 4, 8, 10, 48, 50, 432, 632, 638, 702, 764, 766, 770 + 448, 1218, 1252, 1254, self.random.randrange(len(changed) - 4)])
        width = self.random.choice([1, 2, 4])
        value = self.random.choice([0, 1, 2, 3, 4, 5, 6, 7, 0x81, 255, 256, 65535, 0x7FFFFFFF, 0xFFFFFFFF]) & ((1 << 8 * width) - 1)
        changed[at:at + width] = value.to_bytes(width, "little")
        return replace(case, quote=bytes(changed), what=f"{case.what}: {width} bytes at {at} set to {value}")

    def cut_or_extend(self, case: Case) -> Case:
        length = self.random.randrange(len(case.quote) + 100)
        quote = case.quote[:length] + self.random.randbytes(max(0, length - len(case.quote)))
        return replace(case, quote=quote, what=f"{case.what}: {length} bytes long")

    def swap_quote_part(self, case: Case) -> Case:
        other = self.random.choice([one for one in self.sound() if one.quote[:8] == case.quote[:8]])
        start = self.random.choice([0, 48, 436, 632, 636, 700, 764, 770, 1154, 1218, 1252])
        end = self.random.choice([stop for stop in (48, 436, 632, 636, 700, 764, 770, 1154, 1218, 1252, len(case.quote)) if stop > start])
        quote = case.quote[:start] + other.quote[start:end] + case.quote[end:]
        return replace(case, quote=quote, what=f"{case.what}: bytes {start} to {end} of {other.what}")

    def flip_chain_text(self, case: Case) -> Case:
        """A character of the PCK chain; an early one or a late one changes another certificate."""
        changed = bytearray(case.quote)
        start = case.quote.find(b"-----BEGIN")
        if start < 0:
            return self.flip_quote_bit(case)
        at = self.random.randrange(start, len(changed))
        changed[at] = self.random.choice(b"ABab01+/=\n\0 -")
        return replace(case, quote=bytes(changed), what=f"{case.what}: a character of the chain at {at}")

    # ---- collateral

    def flip_collateral(self, case: Case) -> Case:
        bundle = json.loads(case.collateral)
        name = self.random.choice([member for member in MEMBERS if bundle.get(member)])
        text = bundle[name]
        at = self.random.randrange(len(text))
        bundle[name] = text[:at] + self.random.choice("0123456789abcdefXYZ+/{}[]\",: \n") + text[at + 1:]
        return replace(case, collateral=json.dumps(bundle), what=f"{case.what}: a character of {name} at {at}")

    def swap_member(self, case: Case) -> Case:
        bundle, other = json.loads(case.collateral), self.random.choice(self.sound())
        name = self.random.choice(MEMBERS)
        given = json.loads(other.collateral)
        names = (name, f"{name}_signature") if name in ("tcb_info", "qe_identity") else (name,)
        bundle |= {member: given[member] for member in names if member in given}
        return replace(case, collateral=json.dumps(bundle), what=f"{case.what}: {name} of {other.what}")

    def drop_member(self, case: Case) -> Case:
        bundle = json.loads(case.collateral)
        name = self.random.choice(MEMBERS)
        value = self.random.choice(["", None, 1, "\n", "drop"])
        bundle[name] = value
        if value == "drop":
            del bundle[name]
        return replace(case, collateral=json.dumps(bundle), what=f"{case.what}: {name} is {value!r}")

    def shift_time(self, case: Case) -> Case:
        shift = int(self.random.choice([-1, 1]) * 10 ** self.random.uniform(0, 9))
        return replace(case, now=max(0, min(case.now + shift, 4_000_000_000)), what=f"{case.what}: {shift} seconds later")

    # ---- signed anew

    def resigned(self) -> Case:
        """A world with a few things different, every signature of which holds."""
        edits: dict[str, Any] = {"kind": self.random.choice(KINDS)}
        for _ in range(self.random.choice([1, 1, 1, 2])):
            for name, value in self.random.choice(self.edits())().items():
                edits[name] = {**edits[name], **value} if isinstance(edits.get(name), dict) and isinstance(value, dict) else value
        return minted_case(self.world, f"signed anew: {describe(edits)}", **edits)

    def edits(self) -> list[Callable[[], dict[str, Any]]]:
        pick, world = self.random, self.world
        number = pick.randrange

        def level(document: dict[str, Any]) -> None:
            item = pick.choice(document["tcbLevels"])
            pick.choice([lambda: item.update(tcbStatus=pick.choice(STATUSES)), lambda: item["tcb"].update(pcesvn=pick.choice([0, 10, 11, 12, 65535, 65536])),
                         lambda: component(item), lambda: document["tcbLevels"].reverse(), lambda: document["tcbLevels"].remove(item),
                         lambda: item.pop("tcbDate"), lambda: document["tcbLevels"].append(item)])()

        def component(item: dict[str, Any]) -> None:
            kind = pick.choice([name for name in ("sgxtcbcomponents", "tdxtcbcomponents") if name in item["tcb"]])
            components = json.loads(json.dumps(item["tcb"][kind]))
            components[number(16)]["svn"] = pick.choice([0, 1, 2, 5, 8, 255, 256, -1, 1.5, "1"])
            item["tcb"][kind] = components[:pick.choice([16, 16, 16, 15])]

        def tcb_info(document: dict[str, Any]) -> None:
            pick.choice([
                lambda: level(document), lambda: level(document), lambda: level(document),
                lambda: document.update(version=pick.choice([2, 3, 4])), lambda: document.update(id=pick.choice(["SGX", "TDX", "tdx"])),
                lambda: document.update(fmspc=pick.choice(["510A7E000000", "00906ed50000", "510a7e0000"])), lambda: document.update(pceId="0001"),
                lambda: document.update(tcbType=1), lambda: document.update(issueDate=timestamp(world.now + number(-5, 5))),
                lambda: document.update(nextUpdate=timestamp(world.now + number(-5, 5))), lambda: document.pop("tdxModuleIdentities", None),
                lambda: modules(document)])()

        def modules(document: dict[str, Any]) -> None:
            for item in document.get("tdxModuleIdentities", []):
                pick.choice([lambda: item.update(id=pick.choice(["TDX_01", "TDX_02", "tdx_03"])), lambda: item.update(mrsigner="01" + "0" * 94),
                             lambda: item.update(attributes="01" + "0" * 14), lambda: item["tcbLevels"].reverse(),
                             lambda: item["tcbLevels"][0].update(tcbStatus=pick.choice(STATUSES))])()

        def qe_identity(document: dict[str, Any]) -> None:
            item = pick.choice(document["tcbLevels"])
            pick.choice([
                lambda: item.update(tcbStatus=pick.choice(STATUSES)), lambda: item["tcb"].update(isvsvn=number(12)), lambda: document["tcbLevels"].reverse(),
                lambda: document.update(version=pick.choice([1, 2, 3])), lambda: document.update(id=pick.choice(["QE", "TD_QE", "QVE"])),
                lambda: document.update(mrsigner="AB" * 32), lambda: document.update(isvprodid=number(4)),
                lambda: document.update(miscselect="01000000"), lambda: document.update(attributes="1500" + "00" * 14),
                lambda: document.update(attributesMask="F9FFFFFFFFFFFFFF" + "00" * 8), lambda: document.update(nextUpdate=timestamp(world.now + number(-5, 5))),
                lambda: document.update(issueDate=timestamp(world.now + number(-5, 5)))])()

        def crl() -> dict[str, Any]:
            return {pick.choice(["root_crl", "pck_crl"]): pick.choice([
                {"revoked": [pick.choice(["pck", "platform_ca", "tcb_signer", "root", 7])]}, {"this_update": world.now + number(-3, 4)},
                {"next_update": world.now + number(-3, 4)}, {"extensions": {"crl_number": None}}, {"extensions": {"authority_key_identifier": None}},
                {"signer": "stranger"}, {"trailing": b"\0"}, {"extra_extensions": (x509.Extension("1.2.3.4.5", b"\5\0", critical=True),)}])}

        def certificate() -> dict[str, Any]:
            return {pick.choice(["pck", "platform_ca", "tcb_signer", "root"]): pick.choice([
                {"not_after": world.now + number(-2, 3)}, {"not_before": world.now + number(-2, 3)}, {"serial": 1 << number(170)}, {"signer": "stranger"},
                {"extensions": {"basic_constraints": x509.basic_constraints(pick.random() < 0.5)}}, {"extensions": {"key_usage": x509.key_usage(1 << number(1, 8))}},
                {"extensions": {"subject_key_identifier": None}}, {"extensions": {"crl_distribution_points": None}},
                {"extra_extensions": (x509.Extension("1.2.3.4.5", b"\5\0", critical=pick.random() < 0.5),)}])}

        return [
            lambda: {"collateral": {"tcb_info": tcb_info}}, lambda: {"collateral": {"tcb_info": tcb_info}}, lambda: {"collateral": {"qe_identity": qe_identity}},
            lambda: {"collateral": crl()}, lambda: {"pki": certificate()}, lambda: {"platform": {"ca": pick.choice(["processor", "platform"])}},
            lambda: {"platform": {"components": bytes([number(1, 10)]) + bytes.fromhex("020202030100050000000000000000")}},
            lambda: {"platform": {"tee_tcb_svn": bytes([number(8), number(4), number(1, 5)]) + bytes(13)}},
            lambda: {"platform": {"tee_tcb_svn_2": bytes([number(8), number(4), number(1, 5)]) + bytes(13)}},
            lambda: {"platform": {"pce_svn": number(9, 14)}}, lambda: {"qe_report": {"isv_svn": number(12)}},
            lambda: {"qe_report": {"attributes": bytes([0x15 ^ 1 << number(8)]) + bytes(7) + b"\xe7" + bytes(7)}},
            lambda: {"qe_report": {"report_data": pick.randbytes(64)}}, lambda: {"signature": {"authentication_data": bytes(number(70))}},
            lambda: {"signature": {"certification_type": number(8)}}, lambda: {"signature": {"outer_type": number(8)}},
            lambda: {"signature": {pick.choice(["slack", "outer_slack"]): b"\0"}}, lambda: {"sgx": {"cpu_svn": bytes([9]) + bytes(15)}},
            lambda: {"sgx": {"skip": (number(1, 8),)}}, lambda: {"header": {"reserved_1": number(3)}}, lambda: {"pck_signing_key": "stranger"},
        ]


def describe(value: Any) -> str:
    """Arguments of a mint, for people."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {describe(item)}" for name, item in value.items())
    if isinstance(value, bytes):
        return base64.b16encode(value[:16]).decode().lower()
    return getattr(value, "__name__", repr(value))
