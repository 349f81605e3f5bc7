"""Query an attested PostgreSQL: quickstart.py DSN COLLATERAL MRTD [TRUST_ANCHOR]"""
import sys

from psycopg_ratls import attestation, connect
from ra_tls_verify import DcapVerifier, VerifyOptions

dsn, collateral, mr_td, *trust_anchor = sys.argv[1:]
verifier = DcapVerifier(collateral=collateral, trust_anchor=trust_anchor[0] if trust_anchor else None)
options = VerifyOptions(allowed_mr_td=[mr_td])

with connect(dsn, verifier=verifier, options=options) as conn:
    for row in conn.execute("select id, total from orders order by id"):
        print(row)
    result = attestation(conn)
    print("MRTD", result.mr_td)
    print("TCB status", result.tcb_status, "advisories", result.advisory_ids)
