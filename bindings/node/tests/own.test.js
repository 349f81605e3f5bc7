"use strict"
// Verifiers of the caller's: claims, refusals, promises, deadlines; the core still applies policy and key binding.
const assert = require("node:assert/strict")
const { test } = require("node:test")
const { setFlagsFromString } = require("node:v8")
const { runInNewContext } = require("node:vm")

const { api, failureOf, mint, minted } = require("./world.js")

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc")

const saying = (claims) => ({ verify: () => claims })
const failing = (error) => ({ verify: () => { throw error } })
const ask = (verifier, options, call) => api.verifyCertificate(verifier, minted.certificate, options, call)

test("claims become the result", async () => {
    const result = await ask(saying({
        tcbStatus: "SWHardeningNeeded", advisoryIds: ["INTEL-SA-2", "INTEL-SA-1"], fmspc: "00806f050000", tcbDate: new Date("2026-01-01"), ppid: null }))
    assert.deepEqual([result.verifier, result.tcbStatus, result.advisoryIds, result.fmspc], ["custom", "SWHardeningNeeded", ["INTEL-SA-1", "INTEL-SA-2"], "00806f050000"])
    assert.equal(result.tcbDate.getTime(), Date.parse("2026-01-01"))
    assert.deepEqual([result.mrTd, result.keyBound], [api.inspectQuote(minted.quote).mrTd, true])
})

test("it gets the quote and the options, which nobody changes", async () => {
    const seen = []
    const verifier = { verify: (quote, options) => { seen.push([quote, options]); return { tcbStatus: "OK" } } }
    const options = { allowDebugMode: true }
    await api.verifyQuote(verifier, minted.quote, options)
    await api.verifyQuote(verifier, minted.quote)
    assert.deepEqual(seen, [[minted.quote, options], [minted.quote, {}]])
    assert.ok(Object.isFrozen(seen[0][1]))
})

test("a promise is allowed, and the result of another verifier is claims", async () => {
    const inner = saying(Promise.resolve({ tcbStatus: "OK", advisoryIds: ["INTEL-SA-1"] }))
    const outer = { verify: async (quote) => api.verifyQuote(inner, quote) }
    assert.deepEqual((await ask(outer)).advisoryIds, ["INTEL-SA-1"])
})

test("an object with a class gives what may be claimed and nothing else", async () => {
    class Verdict {
        tcbStatus = "OK"
        mrTd = "00"
        get fmspc() { return "00806f050000" }
    }
    assert.equal((await ask(saying(new Verdict()))).fmspc, "00806f050000")
})

test("its refusal is a refusal", async () => {
    for (const verifier of [failing(new api.RefusedError("not today")), { verify: async () => { throw new api.RefusedError("not today") } }]) {
        const error = await failureOf(() => ask(verifier))
        assert.ok(error instanceof api.RefusedError)
        assert.equal(error.code, "USER_VERIFIER_REFUSED")
        assert.equal(error.message, "the verifier given by the caller refused the quote: not today")
    }
})

for (const [name, thrown] of Object.entries({
    Error: new Error("no network"), UnavailableError: new api.UnavailableError("no network"), UsageError: new api.UsageError("no network"),
    text: "no network", nothing: undefined, "an object without a prototype": Object.create(null), "an error that cannot be told": { toString() { throw 1 } } })) {
    test(`throwing ${name} means that it could not be checked`, async () => {
        const error = await failureOf(() => ask(failing(thrown)))
        assert.ok(error instanceof api.UnavailableError)
        assert.equal(error.code, "USER_VERIFIER")
    })
}

for (const claims of [null, undefined, {}, { tcbStatus: null }, { tcbStatus: "Fine" }, { tcbStatus: "OK", mrTd: "00".repeat(48) }, { tcbStatus: 5 }, "OK", 5, [],
    { tcbStatus: "OK", verified: true }]) {
    test(`claims that are not usable: ${JSON.stringify(claims)}`, async () => {
        const error = await failureOf(() => ask(saying(claims)))
        assert.ok(error instanceof api.UnavailableError)
        assert.equal(error.code, "USER_VERIFIER_CLAIMS")
    })
}

