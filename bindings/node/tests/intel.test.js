"use strict"
// IntelApiVerifier against the stand-in for Intel Trust Authority, and verifiers made of others.
const assert = require("node:assert/strict")
const fs = require("node:fs")
const net = require("node:net")
const { after, afterEach, before, beforeEach, test } = require("node:test")
const { setFlagsFromString } = require("node:v8")
const { runInNewContext } = require("node:vm")

const { intel: standIn } = require("./simulator.js")
const { api, dcap, failureOf, minted, then } = require("./world.js")

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc")

const VARIABLES = ["INTEL_TRUST_AUTHORITY_API_KEY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"]
const mrTd = api.inspectQuote(minted.quote).mrTd
const outside = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]))
const quiet = () => {}
let service

function setEnvironment(variables) {
    for (const name of VARIABLES) {
        if (variables[name] === undefined) delete process.env[name]
        else process.env[name] = variables[name]
    }
}

before(async () => {
    service = await standIn({ now: minted.now })
})
after(() => service?.close())
beforeEach(async () => {
    setEnvironment({})
    await service.control({ scenario: "sound", tcb_status: "UpToDate" })
})
afterEach(() => setEnvironment(outside))

/** Where the stand-in is, as settings. */
function there(more) {
    return { baseUrl: service.authority.api_url, portalUrl: service.authority.portal_url, caFile: service.authority.ca_file, log: quiet, ...more }
}

function intel(more) {
    return new api.IntelApiVerifier(service.authority.api_key, there(more))
}

test("the documented use", async () => {
    const result = await intel().verify(minted.quote, { ...then, allowedMrTd: [mrTd] })
    assert.deepEqual([result.verifier, result.verified, result.tcbStatus, result.mrTd], ["intel", true, "OK", mrTd])
    assert.deepEqual([result.qeTcbStatus, result.tcbEvaluationDataNumber, result.ppid], [null, null, null])
    assert.deepEqual((await service.seen()).problems, [])
    assert.equal(intel().verifySync(minted.quote, then).verifier, "intel")
    assert.equal((await intel().verifyCertificate(minted.pem, then)).keyBound, true)
    assert.equal((await api.verifyQuote(intel(), minted.quote, then)).verifier, "intel")
})

test("a missing key says where to get one", async () => {
    for (const [key, variables] of [[undefined, {}], ["", {}], [undefined, { INTEL_TRUST_AUTHORITY_API_KEY: "" }]]) {
        setEnvironment(variables)
        const error = await failureOf(() => new api.IntelApiVerifier(key))
        assert.ok(error instanceof api.UsageError)
        assert.deepEqual([error.code, error.message], ["INTEL_API_KEY_MISSING", "Intel Trust Authority API key required. " +
            "Pass apiKey or set INTEL_TRUST_AUTHORITY_API_KEY. Register at https://portal.trustauthority.intel.com"])
    }
})

test("the key of the environment is used, and one that is given comes first", async () => {
    setEnvironment({ INTEL_TRUST_AUTHORITY_API_KEY: service.authority.api_key })
    for (const key of [undefined, ""]) assert.ok((await new api.IntelApiVerifier(key, there()).verify(minted.quote, then)).verified)
    setEnvironment({ INTEL_TRUST_AUTHORITY_API_KEY: "d3Jvbmc" })
    assert.ok((await intel().verify(minted.quote, then)).verified)
})

test("a key that the service refuses is told without the key", async () => {
    const key = "d3Jvbmcga2V5"
    const error = await failureOf(() => new api.IntelApiVerifier(key, there()).verify(minted.quote, then))
    assert.ok(error instanceof api.UnavailableError)
    assert.equal(error.code, "INTEL_HTTP_STATUS")
    assert.match(error.message, /Intel Trust Authority returned 401/)
    assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, new RegExp(key))
})

test("a key that cannot be one is not shown", async () => {
    for (const key of ["line\r\nbreak", "with a \0 break", "schlüssel-break"]) {
        const error = await failureOf(() => new api.IntelApiVerifier(key, there()))
        assert.equal(error.code, "OPTION_VALUE")
        assert.doesNotMatch(`${error.message} ${JSON.stringify(error.details)}`, /break/)
    }
})

for (const [scenario, code] of [["N15", "INTEL_TOKEN_SIGNATURE"], ["N40", "INTEL_TOKEN_BINDING"], ["N04", "INTEL_TOKEN_FORMAT"]]) {
    test(`a token that is refused: ${scenario} is ${code}`, async () => {
        await service.control({ scenario })
        for (const call of [() => intel().verify(minted.quote, then), () => intel().verifySync(minted.quote, then)]) {
            const error = await failureOf(call)
            assert.ok(error instanceof api.RefusedError)
            assert.deepEqual([error.code, error.stage], [code, "intel"])
        }
    })
}

