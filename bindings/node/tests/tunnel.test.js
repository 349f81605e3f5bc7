"use strict"
const assert = require("node:assert/strict")
const fs = require("node:fs")
const net = require("node:net")
const { after, before, test } = require("node:test")
const { setFlagsFromString } = require("node:v8")
const { runInNewContext } = require("node:vm")
const { Tunnel } = require("ra-tls-verify/tunnel")

const { postgres, sidecar } = require("./simulator.js")
const { startup } = require("./startup.js")
const { api, dcap, failureOf, minted, then } = require("./world.js")

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc")

let cluster, server
before(async () => {
    cluster = await postgres()
    server = await sidecar({ upstream: cluster.socket })
})
after(async () => {
    await server.close()
    await cluster.close()
})

const open = (more = {}, verifier = dcap) => Tunnel.open(verifier, { host: "127.0.0.1", port: server.port, options: then, ...more })
const socketOf = ({ directory, port }) => `${directory}/.s.PGSQL.${port}`

test("it opens, serves, tells its verdict and closes", async () => {
    const tunnel = await open({ serverName: "db.example", connectTimeoutMs: 10_000 })
    assert.ok(fs.statSync(socketOf(tunnel)).isSocket())
    assert.equal(fs.statSync(tunnel.directory).mode & 0o777, 0o700)
    assert.deepEqual([tunnel.result().tcbStatus, tunnel.lastError(), tunnel.closed], ["OK", null, false])
    const { socket, answer } = await startup(socketOf(tunnel))
    assert.match(answer.toString("latin1"), /^R.*SCRAM-SHA-256/s)
    assert.equal(tunnel.resultOf(socket._handle.fd).mrTd, tunnel.result().mrTd)
    assert.equal(tunnel.stats().connectionsNow, 1)
    assert.ok(tunnel.stats().bytesFromUpstream >= answer.length)
    const { certificate, trust_anchor: anchor } = tunnel.evidence()
    assert.match(certificate, /^-----BEGIN CERTIFICATE-----/)
    assert.deepEqual(tunnel.evidence(socket._handle.fd).certificate, certificate)
    assert.match(anchor, /^-----BEGIN CERTIFICATE-----/)
    socket.destroy()
    await tunnel.close()
    await tunnel.close()
    assert.ok(tunnel.closed && !fs.existsSync(tunnel.directory))
    assert.equal((await server.waitClosed()).at(-1).sni, "db.example")
})

test("a descriptor that is none of its connections", async () => {
    const tunnel = await open()
    assert.equal((await failureOf(() => tunnel.resultOf(0))).code, "CONNECTION_UNKNOWN")
    for (const bad of [-1, 1.5]) assert.equal((await failureOf(() => tunnel.resultOf(bad))).code, "OPTION_VALUE")
    for (const bad of ["3", null]) assert.equal((await failureOf(() => tunnel.resultOf(bad))).code, "OPTION_TYPE")
    await tunnel.close()
})

test("equal openings share one tunnel, until the last closes", async () => {
    const first = await open()
    const second = await open()
    assert.equal(second.directory, first.directory)
    await first.close()
    assert.ok(fs.existsSync(socketOf(second)))
    await second.close()
    assert.ok(!fs.existsSync(second.directory))
})

test("an own verifier's openings share one tunnel, too", async () => {
    const own = { verify: async () => ({ tcbStatus: "OK" }) }
    const [first, second] = await Promise.all([open({ options: {} }, own), open({ options: {} }, own)])
    assert.equal(second.directory, first.directory)
    const other = await open({ options: {} }, { verify: async () => ({ tcbStatus: "OK" }) })
    assert.notEqual(other.directory, first.directory)
    await Promise.all([first.close(), second.close(), other.close()])
})

test("it is disposed of", async () => {
    const tunnel = await open()
    await tunnel[Symbol.asyncDispose]()
    assert.ok(tunnel.closed)
})

test("a closed tunnel says so", async () => {
    const tunnel = await open()
    await tunnel.close()
    for (const call of [() => tunnel.result(), () => tunnel.resultOf(1), () => tunnel.lastError(), () => tunnel.stats(), () => tunnel.evidence()]) {
        const error = await failureOf(call)
        assert.ok(error instanceof api.UnavailableError)
        assert.equal(error.code, "TUNNEL_CLOSED")
    }
})

test("its verifier may be closed before it", async () => {
    const verifier = new api.NoopVerifier({ log: () => {} })
    const tunnel = await open({ options: {} }, verifier)
    verifier.close()
    const { socket, answer } = await startup(socketOf(tunnel))
    assert.equal(answer[0], "R".charCodeAt(0))
    socket.destroy()
    await tunnel.close()
})

test("it closes when it is forgotten", async () => {
    let tunnel = await open({ serverName: "forgotten.example" })
    const { directory } = tunnel
    tunnel = undefined
    const end = Date.now() + 30_000
    while (fs.existsSync(directory) && Date.now() < end) {
        await new Promise(setImmediate)
        collect()
    }
    assert.ok(!fs.existsSync(directory))
})

