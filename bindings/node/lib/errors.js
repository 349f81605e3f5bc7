"use strict"
// The exceptions, and the failures that this package finds itself.

const { CODES, MESSAGES } = require("./tables.js")

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

module.exports = { RaTlsError, UsageError, RefusedError, UnavailableError, failure }
