"use strict"
// Attested ways to a PostgreSQL server, for clients of this package.

const addon = require("./addon.js")
const { waiting } = require("./calls.js")
const { failure } = require("./errors.js")
const { handleOfLeader } = require("./leader.js")
const { camel } = require("./names.js")
const { policyOf } = require("./options.js")
const { environment } = require("./proxy.js")
const { resultOf } = require("./result.js")
const { flag, milliseconds, name, number, port, readSettings, wrongValue } = require("./settings.js")
const { handleOf, logOf } = require("./verifiers.js")

const made = Symbol("made")
const closeNow = Symbol("closeNow")

/** Judged where it is used. @param {string} _ @param {unknown} value */
const asItIs = (_, value) => value
/** @param {string} _ @param {unknown} value */
const leader = (_, value) => handleOfLeader(value)
/** Not given is a word of its own: then a certificate is presented when the server asks for one. @param {string} option @param {unknown} value */
const insisted = (option, value) => (flag(option, value) === 1 ? 1 : -1)

const READERS = {
    host: name, leader, leaderDrainMs: number, port, serverName: name, connectTimeoutMs: milliseconds, handshakeTimeoutMs: milliseconds, startTls: flag,
    tcpUserTimeoutMs: number, keepaliveIdleS: number, keepaliveIntervalS: number, keepaliveCount: number, clientAttestation: insisted, dstackSocket: name,
    dstackTimeoutMs: milliseconds, options: asItIs, signal: asItIs,
}

/** @type {Set<WeakRef<Tunnel>>} tunnels that are open */
const open = new Set()
/** @type {FinalizationRegistry<WeakRef<Tunnel>>} */
const forgotten = new FinalizationRegistry((reference) => open.delete(reference))

// Sockets do not outlive the program. process.exit() leaves the addon no moment for it; other ends do.
process.once("exit", () => {
    for (const reference of open) reference.deref()?.[closeNow]()
})

class Tunnel {
    /** @type {import("./native.js").Tunnel | null} */
    #handle
    #verifier
    #reference = new WeakRef(this)

    /** @param {unknown} key @param {import("./native.js").Tunnel} handle @param {unknown} verifier */
    constructor(key, handle, verifier) {
        if (key !== made) throw new TypeError("a Tunnel comes from Tunnel.open")
        this.#handle = handle
        // The core keeps its own hold of a built-in verifier; one of the caller's lives in JavaScript.
        this.#verifier = verifier
        this.directory = /** @type {string} */ (addon.tunnelDirectory(handle))
        this.port = addon.tunnelPort(handle)
        open.add(this.#reference)
        forgotten.register(this, this.#reference)
    }

    /** @param {unknown} verifier @param {unknown} settings */
    static async open(verifier, settings) {
        const { options, signal, ...rest } = readSettings(settings, READERS)
        if (rest.host === undefined && rest.leader === undefined) name("host", "")
        const verify = policyOf(options)
        try {
            const handle = handleOf(verifier, options)
            // The core reads no environment. It decides itself where this counts: it says who makes this client's key.
            const dstackSimulatorEndpoint = environment("DSTACK_SIMULATOR_ENDPOINT", "TAPPD_SIMULATOR_ENDPOINT") ?? null
            const given = {
                ...rest, dstackSimulatorEndpoint, verify, log: logOf(verifier), peer: addon.PEER_SAME_PROCESS, spelling: addon.SPELLING_TYPESCRIPT,
            }
            return new Tunnel(made, await waiting(/** @type {AbortSignal | undefined} */ (signal), "opening the tunnel", (cancel) =>
                addon.tunnelOpen(handle, given, cancel)), verifier)
        } finally {
            addon.policyFree(verify)
        }
    }

    #open() {
        if (this.#handle === null) throw failure("TUNNEL_CLOSED")
        return this.#handle
    }

    get closed() {
        return this.#handle === null
    }

    result() {
        return resultOf(addon.tunnelResult(this.#open()))
    }

    /** @param {unknown} fd */
    resultOf(fd) {
        return resultOf(addon.tunnelResultOf(this.#open(), checkDescriptor(fd)))
    }

    lastError() {
        return addon.tunnelLastError(this.#open())
    }

    stats() {
        const text = addon.tunnelStats(this.#open())
        if (text === null) throw failure("OUT_OF_MEMORY")
        return Object.fromEntries(Object.entries(JSON.parse(text)).map(([name, count]) => [camel(name), count]))
    }

    /** @param {unknown} [fd] */
    evidence(fd) {
        return JSON.parse(addon.tunnelEvidence(this.#open(), fd === undefined ? -1 : checkDescriptor(fd)))
    }

    /** The handle, which is the caller's to close; null the second time. */
    #take() {
        const handle = this.#handle
        this.#handle = null
        open.delete(this.#reference)
        return handle
    }

    async close() {
        const handle = this.#take()
        if (handle !== null) await addon.tunnelClose(handle)
        this.#verifier = undefined
    }

    [closeNow]() {
        const handle = this.#take()
        if (handle !== null) addon.tunnelCloseSync(handle)
    }

    async [Symbol.asyncDispose]() {
        await this.close()
    }
}

/** @param {unknown} fd */
function checkDescriptor(fd) {
    if (number("fd", fd) < 0) throw wrongValue("fd", String(fd), "a descriptor")
    return /** @type {number} */ (fd)
}

module.exports = { Tunnel }
