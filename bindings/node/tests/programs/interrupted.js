"use strict"
// `interrupted.js INPUT CALL WAY`: begin a call that waits, and when it does, end the thread that made it: `exit` ends the
// process, `terminate` the worker, `return` lets the worker's own process.exit() end it.
const fs = require("node:fs")
const net = require("node:net")
const { Worker, isMainThread, parentPort, workerData } = require("node:worker_threads")

const LONG_MS = 600_000

/** A server that says nothing; resolves with its port, and `reached` when a client has come. */
async function silentServer(reached) {
    const server = net.createServer((socket) => socket.on("error", () => {}).once("data", reached))
    await new Promise((done) => server.listen(0, "127.0.0.1", done))
    return server.address().port
}

/** The calls that wait, each with what tells that it does. */
const calls = {
    async verify({ certificate, quote }, reached) {
        const api = require("ra-tls-verify")
        const never = { verify: () => { setImmediate(reached); return new Promise(() => {}) } }
        api.verifyQuote(never, quote, { timeoutMs: LONG_MS }).catch(() => {})
        keep(never, certificate)
    },
    async verifyCertificate({ certificate }, reached) {
        const api = require("ra-tls-verify")
        const never = { verify: () => { setImmediate(reached); return new Promise(() => {}) } }
        api.verifyCertificate(never, certificate, { timeoutMs: LONG_MS }).catch(() => {})
        keep(never)
    },
    async open(_, reached) {
        const { NoopVerifier } = require("ra-tls-verify")
        const { Tunnel } = require("ra-tls-verify/tunnel")
        const port = await silentServer(reached)
        Tunnel.open(new NoopVerifier(), { host: "127.0.0.1", port, connectTimeoutMs: LONG_MS, handshakeTimeoutMs: LONG_MS }).catch(() => {})
    },
    async openAndJudge({ port }, reached) {
        const { Tunnel } = require("ra-tls-verify/tunnel")
        const never = { verify: () => { setImmediate(reached); return new Promise(() => {}) } }
        Tunnel.open(never, { host: "127.0.0.1", port, options: { timeoutMs: LONG_MS }, connectTimeoutMs: LONG_MS }).catch(() => {})
        keep(never)
    },
    async fetch(_, reached) {
        const addon = require("../../lib/addon.js")
        const port = await silentServer(reached)
        addon.tunnelFetchCertificate({ host: "127.0.0.1", port, connectTimeoutMs: LONG_MS, handshakeTimeoutMs: LONG_MS }, null).catch(() => {})
    },
    /** A tunnel with a connection in use, and one whose verdict is awaited. */
    async serve({ file, port }, reached) {
        const { Tunnel } = require("ra-tls-verify/tunnel")
        const { startup } = require("../startup.js")
        let asked = 0
        const own = { verify: () => (++asked === 1 ? { tcbStatus: "OK" } : (setImmediate(reached), new Promise(() => {}))) }
        const tunnel = await Tunnel.open(own, { host: "127.0.0.1", port, options: { timeoutMs: LONG_MS, cacheTtlMs: 0 } })
        const path = `${tunnel.directory}/.s.PGSQL.${tunnel.port}`
        fs.writeFileSync(`${file}.directory`, tunnel.directory)
        keep(await startup(path), tunnel, own)
        startup(path).catch(() => {})
    },
    async close(input, reached) {
        const { Tunnel } = require("ra-tls-verify/tunnel")
        const { startup } = require("../startup.js")
        const own = { verify: () => ({ tcbStatus: "OK" }) }
        const tunnel = await Tunnel.open(own, { host: "127.0.0.1", port: input.port })
        keep(await startup(`${tunnel.directory}/.s.PGSQL.${tunnel.port}`))
        tunnel.close().catch(() => {})
        reached()
    },
}

const kept = []
function keep(...things) {
    kept.push(things)
}

async function begin([input, call], reached) {
    const { readInput } = require("./exercise.js")
    await calls[call]({ ...readInput(input), file: input }, reached)
}

async function main([input, call, way]) {
    if (way === "exit") {
        await begin([input, call], () => { console.log("reached"); process.exit(0) })
        return
    }
    const worker = new Worker(__filename, { workerData: { input, call, way } })
    worker.once("error", (error) => { throw error })
    if (way === "terminate") worker.once("message", () => { console.log("reached"); worker.terminate() })
    else worker.once("message", () => console.log("reached"))
    worker.once("exit", () => console.log("ended"))
}

if (isMainThread && require.main === module) {
    main(process.argv.slice(2))
} else if (!isMainThread) {
    begin([workerData.input, workerData.call], () => {
        parentPort.postMessage("reached")
        if (workerData.way === "return") setImmediate(() => process.exit(0))
    })
}

module.exports = { names: Object.keys(calls) }
