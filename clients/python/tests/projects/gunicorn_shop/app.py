"""A WSGI application whose workers have a pool each."""
import json
import os

from psycopg_ratls import ConnectionPool, attestation
from ra_tls_verify import DcapVerifier, VerifyOptions

# Made before the fork and opened after it.
verifier = DcapVerifier(collateral=os.environ["SHOP_COLLATERAL"], trust_anchor=os.environ["SHOP_TRUST_ANCHOR"])
options = VerifyOptions(allowed_mr_td=[os.environ["SHOP_MRTD"]])
pool = ConnectionPool(os.environ["SHOP_DSN"], verifier=verifier, options=options, min_size=1, max_size=4, open=False)


def application(environ, start_response):
    with pool.connection() as conn:
        backend = conn.execute("select pg_backend_pid() as pid").fetchone()["pid"]
        answer = {"process": os.getpid(), "backend": backend, "mr_td": attestation(conn).mr_td}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