test("the policy refuses with the same words as for DCAP", async () => {
    const said = []
    for (const verifier of [intel(), dcap]) {
        const { code, message } = await failureOf(() => verifier.verify(minted.quote, { ...then, allowedMrTd: ["00".repeat(48)] }))
        said.push([code, message])
    }
    assert.deepEqual(said[0], said[1])
    assert.equal(said[0][0], "MRTD_NOT_ALLOWED")
})

for (const [name, value, code] of [
    ["region", "mars", "OPTION_VALUE"], ["region", "eu", "OPTION_VALUE"], ["region", null, "OPTION_TYPE"], ["baseUrl", "http://api.test", "OPTION_VALUE"],
    ["portalUrl", undefined, "OPTION_VALUE"], ["apiVersion", 3, "OPTION_VALUE"], ["apiVersion", true, "OPTION_TYPE"], ["apiVersion", "2", "OPTION_TYPE"],
    ["policyIds", "text", "OPTION_TYPE"], ["policyIds", [undefined], "OPTION_TYPE"], ["policyIds", ["x"], "OPTION_VALUE"],
    ["policyIds", [], "OPTION_EMPTY_LIST"], ["policyIds", Array(17).fill("x"), "OPTION_TYPE"], ["crlPolicy", "never", "OPTION_VALUE"],
    ["crlPolicy", "__proto__", "OPTION_VALUE"], ["crlPolicy", 0, "OPTION_TYPE"], ["policyMustMatch", 1, "OPTION_TYPE"],
    ["pinnedRoots", Buffer.from("no certificate"), "OPTION_VALUE"], ["pinnedRoots", "/no/such/file", "FILE_UNREADABLE"],
    ["caFile", "/no/such/file", "FILE_UNREADABLE"], ["caFile", 5, "ARGUMENT_INVALID"], ["proxy", "a\0b", "OPTION_VALUE"], ["noProxy", 5, "OPTION_TYPE"],
    ["attempts", 2 ** 40, "OPTION_VALUE"], ["attempts", 1.5, "OPTION_VALUE"], ["attempts", 11, "OPTION_VALUE"], ["attemptTimeoutMs", NaN, "OPTION_VALUE"],
    ["allowedAlgorithms", ["none"], "OPTION_VALUE"], ["minRsaBits", 1024, "OPTION_VALUE"], ["apiKey", "key", "OPTION_UNKNOWN"], ["log", 5, "OPTION_TYPE"],
]) {
    test(`${name}: ${JSON.stringify(value)?.slice(0, 40)} is ${code}`, async () => {
        const error = await failureOf(() => new api.IntelApiVerifier("not-shown", there({ [name]: value })))
        assert.ok(error instanceof api.UsageError, String(error.stack))
        assert.equal(error.code, code)
        assert.doesNotMatch(error.message, /not-shown/)
    })
}

test("messages name settings as TypeScript spells them", async () => {
    assert.match((await failureOf(() => new api.IntelApiVerifier("key", there({ portalUrl: undefined })))).message, /portalUrl/)
    assert.match((await failureOf(() => new api.IntelApiVerifier("key", there({ minRsaBits: 1024 })))).message, /minRsaBits/)
})

test("a key or settings that are none", async () => {
    for (const args of [[null], [5], [{ apiKey: "key" }]]) assert.equal((await failureOf(() => new api.IntelApiVerifier(...args))).code, "OPTION_TYPE")
    for (const settings of [null, 5, "eu"]) assert.equal((await failureOf(() => new api.IntelApiVerifier("key", settings))).code, "ARGUMENT_INVALID")
})

test("the authorities as bytes and as a URL", async () => {
    const { ca_file: file } = service.authority
    for (const caFile of [fs.readFileSync(file), new URL(`file://${file}`)]) assert.ok((await intel({ caFile }).verify(minted.quote, then)).verified)
    assert.equal((await failureOf(() => intel({ caFile: undefined, attempts: 1 }).verify(minted.quote, then))).code, "INTEL_TLS")
})

/** A proxy that keeps what it is asked, and hangs up. */
async function proxy() {
    const asked = []
    const server = net.createServer((socket) => socket.on("error", quiet).once("data", (data) => {
        asked.push(data.toString("latin1").split("\r\n")[0])
        socket.destroy()
    }))
    await new Promise((done) => server.listen(0, "127.0.0.1", done))
    return { asked, url: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((done) => server.close(done)) }
}

