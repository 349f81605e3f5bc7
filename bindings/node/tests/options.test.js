"use strict"
const assert = require("node:assert/strict")
const { test } = require("node:test")

const { policyText } = require("../lib/options.js")
const { api, dcap, failureOf, minted, then } = require("./world.js")

const verify = (options) => dcap.verifyCertificate(minted.certificate, { ...then, ...options })
const mrTd = api.inspectQuote(minted.quote).mrTd

test("hexadecimal in every form, and an array that changes afterwards", async () => {
    const list = [`0x${mrTd.toUpperCase()}`]
    const promise = verify({ allowedMrTd: list })
    list[0] = "00"
    assert.equal((await promise).mrTd, mrTd)
})

test("pins by both spellings, as text or array", async () => {
    const { fmspc, rtmr1, mrConfigId } = api.inspectQuote(minted.quote)
    assert.ok((await verify({ pins: { fmspc, rtmr1: ["00".repeat(48), rtmr1], mrConfigId } })).accepted)
    assert.ok((await verify({ pins: { mr_config_id: mrConfigId } })).accepted)
    assert.equal((await failureOf(() => verify({ pins: { rtmr1: "00".repeat(48) } }))).code, "PIN_MISMATCH")
    assert.equal((await failureOf(() => verify({ pins: { mr_config_id: mrConfigId, mrConfigId } }))).code, "OPTION_VALUE")
    assert.equal((await failureOf(() => verify({ pins: { nothing: "00" } }))).code, "PIN_UNKNOWN")
})

for (const [name, value, code] of [
    ["allowedMRTD", [mrTd], "OPTION_UNKNOWN"], ["allowed_mr_td", [mrTd], "OPTION_UNKNOWN"], ["allowedMrTd", [], "OPTION_EMPTY_LIST"],
    ["allowedMrTd", mrTd, "OPTION_TYPE"], ["allowedMrTd", [5], "OPTION_TYPE"], ["allowedMrTd", null, "OPTION_TYPE"],
    ["allowedMrTd", [mrTd.slice(2)], "OPTION_VALUE"], ["acceptableTcbStatuses", ["Fine"], "OPTION_VALUE"], ["pins", [], "OPTION_TYPE"],
    ["pins", { rtmr1: 5 }, "OPTION_TYPE"], ["allowDebugMode", "no", "OPTION_TYPE"], ["allowDebugMode", 1, "OPTION_TYPE"],
    ["timeoutMs", 0, "OPTION_VALUE"], ["timeoutMs", 1.5, "OPTION_VALUE"], ["timeoutMs", "5", "OPTION_TYPE"], ["timeoutMs", NaN, "OPTION_VALUE"],
    ["now", new Date(NaN), "OPTION_VALUE"], ["now", "yesterday", "OPTION_VALUE"], ["now", 0, "OPTION_VALUE"], ["minTeeTcbSvn", "00", "OPTION_VALUE"],
    ["cacheTtlMs", Infinity, "OPTION_VALUE"], ["maxAgeS", -1, "OPTION_VALUE"],
]) {
    test(`${name}: ${value === null ? null : JSON.stringify(value)} is ${code}`, async () => {
        const error = await failureOf(() => verify({ [name]: value }))
        assert.ok(error instanceof api.UsageError)
        assert.equal(error.code, code)
    })
}

test("options that are no object are a usage error", async () => {
    for (const bad of [null, 5, "options", []]) {
        assert.equal((await failureOf(() => dcap.verifyCertificate(minted.certificate, bad))).code, "ARGUMENT_INVALID")
    }
})

test("times as Date, text and seconds say the same", async () => {
    for (const now of [minted.now, new Date(minted.now * 1000), new Date(minted.now * 1000).toISOString().replace(".000Z", "Z")]) {
        assert.equal((await verify({ now })).verifiedAt.getTime(), minted.now * 1000)
    }
})

test("an option that is undefined is not given", async () => {
    assert.equal(policyText({ allowedMrTd: undefined, allowDebugMode: undefined }), "{}")
})

test("the cache's milliseconds become whole seconds, never more, and 0 is off", () => {
    assert.equal(policyText({ cacheTtlMs: 2999 }), '{"cache_ttl_s":2}')
    assert.equal(policyText({ cacheTtlMs: 999 }), '{"cache_ttl_s":-1}')
    assert.equal(policyText({ cacheTtlMs: 0 }), '{"cache_ttl_s":-1}')
})

test("messages name options as TypeScript spells them", async () => {
    assert.match((await failureOf(() => verify({ pins: { composeHash: "00".repeat(32) } }))).message, /allowPartialPins: true/)
})
