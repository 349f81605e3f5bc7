"use strict"
const assert = require("node:assert/strict")
const fs = require("node:fs")
const os = require("node:os")
const path = require("node:path")
const { test } = require("node:test")

const { api, dcap, failureOf, mint, minted, settings, then } = require("./world.js")

test("a healthy server is accepted, both ways, and the result says what was seen", async () => {
    const result = await dcap.verifyCertificate(minted.certificate, then)
    assert.ok(result instanceof api.VerifyResult)
    assert.deepEqual([result.accepted, result.verified, result.verifier, result.keyBound, result.tcbStatus], [true, true, "dcap", true, "OK"])
    assert.equal(result.mrTd, api.inspectQuote(minted.quote).mrTd)
    assert.ok(result.tcbDate instanceof Date)
    assert.equal(JSON.parse(result.json).mr_td, result.mrTd)
    assert.ok(Object.isFrozen(result))
    assert.deepEqual(dcap.verifyCertificateSync(minted.pem, then).json, (await dcap.verifyCertificate(minted.pem, then)).json)
    assert.equal(dcap.verifySync(minted.quote, then).keyBound, null)
    assert.equal((await dcap.verify(minted.quote, then)).verifier, "dcap")
})

test("a refusal is a RefusedError with code, stage, details and the TCB", async () => {
    for (const call of [
        () => dcap.verifyCertificateSync(minted.certificate, { ...then, allowedMrTd: ["00".repeat(48)] }),
        () => dcap.verifyCertificate(minted.certificate, { ...then, allowedMrTd: ["00".repeat(48)] }),
    ]) {
        const error = await failureOf(call)
        assert.ok(error instanceof api.RefusedError && error instanceof api.RaTlsError && error instanceof Error)
        assert.deepEqual([error.name, error.code, error.stage], ["RefusedError", "MRTD_NOT_ALLOWED", "policy"])
        assert.match(error.message, /is not in the allowlist\. Update allowedMrTd if/)
        assert.equal(error.details.found, api.inspectQuote(minted.quote).mrTd)
        assert.equal(error.tcb.tcbStatus, "OK")
        assert.ok(error.tcb.tcbDate instanceof Date)
    }
})

for (const [fault, code, message] of [
    ["no_quote", "QUOTE_MISSING", "upstream cert has no TDX attestation extension; set allowSimulator: true for non-TEE targets"],
    ["other_key", "KEY_BINDING", "quote report_data does not bind the TLS certificate's public key"],
    ["debug", "DEBUG_MODE", undefined], ["out_of_date", "TCB_STATUS", undefined],
]) {
    test(`${fault} is ${code}`, async () => {
        const error = await failureOf(() => dcap.verifyCertificate(mint(fault).certificate, then))
        assert.ok(error instanceof api.RefusedError)
        assert.equal(error.code, code)
        if (message) assert.equal(error.message, message)
    })
}

test("collateral and trust anchor as path, URL, bytes and object", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ra-tls-verify-test-"))
    const file = path.join(folder, "collateral.json")
    fs.writeFileSync(file, minted.collateral)
    for (const collateral of [file, new URL(`file://${file}`), minted.collateral, JSON.parse(minted.collateral.toString())]) {
        const verifier = new api.DcapVerifier({ ...settings, collateral })
        assert.ok(verifier.verifyCertificateSync(minted.certificate, then).verified)
        verifier.close()
    }
    fs.rmSync(folder, { recursive: true })
})

test("unusable settings", async () => {
    for (const [given, kind, code] of [
        [{ collateral: "/nowhere" }, api.UsageError, "FILE_UNREADABLE"], [{ collateral: Buffer.from("{") }, api.UnavailableError, "COLLATERAL_FORMAT"],
        [{ trustAnchor: Buffer.from("no") }, api.UsageError, "TRUST_ANCHOR_INVALID"], [{ trustAnchor: 5 }, api.UsageError, "ARGUMENT_INVALID"],
        [{ collateral: null }, api.UsageError, "ARGUMENT_INVALID"], [{ colateral: "/x" }, api.UsageError, "OPTION_UNKNOWN"],
        [{ log: "x" }, api.UsageError, "OPTION_TYPE"], [null, api.UsageError, "ARGUMENT_INVALID"]]) {
        const error = await failureOf(() => new api.DcapVerifier(given))
        assert.ok(error instanceof kind, String(error))
        assert.equal(error.code, code)
    }
})

test("without collateral it cannot be checked", async () => {
    const nowhere = new api.DcapVerifier({ trustAnchor: minted.trustAnchor, pccsUrl: "http://127.0.0.1:1", cacheDir: "", log: () => {} })
    const error = await failureOf(() => nowhere.verifyCertificate(minted.certificate, then))
    assert.ok(error instanceof api.UnavailableError)
})

test("noop checks no signature, but the key", async () => {
    const noop = new api.NoopVerifier({ log: () => {} })
    const result = await noop.verifyCertificate(minted.certificate)
    assert.deepEqual([result.accepted, result.verified, result.tcbStatus], [true, false, null])
    assert.equal((await failureOf(() => noop.verifyCertificate(mint("other_key").certificate))).code, "KEY_BINDING")
})

test("a verdict is kept, and 0 milliseconds keep none", async () => {
    const noop = new api.NoopVerifier({ log: () => {} })
    const kept = async (options) => (await noop.verifyCertificate(minted.certificate, options)).fromCache
    assert.deepEqual([await kept(), await kept(), await kept({ cacheTtlMs: 0 })], [false, true, false])
})

test("warnings go to the function that was given, later", async () => {
    const lines = []
    const { promise, resolve } = withResolvers()
    const noop = new api.NoopVerifier({ log: (line) => { lines.push(line); resolve() } })
    noop.verifyCertificateSync(minted.certificate)
    assert.deepEqual(lines, [])
    await promise
    assert.match(lines[0], /no MRTD is pinned|checks no signature/)
})

function withResolvers() {
    let resolve
    const promise = new Promise((done) => { resolve = done })
    return { promise, resolve }
}

test("a closed verifier says so, and may be closed again", async () => {
    const noop = new api.NoopVerifier({ log: () => {} })
    const running = noop.verifyCertificate(minted.certificate)
    noop.close()
    noop.close()
    assert.ok((await running).accepted)
    assert.equal((await failureOf(() => noop.verify(minted.quote))).code, "ARGUMENT_INVALID")
    assert.equal((await failureOf(() => noop.verifySync(minted.quote))).code, "ARGUMENT_INVALID")
})

test("built-in verifiers cannot be subclassed", () => {
    class Mine extends api.NoopVerifier {
        async verify() {
            throw new api.RefusedError("never asked")
        }
    }
    assert.throws(() => new Mine(), TypeError)
})

test("results are not made by hand", () => {
    assert.throws(() => new api.VerifyResult(), TypeError)
})

test("the input of an asynchronous call may change or go while it runs", async () => {
    for (const change of [(bytes) => bytes.fill(0), (bytes) => structuredClone(bytes.buffer, { transfer: [bytes.buffer] })]) {
        const bytes = new Uint8Array(minted.certificate)
        const running = dcap.verifyCertificate(bytes, { ...then, cacheTtlMs: 0 })
        change(bytes)
        assert.ok((await running).verified)
    }
})

test("many at once, on bounded threads", async () => {
    const results = await Promise.all(Array.from({ length: 200 }, () => dcap.verifyCertificate(minted.certificate, then)))
    assert.ok(results.every(({ verified }) => verified))
    const names = fs.readdirSync("/proc/self/task").length
    assert.ok(names < 32 + 32, `${names} threads`)
})
