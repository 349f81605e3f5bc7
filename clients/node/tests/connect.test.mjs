/** Attested connections to a real PostgreSQL: clients, pools, what they tell, how they end. */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { test } from "node:test"

import pg from "pg"
import { NoopVerifier } from "ra-tls-verify"

import { attestation, attestedSettings, cancel, close, connect, createPool, saveEvidence, UnavailableError, UsageError } from "pg-ratls"
import { bareEnvironment, ROOT, Sidecar, temporary } from "./simulator.mjs"
import { running, stage } from "./stage.mjs"

const COMMAND = process.env.RATLS_COMMAND ?? join(ROOT, "build/bin/ratls")
const { postgres, sidecar, options, url, withSidecar } = await stage()

test("a client: connect, query, verdict, end", async () => {
    const client = await connect(url(), options)
    const directory = client.host
    assert.ok(client instanceof pg.Client)
    assert.equal(statSync(directory).mode & 0o777, 0o700)
    assert.deepEqual((await client.query("select 6 * 7 as answer")).rows, [{ answer: 42 }])
    const { verified, keyBound, mrTd, tcbStatus } = attestation(client)
    assert.deepEqual({ verified, keyBound, mrTd, tcbStatus }, { verified: true, keyBound: true, mrTd: sidecar.mr_td, tcbStatus: "OK" })
    await client.end()
    assert.ok(!existsSync(directory), "the tunnel goes with the client")
    assert.ok(attestation(client).verified, "the verdict stays readable")
})

test("end may be given a callback", async () => {
    const client = await connect(url(), options)
    await new Promise((ended) => client.end(ended))
    await close(client).catch(() => undefined)
    assert.ok(!existsSync(client.host))
})

test("a pool: query, transactions, verdicts, end", async () => {
    const pool = await createPool(url(), { ...options, max: 3 })
    assert.ok(pool instanceof pg.Pool)
    assert.deepEqual((await pool.query("select $1::int + 1 as next", [1])).rows, [{ next: 2 }])
    const client = await pool.connect()
    await client.query("begin")
    assert.equal(attestation(client).mrTd, sidecar.mr_td)
    assert.equal(attestation(pool).mrTd, sidecar.mr_td)
    await client.query("rollback")
    client.release()
    const directory = pool.options.host
    await pool.end()
    assert.ok(!existsSync(directory), "the tunnel goes with the pool")
    await assert.rejects(pool.end(), /more than once/)
})

test("a pool's callbacks", async () => {
    const pool = await createPool(url(), options)
    const answer = await new Promise((resolve, reject) => pool.connect((error, client, release) => {
        if (error) {
            return reject(error)
        }
        client.query("select 1 as one", (failed, result) => { release(); failed ? reject(failed) : resolve(result.rows) })
    }))
    assert.deepEqual(answer, [{ one: 1 }])
    await new Promise((ended) => pool.end(ended))
    assert.ok(!existsSync(pool.options.host))
})

test("50 connections at once", async () => {
    const pool = await createPool(url(), { ...options, max: 50 })
    const clients = await Promise.all(Array.from({ length: 50 }, () => pool.connect()))
    const pids = await Promise.all(clients.map((client) => client.query("select pg_backend_pid() as pid")))
    assert.equal(new Set(pids.map(({ rows }) => rows[0].pid)).size, 50)
    assert.ok(clients.every((client) => attestation(client).verified))
    clients.forEach((client) => client.release())
    await pool.end()
})

test("several statements at once through one pool", async () => {
    const pool = await createPool(url(), { ...options, max: 5 })
    const answers = await Promise.all(Array.from({ length: 40 }, (_, number) => pool.query("select $1::int as number", [number])))
    assert.deepEqual(answers.map(({ rows }) => rows[0].number), Array.from({ length: 40 }, (_, number) => number))
    await pool.end()
})

