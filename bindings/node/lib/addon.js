"use strict"
// The addon, with the package's own errors in it.

const path = require("node:path")

const { RefusedError, UnavailableError, UsageError, failure } = require("./errors.js")
const { camel, fieldsOf } = require("./names.js")
const { CODES, version } = require("./tables.js")

const file = path.join(__dirname, "..", "build", "addon.node")

/** @returns {typeof import("./native.js")} */
function load() {
    try {
        return require(file)
    } catch (error) {
        throw new Error("ra-tls-verify: its addon is not built or does not load. Build it with `npx ra-tls-verify-build` or `npm rebuild ra-tls-verify`" +
            ` (npm may have been told to run no install scripts): ${/** @type {Error} */ (error).message}`, { cause: error })
    }
}

/**
 * The exception for a failure of the core, which the addon calls for it. What is of no known class was not checked.
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
    const Kind = known.class === "refused" ? RefusedError : known.class === "usage" ? UsageError : UnavailableError
    const details = Object.fromEntries(Object.entries(known.details).map(([key, value]) => [camel(key), value]))
    const verdict = tcb === null ? null : JSON.parse(tcb)
    return new Kind(known.message, {
        code: known.code, stage: known.stage, details,
        tcb: verdict === null ? null : fieldsOf(verdict),
    })
}

const addon = load()
if (addon.version() !== version) {
    throw new Error(`ra-tls-verify ${version} has an addon of version ${addon.version()}: run \`npx ra-tls-verify-build\``)
}
addon.setErrors(fromCore)

module.exports = addon
