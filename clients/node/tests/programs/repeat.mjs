/** `repeat.mjs KIND SETTINGS`: connect, or make a pool, again and again; says in JSON what the process held after each hundred times. */
import { readdirSync } from "node:fs"

import { DcapVerifier } from "ra-tls-verify"

import { connect, createPool } from "pg-ratls"

export const HUNDREDS = 10

const KINDS = {
    async connect(url, options) {
        await (await connect(url, options)).end()
    },
    async createPool(url, options) {
        const pool = await createPool(url, options)
        await pool.query("select 1")
        await pool.end()
    },
}
export const NAMES = Object.keys(KINDS)

/** What the process holds, when nothing is under way any more. */
async function held() {
    const count = () => ["fd", "task"].map((kind) => readdirSync(`/proc/self/${kind}`).length)
    let now = count()
    for (let same = 0; same < 3;) {
        await new Promise((resume) => setImmediate(resume))
        globalThis.gc()
        const next = count()
        same = String(next) === String(now) ? same + 1 : 0
        now = next
    }
    return { files: now[0], threads: now[1], resident: process.memoryUsage.rss() }
}

if (import.meta.filename === process.argv[1]) {
    const [kind, text] = process.argv.slice(2)
    const { url, allowedMrTd, now, ...settings } = JSON.parse(text)
    const options = { verifier: new DcapVerifier({ ...settings, log: () => undefined }), allowedMrTd, now: new Date(now) }
    const said = []
    for (let hundred = 0; hundred < HUNDREDS; hundred++) {
        for (let time = 0; time < 100; time++) {
            await KINDS[kind](url, options)
        }
        said.push(await held())
    }
    console.log(JSON.stringify(said))
}
