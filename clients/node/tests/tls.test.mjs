/** A PostgreSQL that ends the TLS itself: with TLS from the first byte on, or after an SSLRequest; and one that has none. */
import assert from "node:assert/strict"
import { after, test } from "node:test"

import pg from "pg"

import { attestation, attestedSettings, cancel, close, connect, createPool, RefusedError, UnavailableError, withRaTls } from "pg-ratls"
import { Postgres } from "./simulator.mjs"
import { askAdapter, failureOf, running, stage } from "./stage.mjs"

const { postgres: plain, options, sidecar } = await stage()
/** Takes TLS both ways, and TLS on request alone. */
const [direct, onRequest] = [await Postgres.start("--tls", "direct"), await Postgres.start("--tls", "start")]
after(() => Promise.all([direct.stop(), onRequest.stop()]))

const VERSION = "select version from pg_stat_ssl where pid = pg_backend_pid()"

for (const [way, postgres, startTls] of [
    ["from the first byte on", direct, false], ["after an SSLRequest", direct, true], ["after an SSLRequest, which alone is taken", onRequest, true]]) {
    const ours = { ...options, startTls }

    test(`a client, ${way}`, async () => {
        const client = await connect(postgres.url(), ours)
        assert.deepEqual((await client.query(VERSION)).rows, [{ version: "TLSv1.3" }])
        const { verified, keyBound, mrTd } = attestation(client)
        assert.deepEqual({ verified, keyBound, mrTd }, { verified: true, keyBound: true, mrTd: sidecar.mr_td })
        await client.end()
    })

    test(`every connection of a pool, ${way}`, async () => {
        const pool = await createPool(postgres.url(), { ...ours, max: 5 })
        const clients = await Promise.all(Array.from({ length: 5 }, () => pool.connect()))
        const versions = await Promise.all(clients.map((client) => client.query(VERSION)))
        assert.deepEqual(versions.map(({ rows }) => rows[0].version), Array(5).fill("TLSv1.3"))
        clients.forEach((client) => client.release())
        await pool.end()
    })

    test(`Prisma's adapter, and settings, ${way}`, async () => {
        assert.equal(await askAdapter(await withRaTls(postgres.url(), ours)), 42)
        const settings = await attestedSettings(postgres.url(), ours)
        const client = new pg.Client(settings.connection)
        await client.connect()
        assert.deepEqual((await client.query(VERSION)).rows, [{ version: "TLSv1.3" }])
        await client.end()
        await close(settings)
    })

    test(`a query is cancelled, ${way}`, async () => {
        const [client, observer] = [await connect(postgres.url(), ours), await connect(postgres.url(), ours)]
        const ended = assert.rejects(client.query("select pg_sleep(60)"), { code: "57014" })
        await running(observer, client.processID)
        await cancel(client)
        await ended
        await Promise.all([client.end(), observer.end()])
    })

    test(`much data, ${way}`, async () => {
        const client = await connect(postgres.url(), ours)
        const text = "x".repeat(5_000_000)
        assert.equal((await client.query("select reverse($1) as back", [text])).rows[0].back, text)
        await client.end()
    })

    test(`another server is refused before it hears anything, ${way}`, async () => {
        const error = await failureOf(connect(postgres.url(), { ...ours, allowedMrTd: ["00".repeat(48)] }))
        assert.ok(error instanceof RefusedError)
        assert.equal(error.code, "MRTD_NOT_ALLOWED")
    })

    test(`a wrong password is the server's own error, ${way}`, async () => {
        const url = postgres.url().replace(encodeURIComponent(postgres.password), "wrong")
        assert.equal((await failureOf(connect(url, ours))).code, "28P01")
    })
}

test("an SSLRequest at a server without TLS", async () => {
    for (const open of [connect, createPool, withRaTls, attestedSettings]) {
        const error = await failureOf(open(plain.url(), { ...options, startTls: true }))
        assert.ok(error instanceof UnavailableError)
        assert.equal(error.code, "START_TLS_REFUSED")
    }
})

test("TLS from the first byte on at a server that takes it on request alone", async () => {
    const error = await failureOf(connect(onRequest.url(), options))
    assert.ok(error instanceof UnavailableError)
    assert.match(error.code, /^HANDSHAKE_/)
})

test("what the options say of the TCP connection reaches the tunnel", async () => {
    const url = (parameters) => direct.url(direct.port, parameters)
    const [first, second] = [await connect(url(), options), await connect(url(), { ...options, keepaliveIdleS: 7 })]
    assert.notEqual(second.host, first.host, "tunnels that differ are not shared")
    const third = await connect(url("?keepalives_idle=7"), options)
    assert.equal(third.host, second.host)
    assert.equal((await failureOf(connect(url(), { ...options, startTls: 1 }))).code, "OPTION_TYPE")
    await Promise.all([first.end(), second.end(), third.end()])
})
