"use strict"
// Settings of verifiers and tunnels, read into what the core takes: one reader for each kind, given a setting's name and its value.

const { failure } = require("./errors.js")
const { fileBytes, kindOf } = require("./inputs.js")

/** @typedef {(option: string, value: unknown) => unknown} Reader */

const LIST_MAX = 16
const NUMBER_MAX = 2 ** 31 - 1
const PORT_MAX = 65535

/** @param {string} option @param {unknown} value @param {string} expected */
function wrongType(option, value, expected) {
    return failure("OPTION_TYPE", { option, found: kindOf(value), expected })
}

/** @param {string} option @param {string} found @param {string} expected */
function wrongValue(option, found, expected) {
    return failure("OPTION_VALUE", { option, found, expected })
}

/** Never shown: it may be a key, or a proxy's password. @param {string} option @param {unknown} value */
function text(option, value) {
    if (typeof value !== "string") throw wrongType(option, value, "a string")
    if (value.includes("\0")) throw wrongValue(option, "(with a NUL)", "text without NUL")
    return value
}

/** @param {string} option @param {unknown} values */
function texts(option, values) {
    const expected = `an array of at most ${LIST_MAX} strings`
    if (!Array.isArray(values) || values.length > LIST_MAX) throw wrongType(option, values, expected)
    return Array.from(values, (value) => {
        if (typeof value !== "string") throw wrongType(option, value, expected)
        return text(option, value)
    })
}

/** Of a server. @param {string} option @param {unknown} value */
function name(option, value) {
    if (text(option, value) === "") throw wrongValue(option, "(nothing)", "a name or an address")
    return /** @type {string} */ (value)
}

/** @param {string} option @param {unknown} value */
function number(option, value) {
    if (typeof value !== "number") throw wrongType(option, value, "a number")
    if (!Number.isInteger(value) || Math.abs(value) > NUMBER_MAX) throw wrongValue(option, String(value), "a whole number of 32 bits")
    return value
}

/** @param {string} option @param {unknown} value */
function port(option, value) {
    if (number(option, value) < 0 || /** @type {number} */ (value) > PORT_MAX) throw wrongValue(option, String(value), "1 to 65535, or 0 for PostgreSQL's")
    return /** @type {number} */ (value)
}

/** Whole milliseconds, no more than a timer of the system's has. @param {string} option @param {unknown} value */
function milliseconds(option, value) {
    if (typeof value !== "number") throw wrongType(option, value, "a number")
    if (!Number.isFinite(value) || value <= 0) throw wrongValue(option, String(value), "milliseconds above 0")
    return Math.min(Math.ceil(value), NUMBER_MAX)
}

/** In seconds; 0, the core's word for the clock's, is no time. @param {string} option @param {unknown} value */
function time(option, value) {
    if (typeof value !== "number" && !(value instanceof Date)) throw wrongType(option, value, "a Date or seconds")
    const seconds = typeof value === "number" ? value : Math.floor(value.getTime() / 1000)
    if (!Number.isSafeInteger(seconds) || seconds < 1) throw wrongValue(option, String(value), "a time")
    return seconds
}

/** @param {string} option @param {unknown} value */
function flag(option, value) {
    if (typeof value !== "boolean") throw wrongType(option, value, "boolean")
    return value ? 1 : 0
}

/** @param {Map<string, number>} numbers by word */
function word(numbers) {
    /** @param {string} option @param {unknown} value */
    return (option, value) => {
        const found = numbers.get(text(option, value))
        if (found === undefined) throw wrongValue(option, /** @type {string} */ (value), [...numbers.keys()].join(", "))
        return found
    }
}

/** @param {string} option @param {unknown} value @returns {(message: string) => void} */
function log(option, value) {
    if (typeof value !== "function") throw wrongType(option, value, "a function")
    return /** @type {(message: string) => void} */ (value)
}

/** A path, or the content in bytes. @param {string} option @param {unknown} value */
function file(option, value) {
    return fileBytes(value, option)
}

/**
 * What is given, by name, as the core takes it. A name that is not known would be a setting without effect.
 *
 * @template {Record<string, Reader>} Readers
 * @param {unknown} settings
 * @param {Readers} readers
 * @returns {{ [name in keyof Readers]?: ReturnType<Readers[name]> }}
 */
function readSettings(settings, readers) {
    if (settings === undefined) return {}
    if (typeof settings !== "object" || settings === null) {
        throw failure("ARGUMENT_INVALID", { argument: "settings", what: `expected an object, found ${kindOf(settings)}` })
    }
    /** @type {Record<string, unknown>} */
    const read = {}
    for (const [option, value] of Object.entries(settings)) {
        const reader = Object.hasOwn(readers, option) ? readers[option] : undefined
        if (reader === undefined) throw failure("OPTION_UNKNOWN", { found: option })
        if (value !== undefined) read[option] = reader(option, value)
    }
    return /** @type {any} */ (read)
}

module.exports = { file, flag, log, milliseconds, name, number, port, readSettings, text, texts, time, word, wrongType, wrongValue }
