/** Connecting again and again leaves nothing: no descriptor, no thread, no memory. */
import assert from "node:assert/strict"
import { readdirSync } from "node:fs"
import { after, before, test } from "node:test"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

import { DcapVerifier } from "ra-tls-verify"

import { connect, createPool } from "pg-ratls"
import { bareEnvironment, mint, Postgres, Sidecar } from "./simulator.mjs"

const WARM_UP = 100
const CONNECTS = 1000
/** Of the memory outside the heap that V8 keeps for itself as it sees fit, and of what lives in that heap. */
const NATIVE_GROWTH_MAX = 8 * 1024 * 1024
const HEAP_GROWTH_MAX = 3 * 1024 * 1024
const COUNT_GROWTH_MAX = 4

setFlagsFromString("--expose-gc")
const gc = runInNewContext("gc")
bareEnvironment()
const minted = mint()
let postgres
let sidecar

before(async () => {
    postgres = await Postgres.start()
    sidecar = await Sidecar.start(postgres)
})

after(async () => {
    await sidecar?.stop()
    await postgres?.stop()
})

/** What the process holds, when nothing is under way any more. */
async function held() {
    const count = () => ["fd", "task"].map((kind) => readdirSync(`/proc/self/${kind}`).length)
    let now = count()
    for (let same = 0; same < 3;) {
        await new Promise((resume) => setImmediate(resume))
        gc()
        const next = count()
        same = String(next) === String(now) ? same + 1 : 0
        now = next
    }
    const { rss, heapTotal, heapUsed } = process.memoryUsage()
    return { files: now[0], threads: now[1], native: rss - heapTotal, heap: heapUsed }
}

for (const [name, once] of [
    ["connect", async (url, options) => { await (await connect(url, options)).end() }],
    ["createPool", async (url, options) => { const pool = await createPool(url, options); await pool.query("select 1"); await pool.end() }],
]) {
    test(`${CONNECTS} times ${name} leave nothing`, async () => {
        const verifier = new DcapVerifier({ collateral: minted.collateral, trustAnchor: minted.trustAnchor, log: () => undefined })
        const options = { verifier, allowedMrTd: [sidecar.mr_td] , now: minted.now }
        const run = async (times) => {
            for (let time = 0; time < times; time++) {
                await once(postgres.url(sidecar.port), options)
                sidecar.events.length = 1 // what it said so far would count as ours
            }
        }
        await run(WARM_UP)
        const before = await held()
        await run(CONNECTS - WARM_UP)
        const now = await held()
        assert.ok(now.files <= before.files + COUNT_GROWTH_MAX, `descriptors: ${before.files}, then ${now.files}`)
        assert.ok(now.threads <= before.threads + COUNT_GROWTH_MAX, `threads: ${before.threads}, then ${now.threads}`)
        assert.ok(now.native <= before.native + NATIVE_GROWTH_MAX, `memory outside the heap: ${before.native}, then ${now.native}`)
        assert.ok(now.heap <= before.heap + HEAP_GROWTH_MAX, `heap: ${before.heap}, then ${now.heap}`)
        verifier.close()
    })
}
