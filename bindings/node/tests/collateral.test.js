"use strict"
// Collateral from a PCCS: fetched once, kept in memory and on disk, fetched ahead, as a bundle, and what it will be.
const assert = require("node:assert/strict")
const fs = require("node:fs")
const net = require("node:net")
const path = require("node:path")
const { after, afterEach, before, beforeEach, test } = require("node:test")

const { pccs, temporary } = require("./simulator.js")
const { api, failureOf, mint } = require("./world.js")

const VARIABLES = ["XDG_CACHE_HOME", "HOME", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"]
const outside = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]))
const quiet = () => {}
/** What is fetched ahead is looked at by the clock. */
const minted = mint(undefined, ["--now", "clock"])
const then = { cacheTtlMs: 0 }
const { fmspc } = JSON.parse(JSON.parse(minted.collateral.toString()).tcb_info)
let service

function setEnvironment(variables) {
    for (const name of VARIABLES) {
        if (variables[name] === undefined) delete process.env[name]
        else process.env[name] = variables[name]
    }
}

before(async () => {
    service = await pccs({ now: minted.now })
})
after(() => service?.close())
beforeEach(async () => {
    setEnvironment({})
    await service.ask("fault", "sound")
})
afterEach(() => setEnvironment(outside))

function dcap(more) {
    return new api.DcapVerifier({ pccsUrl: service.url, caFile: service.ca_file, trustAnchor: minted.trustAnchor, log: quiet, ...more })
}

/** How many requests the service gets while something runs. */
async function requests(run) {
    const before = (await service.ask("seen")).seen.length
    await run()
    return (await service.ask("seen")).seen.length - before
}

const verify = (verifier) => verifier.verify(minted.quote, then)

test("it is fetched for the first quote, and kept in memory", async () => {
    const verifier = dcap()
    assert.ok(await requests(() => verify(verifier)) >= 4)
    assert.equal(await requests(() => Promise.all([verify(verifier), verifier.verifyCertificate(minted.certificate, then)])), 0)
    assert.equal(verifier.verifySync(minted.quote, then).tcbStatus, "OK")
})

test("it is kept on disk, for this user alone", async () => {
    const cacheDir = path.join(temporary(), "kept")
    await verify(dcap({ cacheDir }))
    assert.equal(fs.statSync(cacheDir).mode & 0o777, 0o700)
    assert.equal(await requests(() => verify(dcap({ cacheDir }))), 0)
    assert.ok(await requests(() => verify(dcap({ cacheDir: "" }))) >= 4)
})

test("the directory is that of the user's caches unless another is given", async () => {
    const home = temporary()
    for (const [variables, expected] of [
        [{ XDG_CACHE_HOME: path.join(home, "xdg"), HOME: home }, path.join(home, "xdg", "ratls")], [{ HOME: home }, path.join(home, ".cache", "ratls")],
        [{ XDG_CACHE_HOME: "relative", HOME: home }, path.join(home, ".cache", "ratls")]]) {
        setEnvironment(variables)
        await verify(dcap())
        assert.ok(fs.readdirSync(expected).length > 0)
        fs.rmSync(expected, { recursive: true })
    }
    setEnvironment({ HOME: "" })
    await verify(dcap())
    setEnvironment({ HOME: home })
    await verify(new api.DcapVerifier({ collateral: minted.collateral, trustAnchor: minted.trustAnchor, log: quiet }))
    assert.deepEqual(fs.readdirSync(path.join(home, ".cache")), [], "what fetches nothing keeps nothing")
})

test("it is fetched ahead, for quotes, certificates and families of platforms", async () => {
    for (const platforms of [{ quotes: [minted.quote] }, { certificates: [minted.certificate, minted.pem] }, { fmspcs: [fmspc] }, { fmspcs: [fmspc], ca: "platform", tee: "tdx" }]) {
        const verifier = dcap()
        assert.ok(await requests(() => verifier.warm(platforms)) >= 4)
        assert.equal(await requests(() => verify(verifier)), 0)
    }
    const part = dcap()
    assert.ok(await requests(() => new api.FirstVerifier(part, { verify: () => ({ tcbStatus: "OK" }) }).warm({ quotes: [minted.quote] })) >= 4)
    assert.equal(await requests(() => verify(part)), 0)
    await new api.NoopVerifier({ log: quiet }).warm({ quotes: [minted.quote] })
})

test("a bundle of it needs no service", async () => {
    for (const platform of [{ quote: minted.quote }, { certificate: minted.pem }, { fmspc }]) {
        const collateral = await dcap().fetchCollateral(platform)
        assert.equal(typeof collateral.tcb_info, "string")
        const offline = new api.DcapVerifier({ collateral, trustAnchor: minted.trustAnchor, log: quiet })
        assert.equal(await requests(() => verify(offline)), 0)
    }
    const verifier = dcap()
    await verifier.fetchCollateral({ fmspc })
    assert.equal(await requests(() => verifier.fetchCollateral({ fmspc })), 0)
    assert.ok(await requests(() => verifier.fetchCollateral({ fmspc, refresh: true })) > 0)
})