test("a refusal is raised, and one of a later connection reaches the driver as text and lastError", async () => {
    const tunnel = await open({ options: { ...then, cacheTtlMs: 0 } })
    const first = await startup(socketOf(tunnel)) // the handshake made at the opening
    first.socket.destroy()
    await server.tell({ mint: { fault: "debug" } })
    const error = await failureOf(() => open({ serverName: "other.example" }))
    assert.deepEqual([error.name, error.code], ["RefusedError", "DEBUG_MODE"])
    assert.match(error.message, /Set allowDebugMode: true to override/)
    const { socket, answer } = await startup(socketOf(tunnel))
    assert.match(answer.toString(), /^E.*FATAL.*allowDebugMode: true/s)
    assert.equal(tunnel.lastError().code, "DEBUG_MODE")
    socket.destroy()
    await server.tell({ mint: {} })
    await tunnel.close()
})

test("an own verifier judges on the event loop while the driver waits", async () => {
    const seen = []
    const own = { verify: async (quote) => { seen.push(quote.length); await new Promise(setImmediate); return { tcbStatus: "OK" } } }
    const tunnel = await open({ options: { cacheTtlMs: 0 } }, own)
    for (let i = 0; i < 3; i++) {
        const { socket, answer } = await startup(socketOf(tunnel))
        assert.equal(answer[0], "R".charCodeAt(0))
        socket.destroy()
    }
    assert.ok(seen.length >= 3)
    await tunnel.close()
})

test("a silent server takes no longer than allowed, and a signal ends the opening", async () => {
    const silent = net.createServer((socket) => socket.on("error", () => {}).resume())
    await new Promise((done) => silent.listen(0, "127.0.0.1", done))
    const { port } = silent.address()
    const error = await failureOf(() => open({ port, handshakeTimeoutMs: 50 }))
    assert.deepEqual([error.name, error.code], ["UnavailableError", "HANDSHAKE_TIMEOUT"])
    const controller = new AbortController()
    silent.once("connection", () => controller.abort())
    assert.equal((await failureOf(() => open({ port, handshakeTimeoutMs: 60_000, signal: controller.signal }))).code, "CANCELLED")
    silent.close()
})

test("nobody listens", async () => {
    assert.equal((await failureOf(() => open({ port: 1 }))).code, "CONNECT_FAILED")
})

for (const [name, value, code] of [
    ["host", "", "OPTION_VALUE"], ["host", undefined, "OPTION_VALUE"], ["host", "a\0b", "OPTION_VALUE"], ["host", 5, "OPTION_TYPE"],
    ["serverName", "a\0b", "OPTION_VALUE"], ["serverName", Buffer.from("a"), "OPTION_TYPE"], ["port", -1, "OPTION_VALUE"], ["port", 65536, "OPTION_VALUE"],
    ["port", "5432", "OPTION_TYPE"], ["port", true, "OPTION_TYPE"], ["port", 1.5, "OPTION_VALUE"], ["connectTimeoutMs", 0, "OPTION_VALUE"],
    ["connectTimeoutMs", NaN, "OPTION_VALUE"], ["connectTimeoutMs", "5", "OPTION_TYPE"], ["handshakeTimeoutMs", -1, "OPTION_VALUE"],
    ["startTls", "no", "OPTION_TYPE"], ["startTls", 1, "OPTION_TYPE"], ["tcpUserTimeoutMs", 1.5, "OPTION_VALUE"]]) {
    test(`${name} must not be ${typeof value} ${JSON.stringify(value)}`, async () => {
        const error = await failureOf(() => open({ [name]: value }))
        assert.ok(error instanceof api.UsageError, String(error))
        assert.deepEqual([error.code, error.details.option], [code, name])
    })
}

test("names that are no setting, and what is no verifier, no options or no signal", async () => {
    assert.equal((await failureOf(() => open({ allowSimulator: true }))).code, "OPTION_UNKNOWN")
    assert.equal((await failureOf(() => Tunnel.open(dcap))).code, "OPTION_VALUE")
    assert.equal((await failureOf(() => Tunnel.open(dcap, null))).code, "ARGUMENT_INVALID")
    assert.equal((await failureOf(() => open({}, {}))).details.argument, "verifier")
    assert.equal((await failureOf(() => open({ options: null }))).details.argument, "options")
    assert.equal((await failureOf(() => open({ signal: {} }))).details.argument, "signal")
    assert.throws(() => new Tunnel(), TypeError)
})

test("startTls asks first", async () => {
    let asked
    const plain = net.createServer((socket) => socket.once("data", (data) => { asked = data; socket.end("N") }))
    await new Promise((done) => plain.listen(0, "127.0.0.1", done))
    const error = await failureOf(() => open({ port: plain.address().port, startTls: true }))
    assert.equal(error.code, "START_TLS_REFUSED")
    assert.equal(asked.toString("hex"), "0000000804d2162f")
    plain.close()
})

test("evidence that was saved is judged again by the command", { skip: process.env.RATLS_COMMAND ? false : "RATLS_COMMAND is not set" }, async () => {
    const { spawnSync } = require("node:child_process")
    const tunnel = await open()
    const done = spawnSync(process.env.RATLS_COMMAND, ["verify", "--saved", "-", "--json"], { input: JSON.stringify(tunnel.evidence()), encoding: "utf8" })
    await tunnel.close()
    assert.equal(JSON.parse(done.stdout).result.mr_td, api.inspectQuote(minted.quote).mrTd)
})
