"""The same with asyncio: quickstart_async.py DSN COLLATERAL MRTD [TRUST_ANCHOR]"""
import asyncio
import sys

from psycopg_ratls import attestation, connect_async
from ra_tls_verify import DcapVerifier, VerifyOptions


async def main() -> None:
    dsn, collateral, mr_td, *trust_anchor = sys.argv[1:]
    verifier = DcapVerifier(collateral=collateral, trust_anchor=trust_anchor[0] if trust_anchor else None)
    options = VerifyOptions(allowed_mr_td=[mr_td])

    async with await connect_async(dsn, verifier=verifier, options=options) as conn:
        cursor = await conn.execute("select id, total from orders order by id")
        async for row in cursor:
            print(row)
        print("MRTD", attestation(conn).mr_td)


asyncio.run(main())
