"use strict"
// Which application it is: evidence with an event log, pins, policy files; and the report of a sidecar.
const assert = require("node:assert/strict")
const { createHash } = require("node:crypto")
const fs = require("node:fs")
const http = require("node:http")
const path = require("node:path")
const { after, before, test } = require("node:test")

const { ROOT, temporary } = require("./simulator.js")
const { api, dcap, failureOf, mint, minted, then } = require("./world.js")

const { composeHash, appId } = dcap.verifyEvidenceSync(minted.getQuote, then)

// ---------------------------------------------------------------- evidence and pins

test("evidence as an envelope, as JSON in bytes, as text and parsed", async () => {
    const text = minted.getQuote.toString()
    for (const evidence of [...minted.envelopes, minted.getQuote, text, JSON.parse(text)]) {
        const result = await dcap.verifyEvidence(evidence, then)
        assert.match(result.composeHash, /^[0-9a-f]{64}$/)
        assert.deepEqual([result.composeHash, result.appId, result.keyBound], [composeHash, appId, null])
        assert.equal(dcap.verifyEvidenceSync(evidence, then).json, result.json)
        assert.equal(api.inspectEvidence(evidence).mrTd, result.mrTd)
    }
    assert.equal((await api.verifyEvidence({ verify: () => ({ tcbStatus: "OK" }) }, text)).composeHash, composeHash)
})

test("an event log that was changed is refused", async () => {
    const changed = JSON.parse(minted.getQuote.toString())
    changed.event_log = changed.event_log.replace(appId, "00".repeat(20))
    const error = await failureOf(() => dcap.verifyEvidence(changed, then))
    assert.ok(error instanceof api.RefusedError)
    assert.match(error.code, /^EVIDENCE_EVENT_LOG_/)
})

test("what is no evidence", async () => {
    for (const bad of ["", "{", {}, [], new Uint8Array(9)]) assert.ok((await failureOf(() => dcap.verifyEvidence(bad, then))) instanceof api.RefusedError)
    for (const bad of [null, undefined, 5, true, new Uint16Array(4), new ArrayBuffer(4), new URL("http://x/")]) {
        const error = await failureOf(() => dcap.verifyEvidence(bad, then))
        assert.deepEqual([error.code, error.details.argument], ["ARGUMENT_INVALID", "evidence"])
    }
})

test("what a server shows pins it, and no other", async () => {
    for (const seen of [{ certificate: minted.certificate }, { certificate: minted.pem }, { evidence: minted.getQuote }]) {
        const options = api.pinsOf(seen)
        assert.deepEqual(options.pins.composeHash, [composeHash])
        assert.ok((await dcap.verifyCertificate(minted.certificate, { ...then, ...options })).identityPinned)
        const other = { ...options, pins: { ...options.pins, composeHash: "00".repeat(32) } }
        assert.equal((await failureOf(() => dcap.verifyCertificate(minted.certificate, { ...then, ...other }))).code, "PIN_MISMATCH")
    }
    const { pins } = api.pinsOf({ quote: minted.quote })
    assert.deepEqual([pins.rtmr0, pins.appId], [[api.inspectQuote(minted.quote).rtmr0], undefined])
})

test("pins of nothing, or of two things", async () => {
    for (const bad of [undefined, {}, { quote: minted.quote, certificate: minted.certificate }]) {
        assert.equal((await failureOf(() => api.pinsOf(bad))).code, "ARGUMENT_INVALID")
    }
    assert.equal((await failureOf(() => api.pinsOf({ quot: minted.quote }))).code, "OPTION_UNKNOWN")
    assert.ok((await failureOf(() => api.pinsOf({ certificate: mint("no_quote").certificate }))) instanceof api.UsageError)
})

test("an application alone is no pin", async () => {
    const alone = { ...then, pins: { composeHash } }
    assert.equal((await failureOf(() => dcap.verifyCertificate(minted.certificate, alone))).code, "PINS_INCOMPLETE")
    assert.ok((await dcap.verifyCertificate(minted.certificate, { ...alone, allowPartialPins: true })).accepted)
})

test("the hash of an app-compose file", async () => {
    const file = path.join(temporary(), "app-compose.json")
    fs.writeFileSync(file, '{"manifest_version": 2}\n')
    const hash = createHash("sha256").update('{"manifest_version": 2}\n').digest("hex")
    for (const given of [file, new URL(`file://${file}`), fs.readFileSync(file)]) assert.equal(api.composeHash(given), hash)
    assert.ok((await failureOf(() => api.composeHash(Buffer.from("services: {}\n")))) instanceof api.UsageError)
    assert.equal((await failureOf(() => api.composeHash("/nowhere"))).code, "FILE_UNREADABLE")
})

