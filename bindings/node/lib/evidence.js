"use strict"
// Reading evidence, without judgement.

const addon = require("./addon.js")
const { failure } = require("./errors.js")
const { asBytes, certificateDer, evidenceBytes, fileBytes, reportText } = require("./inputs.js")
const { fieldsOf } = require("./names.js")
const { optionsOf } = require("./policy.js")
const { readSettings } = require("./settings.js")

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

/** @param {unknown} evidence */
function inspectEvidence(evidence) {
    return fields(addon.evidenceInspect(evidenceBytes(evidence)))
}

/** @param {unknown} report */
function inspectReport(report) {
    return fields(addon.reportInspect(reportText(report)))
}

/** How what carries a quote is read, by its kind. */
const READERS = {
    /** @param {string} _ @param {unknown} value */
    certificate: (_, value) => addon.certificateInspect(certificateDer(value)),
    /** @param {string} _ @param {unknown} value */
    quote: (_, value) => addon.quoteInspect(asBytes(value, "quote")),
    /** @param {string} _ @param {unknown} value */
    evidence: (_, value) => addon.evidenceInspect(evidenceBytes(value)),
    /** @param {string} _ @param {unknown} value */
    report: (_, value) => addon.reportInspect(reportText(value)),
}

/** @param {unknown} seen */
function pinsOf(seen) {
    const [handle, ...more] = Object.values(readSettings(seen, READERS))
    try {
        if (handle === undefined || more.length > 0) throw failure("ARGUMENT_INVALID", { argument: "seen", what: "expected one of certificate, quote, evidence and report" })
        return optionsOf(addon.quotePolicy(handle))
    } finally {
        for (const each of [handle, ...more]) if (each !== undefined) addon.quoteFree(each)
    }
}

/** @param {unknown} file */
function composeHash(file) {
    return addon.composeHash(fileBytes(file, "file"))
}

module.exports = { composeHash, extractTdxQuote, inspectCertificate, inspectEvidence, inspectQuote, inspectReport, pinsOf }
