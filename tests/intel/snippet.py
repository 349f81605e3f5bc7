"""The documented use of Intel Trust Authority, against the stand-in: the demo runs it, and so do the tests."""
from __future__ import annotations

from typing import Any, Mapping

from psycopg_ratls import attestation, connect
from ra_tls_verify import IntelApiVerifier, VerifyOptions, VerifyResult


def verifier_for(service: Mapping[str, Any], **more: Any) -> IntelApiVerifier:
    """The verifier as it is documented, but for where the service is (TrustAuthority.describe())."""
    return IntelApiVerifier(
        api_key=service["api_key"], base_url=service["api_url"], portal_url=service["portal_url"], ca_file=service["ca_file"], **more)


def run_snippet(dsn: str, mr_td: str, service: Mapping[str, Any]) -> tuple[Any, VerifyResult]:
    """Connect, ask the database one thing, and take the verdict that the connection rests on. Raises RaTlsError."""
    verifier = verifier_for(service)
    options = VerifyOptions(allowed_mr_td=[mr_td])
    with connect(dsn, verifier=verifier, options=options) as conn:
        row = conn.execute("select 40 + 2 as answer").fetchone()
        assert row is not None
        return row["answer"], attestation(conn)