// ---------------------------------------------------------------- policy files

test("a policy file is options", () => {
    const policy = {
        allowed_mr_td: ["AB".repeat(48)], pins: { mr_config_id: "00".repeat(48), compose_hash: ["11".repeat(32)] }, acceptable_tcb_statuses: ["OK"],
        allow_partial_pins: true, now: "2026-06-01T12:00:00Z", cache_ttl_s: 60, timeout_ms: 0, max_age_s: 5,
    }
    const options = {
        allowedMrTd: policy.allowed_mr_td, pins: { mrConfigId: "00".repeat(48), composeHash: ["11".repeat(32)] }, acceptableTcbStatuses: ["OK"],
        allowPartialPins: true, now: "2026-06-01T12:00:00Z", cacheTtlMs: 60_000, maxAgeS: 5,
    }
    const file = path.join(temporary(), "policy.json")
    fs.writeFileSync(file, JSON.stringify(policy))
    for (const given of [file, new URL(`file://${file}`), fs.readFileSync(file)]) assert.deepEqual(api.loadPolicy(given), options)
    assert.deepEqual(api.loadPolicy(Buffer.from('{"cache_ttl_s": -1}')), { cacheTtlMs: 0 })
    assert.deepEqual(api.loadPolicy(Buffer.from("{}")), {})
})

test("what is no policy file", async () => {
    for (const [bad, code] of [["", "POLICY_FORMAT"], ["[]", "POLICY_FORMAT"], ['{"allowed_mrtd": []}', "OPTION_UNKNOWN"], ['{"allowed_mr_td": []}', "OPTION_EMPTY_LIST"],
        ['{"allow_debug_mode": 1}', "OPTION_TYPE"], ['{"allow_debug_mode": true, "allow_debug_mode": false}', "OPTION_DUPLICATE"]]) {
        const error = await failureOf(() => api.loadPolicy(Buffer.from(bad)))
        assert.ok(error instanceof api.UsageError, String(error))
        assert.equal(error.code, code, bad)
    }
    assert.equal((await failureOf(() => api.loadPolicy(Buffer.from([0x7b, 0xff, 0x7d])))).code, "POLICY_FORMAT")
    assert.equal((await failureOf(() => api.loadPolicy("/nowhere"))).code, "FILE_UNREADABLE")
})

// ---------------------------------------------------------------- the report

const vector = (name) => fs.readFileSync(path.join(ROOT, "tests", "vectors", name))
const report = vector("report/encoding-A.report")
const ours = new api.DcapVerifier({ collateral: vector("common/collateral-tdx.json"), trustAnchor: vector("common/root.pem"), log: () => {} })
const fresh = { now: "2026-06-01T12:00:00Z" }

test("a report, in bytes and parsed", async () => {
    for (const given of [report, new Uint8Array(report), JSON.parse(report.toString())]) {
        const result = await ours.verifyReport(given, fresh)
        assert.deepEqual([result.verified, result.keyBound, result.reportEncoding, result.tcbStatus], [true, false, "A", "OK"])
        assert.equal(ours.verifyReportSync(given, fresh).json, result.json)
        assert.equal(api.inspectReport(given).mrTd, result.mrTd)
    }
    assert.equal((await api.verifyReport({ verify: () => ({ tcbStatus: "OK" }) }, report, fresh)).verifier, "custom")
})

test("a report that is old, contradicts its quote, or is none", async () => {
    const said = JSON.parse(report.toString())
    for (const [given, options, code] of [
        [report, { now: "2026-06-01T12:01:01Z" }, "REPORT_STALE"], [{ ...said, tcb_info: { ...said.tcb_info, rtmr3: "00".repeat(48) } }, fresh, "REPORT_CONTRADICTION"],
        [{}, fresh, "REPORT_FORMAT"], [Buffer.from([0x7b, 0xff, 0x7d]), fresh, "REPORT_FORMAT"], [{ ...said, timestamp: said.timestamp + 1 }, fresh, "REPORT_DATA_UNRECOGNISED"]]) {
        const error = await failureOf(() => ours.verifyReport(given, options))
        assert.ok(error instanceof api.RefusedError)
        assert.equal(error.code, code)
    }
    assert.match((await failureOf(() => ours.verifyReport(report, { now: "2026-06-01T12:01:01Z" }))).message, /maxAgeS/)
    assert.ok((await ours.verifyReport(report, { now: "2026-06-01T12:01:01Z", maxAgeS: 61 })).accepted)
    for (const bad of [null, undefined, 5]) assert.equal((await failureOf(() => ours.verifyReport(bad, fresh))).details.argument, "report")
    assert.equal((await failureOf(() => ours.verifyReportSync("http://127.0.0.1/", fresh))).details.argument, "report")
})

