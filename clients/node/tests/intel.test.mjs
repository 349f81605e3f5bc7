/** The documented use of Intel Trust Authority: a database behind evidence that it appraises. */
import assert from "node:assert/strict"
import { after, beforeEach, test } from "node:test"

import { AllVerifiers, FirstVerifier, IntelApiVerifier } from "ra-tls-verify"

import { attestation, connect, createPool, RaTlsError, RefusedError, UnavailableError, UsageError, withRaTls } from "pg-ratls"
import { TrustAuthority } from "./simulator.mjs"
import { askAdapter, stage } from "./stage.mjs"

const { postgres, verifier: dcap, withSidecar } = await stage({ clock: true })
const quiet = () => undefined
const service = await TrustAuthority.start()
after(() => service.stop())

beforeEach(() => service.play("sound"))

/** The verifier as it is documented, but for where the service is. */
function intel({ apiKey = service.authority.api_key, ...more } = {}) {
    return new IntelApiVerifier(apiKey, { ...service.settings, log: quiet, ...more })
}

test("the documented snippet, with a pool", () => withSidecar(async (sidecar) => {
    const pool = await createPool(postgres.url(sidecar.port), { verifier: intel(), allowedMrTd: [sidecar.mr_td] })
    assert.deepEqual((await pool.query("select 40 + 2 as answer")).rows, [{ answer: 42 }])
    const { verifier, verified, tcbStatus, keyBound, mrTd } = attestation(pool)
    assert.deepEqual([verifier, verified, tcbStatus, keyBound, mrTd], ["intel", true, "OK", true, sidecar.mr_td])
    await pool.end()
    assert.deepEqual((await service.seen()).problems, [])
}))

test("the documented snippet, with Prisma's adapter and with a client", () => withSidecar(async (sidecar) => {
    const options = { verifier: intel(), allowedMrTd: [sidecar.mr_td] }
    assert.equal(await askAdapter(await withRaTls(postgres.url(sidecar.port), options)), 42)
    const client = await connect(postgres.url(sidecar.port), options)
    assert.equal(attestation(client).verifier, "intel")
    await client.end()
}))

test("a verdict is kept for the next connection", () => withSidecar(async (sidecar) => {
    const before = (await service.seen()).issued
    const pool = await createPool(postgres.url(sidecar.port), { verifier: intel(), allowedMrTd: [sidecar.mr_td], max: 3 })
    await Promise.all([1, 2, 3].map(() => pool.query("select 1")))
    await pool.end()
    assert.equal((await service.seen()).issued, before + 1)
}))

for (const [scenario, code] of [["N40", "INTEL_TOKEN_BINDING"], ["N19", "INTEL_TOKEN_SIGNATURE"], ["N49-OutOfDate", "TCB_STATUS"], ["N04", "INTEL_TOKEN_FORMAT"]]) {
    test(`a lie is refused before the first byte: ${scenario} is ${code}`, () => withSidecar(async (sidecar) => {
        await service.play(scenario)
        for (const way of [createPool, withRaTls]) {
            await assert.rejects(way(postgres.url(sidecar.port), { verifier: intel(), allowedMrTd: [sidecar.mr_td] }), (error) => {
                assert.ok(error instanceof RefusedError, String(error))
                assert.equal(error.code, code)
                return true
            })
        }
        for (const seen of await sidecar.waitClosed(2)) assert.deepEqual([seen.application_bytes, seen.upstream_opened], [0, false])
    }))
}

test("another image is refused although Intel vouches for it", () => withSidecar(async (sidecar) => {
    const expected = await withSidecar(({ mr_td }) => mr_td)
    assert.notEqual(sidecar.mr_td, expected)
    await assert.rejects(createPool(postgres.url(sidecar.port), { verifier: intel(), allowedMrTd: [expected] }), { code: "MRTD_NOT_ALLOWED", message: /allowedMrTd/ })
}, "--fault", "other_mrtd"))

test("a key that the service refuses is told without the key", () => withSidecar(async (sidecar) => {
    const apiKey = "d3Jvbmcga2V5"
    await assert.rejects(createPool(postgres.url(sidecar.port), { verifier: intel({ apiKey }), allowedMrTd: [sidecar.mr_td] }), (error) => {
        assert.ok(error instanceof UnavailableError)
        assert.match(error.message, /Intel Trust Authority returned 401/)
        assert.ok(!`${error.stack} ${JSON.stringify(error)}`.includes(apiKey))
        return true
    })
}))

test("a missing key", () => {
    const known = process.env.INTEL_TRUST_AUTHORITY_API_KEY
    delete process.env.INTEL_TRUST_AUTHORITY_API_KEY
    assert.throws(() => new IntelApiVerifier(), (error) => {
        assert.ok(error instanceof UsageError)
        assert.equal(error.message, "Intel Trust Authority API key required. Pass apiKey or set INTEL_TRUST_AUTHORITY_API_KEY. " +
            "Register at https://portal.trustauthority.intel.com")
        return true
    })
    if (known !== undefined) process.env.INTEL_TRUST_AUTHORITY_API_KEY = known
})

test("a service that is down is no refusal, and first asks the next verifier", () => withSidecar(async (sidecar) => {
    await service.play("N76-close")
    const down = () => intel({ attempts: 1 })
    const url = postgres.url(sidecar.port)
    await assert.rejects(createPool(url, { verifier: down(), allowedMrTd: [sidecar.mr_td] }), (error) => {
        assert.ok(error instanceof UnavailableError && error instanceof RaTlsError)
        assert.equal(error.code, "INTEL_NETWORK")
        return true
    })
    const pool = await createPool(url, { verifier: new FirstVerifier(down(), dcap), allowedMrTd: [sidecar.mr_td] })
    assert.deepEqual([attestation(pool).verifier, attestation(pool).qeTcbStatus], ["first", "UpToDate"])
    await pool.end()
}))

test("all, with one's own among them", () => withSidecar(async (sidecar) => {
    const seen = []
    const own = { verify: async (_, { allowedMrTd }) => { seen.push(allowedMrTd); return { tcbStatus: "SWHardeningNeeded" } } }
    const verifier = new AllVerifiers(dcap, intel(), own)
    const options = { verifier, allowedMrTd: [sidecar.mr_td] }
    const pool = await createPool(postgres.url(sidecar.port), options)
    assert.deepEqual((await pool.query("select 1 as one")).rows, [{ one: 1 }])
    assert.deepEqual([attestation(pool).verifier, attestation(pool).tcbStatus], ["all", "SWHardeningNeeded"])
    await pool.end()
    assert.deepEqual(seen, [[sidecar.mr_td]])
    await service.play("N40")
    await assert.rejects(createPool(postgres.url(sidecar.port), { ...options, cacheTtlMs: 0 }), { code: "INTEL_TOKEN_BINDING" })
}))
