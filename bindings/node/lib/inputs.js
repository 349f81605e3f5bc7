"use strict"
// Bytes and files as callers have them.

const fs = require("node:fs")
const { types } = require("node:util")
const { fileURLToPath } = require("node:url")

const { failure } = require("./errors.js")

/** What a value is, for a message. @param {unknown} value */
function kindOf(value) {
    if (value === null) return "null"
    if (Array.isArray(value)) return "array"
    return typeof value === "object" ? value.constructor?.name ?? "object" : typeof value
}

/**
 * Bytes as they are; a copy of those that another thread may change while the core reads them.
 *
 * @param {unknown} value
 * @param {string} argument
 * @returns {Uint8Array}
 */
function asBytes(value, argument) {
    if (!types.isUint8Array(value)) {
        throw failure("ARGUMENT_INVALID", { argument, what: `expected a Uint8Array, found ${kindOf(value)}` })
    }
    return types.isSharedArrayBuffer(value.buffer) ? Uint8Array.from(value) : value
}

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/

/**
 * DER of a certificate given as DER, or as PEM in bytes or text (of a chain, the first: the leaf). What is not PEM is taken
 * for DER; the core judges it.
 *
 * @param {unknown} certificate
 * @returns {Uint8Array}
 */
function certificateDer(certificate) {
    const data = typeof certificate === "string" ? Buffer.from(certificate, "utf8") : asBytes(certificate, "certificate")
    // Evidence in DER holds PEM of its own: only what is text throughout is PEM.
    if (data.some((byte) => byte > 0x7f)) return data
    const found = PEM.exec(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1"))
    if (found === null) return data
    const body = /** @type {string} */ (found[1]).replace(/\s+/g, "")
    return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(body) ? Buffer.from(body, "base64") : data
}

/**
 * A file's content.
 *
 * @param {string | URL} path
 * @returns {Uint8Array}
 */
function readFile(path) {
    try {
        return fs.readFileSync(path)
    } catch (error) {
        const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
        throw failure("FILE_UNREADABLE", { path: path instanceof URL ? safePath(path) : path, what: code ?? message })
    }
}

/** @param {URL} url */
function safePath(url) {
    return url.protocol === "file:" ? fileURLToPath(url) : `a URL of ${url.protocol}`
}

/**
 * A collateral bundle given as a path, as its JSON text in bytes, or as the parsed object.
 *
 * @param {unknown} collateral
 * @returns {Uint8Array}
 */
function collateralBytes(collateral) {
    if (typeof collateral === "string" || collateral instanceof URL) return readFile(collateral)
    if (types.isUint8Array(collateral)) return asBytes(collateral, "collateral")
    if (!isParsed(collateral) || Array.isArray(collateral)) {
        throw failure("ARGUMENT_INVALID", { argument: "collateral", what: `expected a path, bytes or an object, found ${kindOf(collateral)}` })
    }
    return Buffer.from(JSON.stringify(collateral), "utf8")
}

/**
 * A file's content, given as a path or as the content itself in bytes.
 *
 * @param {unknown} given
 * @param {string} argument
 * @returns {Uint8Array}
 */
function fileBytes(given, argument) {
    return typeof given === "string" || given instanceof URL ? readFile(given) : asBytes(given, argument)
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Text in bytes. @param {Uint8Array} bytes @param {() => Error} wrong what to throw for other bytes */
function textOf(bytes, wrong) {
    try {
        return utf8.decode(bytes)
    } catch {
        throw wrong()
    }
}

/** @param {unknown} given @returns {given is object} */
function isParsed(given) {
    return typeof given === "object" && given !== null && !ArrayBuffer.isView(given) && !(given instanceof ArrayBuffer) && !(given instanceof URL)
}

/**
 * Evidence that came without a certificate: an envelope or JSON in bytes, JSON as text, or the parsed object.
 *
 * @param {unknown} evidence
 */
function evidenceBytes(evidence) {
    if (isParsed(evidence)) return Buffer.from(JSON.stringify(evidence), "utf8")
    return typeof evidence === "string" ? Buffer.from(evidence, "utf8") : asBytes(evidence, "evidence")
}

/** A report: its JSON in bytes, or the parsed object. @param {unknown} report */
function reportText(report) {
    if (isParsed(report)) return JSON.stringify(report)
    return textOf(asBytes(report, "report"), () => failure("REPORT_FORMAT", { what: "it is not UTF-8" }))
}

module.exports = { asBytes, certificateDer, collateralBytes, evidenceBytes, fileBytes, kindOf, reportText, textOf }
