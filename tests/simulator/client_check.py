"""What a sidecar that demands the client's attestation does: it verifies the client's quote, with our own library, as a program."""
from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path

from simulator.minted import Minted

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60


def command_path() -> str:
    """The command `ratls`, where it was built."""
    return os.environ.get("RATLS_COMMAND") or str(ROOT / "build" / "bin" / "ratls")


class ClientCheck:
    """Verifies certificates (DER) under the collateral and the trust anchor of `minted`; use it in `with`.

    `flags` are more flags of `ratls verify`: what is accepted of a client. Each certificate is verified once."""

    def __init__(self, minted: Minted, *flags: str) -> None:
        self.minted = minted
        self.flags = flags
        self.lock = threading.Lock()
        self.verdicts: dict[bytes, str | None] = {}

    def __enter__(self) -> ClientCheck:
        self.directory = tempfile.TemporaryDirectory()
        for name, text in (("collateral.json", self.minted.collateral_json), ("root.pem", self.minted.trust_anchor_pem)):
            (Path(self.directory.name) / name).write_text(text)
        return self

    def __exit__(self, *_: object) -> None:
        self.directory.cleanup()

    def __call__(self, certificate: bytes) -> str | None:
        """None when it is accepted, else why not."""
        known = hashlib.sha256(certificate).digest()
        with self.lock:
            if known not in self.verdicts:
                self.verdicts[known] = self.verify(certificate)
            return self.verdicts[known]

    def verify(self, certificate: bytes) -> str | None:
        directory = Path(self.directory.name)
        command = [command_path(), "verify", "--cert", "-", "--collateral", str(directory / "collateral.json"),
                   "--trust-anchor", str(directory / "root.pem"), "--at", str(self.minted.now), *self.flags, "--json"]
        done = subprocess.run(command, input=certificate, capture_output=True, timeout=TIMEOUT_S, check=False)
        verdict = json.loads(done.stdout)
        return None if verdict["accepted"] and done.returncode == 0 else f"{verdict['error']['code']}: {verdict['error']['message']}"
