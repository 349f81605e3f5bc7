"use strict"
// Everything at once, with every outcome checked: verification, also over the addon's own HTTP, node's own cryptography, TLS and HTTP, a
// tunnel in use.
const assert = require("node:assert/strict")
const crypto = require("node:crypto")
const fs = require("node:fs")
const https = require("node:https")
const tls = require("node:tls")
const api = require("ra-tls-verify")
const { Tunnel } = require("ra-tls-verify/tunnel")

const { startup } = require("../startup.js")

/** What a test wrote for its programs. */
function readInput(file) {
    const input = JSON.parse(fs.readFileSync(file, "utf8"))
    for (const name of ["certificate", "quote", "collateral", "trustAnchor"]) input[name] = Buffer.from(input[name], "base64")
    return input
}

function writeInput(file, minted, more) {
    const bytes = Object.fromEntries(Object.entries(minted).map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString("base64") : value]))
    fs.writeFileSync(file, JSON.stringify({ ...bytes, ...more }))
}

async function verifies({ certificate, collateral, trustAnchor, now }) {
    const verifier = new api.DcapVerifier({ collateral, trustAnchor, log: () => {} })
    assert.equal(verifier.verifyCertificateSync(certificate, { now }).tcbStatus, "OK")
    const forged = Buffer.from(certificate)
    forged[forged.length - 2000] ^= 1
    const outcomes = await Promise.allSettled([certificate, forged, certificate].map((der) => verifier.verifyCertificate(der, { now, cacheTtlMs: 0 })))
    assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"])
    const own = { verify: async () => ({ tcbStatus: "OK" }) }
    assert.equal((await api.verifyCertificate(own, certificate, { now })).verifier, "custom")
    return verifier
}

function nodeCrypto() {
    const { privateKey, publicKey } = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" })
    const text = crypto.randomBytes(1000)
    assert.ok(crypto.verify("sha256", text, publicKey, crypto.sign("sha256", text, privateKey)))
    const cipher = crypto.createCipheriv("aes-256-gcm", Buffer.alloc(32), Buffer.alloc(12))
    assert.equal(Buffer.concat([cipher.update(text), cipher.final()]).length, text.length)
    assert.equal(crypto.createHash("sha256").update("abc").digest("hex").slice(0, 8), "ba7816bf")
}

async function nodeTls({ pem, key }) {
    const server = tls.createServer({ cert: pem, key }, (socket) => socket.pipe(socket))
    await new Promise((done) => server.listen(0, "127.0.0.1", done))
    const socket = tls.connect({ port: server.address().port, host: "127.0.0.1", rejectUnauthorized: false })
    const echoed = await new Promise((resolve, reject) => {
        socket.once("error", reject)
        socket.once("data", resolve)
        socket.write("echo")
    })
    assert.equal(echoed.toString(), "echo")
    socket.destroy()
    await new Promise((done) => server.close(done))
}

/** Intel Trust Authority's stand-in through the addon's libcurl, and through node's own client at the same time. */
async function asksService({ certificate, now, service }) {
    const verifier = new api.IntelApiVerifier(service.api_key, {
        baseUrl: service.api_url, portalUrl: service.portal_url, caFile: service.ca_file, proxy: "", log: () => {} })
    const options = { now, cacheTtlMs: 0 }
    const [results, statuses] = await Promise.all([
        Promise.all([1, 2, 3].map(() => verifier.verifyCertificate(certificate, options))), Promise.all([1, 2, 3].map(() => nodeHttps(service)))])
    assert.deepEqual(results.map(({ tcbStatus }) => tcbStatus), ["OK", "OK", "OK"])
    assert.deepEqual(statuses, [200, 200, 200])
    assert.equal(verifier.verifyCertificateSync(certificate, options).verifier, "intel")
    verifier.close()
}

function nodeHttps(service) {
    return new Promise((resolve, reject) => {
        const request = https.get(`${service.portal_url}/certs`, { ca: fs.readFileSync(service.ca_file), agent: false }, (answer) => {
            answer.resume().once("end", () => resolve(answer.statusCode))
        })
        request.once("error", reject)
    })
}

async function tunnels({ port, now }, verifier) {
    const tunnel = await Tunnel.open(verifier, { host: "127.0.0.1", port, options: { now } })
    const path = `${tunnel.directory}/.s.PGSQL.${tunnel.port}`
    const connections = await Promise.all([startup(path), startup(path)])
    for (const { answer } of connections) assert.equal(answer[0], "R".charCodeAt(0))
    return async () => {
        for (const { socket } of connections) socket.destroy()
        await tunnel.close()
    }
}

/** Do it all; the tunnel is open while the rest runs. */
async function exercise(input) {
    const verifier = await verifies(input)
    const close = await tunnels(input, verifier)
    nodeCrypto()
    await Promise.all([nodeTls(input), verifies(input), asksService(input)])
    await close()
}

module.exports = { exercise, readInput, writeInput }