test("what a platform has to expect", async () => {
    const said = await dcap().checkCollateral({ quote: minted.quote, warnDays: 1 }).catch((error) => error)
    if (said instanceof Error) throw said
    assert.deepEqual([said.fmspc, said.ca, said.tee, typeof said.attention], [fmspc, "platform", "tdx", "boolean"])
    assert.ok(said.standard.tcb_evaluation_data_number <= said.early.tcb_evaluation_data_number)
    assert.ok(Array.isArray(said.warnings))
})

test("services are asked in turn", async () => {
    const verifier = dcap({ pccsUrl: undefined, pccsUrls: ["http://127.0.0.1:1", service.url], pccsCaFiles: ["", service.ca_file], caFile: undefined })
    assert.equal((await verify(verifier)).tcbStatus, "OK")
    const bytes = dcap({ pccsUrl: undefined, pccsUrls: [service.url], pccsCaFiles: [fs.readFileSync(service.ca_file)], caFile: undefined })
    assert.equal((await verify(bytes)).tcbStatus, "OK")
})

test("without a service it could not be checked", async () => {
    for (const [more, code] of [[{ pccsUrl: "http://127.0.0.1:1" }, "COLLATERAL_NETWORK"], [{ caFile: undefined }, "COLLATERAL_TLS"]]) {
        for (const call of [verify, (verifier) => verifier.warm({ quotes: [minted.quote] }), (verifier) => verifier.fetchCollateral({ fmspc })]) {
            const error = await failureOf(() => call(dcap(more)))
            assert.ok(error instanceof api.UnavailableError, String(error))
            assert.equal(error.code, code)
        }
    }
})

test("a proxy of the environment is asked", async () => {
    setEnvironment({ https_proxy: "http://127.0.0.1:1" })
    assert.equal((await failureOf(() => verify(dcap()))).code, "COLLATERAL_NETWORK")
    for (const more of [{ proxy: "" }, { noProxy: "127.0.0.1" }]) assert.equal((await verify(dcap(more))).tcbStatus, "OK")
})

test("a signal ends the waiting", async () => {
    const sockets = []
    const silent = net.createServer((socket) => { socket.on("error", quiet); sockets.push(socket); silent.emit("reached") })
    await new Promise((done) => silent.listen(0, "127.0.0.1", done))
    const verifier = dcap({ pccsUrl: `http://127.0.0.1:${silent.address().port}` })
    for (const call of [(signal) => verifier.warm({ fmspcs: [fmspc], signal }), (signal) => verifier.fetchCollateral({ fmspc, signal }),
        (signal) => verifier.verify(minted.quote, then, { signal })]) {
        const controller = new AbortController()
        silent.once("reached", () => controller.abort())
        assert.equal((await failureOf(() => call(controller.signal))).code, "CANCELLED")
    }
    assert.ok((await failureOf(() => verifier.warm({ fmspcs: [fmspc], timeoutMs: 50 }))) instanceof api.UnavailableError)
    for (const socket of sockets) socket.destroy()
    await new Promise((done) => silent.close(done))
})

for (const [name, value, code] of [
    ["pccsUrls", ["http://127.0.0.1"], "ARGUMENT_INVALID"], ["pccsUrl", 5, "OPTION_TYPE"], ["pccsUrl", "ftp://127.0.0.1", "OPTION_VALUE"], ["cacheDir", 5, "OPTION_TYPE"],
    ["update", "soon", "OPTION_VALUE"], ["pccsCaFiles", "x", "OPTION_TYPE"], ["pccsCaFiles", ["/nowhere"], "FILE_UNREADABLE"], ["caFile", "/nowhere", "FILE_UNREADABLE"],
    ["attemptTimeoutMs", -1, "OPTION_VALUE"], ["proxy", 5, "OPTION_TYPE"], ["pccs", "x", "OPTION_UNKNOWN"]]) {
    test(`${name}: ${JSON.stringify(value)} is ${code}`, async () => {
        const error = await failureOf(() => dcap({ [name]: value }))
        assert.ok(error instanceof api.UsageError, String(error.stack))
        assert.equal(error.code, code)
    })
}

test("platforms that are none", async () => {
    const verifier = dcap()
    assert.equal(await requests(async () => {
        for (const [call, code] of [
            [() => verifier.warm(), "ARGUMENT_INVALID"], [() => verifier.warm({ quote: minted.quote }), "OPTION_UNKNOWN"], [() => verifier.warm({ quotes: minted.quote }), "OPTION_TYPE"],
            [() => verifier.warm({ fmspcs: ["00"] }), undefined], [() => verifier.fetchCollateral({}), "ARGUMENT_INVALID"], [() => verifier.fetchCollateral({ fmspc, quote: minted.quote }), "ARGUMENT_INVALID"],
            [() => verifier.fetchCollateral({ fmspc, tee: "sev" }), "OPTION_VALUE"], [() => verifier.checkCollateral({ fmspc }), "ARGUMENT_INVALID"]]) {
            const error = await failureOf(call)
            assert.ok(error instanceof api.UsageError, String(error.stack))
            if (code) assert.equal(error.code, code, String(call))
        }
    }), 0)
    verifier.close()
    for (const call of [() => verifier.warm({ fmspcs: [fmspc] }), () => verifier.fetchCollateral({ fmspc })]) assert.equal((await failureOf(call)).details.argument, "verifier")
})
