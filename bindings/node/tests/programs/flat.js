"use strict"
// `flat.js INPUT KIND`: the same many times, in windows. Memory settles after a while, as allocators have it, unless something
// leaks: the first window in which it did not grow ends the program. Prints how memory grew in each, and descriptors in all.
const fs = require("node:fs")
const api = require("ra-tls-verify")
const { Tunnel } = require("ra-tls-verify/tunnel")

const { readInput } = require("./exercise.js")
const { startup } = require("../startup.js")

const WARM = 100
const ROUNDS = 250
const WINDOWS = 20
/** In one window: half a kilobyte for each round. */
const FLAT_BYTES = 128 << 10

const quiet = () => {}
const kinds = {
    async sync({ certificate, collateral, trustAnchor, now }) {
        const verifier = new api.DcapVerifier({ collateral, trustAnchor, log: quiet })
        verifier.verifyCertificateSync(certificate, { now })
        verifier.close()
    },
    async forgotten({ certificate, collateral, trustAnchor, now }) {
        await new api.DcapVerifier({ collateral, trustAnchor, log: () => {} }).verifyCertificate(certificate, { now })
    },
    async refused({ certificate, collateral, trustAnchor, now }) {
        const verifier = new api.DcapVerifier({ collateral, trustAnchor, log: quiet })
        await verifier.verifyCertificate(certificate, { now, allowedMrTd: ["00".repeat(48)] }).catch(quiet)
        await verifier.verify(certificate.subarray(9)).catch(quiet)
        verifier.close()
    },
    async own({ certificate, now }) {
        await api.verifyCertificate({ verify: async () => ({ tcbStatus: "OK" }) }, certificate, { now }, { signal: new AbortController().signal })
    },
    async cancelled({ quote }) {
        const controller = new AbortController()
        await api.verifyQuote({ verify: () => { controller.abort(); return new Promise(quiet) } }, quote, {}, { signal: controller.signal }).catch(quiet)
    },
    async tunnel({ port, now }, verifier) {
        const tunnel = await Tunnel.open(verifier, { host: "127.0.0.1", port, options: { now } })
        const { socket } = await startup(`${tunnel.directory}/.s.PGSQL.${tunnel.port}`)
        socket.destroy()
        await tunnel.close()
    },
}

async function settled() {
    for (let i = 0; i < 20; i++) {
        global.gc()
        await new Promise(setImmediate)
    }
    return { rss: process.memoryUsage().rss, files: fs.readdirSync("/proc/self/fd").length }
}

async function main([file, kind]) {
    const input = readInput(file)
    const verifier = new api.DcapVerifier({ collateral: input.collateral, trustAnchor: input.trustAnchor, log: quiet })
    for (let i = 0; i < WARM; i++) await kinds[kind](input, verifier)
    const grown = []
    const first = await settled()
    let last = first
    while (grown.length < WINDOWS && !(grown.at(-1) < FLAT_BYTES)) {
        for (let i = 0; i < ROUNDS; i++) await kinds[kind](input, verifier)
        const now = await settled()
        grown.push(now.rss - last.rss)
        last = now
    }
    console.log(JSON.stringify({ flat: grown.at(-1) < FLAT_BYTES, grown, files: last.files - first.files }))
}

if (require.main === module) main(process.argv.slice(2))
module.exports = { names: Object.keys(kinds) }