let server, seen
const answers = {
    "/attestation": (response) => response.end(report),
    "/moved": (response) => response.writeHead(302, { location: "/attestation" }).end(report),
    "/huge": (response) => response.end(Buffer.alloc(32 << 20, " ")),
    "/silent": () => server.emit("reached"),
}
const address = (name) => `http://127.0.0.1:${server.address().port}${name}`
before(async () => {
    for (const name of ["http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"]) delete process.env[name]
    server = http.createServer((request, response) => {
        seen.push(request.url)
        ;(answers[request.url] ?? (() => response.writeHead(404).end("{}")))(response)
    })
    seen = []
    await new Promise((done) => server.listen(0, "127.0.0.1", done))
})
after(async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
})

test("a report from where it is", async () => {
    for (const url of [address("/attestation"), new URL(address("/attestation"))]) {
        assert.equal((await ours.verifyReport(url, fresh)).reportEncoding, "A")
        assert.deepEqual(await api.fetchReport(url), report)
    }
})

test("a report that cannot be had", async () => {
    for (const [url, kind, code] of [
        [address("/none"), api.UnavailableError, "REPORT_HTTP_STATUS"], [address("/moved"), api.UnavailableError, "REPORT_HTTP_STATUS"],
        [address("/huge"), api.UnavailableError, "REPORT_TOO_LARGE"], ["http://127.0.0.1:1/attestation", api.UnavailableError, "REPORT_UNREACHABLE"],
        ["file:///etc/hostname", api.UsageError, "REPORT_URL"], [new URL("ftp://127.0.0.1/"), api.UsageError, "REPORT_URL"], ["{}", api.UsageError, "REPORT_URL"]]) {
        const error = await failureOf(() => ours.verifyReport(url, fresh))
        assert.ok(error instanceof kind, `${url}: ${error}`)
        assert.equal(error.code, code)
    }
})

test("a silent server takes no longer than allowed, and a signal ends the waiting", async () => {
    assert.ok((await failureOf(() => ours.verifyReport(address("/silent"), { ...fresh, timeoutMs: 50 }))) instanceof api.UnavailableError)
    assert.ok((await failureOf(() => ours.verifyReport(address("/silent"), fresh, { timeoutMs: 50 }))) instanceof api.UnavailableError)
    const controller = new AbortController()
    server.once("reached", () => controller.abort())
    assert.equal((await failureOf(() => ours.verifyReport(address("/silent"), fresh, { signal: controller.signal }))).code, "CANCELLED")
})

test("what is wrong with options and settings is told before anything is fetched", async () => {
    const before = seen.length
    for (const [options, settings, code] of [[{ maxAge: 5 }, {}, "OPTION_UNKNOWN"], [{ allowedMrTd: [] }, {}, "OPTION_EMPTY_LIST"], [fresh, { caFile: "/nowhere" }, "FILE_UNREADABLE"],
        [fresh, { prox: "" }, "OPTION_UNKNOWN"], [fresh, { timeoutMs: 0 }, "OPTION_VALUE"]]) {
        assert.equal((await failureOf(() => ours.verifyReport(address("/attestation"), options, settings))).code, code)
    }
    assert.equal(seen.length, before)
})

test("the proxy of the environment is asked, unless there is to be none", async () => {
    process.env.http_proxy = address("")
    try {
        assert.equal((await ours.verifyReport("http://report.example/attestation", fresh).catch((error) => error)).code, "REPORT_HTTP_STATUS")
        assert.equal(seen.at(-1), "http://report.example/attestation")
        for (const settings of [{ proxy: "" }, { noProxy: "127.0.0.1" }]) assert.ok((await ours.verifyReport(address("/attestation"), fresh, settings)).accepted)
        assert.equal(seen.at(-1), "/attestation")
    } finally {
        delete process.env.http_proxy
    }
})

test("a closed verifier fetches nothing", async () => {
    const closed = new api.NoopVerifier({ log: () => {} })
    closed.close()
    const before = seen.length
    for (const call of [() => closed.verifyReport(address("/attestation")), () => closed.verifyEvidence(minted.getQuote)]) {
        assert.equal((await failureOf(call)).details.argument, "verifier")
    }
    assert.equal(seen.length, before)
})
