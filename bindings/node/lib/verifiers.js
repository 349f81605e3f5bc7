"use strict"
// Who judges a quote.

const addon = require("./addon.js")
const { waiting } = require("./calls.js")
const { failure } = require("./errors.js")
const { HandlesByOptions, OneHandle } = require("./handles.js")
const { asBytes, certificateDer, collateralBytes, fileBytes, kindOf } = require("./inputs.js")
const intel = require("./intel.js")
const { warn } = require("./log.js")
const { policyOf } = require("./options.js")
const { isVerifier, ownHandle } = require("./own.js")
const { resultOf } = require("./result.js")

/** @typedef {import("./native.js").Verifier} Handle */
/** @typedef {InstanceType<typeof OneHandle> | InstanceType<typeof HandlesByOptions>} Handles */
/** @typedef {{ signal?: AbortSignal | undefined }} Call */

/** @type {(verifier: unknown) => Handles | undefined} */
let builtInHandles
/** @type {(verifier: unknown) => ((message: string) => void) | undefined} */
let builtInLog

/** @param {unknown} settings @param {string[]} names @returns {Record<string, unknown>} */
function checkSettings(settings, names) {
    if (settings === undefined) return {}
    if (typeof settings !== "object" || settings === null) {
        throw failure("ARGUMENT_INVALID", { argument: "settings", what: `expected an object, found ${kindOf(settings)}` })
    }
    for (const name of Object.keys(settings)) if (!names.includes(name)) throw failure("OPTION_UNKNOWN", { found: name })
    const { log } = /** @type {any} */ (settings)
    if (log !== undefined && typeof log !== "function") throw failure("OPTION_TYPE", { option: "log", found: kindOf(log), expected: "a function" })
    return /** @type {Record<string, unknown>} */ (settings)
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

/** A verifier that this package made. */
class BuiltIn {
    /** @type {Handles | null} */
    #handles
    #log

    static {
        builtInHandles = (verifier) => {
            if (typeof verifier !== "object" || verifier === null || !(#handles in verifier)) return undefined
            return verifier.#open()
        }
        builtInLog = (verifier) => (typeof verifier === "object" && verifier !== null && #log in verifier ? verifier.#log : undefined)
    }

    /** @param {Function} kind @param {Function} made @param {Handles} handles @param {(message: string) => void} log */
    constructor(kind, made, handles, log) {
        // A tunnel asks the core, not the subclass: an overridden method would be a check that never runs.
        if (kind !== made) throw new TypeError(`${made.name}: built-in verifiers cannot be subclassed; write an object with verify(quote, options)`)
        this.#handles = handles
        this.#log = log
    }

    #open() {
        if (this.#handles === null) throw failure("ARGUMENT_INVALID", { argument: "verifier", what: "it is closed" })
        return this.#handles
    }

    /** The handle for a call that keeps this thread waiting. @param {unknown} options */
    #openNow(options) {
        const handles = this.#open()
        if (!handles.isCores) {
            throw failure("ARGUMENT_INVALID", { argument: "verifier", what: "one of yours is part of it, which this thread must be free to ask" })
        }
        return handles.of(options)
    }

    /** @param {unknown} quote @param {unknown} [options] @param {Call} [call] */
    async verify(quote, options, call) {
        this.#open()
        return verifyQuote(this, quote, options, call)
    }

    /** @param {unknown} quote @param {unknown} [options] */
    verifySync(quote, options) {
        return judgeNow(this.#openNow(options), addon.verifySync, asBytes(quote, "quote"), options)
    }

    /** @param {unknown} certificate @param {unknown} [options] @param {Call} [call] */
    async verifyCertificate(certificate, options, call) {
        this.#open()
        return verifyCertificate(this, certificate, options, call)
    }

    /** @param {unknown} certificate @param {unknown} [options] */
    verifyCertificateSync(certificate, options) {
        return judgeNow(this.#openNow(options), addon.verifyCertificateSync, certificateDer(certificate), options)
    }

    close() {
        this.#handles?.free()
        this.#handles = null
    }
}

class DcapVerifier extends BuiltIn {
    /** @param {import("./index.js").DcapSettings} [settings] */
    constructor(settings) {
        const { collateral, trustAnchor, log = warn } = /** @type {import("./index.js").DcapSettings} */ (
            checkSettings(settings, ["collateral", "trustAnchor", "log"]))
        const handle = addon.verifierNewDcap({ collateral: collateralBytes(collateral), trustAnchor: fileBytes(trustAnchor, "trustAnchor"), log })
        super(DcapVerifier, new.target, new OneHandle(handle), log)
    }
}

class NoopVerifier extends BuiltIn {
    /** @param {import("./index.js").NoopSettings} [settings] */
    constructor(settings) {
        const { log = warn } = /** @type {import("./index.js").NoopSettings} */ (checkSettings(settings, ["log"]))
        super(NoopVerifier, new.target, new OneHandle(addon.verifierNewNoop({ log })), log)
    }
}

class IntelApiVerifier extends BuiltIn {
    /** @param {string} [apiKey] @param {import("./index.js").IntelSettings} [settings] */
    constructor(apiKey, settings) {
        const given = checkSettings(settings, intel.SETTINGS)
        const { log = warn } = /** @type {import("./index.js").IntelSettings} */ (given)
        const handle = addon.verifierNewIntel({ ...intel.intelOptions(apiKey, given), log })
        super(IntelApiVerifier, new.target, new OneHandle(handle), log)
    }
}

/**
 * Handles of a verifier made of others: one, unless a verifier of the caller's among them has one for each set of options.
 *
 * @param {unknown[]} verifiers
 * @param {typeof addon.verifierNewAll} make
 */
function combined(verifiers, make) {
    for (const verifier of verifiers) {
        if (!isVerifier(verifier)) throw failure("ARGUMENT_INVALID", { argument: "verifiers", what: `expected verifiers, found ${kindOf(verifier)}` })
    }
    /** @param {unknown} options */
    const of = (options) => make(verifiers.map((verifier) => handleOf(verifier, options)), { log: warn })
    if (verifiers.every((verifier) => builtInHandles(verifier)?.isCores)) return new OneHandle(of(undefined))
    const handles = new HandlesByOptions(of)
    handles.of(undefined) // what is wrong is told now
    return handles
}

class AllVerifiers extends BuiltIn {
    /** @param {unknown[]} verifiers */
    constructor(...verifiers) {
        super(AllVerifiers, new.target, combined(verifiers, addon.verifierNewAll), warn)
    }
}

class FirstVerifier extends BuiltIn {
    /** @param {unknown[]} verifiers */
    constructor(...verifiers) {
        super(FirstVerifier, new.target, combined(verifiers, addon.verifierNewFirst), warn)
    }
}

/** The core's verifier, of one built in or the caller's own. @param {unknown} verifier @param {unknown} options */
function handleOf(verifier, options) {
    return builtInHandles(verifier)?.of(options) ?? ownHandle(verifier, options)
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

module.exports = { AllVerifiers, DcapVerifier, FirstVerifier, IntelApiVerifier, NoopVerifier, handleOf, logOf, verifyCertificate, verifyQuote }
