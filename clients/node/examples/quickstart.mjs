// Query an attested PostgreSQL: node quickstart.mjs DSN COLLATERAL MRTD [TRUST_ANCHOR]
import { attestation, createPool } from "pg-ratls"
import { DcapVerifier } from "ra-tls-verify"

const [dsn, collateral, mrTd, trustAnchor] = process.argv.slice(2)
const verifier = new DcapVerifier({ collateral, trustAnchor })
const pool = await createPool(dsn, { verifier, allowedMrTd: [mrTd] })

for (const row of (await pool.query("select id, total from orders order by id")).rows) console.log(row)
const result = attestation(pool)
console.log("MRTD", result.mrTd)
console.log("TCB status", result.tcbStatus, "advisories", result.advisoryIds)
await pool.end()
