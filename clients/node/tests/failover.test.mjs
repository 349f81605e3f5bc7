/** A cluster whose leader moves: the way that its signed record in DNS shows, and pools that follow it. */
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { after, test } from "node:test"

import { PrismaPg } from "@prisma/adapter-pg"
import pg from "pg"
import { Leader } from "ra-tls-verify"

import {
    attestation, attestedSettings, close, connect, connectViaManifest, createPool, RefusedError, UnavailableError, UsageError, withRaTls,
} from "pg-ratls"
import { Cluster, Postgres, Sidecar } from "./simulator.mjs"
import { askAdapter, failureOf, stage } from "./stage.mjs"

const CHANGES = 10
const WRITERS = 6
/** Of each leader, before the next one. */
const WRITES = 20

const { postgres, sidecar, options, withSidecar } = await stage()
const names = await Cluster.start()
after(() => names.stop())

const lookup = { dnsServers: [names.dns], refreshMs: 20 }
const template = (parameters = "") => postgres.url(1, parameters).replace("127.0.0.1", "nobody.example")
const via = (more = {}, parameters) => connectViaManifest(names.domain, template(parameters), names.signer, { ...options, lookup, ...more })
const leader = () => new Leader(names.domain, names.signer, lookup)
const portOf = async (client) => (await client.query("select current_setting('port')::int as port")).rows[0].port

test("a connection string for any driver of this process", async () => {
    await names.lead(sidecar)
    const way = await via({}, "?application_name=till%20%2B%201&options=-c%20geqo%3Doff")
    for (const Kind of [pg.Client, pg.Pool]) {
        const client = new Kind({ connectionString: way.dsn })
        if (Kind === pg.Client) await client.connect()
        const { rows } = await client.query("select current_setting('application_name') as name, current_setting('geqo') as geqo, current_user as user")
        assert.deepEqual(rows, [{ name: "till + 1", geqo: "off", user: "postgres" }])
        await client.end()
    }
    assert.equal(await askAdapter(new PrismaPg({ connectionString: way.dsn })), 42)
    assert.equal(attestation(way).mrTd, sidecar.mr_td)
    assert.equal((await way.leader.find()).port, sidecar.port)
    const directory = new URL(way.dsn).searchParams.get("host")
    assert.ok(existsSync(directory))
    await way.close()
    await close(way)
    assert.ok(!existsSync(directory))
})

test("a pool goes on when the way that made it is closed, and equal ways know the cluster by one leader", async () => {
    const [first, second] = [await via(), await via()]
    assert.equal(first.leader, second.leader)
    assert.notEqual((await via({ lookup: { ...lookup, refreshMs: 30 } }).then(async (other) => { await other.close(); return other })).leader, first.leader)
    const pool = await first.createPool({ max: 2, application_name: "pool" })
    await Promise.all([first.close(), second.close()])
    assert.equal((await pool.query("show application_name")).rows[0].application_name, "pool")
    assert.equal(attestation(pool).mrTd, sidecar.mr_td)
    await pool.end()
})

test("every function takes a leader", async () => {
    const known = leader()
    const ours = { ...options, leader: known }
    const client = await connect(template(), ours)
    assert.equal(await portOf(client), postgres.port)
    await client.end()
    const pool = await createPool(template(), ours)
    assert.equal(await portOf(pool), postgres.port)
    await pool.end()
    assert.equal(await askAdapter(await withRaTls(template(), ours)), 42)
    const settings = await attestedSettings(template(), ours)
    const plain = new pg.Client(settings.connection)
    await plain.connect()
    await plain.end()
    await close(settings)
    known.close()
})

/** Two servers, each before a database of its own. */
async function twoServers(t) {
    const servers = []
    for (let number = 0; number < 2; number++) {
        const base = await Postgres.start()
        servers.push({ base, front: await Sidecar.start(base) })
    }
    t.after(() => Promise.all(servers.map(async ({ base, front }) => { await front.stop(); await base.stop() })))
    for (const { base } of servers) {
        const client = new pg.Client(base.url())
        await client.connect()
        await client.query("create table writes (id int primary key)")
        await client.end()
    }
    return servers
}

async function idsAt({ base }) {
    const client = new pg.Client(base.url())
    await client.connect()
    const { rows } = await client.query("select id from writes")
    await client.end()
    return new Set(rows.map(({ id }) => id))
}

/** Writers on a pool, until `stop`: which writes were acknowledged, by whom and when, and what failed. */
class Load {
    acknowledged = []
    failures = []
    #next = 0
    #stopped = false
    #progress = () => undefined

    constructor(pool, deadlineMs = 60_000) {
        this.pool = pool
        this.end = performance.now() + deadlineMs
        this.writers = Array.from({ length: WRITERS }, () => this.#write())
    }

    async #write() {
        while (!this.#stopped) {
            const id = this.#next++
            const began = performance.now()
            try {
                const { rows: [{ port }] } = await this.pool.query("insert into writes (id) values ($1) returning current_setting('port')::int as port", [id])
                this.acknowledged.push({ id, port, began, ended: performance.now() })
                this.#progress()
            } catch (error) {
                this.failures.push(error)
                await new Promise(setImmediate)
            }
        }
    }

