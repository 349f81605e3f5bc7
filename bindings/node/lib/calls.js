"use strict"
// Calls that wait: on threads of the addon, and ended by an AbortSignal.

const addon = require("./addon.js")
const { failure } = require("./errors.js")

/** @param {AbortSignal} signal @param {string} what */
function cancelled(signal, what) {
    return Object.assign(failure("CANCELLED", { what }), { cause: signal.reason })
}

/**
 * Make a call that waits; the signal ends it.
 *
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {string} what
 * @param {(cancel: import("./native.js").Cancel | null) => Promise<T>} call
 * @returns {Promise<T>}
 */
async function waiting(signal, what, call) {
    if (signal === undefined) return call(null)
    if (!(signal instanceof AbortSignal)) throw failure("ARGUMENT_INVALID", { argument: "signal", what: "expected an AbortSignal" })
    if (signal.aborted) throw cancelled(signal, what)
    const cancel = addon.cancelNew()
    const trigger = () => addon.cancelTrigger(cancel)
    signal.addEventListener("abort", trigger, { once: true })
    try {
        return await call(cancel)
    } catch (error) {
        throw signal.aborted && /** @type {any} */ (error).code === "CANCELLED" ? Object.assign(/** @type {Error} */ (error), { cause: signal.reason }) : error
    } finally {
        signal.removeEventListener("abort", trigger)
        addon.cancelFree(cancel)
    }
}

module.exports = { waiting }
