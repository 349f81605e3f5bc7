"use strict"
// The exceptions: the core's failures, and those that this package finds itself.

const { CODES, MESSAGES } = require("./tables.js")
const { camel, fieldsOf } = require("./names.js")

class RaTlsError extends Error {
    /**
     * @param {string} message
     * @param {import("./index.js").ErrorDetails} [known]
     */
    constructor(message, { code = "INTERNAL", stage = "options", details = {}, tcb = null, cause } = {}) {
        super(message, cause === undefined ? undefined : { cause })
        this.code = code
        this.stage = stage
        this.details = { ...details }
        this.tcb = tcb
    }
}

class UsageError extends RaTlsError {}

class RefusedError extends RaTlsError {}

class UnavailableError extends RaTlsError {}

for (const kind of [RaTlsError, UsageError, RefusedError, UnavailableError]) {
    Object.defineProperty(kind.prototype, "name", { value: kind.name, configurable: true, writable: true })
}

/** What is of no known class was not checked. */
const classes = { usage: UsageError, refused: RefusedError, unavailable: UnavailableError }

/**
 * A failure that TypeScript's side finds, worded by the table of codes.
 *
 * @param {import("./tables.js").Code} code
 * @param {Record<string, string>} [details]
 */
function failure(code, details = {}) {
    const [kind, stage] = CODES[code]
    const message = (MESSAGES[code] ?? code).replace(/\{(\w+)\}/g, (_, name) => details[name] ?? "?")
    return new classes[kind](message, { code, stage, details })
}

/**
 * The exception for a failure of the core. Called by the addon.
 *
 * @param {string} name the code
 * @param {string | null} json the failure as the core tells it; null when memory was short
 * @param {string | null} tcb what was known of the TCB
 */
function fromCore(name, json, tcb) {
    if (json === null) {
        return failure(name in CODES ? /** @type {import("./tables.js").Code} */ (name) : "INTERNAL")
    }
    const known = JSON.parse(json)
    const Kind = classes[/** @type {keyof typeof classes} */ (known.class)] ?? UnavailableError
    const details = Object.fromEntries(Object.entries(known.details).map(([key, value]) => [camel(key), value]))
    const verdict = tcb === null ? null : JSON.parse(tcb)
    return new Kind(known.message, {
        code: known.code, stage: known.stage, details,
        tcb: verdict === null ? null : fieldsOf(verdict),
    })
}

module.exports = { RaTlsError, UsageError, RefusedError, UnavailableError, failure, fromCore }
