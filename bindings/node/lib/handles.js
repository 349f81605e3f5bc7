"use strict"
// The core's verifiers behind one of TypeScript's.

const addon = require("./addon.js")
const { policyText } = require("./options.js")

/** @typedef {import("./native.js").Verifier} Handle */

/** Handles that are kept, one for each set of options. */
const OPTION_SETS_MAX = 16

/** One handle, whatever the options are. */
class OneHandle {
    #handle
    /** Its verdicts ask nothing of this thread. */
    isCores = true

    /** @param {Handle} handle */
    constructor(handle) {
        this.#handle = handle
    }

    of() {
        return this.#handle
    }

    free() {
        addon.verifierFree(this.#handle)
    }
}

/** Handles that were made for options, which a verifier of the caller's is told. */
class HandlesByOptions {
    /** @type {Map<string, Handle>} by the options as text; the oldest first */
    #handles = new Map()
    #make
    isCores = false

    /** @param {(options: unknown) => Handle} make */
    constructor(make) {
        this.#make = make
    }

    /** @param {unknown} options */
    of(options) {
        const key = policyText(options)
        const handle = this.#handles.get(key) ?? this.#make(options)
        this.#handles.delete(key)
        this.#handles.set(key, handle)
        for (const [oldest, unused] of this.#handles) {
            if (this.#handles.size <= OPTION_SETS_MAX) break
            this.#handles.delete(oldest)
            addon.verifierFree(unused) // calls and tunnels that use it keep it
        }
        return handle
    }

    free() {
        for (const handle of this.#handles.values()) addon.verifierFree(handle)
        this.#handles.clear()
    }
}

module.exports = { HandlesByOptions, OneHandle }
