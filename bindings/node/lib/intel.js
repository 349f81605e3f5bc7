"use strict"
// Settings of the verifier that asks Intel Trust Authority, as the core reads them.

const addon = require("./addon.js")
const { failure } = require("./errors.js")
const { warn } = require("./log.js")
const { file, flag, log, number, readSettings, text, texts, word } = require("./settings.js")

const KEY_VARIABLE = "INTEL_TRUST_AUTHORITY_API_KEY"

const READERS = {
    region: text, baseUrl: text, portalUrl: text, apiVersion: number, policyIds: texts, policyMustMatch: flag, allowUnmatchedPolicies: flag,
    allowedAlgorithms: texts, pinnedRoots: file, crlPolicy: word(new Map([["hard", addon.CRL_HARD], ["soft", addon.CRL_SOFT], ["off", addon.CRL_OFF]])),
    crlHosts: texts, relaxedChain: flag, minRsaBits: number, caFile: file, proxy: text, noProxy: text, attempts: number, attemptTimeoutMs: number,
    httpConnectTimeoutMs: number, requestsPerSecond: number, log,
}

/** The first variable that says something. @param {string[]} names */
function environment(...names) {
    return names.map((name) => process.env[name]).find(Boolean)
}

/**
 * The proxy that was given, or the environment's: the core reads no environment, so what others there look up is given to it.
 *
 * @param {string | undefined} proxy
 * @param {string | undefined} noProxy
 */
function proxies(proxy, noProxy) {
    if (proxy !== undefined) return { proxy, noProxy: noProxy ?? null }
    return {
        proxy: environment("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY") ?? null,
        noProxy: noProxy ?? environment("no_proxy", "NO_PROXY") ?? null,
    }
}

/** @param {unknown} apiKey @param {unknown} settings */
function intelOptions(apiKey, settings) {
    const { caFile: ca = null, proxy, noProxy, log = warn, ...rest } = readSettings(settings, READERS)
    const key = apiKey === undefined || apiKey === "" ? environment(KEY_VARIABLE) : apiKey
    if (key === undefined) throw failure("INTEL_API_KEY_MISSING")
    return { ...rest, apiKey: text("apiKey", key), ca, ...proxies(proxy, noProxy), log }
}

module.exports = { intelOptions }
