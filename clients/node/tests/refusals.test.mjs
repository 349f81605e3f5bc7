/** Refusals: the documented sentences as typed errors, and not one byte at the server. */
import assert from "node:assert/strict"
import { createServer } from "node:net"
import { once } from "node:events"
import { test } from "node:test"

import { NoopVerifier, RefusedError as LibrarysRefusedError } from "ra-tls-verify"

import { attestation, attestedSettings, connect, createPool, RaTlsError, RefusedError, UnavailableError, UsageError, withRaTls } from "pg-ratls"
import { failureOf, stage } from "./stage.mjs"

const DOCUMENTED = {
    no_quote: ["QUOTE_MISSING", "upstream cert has no TDX attestation extension; set allowSimulator: true for non-TEE targets"],
    debug: ["DEBUG_MODE", "TDX TD is in debug mode — connection refused. Debug TDs have no confidentiality guarantees. " +
        "Set allowDebugMode: true to override (not recommended for production)."],
    out_of_date: ["TCB_STATUS", 'Unacceptable TCB status: "OutOfDate". Acceptable statuses: OK, SWHardeningNeeded. ' +
        "Update the platform firmware/microcode or check Intel's advisory."],
    other_mrtd: ["MRTD_NOT_ALLOWED", 'MRTD "0001020304…2e2f" is not in the allowlist. Update allowedMrTd if you intentionally upgraded the CVM image.'],
    other_key: ["KEY_BINDING", "quote report_data does not bind the TLS certificate's public key"],
}
const WAYS = { connect, createPool, withRaTls, attestedSettings }

const { minted, verifier, postgres, sidecar: healthy, options, withSidecar } = await stage()

/** The failure of connecting, which sent nothing. */
async function refused(sidecar, way, given, parameters = "") {
    const error = await failureOf(way(postgres.url(sidecar.port, parameters), given))
    assert.ok(error instanceof RaTlsError, String(error?.stack))
    const seen = await sidecar.waitClosed()
    assert.deepEqual(seen.map(({ application_bytes, upstream_opened }) => [application_bytes, upstream_opened]), seen.map(() => [0, false]))
    return error
}

for (const [fault, [code, message]] of Object.entries(DOCUMENTED)) {
    test(`the documented refusal of ${fault}`, () => withSidecar(async (sidecar) => {
        for (const way of Object.values(WAYS)) {
            const error = await refused(sidecar, way, options)
            assert.deepEqual([error.code, error.message], [code, message])
            assert.ok(error instanceof RefusedError && error instanceof LibrarysRefusedError && error instanceof Error)
        }
    }, "--fault", fault))
}

for (const [fault, [code, message]] of Object.entries(DOCUMENTED)) {
    test(`later connections of a pool are refused: ${fault}`, () => withSidecar(async (sidecar) => {
        const pool = await createPool(postgres.url(sidecar.port), { ...options, max: 2 })
        const first = await pool.connect()
        await sidecar.tell({ mint: { fault, label: "another" } })
        const error = await failureOf(pool.connect())
        assert.deepEqual([error.message, error.code], [message, code])
        assert.ok(error instanceof RefusedError)
        assert.equal(error.cause.code, "08004", "what the driver read")
        assert.deepEqual((await first.query("select 1 as one")).rows, [{ one: 1 }], "the first goes on")
        first.release()
        await pool.end()
        const seen = await sidecar.waitClosed(2)
        assert.equal(seen.filter(({ upstream_opened }) => upstream_opened).length, 1)
    }))
}

test("through a driver of its own the text is the same", () => withSidecar(async (sidecar) => {
    const { default: pg } = await import("pg")
    const settings = await attestedSettings(postgres.url(sidecar.port), options)
    const pool = new pg.Pool(settings.connection)
    await pool.query("select 1") // the handshake that was made before
    const held = await pool.connect()
    await sidecar.tell({ mint: { fault: "debug", label: "another" } })
    await assert.rejects(pool.query("select 1"), { message: DOCUMENTED.debug[1], code: "08004", severity: "FATAL" })
    held.release()
    await pool.end()
    await (await import("pg-ratls")).close(settings)
}))

test("a silent handshake", () => withSidecar(async (sidecar) => {
    const error = await refused(sidecar, connect, options)
    assert.ok(error instanceof UnavailableError)
    assert.deepEqual([error.code, error.message], ["HANDSHAKE_TIMEOUT", "upstream TLS handshake timed out after 5000ms"])
}, "--behaviour", "silent"))

test("the timeout bounds the attestation", () => withSidecar(async (sidecar) => {
    const error = await refused(sidecar, connect, options, "?connect_timeout=2")
    assert.match(error.code, /^(CONNECT|HANDSHAKE)_TIMEOUT$/)
    assert.match(error.message, /2000ms/)
}, "--behaviour", "silent"))

for (const behaviour of ["close-handshake", "plain"]) {
    test(`no handshake: ${behaviour}`, () => withSidecar(async (sidecar) => {
        const error = await refused(sidecar, connect, options)
        assert.ok(error instanceof UnavailableError)
        assert.match(error.code, /^HANDSHAKE_/)
    }, "--behaviour", behaviour))
}

