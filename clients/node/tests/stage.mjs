/** What most tests stand on, from before the first to after the last: a PostgreSQL, servers with evidence in front of it, and who trusts them. */
import { after } from "node:test"

import { DcapVerifier } from "ra-tls-verify"

import { bareEnvironment, mint, Postgres, Sidecar } from "./simulator.mjs"

/** A PostgreSQL with a healthy server in front of it, minted for a time long ago, or with `clock` for now. */
export async function stage({ clock = false } = {}) {
    bareEnvironment()
    const recipe = clock ? ["--now", "clock"] : []
    const minted = mint(...recipe)
    const verifier = new DcapVerifier({ collateral: minted.collateral, trustAnchor: minted.trustAnchor, log: () => undefined })
    const postgres = await Postgres.start()
    const sidecar = await Sidecar.start(postgres, ...recipe)
    after(async () => {
        await sidecar.stop()
        await postgres.stop()
        verifier.close()
    })
    return {
        minted, verifier, postgres, sidecar,
        /** Who judges, and what is accepted. */
        options: { verifier, allowedMrTd: [sidecar.mr_td], ...(clock ? {} : { now: minted.now }) },
        /** To the healthy server. */
        url: (parameters) => postgres.url(sidecar.port, parameters),
        /** Run something beside a server of its own. */
        withSidecar: (run, ...settings) => withSidecar(postgres, run, ...recipe, ...settings),
    }
}

async function withSidecar(postgres, run, ...settings) {
    const sidecar = await Sidecar.start(postgres, ...settings)
    try {
        return await run(sidecar)
    } finally {
        await sidecar.stop()
    }
}

/** What a call fails with. */
export function failureOf(promise) {
    return promise.then((value) => { throw new Error(`expected a failure, got ${value}`) }, (error) => error)
}

/** Ask the database one thing through Prisma's adapter. */
export async function askAdapter(adapter) {
    const connection = await adapter.connect()
    const { rows } = await connection.queryRaw({ sql: "select 40 + 2 as answer", args: [], argTypes: [] })
    await connection.dispose()
    return Number(rows[0][0])
}

/** Wait until the server runs a sleep for somebody else. */
export async function running(observer, pid) {
    while ((await observer.query("select 1 from pg_stat_activity where pid = $1 and state = 'active' and wait_event = 'PgSleep'", [pid])).rowCount === 0) {
        await observer.query("select pg_sleep(0.005)")
    }
}
