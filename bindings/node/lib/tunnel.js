"use strict"
// Attested ways to a PostgreSQL server, for clients of this package.

const addon = require("./addon.js")
const { waiting } = require("./calls.js")
const { failure } = require("./errors.js")
const { kindOf } = require("./inputs.js")
const { camel } = require("./names.js")
const { policyOf } = require("./options.js")
const { resultOf } = require("./result.js")
const { handleOf, logOf } = require("./verifiers.js")

/** Milliseconds beyond which no timer of the system's goes. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1
const PORT_MAX = 65535
const made = Symbol("made")
const closeNow = Symbol("closeNow")

/** @param {string} argument @param {string} what */
function wrong(argument, what) {
    return failure("ARGUMENT_INVALID", { argument, what })
}

/** @param {string} argument @param {unknown} name @param {boolean} needed */
function checkName(argument, name, needed) {
    if (name === undefined && !needed) return null
    if (typeof name !== "string" || name === "" || name.includes("\0")) throw wrong(argument, "expected a name or an address")
    return name
}

/** @param {unknown} port */
function checkPort(port) {
    if (port === undefined) return 0
    if (typeof port !== "number" || !Number.isInteger(port) || port < 0 || port > PORT_MAX) {
        throw wrong("port", "expected 1 to 65535, or 0 for PostgreSQL's")
    }
    return port
}

/** 0 (the core's default) where it is not given. @param {string} argument @param {unknown} timeout */
function checkTimeout(argument, timeout) {
    if (timeout === undefined) return 0
    if (typeof timeout !== "number" || !Number.isFinite(timeout) || timeout <= 0) {
        throw wrong(argument, `expected milliseconds above 0, found ${typeof timeout === "number" ? timeout : kindOf(timeout)}`)
    }
    return Math.min(Math.ceil(timeout), TIMEOUT_MS_MAX)
}

/** @param {string} argument @param {unknown} flag */
function checkFlag(argument, flag) {
    if (flag !== undefined && typeof flag !== "boolean") throw wrong(argument, `expected a boolean, found ${kindOf(flag)}`)
    return flag === true ? 1 : 0
}

/** @param {string} argument @param {unknown} number */
function checkNumber(argument, number) {
    if (number === undefined) return 0
    if (typeof number !== "number" || !Number.isInteger(number) || Math.abs(number) > TIMEOUT_MS_MAX) throw wrong(argument, "expected a whole number")
    return number
}

/** What is given, as the core's options without the policy. @param {Record<string, unknown>} given */
function tunnelOptions(given) {
    return {
        host: checkName("host", given["host"], true),
        port: checkPort(given["port"]),
        serverName: checkName("serverName", given["serverName"], false),
        connectTimeoutMs: checkTimeout("connectTimeoutMs", given["connectTimeoutMs"]),
        handshakeTimeoutMs: checkTimeout("handshakeTimeoutMs", given["handshakeTimeoutMs"]),
        startTls: checkFlag("startTls", given["startTls"]),
        tcpUserTimeoutMs: checkNumber("tcpUserTimeoutMs", given["tcpUserTimeoutMs"]),
        keepaliveIdleS: checkNumber("keepaliveIdleS", given["keepaliveIdleS"]),
        keepaliveIntervalS: checkNumber("keepaliveIntervalS", given["keepaliveIntervalS"]),
        keepaliveCount: checkNumber("keepaliveCount", given["keepaliveCount"]),
    }
}

/** Names of what open() takes. */
const SETTINGS = ["host", "port", "serverName", "connectTimeoutMs", "handshakeTimeoutMs", "startTls", "tcpUserTimeoutMs", "keepaliveIdleS",
    "keepaliveIntervalS", "keepaliveCount", "options", "signal"]

/** @param {unknown} settings @returns {Record<string, unknown>} */
function checkSettings(settings) {
    if (typeof settings !== "object" || settings === null) throw wrong("settings", `expected an object, found ${kindOf(settings)}`)
    for (const name of Object.keys(settings)) if (!SETTINGS.includes(name)) throw failure("OPTION_UNKNOWN", { found: name })
    return /** @type {Record<string, unknown>} */ (settings)
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
        const given = checkSettings(settings)
        const options = tunnelOptions(given)
        const verify = policyOf(given["options"])
        try {
            const handle = handleOf(verifier, given["options"])
            const log = logOf(verifier)
            return new Tunnel(made, await waiting(/** @type {AbortSignal | undefined} */ (given["signal"]), "opening the tunnel", (cancel) =>
                addon.tunnelOpen(handle, { ...options, verify, log, peer: addon.PEER_SAME_PROCESS, spelling: addon.SPELLING_TYPESCRIPT }, cancel)), verifier)
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

/** @param {unknown} fd @returns {number} */
function checkDescriptor(fd) {
    if (typeof fd !== "number" || !Number.isInteger(fd) || fd < 0 || fd > TIMEOUT_MS_MAX) throw wrong("fd", "expected a descriptor")
    return fd
}

module.exports = { Tunnel }
