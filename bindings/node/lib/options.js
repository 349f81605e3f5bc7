"use strict"
// What a verification accepts, as the core reads it: a policy file.

const addon = require("./addon.js")
const { failure } = require("./errors.js")
const { kindOf } = require("./inputs.js")
const { snake } = require("./names.js")
const { wrongType, wrongValue } = require("./settings.js")
const { VERIFY_OPTIONS } = require("./tables.js")

/** In C zero stands for the default, and a verdict cache is switched off by a negative number. */
const CACHE_OFF = -1
/** Options where zero cannot be told from "not given" in C, and would make no sense either. */
const AT_LEAST_ONE = ["now", "timeoutMs", "maxAgeS"]

/** @type {Map<string, readonly [string, string]>} our name to the core's, and the type */
const rows = new Map(VERIFY_OPTIONS.map(([name, own, type]) => [own, [name, type]]))

/** Options as the text of a policy file, for what objects cannot say. Internal. */
class PolicyText {
    /** @param {string} text */
    constructor(text) {
        this.text = text
    }
}

/** @param {string} option @param {unknown} value */
function textList(option, value) {
    if (!Array.isArray(value)) throw wrongType(option, value, "an array of strings")
    for (const item of value) if (typeof item !== "string") throw wrongType(option, item, "an array of strings")
    return [...value]
}

/** @param {string} option @param {unknown} value */
function pins(option, value) {
    if (!isPlain(value)) throw wrongType(option, value, "an object of field names and values")
    /** @type {Record<string, string[]>} */
    const named = Object.create(null)
    for (const [key, item] of Object.entries(value)) {
        if (item === undefined) continue
        const name = snake(key)
        // One of two spellings would be lost.
        if (name in named) throw wrongValue(option, key, "each field once")
        named[name] = textList(option, typeof item === "string" ? [item] : item)
    }
    return named
}

/** @param {string} option @param {unknown} value */
function number(option, value) {
    if (typeof value !== "number") throw wrongType(option, value, "a number")
    if (!Number.isSafeInteger(value)) throw wrongValue(option, String(value), "a whole number")
    if (AT_LEAST_ONE.includes(option) && value < 1) throw wrongValue(option, String(value), "at least 1")
    return value
}

/** @param {string} option @param {unknown} value */
function time(option, value) {
    if (typeof value === "string") return value
    if (!(value instanceof Date)) return number(option, value)
    if (Number.isNaN(value.getTime())) throw wrongValue(option, "an invalid Date", "a time")
    return number(option, Math.floor(value.getTime() / 1000))
}

/** Whole seconds, never more than was allowed. @param {string} option @param {unknown} value */
function cacheSeconds(option, value) {
    const seconds = Math.floor(number(option, value) / 1000)
    return seconds < 1 ? CACHE_OFF : seconds
}

/** @param {string} option @param {string} type @param {unknown} value */
function policyValue(option, type, value) {
    if (type === "list" || type === "hexlist") return textList(option, value)
    if (type === "pins") return pins(option, value)
    if (type === "time") return time(option, value)
    if (option === "cacheTtlMs") return cacheSeconds(option, value)
    if (type === "number" || type === "milliseconds") return number(option, value)
    const wanted = type === "flag" ? "boolean" : "string"
    if (typeof value !== wanted) throw wrongType(option, value, wanted)
    return value
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isPlain(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value)
}

/**
 * The options as a policy file: a JSON object with what is given.
 *
 * @param {unknown} options
 * @returns {string}
 */
function policyText(options) {
    if (options instanceof PolicyText) return options.text
    if (options === undefined) return "{}"
    if (!isPlain(options)) throw failure("ARGUMENT_INVALID", { argument: "options", what: `expected an object, found ${kindOf(options)}` })
    /** @type {Record<string, unknown>} */
    const given = Object.create(null)
    for (const [option, value] of Object.entries(options)) {
        const row = rows.get(option)
        // A name that is not known would be a check that never happens.
        if (row === undefined) throw failure("OPTION_UNKNOWN", { found: option })
        if (value !== undefined) given[row[0]] = policyValue(option, row[1], value)
    }
    // In the table's order, so that equal options are equal texts.
    return JSON.stringify(Object.fromEntries(VERIFY_OPTIONS.flatMap(([name]) => (name in given ? [[name, given[name]]] : []))))
}

/**
 * The core's reading of the options, to be freed with policyFree.
 *
 * @param {unknown} options
 */
function policyOf(options) {
    return addon.policyParse(policyText(options))
}

module.exports = { PolicyText, isPlain, policyOf, policyText }
