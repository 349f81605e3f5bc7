"""A machine: the security versions and identities that its PCK certificate and its reports state."""
from __future__ import annotations

from dataclasses import dataclass

from simulator.keys import Seed
from simulator.sgx_extension import SgxExtension


@dataclass(frozen=True)
class Platform:
    """Hardware and firmware of one machine. The defaults are those of `healthy`."""

    fmspc: bytes  # 6
    ppid: bytes  # 16
    instance_id: bytes  # 16; in the certificate of a Platform CA only
    qe_id: bytes  # 16; in the quote header's user data
    ca: str = "platform"  # or "processor"
    pce_id: bytes = bytes(2)
    components: bytes = bytes.fromhex("08020202030100050000000000000000")  # the first one chooses the TCB level
    pce_svn: int = 11
    tee_tcb_svn: bytes = bytes.fromhex("06010300000000000000000000000000")  # module TDX_01, isvsvn 6
    tee_tcb_svn_2: bytes | None = None  # TD 1.5; as at launch unless given
    qe_svn: int = 8

    def sgx_extension(self) -> SgxExtension:
        """What Intel would certify about this machine."""
        multi_package = self.ca == "platform"
        return SgxExtension(
            ppid=self.ppid, components=self.components, pce_svn=self.pce_svn, pce_id=self.pce_id, fmspc=self.fmspc,
            sgx_type=1 if multi_package else 0,
            platform_instance_id=self.instance_id if multi_package else None,
            configuration=(True, True, True) if multi_package else None)


def healthy(seed: Seed) -> Platform:
    """A machine with everything up to date."""
    return Platform(
        fmspc=bytes.fromhex("510a7e000000"), ppid=seed.derive("ppid", 16),
        instance_id=seed.derive("platform-instance-id", 16), qe_id=seed.derive("qe-id", 16))