    /** Wait until a server has acknowledged so many writes more. */
    async written(port, count) {
        const so = () => this.acknowledged.filter((write) => write.port === port).length
        for (const goal = so() + count; so() < goal;) {
            if (performance.now() > this.end) {
                throw new Error(`it waits for ${port}; ${this.failures.length} failures, the last: ${this.failures.at(-1)}`)
            }
            await Promise.race([new Promise((resolve) => { this.#progress = resolve }), new Promise((resolve) => setTimeout(resolve, 1000))])
        }
    }

    async stop() {
        this.#stopped = true
        await Promise.all(this.writers)
    }

    /** The longest time without an acknowledgement, in milliseconds. */
    longestInterruption() {
        const ends = this.acknowledged.map(({ ended }) => ended).sort((a, b) => a - b)
        return Math.max(...ends.slice(1).map((ended, number) => ended - ends[number]))
    }
}

test(`a pool under load while the leader changes ${CHANGES} times`, async (t) => {
    const servers = await twoServers(t)
    await names.lead(servers[0].front)
    const way = await connectViaManifest(names.domain, servers[0].base.url(), names.signer, { ...options, lookup, leaderDrainMs: 500 })
    const pool = await way.createPool({ max: WRITERS })
    const load = new Load(pool)
    await load.written(servers[0].base.port, WRITES)
    const terms = []
    for (let change = 1; change <= CHANGES; change++) {
        const { base, front } = servers[change % 2]
        await names.lead(front)
        await load.written(base.port, 1)
        terms.push({ port: base.port, known: load.acknowledged.findLast(({ port }) => port === base.port).ended, over: Infinity })
        await load.written(base.port, WRITES)
        terms.at(-1).over = performance.now() // the next one is not published yet
    }
    await load.stop()
    await pool.end()
    await way.close()
    for (const { port, known, over } of terms) {
        const wrong = load.acknowledged.filter((write) => write.began > known && write.ended < over && write.port !== port)
        assert.deepEqual(wrong, [], "a query went to a leader that was known to be superseded")
    }
    for (const server of servers) {
        const there = await idsAt(server)
        const lost = load.acknowledged.filter(({ id, port }) => port === server.base.port && !there.has(id))
        assert.deepEqual(lost, [], "a write that was acknowledged is lost")
    }
    for (const error of load.failures) {
        assert.ok(error.code === "57P01" || error instanceof UnavailableError || /Connection terminated/.test(error.message), `${error.code} ${error.stack}`)
    }
    t.diagnostic(`${load.acknowledged.length} writes, ${load.failures.length} failures, longest interruption ${load.longestInterruption().toFixed(0)} ms`)
})

test("a leader that is lost is looked up at once", async (t) => {
    const [{ base, front }, next] = await twoServers(t)
    await names.lead(front)
    const slow = { ...lookup, refreshMs: 600_000 }
    const pool = await (await connectViaManifest(names.domain, base.url(), names.signer, { ...options, lookup: slow })).createPool()
    const client = await pool.connect()
    client.on("error", () => undefined)
    await names.lead(next.front)
    front.process.kill("SIGKILL")
    const load = new Load(pool)
    await load.written(next.base.port, 1)
    client.release(true)
    await load.stop()
    await pool.end()
})

test("a leader whose evidence is refused is refused, whatever the record says", () => withSidecar(async (debug) => {
    await names.lead(sidecar)
    const pool = await (await via()).createPool()
    assert.equal(await portOf(pool), postgres.port)
    await names.lead(debug)
    let error
    do {
        error = await pool.query("select 1").then(() => undefined, (caught) => caught)
    } while (error === undefined || error.code === "57P01" || /Connection terminated/.test(error.message))
    assert.ok(error instanceof RefusedError, String(error.stack))
    assert.equal(error.code, "DEBUG_MODE")
    assert.equal((await failureOf(via({ handshakeTimeoutMs: 4000 }))).code, "DEBUG_MODE") // not the tunnel that the pool has
    await names.lead(sidecar)
    do {
        error = await pool.query("select 1").then(() => undefined, (caught) => caught)
    } while (error !== undefined)
    await pool.end()
    assert.ok(debug.connections.every(({ application_bytes }) => application_bytes === 0))
}, "--fault", "debug"))

test("a cluster that cannot be found, or that another one signs for", async () => {
    await names.lead(sidecar)
    const strange = await failureOf(connectViaManifest(names.domain, template(), "00".repeat(20), { ...options, lookup }))
    assert.ok(strange instanceof RefusedError)
    assert.equal(strange.code, "LEADER_SIGNATURE")
    const nobody = await failureOf(connectViaManifest("nobody.example", template(), names.signer, { ...options, lookup }))
    assert.ok(nobody instanceof UnavailableError)
    assert.equal(nobody.code, "LEADER_LOOKUP")
})

test("what is wrong is told before anything is looked up", async () => {
    const { questions } = await names.lead(sidecar)
    for (const [args, code] of [
        [[names.domain, "host=x", names.signer], "DSN_INVALID"], [[names.domain, template("?colour=red"), names.signer], "DSN_INVALID"],
        [[names.domain, template(), "0x00"], "OPTION_VALUE"], [[5, template(), names.signer], "OPTION_TYPE"],
        [[names.domain, template(), names.signer, { lookup: { servers: [] } }], "OPTION_UNKNOWN"], [[names.domain, template(), names.signer, { lookup: 5 }], "ARGUMENT_INVALID"],
        [[names.domain, template(), names.signer, { lookup, allowedMrTd: [] }], "OPTION_EMPTY_LIST"], [[names.domain, template(), names.signer, { lookup, leader: leader() }], "OPTION_UNKNOWN"],
        [[names.domain, template(), names.signer, { lookup, password: () => "later" }], "ARGUMENT_INVALID"]]) {
        const error = await failureOf(connectViaManifest(...args))
        assert.ok(error instanceof UsageError, `${args}: ${error.stack}`)
        assert.equal(error.code, code)
    }
    assert.equal((await failureOf(connect(template(), { ...options, leader: {} }))).code, "OPTION_TYPE")
    assert.equal((await names.lead(sidecar)).questions, questions)
})