test("connecting costs one handshake, and what is alike shares a tunnel", () => withSidecar(async (own) => {
    const first = await connect(postgres.url(own.port), options)
    const second = await createPool(postgres.url(own.port), options)
    const other = await connect(postgres.url(own.port), { ...options, allowDebugMode: true })
    await second.query("select 1")
    assert.equal(second.options.host, first.host)
    assert.notEqual(other.host, first.host)
    await first.end()
    assert.ok(existsSync(first.host), "the pool has it still")
    await Promise.all([second.end(), other.end()])
    assert.ok(!existsSync(first.host))
    assert.equal((await own.waitClosed(3)).length, 3)
}))

test("much data goes both ways", async () => {
    const client = await connect(url(), options)
    const text = "x".repeat(5_000_000)
    assert.equal((await client.query("select reverse($1) as back", [text])).rows[0].back, text)
    await client.end()
})

test("a query is cancelled, over a second connection through the same tunnel", async () => {
    const observer = new pg.Client(postgres.url())
    await observer.connect()
    const pool = await createPool(url(), options)
    const client = await pool.connect()
    const ended = assert.rejects(client.query("select pg_sleep(60)"), { code: "57014" })
    await running(observer, client.processID)
    await cancel(client)
    await ended
    assert.deepEqual((await client.query("select 1 as one")).rows, [{ one: 1 }])
    client.release()
    await assert.rejects(cancel(pool), { code: "ARGUMENT_INVALID" })
    await pool.end()
    await observer.end()
})

test("a query is cancelled in pg's own way", async () => {
    const observer = new pg.Client(postgres.url())
    await observer.connect()
    const client = await connect(url(), options)
    const query = new pg.Query("select pg_sleep(60)")
    const ended = new Promise((resolve) => query.on("error", resolve))
    client.query(query)
    await running(observer, client.processID)
    new pg.Client({ host: client.host, port: client.port }).cancel(client, query)
    assert.equal((await ended).code, "57014")
    assert.deepEqual((await client.query("select 1 as one")).rows, [{ one: 1 }])
    await client.end()
    await observer.end()
})

test("everything may come from the environment", async () => {
    Object.assign(process.env, {
        PGHOST: "127.0.0.1", PGPORT: String(sidecar.port), PGUSER: "postgres", PGPASSWORD: postgres.password, PGDATABASE: "postgres",
        PGSSLMODE: "verify-full", PGSSLNEGOTIATION: "direct",
    })
    try {
        const client = await connect("", options)
        assert.deepEqual((await client.query("select current_user as name")).rows, [{ name: "postgres" }])
        await client.end()
    } finally {
        bareEnvironment()
    }
})

test("the name is asked for and the address dialled", async () => {
    const client = await connect(`postgresql://postgres:${encodeURIComponent(postgres.password)}@db.example:${sidecar.port}/postgres?hostaddr=127.0.0.1`, options)
    await client.end()
    await sidecar.waitFor(() => sidecar.connections.some(({ sni, alpn }) => sni === "db.example" && alpn === "postgresql"))
})

test("the password file is asked for the real server", async () => {
    writeFileSync(process.env.PGPASSFILE, `127.0.0.1:${sidecar.port}:postgres:postgres:${postgres.password}\n`, { mode: 0o600 })
    const client = await connect(`postgresql://postgres@127.0.0.1:${sidecar.port}/postgres`, options)
    assert.deepEqual((await client.query("select 1 as one")).rows, [{ one: 1 }])
    await client.end()
    bareEnvironment()
})

test("a password that nobody knows is a placeholder, and the server's answer its own", async () => {
    await assert.rejects(connect(`postgresql://postgres@127.0.0.1:${sidecar.port}/postgres`, options), (error) => {
        assert.match(error.message, /password authentication failed/)
        assert.equal(error.code, "28P01")
        return true
    })
})

test("pg's settings are handed on", async () => {
    const client = await connect(url("?application_name=till"), { ...options, statement_timeout: 4321, options: "-c geqo=off" })
    const { rows } = await client.query("select current_setting('application_name') as name, current_setting('statement_timeout') as timeout, current_setting('geqo') as geqo")
    assert.deepEqual(rows, [{ name: "till", timeout: "4321ms", geqo: "off" }])
    await client.end()
})

