"use strict"
// Who judges a quote.

const addon = require("./addon.js")
const { waiting } = require("./calls.js")
const { failure } = require("./errors.js")
const { HandlesByOptions, OneHandle } = require("./handles.js")
const { asBytes, certificateDer, collateralBytes, kindOf } = require("./inputs.js")
const { intelOptions } = require("./intel.js")
const { warn } = require("./log.js")
const { policyOf } = require("./options.js")
const { isVerifier, ownHandle } = require("./own.js")
const { resultOf } = require("./result.js")
const settings = require("./settings.js")

/** @typedef {import("./native.js").Verifier} Handle */
/** @typedef {InstanceType<typeof OneHandle> | InstanceType<typeof HandlesByOptions>} Handles */
/** @typedef {{ signal?: AbortSignal | undefined }} Call */

/** @type {(verifier: unknown) => Handles | undefined} */
let builtInHandles
/** @type {(verifier: unknown) => ((message: string) => void) | undefined} */
let builtInLog

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

const DCAP = {
    /** @param {string} _ @param {unknown} value */
    collateral: (_, value) => collateralBytes(value),
    trustAnchor: settings.file,
    log: settings.log,
}

class DcapVerifier extends BuiltIn {
    /** @param {import("./index.js").DcapSettings} [given] */
    constructor(given) {
        const { log = warn, ...rest } = settings.readSettings(given, DCAP)
        super(DcapVerifier, new.target, new OneHandle(addon.verifierNewDcap({ ...rest, log })), log)
    }
}

class NoopVerifier extends BuiltIn {
    /** @param {import("./index.js").NoopSettings} [given] */
    constructor(given) {
        const { log = warn } = settings.readSettings(given, { log: settings.log })
        super(NoopVerifier, new.target, new OneHandle(addon.verifierNewNoop({ log })), log)
    }
}

class IntelApiVerifier extends BuiltIn {
    /** @param {string} [apiKey] @param {import("./index.js").IntelSettings} [given] */
    constructor(apiKey, given) {
        const options = intelOptions(apiKey, given)
        super(IntelApiVerifier, new.target, new OneHandle(addon.verifierNewIntel(options)), options.log)
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
    return whileAsked(verifier, judgeLater(handleOf(verifier, options), addon.verify, asBytes(quote, "quote"), options, call))
}

/** @param {unknown} verifier @param {unknown} certificate @param {unknown} [options] @param {Call} [call] */
async function verifyCertificate(verifier, certificate, options, call) {
    return whileAsked(verifier, judgeLater(handleOf(verifier, options), addon.verifyCertificate, certificateDer(certificate), options, call))
}

/** @type {Set<{ verifier: unknown }>} verifiers whose answer is awaited, once for each call */
const asked = new Set()

/**
 * The core knows verifiers of the caller's weakly: they must not be collected before they have answered.
 *
 * @template T
 * @param {unknown} verifier
 * @param {Promise<T>} answer
 */
function whileAsked(verifier, answer) {
    const hold = { verifier }
    asked.add(hold)
    return answer.finally(() => asked.delete(hold))
}

module.exports = { AllVerifiers, DcapVerifier, FirstVerifier, IntelApiVerifier, NoopVerifier, handleOf, logOf, verifyCertificate, verifyQuote }
