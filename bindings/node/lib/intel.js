"use strict"
// Settings of the verifier that asks Intel Trust Authority, as the core reads them.

const addon = require("./addon.js")
const { failure } = require("./errors.js")
const { fileBytes, kindOf } = require("./inputs.js")

const KEY_VARIABLE = "INTEL_TRUST_AUTHORITY_API_KEY"
const LIST_MAX = 16
const NUMBER_MAX = 2 ** 31 - 1
/** @type {Record<string, number>} */
const CRL_POLICIES = Object.assign(Object.create(null), { hard: addon.CRL_HARD, soft: addon.CRL_SOFT, off: addon.CRL_OFF })

/** @param {string} option @param {unknown} value @param {string} expected */
function wrongType(option, value, expected) {
    return failure("OPTION_TYPE", { option, found: kindOf(value), expected })
}

/** Never shown: it may be the key, or a proxy's password. @param {string} option @param {unknown} value */
function text(option, value) {
    if (value === undefined) return null
    if (typeof value !== "string") throw wrongType(option, value, "a string")
    if (value.includes("\0")) throw failure("OPTION_VALUE", { option, found: "(with a NUL)", expected: "text without NUL" })
    return value
}

/** @param {string} option @param {unknown} values */
function texts(option, values) {
    if (values === undefined) return null
    const expected = `an array of at most ${LIST_MAX} strings`
    if (!Array.isArray(values) || values.length > LIST_MAX) throw wrongType(option, values, expected)
    return Array.from(values, (value) => {
        if (typeof value !== "string") throw wrongType(option, value, expected)
        return /** @type {string} */ (text(option, value))
    })
}

/** 0, the core's default, where it is not given. @param {string} option @param {unknown} value */
function number(option, value) {
    if (value === undefined) return 0
    if (typeof value !== "number") throw wrongType(option, value, "a number")
    if (!Number.isInteger(value) || Math.abs(value) > NUMBER_MAX) {
        throw failure("OPTION_VALUE", { option, found: String(value), expected: "a whole number of 32 bits" })
    }
    return value
}

/** @param {string} option @param {unknown} value */
function flag(option, value) {
    if (value !== undefined && typeof value !== "boolean") throw wrongType(option, value, "boolean")
    return value === true ? 1 : 0
}

/** @param {unknown} word */
function crlPolicy(word) {
    if (word === undefined) return addon.CRL_HARD
    if (typeof word !== "string") throw wrongType("crlPolicy", word, "a string")
    const policy = CRL_POLICIES[word]
    if (policy === undefined) throw failure("OPTION_VALUE", { option: "crlPolicy", found: word, expected: "hard, soft or off" })
    return policy
}

/** The first variable that says something. @param {string[]} names */
function environment(...names) {
    return names.map((name) => process.env[name]).find(Boolean)
}

/**
 * The proxy that was given, or the environment's: the core reads no environment, so what others there look up is given to it.
 *
 * @param {Record<string, unknown>} given
 */
function proxies({ proxy, noProxy }) {
    if (proxy !== undefined) return { proxy: text("proxy", proxy), noProxy: text("noProxy", noProxy) }
    return {
        proxy: text("proxy", environment("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")),
        noProxy: text("noProxy", noProxy ?? environment("no_proxy", "NO_PROXY")),
    }
}

/** Names of the settings. */
const SETTINGS = ["region", "baseUrl", "portalUrl", "apiVersion", "policyIds", "policyMustMatch", "allowUnmatchedPolicies", "allowedAlgorithms",
    "pinnedRoots", "crlPolicy", "crlHosts", "relaxedChain", "minRsaBits", "caFile", "proxy", "noProxy", "attempts", "attemptTimeoutMs",
    "httpConnectTimeoutMs", "requestsPerSecond", "log"]

/**
 * @param {unknown} apiKey
 * @param {Record<string, unknown>} given
 * @returns {import("./native.js").IntelOptions}
 */
function intelOptions(apiKey, given) {
    const key = apiKey === undefined || apiKey === "" ? environment(KEY_VARIABLE) : apiKey
    if (key === undefined) throw failure("INTEL_API_KEY_MISSING")
    return {
        apiKey: text("apiKey", key),
        region: text("region", given["region"]),
        baseUrl: text("baseUrl", given["baseUrl"]),
        portalUrl: text("portalUrl", given["portalUrl"]),
        policyIds: texts("policyIds", given["policyIds"]),
        allowedAlgorithms: texts("allowedAlgorithms", given["allowedAlgorithms"]),
        crlHosts: texts("crlHosts", given["crlHosts"]),
        pinnedRoots: fileBytes(given["pinnedRoots"], "pinnedRoots"),
        ca: fileBytes(given["caFile"], "caFile"),
        ...proxies(given),
        crlPolicy: crlPolicy(given["crlPolicy"]),
        policyMustMatch: flag("policyMustMatch", given["policyMustMatch"]),
        allowUnmatchedPolicies: flag("allowUnmatchedPolicies", given["allowUnmatchedPolicies"]),
        relaxedChain: flag("relaxedChain", given["relaxedChain"]),
        apiVersion: number("apiVersion", given["apiVersion"]),
        minRsaBits: number("minRsaBits", given["minRsaBits"]),
        attempts: number("attempts", given["attempts"]),
        attemptTimeoutMs: number("attemptTimeoutMs", given["attemptTimeoutMs"]),
        httpConnectTimeoutMs: number("httpConnectTimeoutMs", given["httpConnectTimeoutMs"]),
        requestsPerSecond: number("requestsPerSecond", given["requestsPerSecond"]),
    }
}

module.exports = { SETTINGS, intelOptions }
