"use strict"
// Verifications: of what, and how the core is asked.

const addon = require("./addon.js")
const { waiting } = require("./calls.js")
const { asBytes, certificateDer, evidenceBytes, reportText } = require("./inputs.js")
const { policyOf } = require("./options.js")
const { resultOf } = require("./result.js")

/** @typedef {import("./native.js").Verifier} Handle */
/** @typedef {{ signal?: AbortSignal | undefined }} Call */

/**
 * Something that can be verified: how it is read, and the core's calls for it.
 *
 * @template Input
 * @typedef {{
 *     read: (given: unknown) => Input,
 *     later: (handle: Handle, input: Input, policy: import("./native.js").Policy, cancel: import("./native.js").Cancel | null) => Promise<import("./native.js").Result>,
 *     now: (handle: Handle, input: Input, policy: import("./native.js").Policy) => import("./native.js").Result,
 * }} Kind
 */

/** @type {Kind<Uint8Array>} */
const QUOTE = { read: (quote) => asBytes(quote, "quote"), later: addon.verify, now: addon.verifySync }
/** @type {Kind<Uint8Array>} */
const CERTIFICATE = { read: certificateDer, later: addon.verifyCertificate, now: addon.verifyCertificateSync }
/** @type {Kind<Uint8Array>} */
const EVIDENCE = { read: evidenceBytes, later: addon.verifyEvidence, now: addon.verifyEvidenceSync }
/** @type {Kind<string>} */
const REPORT = { read: reportText, later: addon.verifyReport, now: addon.verifyReportSync }

/**
 * @template Input
 * @param {Kind<Input>} kind
 * @param {Handle} handle
 * @param {unknown} given
 * @param {unknown} options
 * @param {Call | undefined} call
 */
async function judgeLater(kind, handle, given, options, call) {
    const input = kind.read(given)
    const policy = policyOf(options)
    try {
        return resultOf(await waiting(call?.signal, "verifying", (cancel) => kind.later(handle, input, policy, cancel)))
    } finally {
        addon.policyFree(policy)
    }
}

/**
 * @template Input
 * @param {Kind<Input>} kind
 * @param {Handle} handle
 * @param {unknown} given
 * @param {unknown} options
 */
function judgeNow(kind, handle, given, options) {
    const input = kind.read(given)
    const policy = policyOf(options)
    try {
        return resultOf(kind.now(handle, input, policy))
    } finally {
        addon.policyFree(policy)
    }
}

/** What is wrong with the options is told before anything is fetched. @param {unknown} options */
function checkOptions(options) {
    addon.policyFree(policyOf(options))
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

module.exports = { CERTIFICATE, EVIDENCE, QUOTE, REPORT, checkOptions, judgeLater, judgeNow, whileAsked }
