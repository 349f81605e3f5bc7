"use strict"
// The core's names and TypeScript's.

const { QUOTE_FIELDS, RESULT_FIELDS } = require("./tables.js")

/** @type {Map<string, string>} the types of fields by the core's names */
const types = new Map([...QUOTE_FIELDS, ...RESULT_FIELDS].map(([name, , type]) => [name, type]))

/** @param {string} name */
function camel(name) {
    return name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase())
}

/**
 * The core's name for one of ours; names that have none pass through in its spelling, for the core to judge.
 *
 * @param {string} name
 */
function snake(name) {
    return ours.get(name) ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** @type {Map<string, string>} */
const ours = new Map([...QUOTE_FIELDS, ...RESULT_FIELDS].map(([name, own]) => [own, name]))

/**
 * Fields as the core tells them, by our names; times as Date.
 *
 * @param {Record<string, unknown>} known
 * @returns {any}
 */
function fieldsOf(known) {
    return Object.fromEntries(Object.entries(known).map(([name, value]) =>
        [camel(name), types.get(name) === "time" && typeof value === "string" ? new Date(value) : value]))
}

module.exports = { camel, snake, fieldsOf }
