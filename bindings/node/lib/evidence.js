"use strict"
// Reading evidence, without judgement.

const addon = require("./addon.js")
const { failure } = require("./errors.js")
const { asBytes, certificateDer } = require("./inputs.js")
const { fieldsOf } = require("./names.js")

/** @param {unknown} certificate */
function extractTdxQuote(certificate) {
    return addon.extractTdxQuote(certificateDer(certificate))
}

/** @param {import("./native.js").Quote} handle @returns {import("./index.js").QuoteFields} */
function fields(handle) {
    try {
        const json = addon.quoteJson(handle)
        if (json === null) throw failure("OUT_OF_MEMORY")
        return fieldsOf(JSON.parse(json))
    } finally {
        addon.quoteFree(handle)
    }
}

/** @param {unknown} quote */
function inspectQuote(quote) {
    return fields(addon.quoteInspect(asBytes(quote, "quote")))
}

/** @param {unknown} certificate */
function inspectCertificate(certificate) {
    return fields(addon.certificateInspect(certificateDer(certificate)))
}

module.exports = { extractTdxQuote, inspectCertificate, inspectQuote }
