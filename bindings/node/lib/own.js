"use strict"
// Verifiers that the caller wrote.

const addon = require("./addon.js")
const { RefusedError, failure } = require("./errors.js")
const { HandlesByOptions } = require("./handles.js")
const { isPlain } = require("./options.js")
const { snake } = require("./names.js")
const { VerifyResult } = require("./result.js")
const { warn } = require("./log.js")

/** What an own verifier may claim; measurements always come from the quote. By the result's names. */
const CLAIMS = Object.freeze(/** @type {const} */ (["tcbStatus", "tcbStatusDcap", "platformTcbStatus", "tdxModuleTcbStatus", "qeTcbStatus",
    "tcbDate", "advisoryIds", "fmspc", "ppid", "platformInstanceId", "tcbEvaluationDataNumber", "collateralExpiresAt"]))
/** Characters of an exception's text that go into ours. */
const REASON_MAX = 1000

/** @param {unknown} value */
function claim(value) {
    if (value instanceof Date) return value.toISOString().replace(/\.\d+Z$/, "Z")
    return value instanceof Set ? [...value].sort() : value
}

/**
 * Claims as the core reads them. Of an object with a class only what may be claimed; of a plain one everything, for the core
 * to judge.
 *
 * @param {unknown} claims
 */
function claimsJson(claims) {
    if (!isPlain(claims)) return JSON.stringify(claims) ?? "null"
    const prototype = Object.getPrototypeOf(claims)
    const plain = (prototype === Object.prototype || prototype === null) && !(claims instanceof VerifyResult)
    /** @type {Record<string, unknown>} */
    const named = Object.create(null)
    for (const name of plain ? Object.keys(claims) : CLAIMS) {
        const value = claims[name]
        if (value === undefined || value === null) continue
        if (snake(name) in named) throw new TypeError(`it claims ${name} twice`)
        named[snake(name)] = claim(value)
    }
    return JSON.stringify(named)
}

/**
 * Refused only when the verifier says so; whatever else went wrong means that it could not be checked.
 *
 * @param {import("./native.js").CustomRequest} request
 * @param {unknown} error
 */
function reject(request, error) {
    const refused = error instanceof RefusedError
    addon.customReject(request, refused ? addon.CLASS_REFUSED : addon.CLASS_UNAVAILABLE, reasonOf(error, refused))
}

/** @param {unknown} error @param {boolean} refused */
function reasonOf(error, refused) {
    try {
        const text = error instanceof Error ? (refused ? error.message : `${error.name}: ${error.message}`) : String(error)
        return text.slice(0, REASON_MAX).replaceAll("\0", "?")
    } catch {
        return "it failed in a way that cannot be told"
    }
}

/**
 * Lets a verifier of the caller's answer the core's requests. The core holds this function, so it must not hold the verifier.
 *
 * @param {WeakRef<import("./index.js").RaTlsVerifier>} reference
 * @param {import("./index.js").VerifyOptions} options
 */
function judge(reference, options) {
    /** @param {import("./native.js").CustomRequest} request */
    return async (request) => {
        try {
            const verifier = reference.deref()
            if (verifier === undefined) throw new Error("it is gone")
            const claims = await verifier.verify(/** @type {Buffer} */ (addon.customQuote(request)), options)
            addon.customAccept(request, claimsJson(claims))
        } catch (error) {
            reject(request, error)
        }
    }
}

/** @type {WeakMap<object, InstanceType<typeof HandlesByOptions>>} */
const handlesOf = new WeakMap()

/** @param {unknown} verifier @returns {verifier is import("./index.js").RaTlsVerifier} */
function isVerifier(verifier) {
    return typeof verifier === "object" && verifier !== null && typeof (/** @type {any} */ (verifier).verify) === "function"
}

/**
 * The core's verifier for one of the caller's; made for the options, which `verify` is then given.
 *
 * @param {unknown} verifier
 * @param {unknown} options
 * @returns {import("./native.js").Verifier}
 */
function ownHandle(verifier, options) {
    if (!isVerifier(verifier)) {
        throw failure("ARGUMENT_INVALID", { argument: "verifier", what: "expected a verifier: an object with a method verify(quote, options)" })
    }
    const handles = handlesOf.get(verifier) ?? makeHandles(new WeakRef(verifier))
    handlesOf.set(verifier, handles)
    return handles.of(options)
}

/** @param {WeakRef<import("./index.js").RaTlsVerifier>} reference */
function makeHandles(reference) {
    return new HandlesByOptions((options) => {
        const given = Object.freeze({ .../** @type {import("./index.js").VerifyOptions} */ (options) })
        return addon.verifierNewCustom(judge(reference, given), { log: warn })
    })
}

module.exports = { CLAIMS, isVerifier, ownHandle }
