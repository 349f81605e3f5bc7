"use strict"
// Where collateral comes from and is kept, and whose is meant, as the core wants to be told.

const path = require("node:path")

const addon = require("./addon.js")
const { waiting } = require("./calls.js")
const { failure } = require("./errors.js")
const { asBytes, certificateDer, collateralBytes, fileBytes, kindOf, textOf } = require("./inputs.js")
const { warn } = require("./log.js")
const { proxies } = require("./proxy.js")
const { file, flag, log, milliseconds, number, readSettings, text, texts, word, wrongType, wrongValue } = require("./settings.js")

/** @typedef {import("./native.js").CollateralOptions} Wish */

const LIST_MAX = 256

// ---------------------------------------------------------------- settings of a verifier

/** For each service its authorities as text; "": those of all. @param {string} option @param {unknown} value */
function authorities(option, value) {
    if (!Array.isArray(value)) throw wrongType(option, value, "an array of files")
    return Array.from(value, (each) => each === "" || each === undefined || each === null ? ""
        : textOf(fileBytes(each, option), () => wrongValue(option, "(bytes)", "certificates in PEM")))
}

/** As it is given, from here on, or nowhere. @param {string} option @param {unknown} value */
function directory(option, value) {
    return text(option, value) === "" ? "" : path.resolve(/** @type {string} */ (value))
}

/** Below that of the user's caches; null: nowhere. The core reads no environment. */
function cacheOfUser() {
    // As the XDG specification has it, a relative path does not count.
    const [base, home] = ["XDG_CACHE_HOME", "HOME"].map((variable) => process.env[variable] ?? "").map((given) => path.isAbsolute(given) ? given : "")
    if (base) return path.join(base, "ratls")
    return home ? path.join(home, ".cache", "ratls") : null
}

const SETTINGS = {
    /** @param {string} _ @param {unknown} value */
    collateral: (_, value) => collateralBytes(value),
    trustAnchor: file, pccsUrl: text, pccsUrls: texts, pccsCaFiles: authorities, caFile: file, proxy: text, noProxy: text, cacheDir: directory,
    update: word(new Map([["standard", 0], ["early", 1]])), attemptTimeoutMs: milliseconds, httpConnectTimeoutMs: milliseconds, log,
}

/** @param {unknown} settings */
function dcapOptions(settings) {
    const { pccsUrl, pccsUrls = null, pccsCaFiles: pccsCas = null, caFile: ca = null, proxy, noProxy, cacheDir, update: updateEarly = 0, log = warn, ...rest } =
        readSettings(settings, SETTINGS)
    if (pccsUrl !== undefined && pccsUrls !== null) {
        throw failure("ARGUMENT_INVALID", { argument: "pccsUrl", what: "means the same as pccsUrls: only one of them can be given" })
    }
    const kept = rest.collateral === undefined ? cacheDir ?? cacheOfUser() : null
    return { ...rest, pccsUrls: pccsUrl === undefined ? pccsUrls : [pccsUrl], pccsCas, ca, ...proxies(proxy, noProxy), cacheDir: kept, updateEarly, log }
}

// ---------------------------------------------------------------- whose collateral

/** @template T @param {(option: string, value: unknown) => T} reader */
function several(reader) {
    /** @param {string} option @param {unknown} value */
    return (option, value) => {
        if (!Array.isArray(value) || value.length > LIST_MAX) throw wrongType(option, value, `an array of at most ${LIST_MAX}`)
        return Array.from(value, (each) => reader(option, each))
    }
}

/** @param {string} option @param {unknown} value */
const quote = (option, value) => asBytes(value, option)
/** @param {string} _ @param {unknown} value */
const certificate = (_, value) => certificateDer(value)
/** Judged where it is used. @param {string} _ @param {unknown} value */
const signal = (_, value) => value
const KIND = { ca: text, tee: word(new Map([["tdx", 0], ["sgx", 1]])), timeoutMs: milliseconds, signal }
const ONE = { quote, certificate, fmspc: text, ...KIND }
const SEVERAL = { quotes: several(quote), certificates: several(certificate), fmspcs: several(text), ...KIND }

/**
 * One platform, as the core wants to be told.
 *
 * @param {unknown} platform
 * @param {Record<string, import("./settings.js").Reader>} more
 * @returns {[Wish, AbortSignal | undefined]}
 */
function wishOf(platform, more) {
    const { tee: sgx = 0, signal, ...rest } = /** @type {any} */ (readSettings(platform, { ...ONE, ...more }))
    return [rest.fmspc === undefined ? rest : { ...rest, sgx }, signal]
}

/** @param {unknown} platforms */
function checkPlatforms(platforms) {
    if (typeof platforms !== "object" || platforms === null) {
        throw failure("ARGUMENT_INVALID", { argument: "platforms", what: `expected an object, found ${kindOf(platforms)}` })
    }
    return readSettings(platforms, SEVERAL)
}

/**
 * Fetch ahead for each of the platforms; the first failure ends it.
 *
 * @param {import("./native.js").Verifier} handle
 * @param {unknown} platforms
 */
async function warm(handle, platforms) {
    const { quotes = [], certificates = [], fmspcs = [], ca = null, tee: sgx = 0, timeoutMs = 0, signal } = checkPlatforms(platforms)
    const wishes = [...quotes.map((quote) => ({ quote })), ...certificates.map((certificate) => ({ certificate })), ...fmspcs.map((fmspc) => ({ fmspc, ca, sgx }))]
    for (const wish of wishes) {
        await waiting(/** @type {AbortSignal | undefined} */ (signal), "fetching collateral", (cancel) =>
            addon.verifierWarm(handle, { ...wish, timeoutMs }, cancel))
    }
}

/** @param {import("./native.js").Verifier} handle @param {unknown} platform */
async function fetchCollateral(handle, platform) {
    const [wish, signal] = wishOf(platform, { refresh: flag })
    return JSON.parse(await waiting(signal, "fetching collateral", (cancel) => addon.collateralFetch(handle, wish, cancel)))
}

/** @param {import("./native.js").Verifier} handle @param {unknown} platform */
async function checkCollateral(handle, platform) {
    const [wish, signal] = wishOf(platform, { warnDays: number })
    return JSON.parse(await waiting(signal, "checking collateral", (cancel) => addon.collateralCheck(handle, wish, cancel)))
}

module.exports = { checkCollateral, dcapOptions, fetchCollateral, warm }
