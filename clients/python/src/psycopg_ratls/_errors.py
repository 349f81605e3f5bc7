"""The failures of the verification, as the driver's own."""
from __future__ import annotations

import psycopg
import ra_tls_verify


class RaTlsError(ra_tls_verify.RaTlsError, psycopg.OperationalError):
    """Base of what connect() raises when the server does not prove itself: also a psycopg.OperationalError.

    Attributes: code, stage, details and tcb, as in ra_tls_verify.RaTlsError; sqlstate, by class.
    """

    __module__ = "psycopg_ratls"

    sqlstate = "08001"


class UsageError(RaTlsError, ra_tls_verify.UsageError):
    """Arguments, options or the connection string are wrong, or a file is unreadable."""

    __module__ = "psycopg_ratls"


class RefusedError(RaTlsError, ra_tls_verify.RefusedError):
    """The evidence was checked and is not acceptable."""

    __module__ = "psycopg_ratls"

    sqlstate = "08004"


class UnavailableError(RaTlsError, ra_tls_verify.UnavailableError):
    """It could not be checked: network, timeout, cancelled, missing or expired collateral."""

    __module__ = "psycopg_ratls"


def driver_error(error: ra_tls_verify.RaTlsError) -> RaTlsError:
    """The same failure as one of the driver's."""
    if isinstance(error, RaTlsError):
        return error
    kind: type[RaTlsError] = UnavailableError
    if isinstance(error, ra_tls_verify.RefusedError):
        kind = RefusedError
    elif isinstance(error, ra_tls_verify.UsageError):
        kind = UsageError
    return kind(str(error), code=error.code, stage=error.stage, details=error.details, tcb=error.tcb)