test("claims that JSON cannot carry, or that say a name twice", async () => {
    const circular = { tcbStatus: "OK" }
    circular.fmspc = circular
    for (const claims of [circular, { tcbStatus: "OK", tcbDate: new Date(NaN) }, { tcbStatus: "OK", tcb_status: "Revoked" }, { tcbStatus: 5n }]) {
        assert.equal((await failureOf(() => ask(saying(claims)))).code, "USER_VERIFIER")
    }
})

test("a reason with every odd character", async () => {
    const error = await failureOf(() => ask(failing(new api.RefusedError(`nul \0 surrogate \ud800 newline \n${"x".repeat(10_000)}`))))
    assert.match(error.message, /nul \?/)
    assert.ok(error.message.length < 2000)
})

test("policy and key binding still hold", async () => {
    const trusting = saying({ tcbStatus: "OK" })
    for (const [fault, code] of [["no_quote", "QUOTE_MISSING"], ["other_key", "KEY_BINDING"], ["debug", "DEBUG_MODE"]]) {
        assert.equal((await failureOf(() => api.verifyCertificate(trusting, mint(fault).certificate))).code, code)
    }
    assert.equal((await failureOf(() => ask(trusting, { allowedMrTd: ["00".repeat(48)] }))).code, "MRTD_NOT_ALLOWED")
    assert.equal((await failureOf(() => ask(saying({ tcbStatus: "OutOfDate" })))).code, "TCB_STATUS")
})

/** Kept: a promise that nobody can settle any more may be collected, and then the verifier has not answered at all. */
const unsettled = []
const never = { verify: () => new Promise((resolve) => unsettled.push(resolve)) }

test("the deadline holds", async () => {
    assert.equal((await failureOf(() => ask(never, { timeoutMs: 20 }))).code, "TIMEOUT")
})

test("a signal ends the call", async () => {
    const controller = new AbortController()
    const asked = { verify: () => { controller.abort(new Error("enough")); return new Promise(() => {}) } }
    const error = await failureOf(() => ask(asked, {}, { signal: controller.signal }))
    assert.deepEqual([error.code, error.cause.message], ["CANCELLED", "enough"])
    assert.equal((await failureOf(() => ask(never, {}, { signal: AbortSignal.abort() }))).code, "CANCELLED")
    assert.equal((await failureOf(() => ask(never, {}, { signal: {} }))).code, "ARGUMENT_INVALID")
})

test("its verdicts are kept, for each set of options", async () => {
    let calls = 0
    const verifier = { verify: () => { calls++; return { tcbStatus: "OK" } } }
    for (let i = 0; i < 3; i++) await ask(verifier, { allowDebugMode: i < 2 })
    assert.equal(calls, 2)
})

test("more sets of options than are kept", async () => {
    const verifier = saying({ tcbStatus: "OK" })
    for (let i = 1; i < 40; i++) assert.ok((await ask(verifier, { timeoutMs: 10_000 + i })).accepted)
})

test("it is let go", async () => {
    let verifier = saying({ tcbStatus: "OK" })
    await ask(verifier)
    const gone = new WeakRef(verifier)
    verifier = undefined
    for (let i = 0; i < 50 && gone.deref() !== undefined; i++) {
        await new Promise(setImmediate)
        collect()
    }
    assert.equal(gone.deref(), undefined)
})

test("what cannot be asked is no verifier", async () => {
    for (const bad of [null, undefined, 5, {}, { verify: 5 }, () => {}]) {
        const error = await failureOf(() => ask(bad))
        assert.deepEqual([error.code, error.details.argument], ["ARGUMENT_INVALID", "verifier"])
    }
})