test("settings for what makes pg's clients by itself", async () => {
    const settings = await attestedSettings(url(), options)
    const client = new pg.Client(settings.connection)
    await client.connect()
    assert.deepEqual((await client.query("select 1 as one")).rows, [{ one: 1 }])
    assert.ok(attestation(settings).verified)
    await client.end()
    await close(settings)
    assert.ok(!existsSync(settings.connection.host))
})

test("noop accepts unverified", async () => {
    const client = await connect(url(), { verifier: new NoopVerifier() })
    assert.deepEqual([attestation(client).accepted, attestation(client).verified], [true, false])
    await client.end()
})

test("the evidence of an open connection is saved", async () => {
    const client = await connect(url(), options)
    const path = join(temporary(), "evidence.json")
    await saveEvidence(client, path)
    await client.end()
    const saved = JSON.parse(readFileSync(path, "utf8"))
    assert.deepEqual(Object.keys(saved).sort(), ["certificate", "collateral", "quote", "trust_anchor", "verified_at"])
    const said = JSON.parse(execFileSync(COMMAND, ["verify", "--saved", path, "--mrtd", sidecar.mr_td, "--json"], { encoding: "utf8" }))
    assert.deepEqual([said.accepted, said.verified, said.result.mr_td], [true, true, sidecar.mr_td])
})

test("a verdict is asked only of what is ours", async () => {
    for (const thing of [new pg.Client(), null, {}, 5]) {
        assert.throws(() => attestation(thing), (error) => error instanceof UsageError && error.code === "ARGUMENT_INVALID")
    }
})

test("a client that the server drops tells it, and its tunnel goes", async () => {
    const client = await connect(url(), options)
    const dropped = new Promise((resolve) => client.on("error", resolve))
    const other = await connect(url(), options)
    await other.query("select pg_terminate_backend($1)", [client.processID])
    assert.equal((await dropped).code, "57P01")
    await close(client)
    await close(other)
    assert.ok(!existsSync(dirname(join(client.host, "x"))))
})

test("a pool outlives connections that the server drops", async () => {
    const pool = await createPool(url(), { ...options, max: 2 })
    const { rows: [{ pid }] } = await pool.query("select pg_backend_pid() as pid")
    const dropped = new Promise((resolve) => pool.on("remove", resolve))
    const other = await connect(url(), options)
    await other.query("select pg_terminate_backend($1)", [pid])
    await dropped
    await other.end()
    assert.deepEqual((await pool.query("select 1 as one")).rows, [{ one: 1 }])
    await pool.end()
})

test("a server that is killed is the driver's ordinary error, and nothing is left open", async () => {
    const own = await Sidecar.start(postgres)
    const pool = await createPool(postgres.url(own.port), options)
    const busy = await pool.connect()
    busy.on("error", () => undefined) // of a client that is lent, pg leaves it to the borrower
    const failed = assert.rejects(busy.query("select pg_sleep(60)"))
    own.process.kill("SIGKILL")
    await failed
    busy.release(true)
    await assert.rejects(pool.query("select 1"), (error) => error instanceof UnavailableError)
    await pool.end()
    assert.ok(!existsSync(pool.options.host))
})

test("the goodbye reaches the server", async () => {
    const observer = new pg.Client(postgres.url())
    await observer.connect()
    const count = async () => (await observer.query(
        "select sessions::int, sessions_abandoned::int as abandoned from pg_stat_database where datname = 'polite'")).rows[0]
    await observer.query("create database polite")
    const polite = url().replace(/postgres$/, "polite")
    for (let times = 0; times < 5; times++) {
        const pool = await createPool(polite, options)
        await pool.query("select 1")
        await pool.end()
        await (await connect(polite, options)).end()
    }
    let now
    do {
        now = await count()
    } while (now.sessions < 10)
    assert.equal(now.abandoned, 0)
    await observer.end()
})
