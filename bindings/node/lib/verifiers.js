"use strict"
// Who judges a quote.

const addon = require("./addon.js")
const { waiting } = require("./calls.js")
const { failure } = require("./errors.js")
const { anchorBytes, asBytes, certificateDer, collateralBytes, kindOf } = require("./inputs.js")
const { warn } = require("./log.js")
const { policyOf } = require("./options.js")
const { ownHandle } = require("./own.js")
const { resultOf } = require("./result.js")

/** @typedef {import("./native.js").Verifier} Handle */
/** @typedef {{ signal?: AbortSignal | undefined }} Call */

/** @type {(verifier: unknown) => Handle | undefined} */
let builtInHandle
/** @type {(verifier: unknown) => ((message: string) => void) | undefined} */
let builtInLog

/** @param {unknown} settings @param {string[]} names */
function checkSettings(settings, names) {
    if (settings === undefined) return {}
    if (typeof settings !== "object" || settings === null) {
        throw failure("ARGUMENT_INVALID", { argument: "settings", what: `expected an object, found ${kindOf(settings)}` })
    }
    for (const name of Object.keys(settings)) if (!names.includes(name)) throw failure("OPTION_UNKNOWN", { found: name })
    const { log } = /** @type {any} */ (settings)
    if (log !== undefined && typeof log !== "function") throw failure("OPTION_TYPE", { option: "log", found: kindOf(log), expected: "a function" })
    return settings
}

/**
 * @param {Handle} handle
 * @param {typeof addon.verify | typeof addon.verifyCertificate} call
 * @param {Uint8Array} evidence
 * @param {unknown} options
 * @param {Call | undefined} callOptions
 */
async function judgeLater(handle, call, evidence, options, callOptions) {
    const policy = policyOf(options)
    try {
        return resultOf(await waiting(callOptions?.signal, "verifying", (cancel) => call(handle, evidence, policy, cancel)))
    } finally {
        addon.policyFree(policy)
    }
}

/**
 * @param {Handle} handle
 * @param {typeof addon.verifySync} call
 * @param {Uint8Array} evidence
 * @param {unknown} options
 */
function judgeNow(handle, call, evidence, options) {
    const policy = policyOf(options)
    try {
        return resultOf(call(handle, evidence, policy, null))
    } finally {
        addon.policyFree(policy)
    }
}

/** A verifier of the core's. */
class BuiltIn {
    /** @type {Handle | null} */
    #handle
    #log

    static {
        builtInHandle = (verifier) => {
            if (typeof verifier !== "object" || verifier === null || !(#handle in verifier)) return undefined
            return verifier.#open()
        }
        builtInLog = (verifier) => (typeof verifier === "object" && verifier !== null && #log in verifier ? verifier.#log : undefined)
    }

    /** @param {Function} kind @param {Function} made @param {Handle} handle @param {(message: string) => void} log */
    constructor(kind, made, handle, log) {
        // A tunnel asks the core, not the subclass: an overridden method would be a check that never runs.
        if (kind !== made) throw new TypeError(`${made.name}: built-in verifiers cannot be subclassed; write an object with verify(quote, options)`)
        this.#handle = handle
        this.#log = log
    }

    #open() {
        if (this.#handle === null) throw failure("ARGUMENT_INVALID", { argument: "verifier", what: "it is closed" })
        return this.#handle
    }

    /** @param {unknown} quote @param {unknown} [options] @param {Call} [call] */
    async verify(quote, options, call) {
        return judgeLater(this.#open(), addon.verify, asBytes(quote, "quote"), options, call)
    }

    /** @param {unknown} quote @param {unknown} [options] */
    verifySync(quote, options) {
        return judgeNow(this.#open(), addon.verifySync, asBytes(quote, "quote"), options)
    }

    /** @param {unknown} certificate @param {unknown} [options] @param {Call} [call] */
    async verifyCertificate(certificate, options, call) {
        return judgeLater(this.#open(), addon.verifyCertificate, certificateDer(certificate), options, call)
    }

    /** @param {unknown} certificate @param {unknown} [options] */
    verifyCertificateSync(certificate, options) {
        return judgeNow(this.#open(), addon.verifyCertificateSync, certificateDer(certificate), options)
    }

    close() {
        if (this.#handle !== null) addon.verifierFree(this.#handle)
        this.#handle = null
    }
}

class DcapVerifier extends BuiltIn {
    /** @param {import("./index.js").DcapSettings} [settings] */
    constructor(settings) {
        const { collateral, trustAnchor, log = warn } = /** @type {import("./index.js").DcapSettings} */ (
            checkSettings(settings, ["collateral", "trustAnchor", "log"]))
        const handle = addon.verifierNewDcap({ collateral: collateralBytes(collateral), trustAnchor: anchorBytes(trustAnchor), log })
        super(DcapVerifier, new.target, handle, log)
    }
}

class NoopVerifier extends BuiltIn {
    /** @param {import("./index.js").NoopSettings} [settings] */
    constructor(settings) {
        const { log = warn } = /** @type {import("./index.js").NoopSettings} */ (checkSettings(settings, ["log"]))
        super(NoopVerifier, new.target, addon.verifierNewNoop({ log }), log)
    }
}

class IntelApiVerifier {
    /** @param {{ apiKey?: string }} [settings] */
    constructor({ apiKey } = {}) {
        if (!apiKey && !process.env["INTEL_TRUST_AUTHORITY_API_KEY"]) throw failure("INTEL_API_KEY_MISSING")
        throw failure("NOT_BUILT", { found: "IntelApiVerifier" })
    }
}

/** The core's verifier, of one built in or the caller's own. @param {unknown} verifier @param {unknown} options */
function handleOf(verifier, options) {
    return builtInHandle(verifier) ?? ownHandle(verifier, options)
}

/** Where a verifier's warnings go. @param {unknown} verifier */
function logOf(verifier) {
    return builtInLog(verifier) ?? warn
}

/** @param {unknown} verifier @param {unknown} quote @param {unknown} [options] @param {Call} [call] */
async function verifyQuote(verifier, quote, options, call) {
    const result = await judgeLater(handleOf(verifier, options), addon.verify, asBytes(quote, "quote"), options, call)
    stay(verifier)
    return result
}

/** @param {unknown} verifier @param {unknown} certificate @param {unknown} [options] @param {Call} [call] */
async function verifyCertificate(verifier, certificate, options, call) {
    const result = await judgeLater(handleOf(verifier, options), addon.verifyCertificate, certificateDer(certificate), options, call)
    stay(verifier)
    return result
}

/** The core knows an own verifier weakly: it must not be collected while it is asked. @param {unknown} verifier */
function stay(verifier) {
    void verifier
}

module.exports = { DcapVerifier, IntelApiVerifier, NoopVerifier, handleOf, logOf, verifyCertificate, verifyQuote }
