"use strict"
// Settings of the verifier that asks Intel Trust Authority, as the core reads them.

const addon = require("./addon.js")
const { failure } = require("./errors.js")
const { warn } = require("./log.js")
const { environment, proxies } = require("./proxy.js")
const { file, flag, log, number, readSettings, text, texts, word } = require("./settings.js")

const KEY_VARIABLE = "INTEL_TRUST_AUTHORITY_API_KEY"

const READERS = {
    region: text, baseUrl: text, portalUrl: text, apiVersion: number, policyIds: texts, policyMustMatch: flag, allowUnmatchedPolicies: flag,
    allowedAlgorithms: texts, pinnedRoots: file, crlPolicy: word(new Map([["hard", addon.CRL_HARD], ["soft", addon.CRL_SOFT], ["off", addon.CRL_OFF]])),
    crlHosts: texts, relaxedChain: flag, minRsaBits: number, caFile: file, proxy: text, noProxy: text, attempts: number, attemptTimeoutMs: number,
    httpConnectTimeoutMs: number, requestsPerSecond: number, log,
}

/** @param {unknown} apiKey @param {unknown} settings */
function intelOptions(apiKey, settings) {
    const { caFile: ca = null, proxy, noProxy, log = warn, ...rest } = readSettings(settings, READERS)
    const key = apiKey === undefined || apiKey === "" ? environment(KEY_VARIABLE) : apiKey
    if (key === undefined) throw failure("INTEL_API_KEY_MISSING")
    return { ...rest, apiKey: text("apiKey", key), ca, ...proxies(proxy, noProxy), log }
}

module.exports = { intelOptions }