test("nobody listens", async () => {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address()
    server.close()
    await once(server, "close")
    await assert.rejects(connect(postgres.url(port), options), (error) => {
        assert.ok(error instanceof UnavailableError)
        assert.equal(error.code, "CONNECT_FAILED")
        assert.match(error.message, new RegExp(`127.0.0.1:${port}`))
        return true
    })
})

test("wrong options are told before anything is dialled", async () => {
    const before = healthy.connections.length
    for (const [wrong, code] of [[{ allowedMrTd: [] }, "OPTION_EMPTY_LIST"], [{ allowedMrTd: ["ab"] }, "OPTION_VALUE"], [{ allowedMrtd: [healthy.mr_td] }, "OPTION_UNKNOWN"],
        [{ allowSimulator: "no" }, "OPTION_TYPE"], [{ allowSimulator: 1 }, "OPTION_TYPE"], [{ verifier: {} }, "ARGUMENT_INVALID"],
        [{ stream: () => undefined }, "OPTION_UNKNOWN"], [{ host: "db.example" }, "OPTION_UNKNOWN"], [{ ssl: false }, "OPTION_UNKNOWN"],
        [{ clientAttestation: "yes" }, "OPTION_TYPE"], [{ dstackSocket: 5 }, "OPTION_TYPE"]]) {
        for (const way of Object.values(WAYS)) {
            await assert.rejects(way(postgres.url(healthy.port), { ...options, ...wrong }), (error) => {
                assert.ok(error instanceof UsageError, `${Object.keys(wrong)}: ${error}`)
                assert.equal(error.code, code, error.message)
                return true
            })
        }
    }
    for (const wrong of [5, "options", [], null]) {
        await assert.rejects(connect(postgres.url(healthy.port), wrong), { code: "ARGUMENT_INVALID" })
    }
    assert.equal(healthy.connections.length, before)
})

test("this client's attestation is wanted, and no guest agent is there", async () => {
    const before = healthy.connections.length
    for (const way of Object.values(WAYS)) {
        await assert.rejects(way(postgres.url(healthy.port), { ...options, clientAttestation: true, dstackSocket: "/nowhere/dstack.sock" }), (error) => {
            assert.ok(error instanceof UnavailableError)
            assert.equal(error.code, "DSTACK_UNAVAILABLE")
            assert.match(error.message, /\/nowhere\/dstack\.sock/)
            return true
        })
    }
    assert.equal(healthy.connections.length, before)
})

test("options that are given and undefined count as not given", async () => {
    const client = await connect(postgres.url(healthy.port), { ...options, allowDebugMode: undefined, clientAttestation: false, dstackSocket: undefined, max: undefined })
    await client.end()
})

test("without a verifier it is DCAP", async () => {
    await assert.rejects(connect(postgres.url(healthy.port)), (error) => {
        assert.ok(error instanceof RefusedError) // Intel's own: of the simulator's hardware it fetches nothing
        assert.deepEqual([error.stage, error.code], ["dcap", "DCAP_CERT_ROOT_UNTRUSTED"])
        return true
    })
})

test("a simulator is accepted when asked for", () => withSidecar(async (sidecar) => {
    const client = await connect(postgres.url(sidecar.port), { verifier, allowSimulator: true, now: minted.now })
    assert.deepEqual([attestation(client).accepted, attestation(client).verified], [true, false])
    await client.end()
}, "--fault", "no_quote"))

test("a simulator is not what was pinned", () => withSidecar(async (sidecar) => {
    assert.equal((await refused(sidecar, connect, { ...options, allowSimulator: true })).code, "QUOTE_MISSING")
}, "--fault", "no_quote"))

test("debug mode is accepted when asked for", () => withSidecar(async (sidecar) => {
    const client = await connect(postgres.url(sidecar.port), { ...options, allowDebugMode: true })
    assert.equal(attestation(client).isDebugMode, true)
    await client.end()
}, "--fault", "debug"))

test("own verifiers", async () => {
    const own = (answer) => ({ verifier: { verify: async () => { if (answer instanceof Error) { throw answer } return answer } } })
    for (const [answer, code] of [[new RefusedError("no"), "USER_VERIFIER_REFUSED"], [new Error("no"), "USER_VERIFIER"], [{}, "USER_VERIFIER_CLAIMS"],
        [{ tcbStatus: "OutOfDate" }, "TCB_STATUS"]]) {
        await assert.rejects(connect(postgres.url(healthy.port), own(answer)), { code })
    }
    const client = await connect(postgres.url(healthy.port), own({ tcbStatus: "OK" }))
    assert.equal(attestation(client).verifier, "custom")
    await client.end()
})

test("noop, and collateral that has expired", async () => {
    await (await connect(postgres.url(healthy.port), { verifier: new NoopVerifier() })).end()
    await assert.rejects(connect(postgres.url(healthy.port), { ...options, now: new Date(minted.now.getTime() + 60 * 24 * 3600 * 1000) }), (error) => {
        assert.ok(error instanceof UnavailableError)
        assert.equal(error.stage, "collateral")
        return true
    })
})

test("a signal ends the attestation", () => withSidecar(async (sidecar) => {
    const abort = new AbortController()
    const refusal = assert.rejects(connect(postgres.url(sidecar.port), { ...options, signal: abort.signal }))
    setImmediate(() => abort.abort())
    await refusal
    assert.ok((await sidecar.waitClosed(0)).every(({ application_bytes }) => application_bytes === 0))
}, "--behaviour", "silent"))