test("the proxy of the environment is asked, unless one is given, or none, or the host is exempt", async () => {
    const [outer, given] = [await proxy(), await proxy()]
    for (const name of ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]) {
        setEnvironment({ [name]: outer.url })
        assert.equal((await failureOf(() => intel({ attempts: 1 }).verify(minted.quote, then))).code, "INTEL_NETWORK")
    }
    assert.equal(outer.asked.length, 4)
    assert.match(outer.asked[0], /^CONNECT 127\.0\.0\.1:\d+ /)
    assert.ok((await intel({ proxy: "" }).verify(minted.quote, then)).verified)
    assert.ok((await intel({ noProxy: "127.0.0.1" }).verify(minted.quote, then)).verified)
    assert.equal((await failureOf(() => intel({ attempts: 1, proxy: given.url }).verify(minted.quote, then))).code, "INTEL_NETWORK")
    setEnvironment({ https_proxy: outer.url, no_proxy: "127.0.0.1" })
    assert.ok((await intel().verify(minted.quote, then)).verified)
    assert.deepEqual([outer.asked.length, given.asked.length], [4, 1])
    await outer.close()
    await given.close()
})

test("a service that cannot be reached", async () => {
    const gone = new api.IntelApiVerifier("key", { baseUrl: "https://127.0.0.1:1", portalUrl: "https://127.0.0.1:1", attempts: 1, log: quiet })
    const error = await failureOf(() => gone.verify(minted.quote))
    assert.ok(error instanceof api.UnavailableError)
    assert.equal(error.code, "INTEL_NETWORK")
})

test("a signal and the deadline end a verification that waits for the service", async () => {
    const waiting = []
    const silent = net.createServer((socket) => { socket.on("error", quiet); waiting.push(socket); silent.emit("reached") })
    await new Promise((done) => silent.listen(0, "127.0.0.1", done))
    const url = `https://127.0.0.1:${silent.address().port}`
    const verifier = new api.IntelApiVerifier("key", { baseUrl: url, portalUrl: url, log: quiet })
    const controller = new AbortController()
    silent.once("reached", () => controller.abort(new Error("enough")))
    const error = await failureOf(() => verifier.verify(minted.quote, {}, { signal: controller.signal }))
    assert.deepEqual([error.code, error.cause.message], ["CANCELLED", "enough"])
    assert.ok((await failureOf(() => verifier.verify(minted.quote, { timeoutMs: 50 }))) instanceof api.UnavailableError)
    for (const socket of waiting) socket.destroy()
    await new Promise((done) => silent.close(done))
})

// ---------------------------------------------------------------- verifiers made of others

const own = (claims) => ({ asked: [], verify(quote, options) { this.asked.push(options); return claims } })
const unavailable = () => ({ verify: async () => { throw new Error("no network") } })

test("all take the worst status", async () => {
    await service.control({ tcb_status: "SWHardeningNeeded" })
    const result = await new api.AllVerifiers(dcap, intel()).verify(minted.quote, then)
    assert.deepEqual([result.verifier, result.verified, result.tcbStatus, result.qeTcbStatus], ["all", true, "SWHardeningNeeded", "UpToDate"])
})

test("all refuse when one does, whichever it is", async () => {
    await service.control({ scenario: "N40" })
    for (const parts of [[dcap, intel()], [intel(), dcap]]) {
        const error = await failureOf(() => new api.AllVerifiers(...parts).verifyCertificate(minted.certificate, then))
        assert.ok(error instanceof api.RefusedError)
        assert.equal(error.code, "INTEL_TOKEN_BINDING")
    }
})

test("all need every one to have checked", async () => {
    const error = await failureOf(() => new api.AllVerifiers(dcap, unavailable()).verify(minted.quote, then))
    assert.ok(error instanceof api.UnavailableError)
})

test("first goes on when one could not check", async () => {
    const empty = new api.DcapVerifier({ trustAnchor: minted.trustAnchor, pccsUrl: "http://127.0.0.1:1", cacheDir: "", log: quiet })
    const result = await new api.FirstVerifier(empty, unavailable(), intel()).verify(minted.quote, then)
    assert.deepEqual([result.verifier, result.qeTcbStatus, result.tcbStatus], ["first", null, "OK"])
    assert.equal(new api.FirstVerifier(empty, intel()).verifySync(minted.quote, then).verifier, "first")
})

test("first stops at a refusal", async () => {
    await service.control({ scenario: "N40" })
    const next = own({ tcbStatus: "OK" })
    const error = await failureOf(() => new api.FirstVerifier(intel(), next).verify(minted.quote, then))
    assert.ok(error instanceof api.RefusedError)
    assert.equal(error.code, "INTEL_TOKEN_BINDING")
    assert.deepEqual(next.asked, [])
})

