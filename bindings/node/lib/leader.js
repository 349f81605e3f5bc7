"use strict"
// Who leads a cluster.

const addon = require("./addon.js")
const { waiting } = require("./calls.js")
const { failure } = require("./errors.js")
const { kindOf } = require("./inputs.js")
const { warn } = require("./log.js")
const { camel } = require("./names.js")
const { log, milliseconds, readSettings, text, texts, time, wrongType } = require("./settings.js")

/** Of an address. */
const ADDRESS_BYTES = 20

const READERS = { clusterAddress: address, dnsServers: texts, stateDir: text, timeoutMs: milliseconds, refreshMs: milliseconds, now: time, log }

/** Hexadecimal, or the bytes themselves. @param {string} option @param {unknown} value */
function address(option, value) {
    if (!(value instanceof Uint8Array)) return text(option, value)
    if (value.length !== ADDRESS_BYTES) throw wrongType(option, value, `${ADDRESS_BYTES} bytes`)
    return Buffer.from(value).toString("hex")
}

/**
 * A record as it was found; frees the handle.
 *
 * @param {import("./native.js").LeaderRecord} handle
 * @returns {import("./index.js").LeaderRecord}
 */
function recordOf(handle) {
    try {
        const json = addon.leaderRecordJson(handle)
        if (json === null) throw failure("OUT_OF_MEMORY")
        const { valid_until: validUntil, ...said } = JSON.parse(json)
        const named = Object.fromEntries(Object.entries(said).map(([name, value]) => [camel(name), value]))
        // JSON's numbers are not exact enough for it here.
        return Object.freeze(/** @type {any} */ ({ ...named, epoch: addon.leaderRecordEpoch(handle), validUntil: new Date(validUntil) }))
    } finally {
        addon.leaderRecordFree(handle)
    }
}

/** @type {(leader: unknown) => import("./native.js").Leader} */
let handleOfLeader

class Leader {
    /** @type {import("./native.js").Leader | null} */
    #handle

    static {
        handleOfLeader = (leader) => {
            if (typeof leader === "object" && leader !== null && #handle in leader) return leader.#open()
            throw failure("OPTION_TYPE", { option: "leader", found: kindOf(leader), expected: "a Leader" })
        }
    }

    /** @param {unknown} domain @param {unknown} signer @param {unknown} [settings] */
    constructor(domain, signer, settings) {
        const { log = warn, ...given } = readSettings(settings, READERS)
        this.domain = text("domain", domain)
        this.#handle = addon.leaderNew({ ...given, domain: this.domain, signer: address("signer", signer), log })
    }

    #open() {
        if (this.#handle === null) throw failure("ARGUMENT_INVALID", { argument: "leader", what: "it is closed" })
        return this.#handle
    }

    /** @param {import("./index.js").CallSettings} [call] */
    async find(call) {
        const handle = this.#open()
        return recordOf(await waiting(call?.signal, "looking the leader up", (cancel) => addon.leaderFind(handle, cancel)))
    }

    close() {
        if (this.#handle !== null) addon.leaderFree(this.#handle)
        this.#handle = null
    }
}

module.exports = { Leader, handleOfLeader }
