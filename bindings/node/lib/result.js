"use strict"
// The verdict on evidence that was accepted.

const addon = require("./addon.js")
const { failure } = require("./errors.js")
const { fieldsOf } = require("./names.js")

const made = Symbol("made")

class VerifyResult {
    /** @param {unknown} key @param {string} json */
    constructor(key, json) {
        if (key !== made) throw new TypeError("a VerifyResult comes from a verification")
        Object.assign(this, fieldsOf(JSON.parse(json)))
        Object.defineProperty(this, "json", { value: json })
        Object.freeze(this)
    }
}

/**
 * The result that a handle of the core stands for; frees the handle.
 *
 * @param {import("./native.js").Result} handle
 * @returns {import("./index.js").VerifyResult}
 */
function resultOf(handle) {
    try {
        const json = addon.resultJson(handle)
        if (json === null) throw failure("OUT_OF_MEMORY")
        return /** @type {any} */ (new VerifyResult(made, json))
    } finally {
        addon.resultFree(handle)
    }
}

module.exports = { VerifyResult, resultOf }