test("one's own is a part, and is told the options", async () => {
    const part = own({ tcbStatus: "OutOfDate", advisoryIds: ["INTEL-SA-00001"] })
    const both = new api.AllVerifiers(dcap, part)
    const options = { ...then, acceptableTcbStatuses: ["OK", "OutOfDate"] }
    const result = await both.verify(minted.quote, options)
    assert.equal(result.tcbStatus, "OutOfDate")
    assert.ok(result.advisoryIds.includes("INTEL-SA-00001"))
    assert.deepEqual(part.asked, [options])
    assert.equal((await failureOf(() => both.verify(minted.quote, { ...then, acceptableTcbStatuses: ["OutOfDate"] }))).code, "TCB_STATUS")
    assert.equal((await failureOf(() => both.verify(minted.quote, { ...options, allowedMrTd: ["00".repeat(48)] }))).code, "MRTD_NOT_ALLOWED")
    for (let i = 1; i < 40; i++) assert.ok((await both.verify(minted.quote, { ...options, timeoutMs: 10_000 + i })).accepted)
})

test("combinations are combined", async () => {
    const part = own({ tcbStatus: "SWHardeningNeeded" })
    const result = await new api.AllVerifiers(dcap, new api.FirstVerifier(unavailable(), part)).verify(minted.quote, then)
    assert.equal(result.tcbStatus, "SWHardeningNeeded")
    assert.ok(new api.AllVerifiers(new api.FirstVerifier(dcap)).verifySync(minted.quote, then).verified)
})

test("one's own cannot be asked by a thread that waits", async () => {
    for (const verifier of [new api.AllVerifiers(dcap, own({ tcbStatus: "OK" })), new api.AllVerifiers(new api.FirstVerifier(own({ tcbStatus: "OK" })))]) {
        for (const call of [() => verifier.verifySync(minted.quote, then), () => verifier.verifyCertificateSync(minted.certificate, then)]) {
            assert.equal((await failureOf(call)).code, "ARGUMENT_INVALID")
        }
    }
})

test("combinations that are refused", async () => {
    const noop = new api.NoopVerifier({ log: quiet })
    const closed = new api.NoopVerifier({ log: quiet })
    closed.close()
    const nine = Array(9).fill(dcap)
    for (const parts of [[], [noop], [dcap, noop], [dcap, "dcap"], [dcap, undefined], [[dcap]], nine, [...nine, own({})], [closed], [{ verify: 5 }]]) {
        for (const Kind of [api.AllVerifiers, api.FirstVerifier]) {
            const error = await failureOf(() => new Kind(...parts))
            assert.ok(error instanceof api.UsageError, String(error.stack))
            assert.equal(error.code, "ARGUMENT_INVALID")
        }
    }
    class Mine extends api.AllVerifiers {}
    assert.throws(() => new Mine(dcap), TypeError)
    class Intel extends api.IntelApiVerifier {}
    assert.throws(() => new Intel("key"), TypeError)
})

test("a closed combination says so, and its parts go on", async () => {
    const part = own({ tcbStatus: "OK" })
    const both = new api.AllVerifiers(dcap, part)
    await both.verify(minted.quote, then)
    both.close()
    both.close()
    assert.equal((await failureOf(() => both.verify(minted.quote, then))).code, "ARGUMENT_INVALID")
    assert.ok((await dcap.verify(minted.quote, then)).verified)
    assert.ok((await api.verifyQuote(part, minted.quote, then)).verified)
})

/** Long enough for whatever nothing holds to be collected. */
async function collected(reference) {
    for (let i = 0; i < 50 && reference.deref() !== undefined; i++) {
        await new Promise(setImmediate)
        collect()
    }
    return reference.deref() === undefined
}

test("a combination is there until its answer is, and then let go", async () => {
    let part
    const first = {
        async verify() {
            assert.equal(await collected(part), false)
            throw new Error("no network")
        },
    }
    /** Nobody holds what this makes but the call itself. */
    function ask(call) {
        const next = own({ tcbStatus: "OK" })
        part = new WeakRef(next)
        return call(new api.FirstVerifier(first, next))
    }
    for (const call of [(both) => both.verify(minted.quote, then), (both) => both.verifyCertificate(minted.certificate, then),
        (both) => api.verifyQuote(both, minted.quote, then), (both) => api.verifyCertificate(both, minted.certificate, then)]) {
        assert.equal((await ask(call)).tcbStatus, "OK")
        assert.equal(await collected(part), true)
    }
})
