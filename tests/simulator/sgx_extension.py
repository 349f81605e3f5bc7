"""Intel's SGX extension of a PCK certificate (DCAP rules 2.4)."""
from __future__ import annotations

from dataclasses import dataclass

from simulator import der
from simulator.x509 import Extension

ROOT = "1.2.840.113741.1.13.1"


@dataclass(frozen=True)
class SgxExtension:
    """The values of the extension. `elements` replaces the whole inner sequence, `skip` leaves elements out."""

    ppid: bytes
    components: bytes  # the 16 SGX component SVNs
    pce_svn: int
    pce_id: bytes
    fmspc: bytes
    cpu_svn: bytes | None = None  # the components unless given
    sgx_type: int = 0
    platform_instance_id: bytes | None = None  # Platform CA only
    configuration: tuple[bool, bool, bool] | None = None  # dynamic platform, cached keys, SMT; Platform CA only
    component_values: tuple[bytes, ...] | None = None  # DER INTEGERs instead of the components'
    extra_elements: tuple[bytes, ...] = ()
    skip: tuple[int, ...] = ()

    def extension(self) -> Extension:
        return Extension(ROOT, der.sequence(*self.elements()))

    def elements(self) -> list[bytes]:
        elements = {
            1: pair("1", der.octet_string(self.ppid)),
            2: pair("2", der.sequence(*self.tcb())),
            3: pair("3", der.octet_string(self.pce_id)),
            4: pair("4", der.octet_string(self.fmspc)),
            5: pair("5", der.enumerated(self.sgx_type)),
        }
        if self.platform_instance_id is not None:
            elements[6] = pair("6", der.octet_string(self.platform_instance_id))
        if self.configuration is not None:
            flags = (pair(f"7.{number}", der.boolean(flag)) for number, flag in enumerate(self.configuration, 1))
            elements[7] = pair("7", der.sequence(*flags))
        return [value for number, value in elements.items() if number not in self.skip] + list(self.extra_elements)

    def tcb(self) -> list[bytes]:
        values = self.component_values or tuple(der.integer(svn) for svn in self.components)
        return [
            *(pair(f"2.{number}", value) for number, value in enumerate(values, 1)),
            pair("2.17", der.integer(self.pce_svn)),
            pair("2.18", der.octet_string(self.components if self.cpu_svn is None else self.cpu_svn)),
        ]


def pair(suffix: str, value: bytes) -> bytes:
    """SEQUENCE { OID, value }, as every element of the extension is."""
    return der.sequence(der.oid(f"{ROOT}.{suffix}"), value)
