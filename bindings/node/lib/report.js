"use strict"
// Attestation reports of a sidecar, from where it serves them.

const addon = require("./addon.js")
const { waiting } = require("./calls.js")
const { proxies } = require("./proxy.js")
const { file, milliseconds, readSettings, text } = require("./settings.js")

/** Judged where it is used. @param {string} _ @param {unknown} value */
const signal = (_, value) => value

const READERS = { caFile: file, proxy: text, noProxy: text, timeoutMs: milliseconds, signal }

/**
 * The report as it came.
 *
 * @param {unknown} url
 * @param {unknown} [settings]
 * @returns {Promise<Buffer>}
 */
async function fetchReport(url, settings) {
    const { caFile: ca = null, proxy, noProxy, timeoutMs = 0, signal } = readSettings(settings, READERS)
    const address = text("url", url instanceof URL ? url.href : url)
    const options = { ca, timeoutMs, ...proxies(proxy, noProxy, /^http:/i.test(address) ? "http" : "https") }
    return Buffer.from(await waiting(/** @type {AbortSignal | undefined} */ (signal), "fetching the report", (cancel) =>
        addon.reportFetch(address, options, cancel)), "utf8")
}

/** An address is a string or a URL; bytes and objects are a report itself. @param {unknown} report */
function isAddress(report) {
    return typeof report === "string" || report instanceof URL
}

module.exports = { fetchReport, isAddress }
