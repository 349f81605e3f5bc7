"use strict"
// Policy files, as options.

const addon = require("./addon.js")
const { failure } = require("./errors.js")
const { fileBytes, textOf } = require("./inputs.js")
const { camel } = require("./names.js")
const { VERIFY_OPTIONS } = require("./tables.js")

/** Where zero says in C that an option is not given. */
const ZERO_IS_DEFAULT = new Set(["number", "milliseconds", "time"])

/** @param {string} name @param {unknown} value */
function optionOf(name, value) {
    if (name === "pins") return Object.fromEntries(Object.entries(/** @type {object} */ (value)).map(([field, values]) => [camel(field), values]))
    return name === "cache_ttl_s" ? Math.max(0, /** @type {number} */ (value)) * 1000 : value
}

/**
 * The options that a policy says, which the core has read and found valid.
 *
 * @param {string} json
 * @returns {import("./index.js").VerifyOptions}
 */
function optionsOf(json) {
    addon.policyFree(addon.policyParse(json))
    const said = JSON.parse(json)
    return Object.fromEntries(VERIFY_OPTIONS.flatMap(([name, own, type]) =>
        name in said && !(said[name] === 0 && ZERO_IS_DEFAULT.has(type)) ? [[own, optionOf(name, said[name])]] : []))
}

/** @param {unknown} policy */
function loadPolicy(policy) {
    return optionsOf(textOf(fileBytes(policy, "policy"), () => failure("POLICY_FORMAT", { what: "it is not UTF-8" })))
}

module.exports = { loadPolicy, optionsOf }
