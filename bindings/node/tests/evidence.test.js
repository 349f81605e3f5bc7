"use strict"
const assert = require("node:assert/strict")
const { test } = require("node:test")

const { api, failureOf, mint, minted } = require("./world.js")

test("the quote is taken out of DER, PEM and a PEM chain", () => {
    assert.deepEqual(api.extractTdxQuote(minted.certificate), minted.quote)
    assert.deepEqual(api.extractTdxQuote(new Uint8Array(minted.certificate)), minted.quote)
    assert.deepEqual(api.extractTdxQuote(minted.pem), minted.quote)
    assert.deepEqual(api.extractTdxQuote(Buffer.from(`a comment\n${minted.pem}${mint("debug").pem}`)), minted.quote)
})

test("null for a certificate that is none of ours", () => {
    assert.equal(api.extractTdxQuote(mint("no_quote").certificate), null)
    assert.equal(api.inspectCertificate(mint("no_quote").certificate).kind, null)
})

test("bytes that are no certificate are refused", async () => {
    for (const bad of [new Uint8Array(), new Uint8Array(5), "", "-----BEGIN CERTIFICATE-----A-----END CERTIFICATE-----"]) {
        const error = await failureOf(() => api.extractTdxQuote(bad))
        assert.ok(error instanceof api.RefusedError)
        assert.equal(error.code, "EVIDENCE_CERTIFICATE_FORMAT")
    }
})

test("an inspection gives the fields by TypeScript's names", () => {
    const fields = api.inspectQuote(minted.quote)
    assert.equal(fields.kind, "tdx-v4")
    assert.equal(fields.quoteVersion, 4)
    assert.match(fields.mrTd, /^[0-9a-f]{96}$/)
    assert.equal(fields.mrEnclave, null)
    assert.deepEqual(api.inspectCertificate(minted.certificate).mrTd, fields.mrTd)
})

test("bytes that are no quote are refused", async () => {
    assert.equal((await failureOf(() => api.inspectQuote(minted.quote.subarray(0, 100)))).code, "EVIDENCE_QUOTE_TRUNCATED")
})

test("what is no Uint8Array is a usage error", async () => {
    for (const bad of [null, undefined, 5, "quote", [1], new Uint16Array(4), new ArrayBuffer(4), new DataView(new ArrayBuffer(4)), {}]) {
        const error = await failureOf(() => api.inspectQuote(bad))
        assert.ok(error instanceof api.UsageError)
        assert.equal(error.code, "ARGUMENT_INVALID")
        assert.equal(error.details.argument, "quote")
    }
})

test("bytes in shared memory are copied first", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(minted.quote.length))
    shared.set(minted.quote)
    assert.equal(api.inspectQuote(shared).kind, "tdx-v4")
})
