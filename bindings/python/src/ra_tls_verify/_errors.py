"""The exceptions, made from the core's errors."""
from __future__ import annotations

import json
import re
from typing import Any

from ._codes import CODES, MESSAGES


class RaTlsError(Exception):
    """Base of every failure. `str(error)` says what was found, what was expected and which option would change it.

    Attributes:
        code: name of the check that failed, for example "MRTD_NOT_ALLOWED" (docs/reference/codes.md).
        stage: "options", "evidence", "collateral", "intel", "dcap", "binding", "policy" or "tunnel".
        details: what the check knew, by name ("found", "expected", …); texts.
        tcb: what was known of the TCB when it failed ("tcb_status" and its parts, by the result's names);
            None unless a TCB verdict had been reached.
    """

    __module__ = "ra_tls_verify"

    code: str
    stage: str
    details: dict[str, str]
    tcb: dict[str, Any] | None

    def __init__(self, message: str, *, code: str = "INTERNAL", stage: str = "options",
                 details: dict[str, str] | None = None, tcb: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.stage = stage
        self.details = dict(details or {})
        self.tcb = tcb

    @property
    def message(self) -> str:
        """The sentence for people."""
        return str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (type(self), str(self), self.code, self.stage, self.details, self.tcb))


class UsageError(RaTlsError, ValueError):
    """Arguments or options are wrong, or a file is unreadable."""

    __module__ = "ra_tls_verify"


class RefusedError(RaTlsError):
    """The evidence was checked and is not acceptable."""

    __module__ = "ra_tls_verify"


class UnavailableError(RaTlsError):
    """It could not be checked: network, timeout, cancelled, missing or expired collateral."""

    __module__ = "ra_tls_verify"


_CLASSES: dict[str, type[RaTlsError]] = {
    "usage": UsageError, "refused": RefusedError, "unavailable": UnavailableError}


def _restore(kind: type[RaTlsError], message: str, code: str, stage: str, details: dict[str, str],
             tcb: dict[str, Any] | None) -> RaTlsError:
    return kind(message, code=code, stage=stage, details=details, tcb=tcb)


def from_json(error: str | None, tcb: str | None) -> RaTlsError:
    """The exception for a core error: its JSON object and the JSON text of its TCB verdict. Called by the extension."""
    if error is None:
        return from_code("OUT_OF_MEMORY")
    fields = json.loads(error)
    kind = _CLASSES.get(fields["class"], UnavailableError)
    return kind(fields["message"], code=fields["code"], stage=fields["stage"], details=fields["details"],
                tcb=json.loads(tcb) if tcb else None)


def from_code(code: str, **details: str) -> RaTlsError:
    """The exception for a failure that the Python layer itself finds, worded by the table of codes."""
    _, kind, stage = CODES.get(code, CODES["INTERNAL"])
    template = MESSAGES.get(code, code)
    message = re.sub(r"\{(\w+)\}", lambda match: details.get(match.group(1), "?"), template)
    return _CLASSES[kind](message, code=code, stage=stage, details=details)
