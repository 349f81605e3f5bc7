/** What a connection URL means, without connecting. */
import assert from "node:assert/strict"
import { chmodSync, writeFileSync } from "node:fs"
import { userInfo } from "node:os"
import { afterEach, beforeEach, test } from "node:test"

import { UsageError } from "ra-tls-verify"

import target from "../dist/target.js"
import { bareEnvironment } from "./simulator.mjs"

const { DEFAULT_TIMEOUT_MS, PLACEHOLDER_PASSWORD, resolve, throughTunnel } = target
const WAY = { directory: "/run/attested", port: 5432 }
// pg reads USER when it is loaded.
const SYSTEM_USER = process.env.USER || userInfo().username
const kept = { ...process.env }
let warnings = []
const warn = process.emitWarning

beforeEach(() => {
    bareEnvironment()
    warnings = []
    process.emitWarning = (text, type) => warnings.push(`${type}: ${text}`)
})

afterEach(() => {
    process.emitWarning = warn
    process.env = { ...kept }
})

async function reason(url, settings = {}) {
    const error = await resolve(url, settings).then(() => assert.fail("it was taken"), (caught) => caught)
    assert.ok(error instanceof UsageError, String(error))
    assert.equal(error.code, "DSN_INVALID")
    assert.match(error.message, /^connection string cannot be honoured: /)
    return error.message
}

async function driver(url, settings = {}) {
    return throughTunnel(await resolve(url, settings), WAY, 1000)
}

test("a URL in full", async () => {
    const { driver: given, ...where } = await resolve("postgresql://app:s%40cret@db.example:6001/orders?application_name=till&options=-c%20geqo%3Doff", {})
    assert.deepEqual(where, { address: "db.example", serverName: "db.example", port: 6001, timeoutMs: DEFAULT_TIMEOUT_MS, schema: undefined, link: {} })
    assert.deepEqual({ ...given }, {
        host: "db.example", port: "6001", user: "app", password: "s@cret", database: "orders", application_name: "till", options: "-c geqo=off",
    })
})

test("the scheme may be postgres, and upper case", async () => {
    for (const url of ["postgres://db.example", "POSTGRESQL://db.example"]) {
        assert.equal((await resolve(url, {})).address, "db.example")
    }
})

test("defaults: port 5432, the user of the system, a database of that name", async () => {
    const { port, driver: given } = await resolve("postgresql://db.example", {})
    assert.deepEqual([port, given.user, given.database], [5432, SYSTEM_USER, SYSTEM_USER])
})

test("parameters say where, too", async () => {
    const { address, port, driver: given } = await resolve("postgresql:///?host=db.example&port=6001&user=app&dbname=orders", {})
    assert.deepEqual([address, port, given.user, given.database], ["db.example", 6001, "app", "orders"])
})

test("hostaddr is dialled, host is asked for", async () => {
    const { address, serverName } = await resolve("postgresql://db.example?hostaddr=127.0.0.1", {})
    assert.deepEqual([address, serverName], ["127.0.0.1", "db.example"])
})

test("an address is no name to ask for", async () => {
    for (const url of ["postgresql://127.0.0.1", "postgresql://[::1]:5/", "postgresql:///?hostaddr=::1", "postgresql:///?host=::1"]) {
        assert.equal((await resolve(url, {})).serverName, undefined, url)
    }
    assert.equal((await resolve("postgresql://[::1]:5/", {})).address, "::1")
})

test("the environment counts", async () => {
    Object.assign(process.env, {
        PGHOST: "env.example", PGPORT: "6002", PGUSER: "clerk", PGPASSWORD: "from env", PGDATABASE: "stock", PGCONNECT_TIMEOUT: "7",
        PGSSLMODE: "verify-full", PGSSLNEGOTIATION: "direct",
    })
    const { address, port, timeoutMs, driver: given } = await resolve("", {})
    assert.deepEqual([address, port, timeoutMs], ["env.example", 6002, 7000])
    assert.deepEqual([given.user, given.password, given.database], ["clerk", "from env", "stock"])
})

test("what the URL says counts before the settings, and these before the environment", async () => {
    process.env.PGUSER = "env"
    assert.equal((await resolve("postgresql://db.example", { user: "setting" })).driver.user, "setting")
    assert.equal((await resolve("postgresql://url@db.example", { user: "setting" })).driver.user, "url")
})

test("the password file is asked for the real server", async () => {
    writeFileSync(process.env.PGPASSFILE, "/run/attested:5432:*:*:wrong\ndb.example:5433:orders:app:right\n*:*:*:*:other\n")
    chmodSync(process.env.PGPASSFILE, 0o600)
    assert.equal((await driver("postgresql://app@db.example:5433/orders")).password, "right")
    assert.equal((await driver("postgresql://app@db.example:5434/orders")).password, "other")
})

test("a placeholder where no password is known", async () => {
    assert.equal((await driver("postgresql://db.example")).password, PLACEHOLDER_PASSWORD)
})

test("a password may be a function", async () => {
    const password = () => "later"
    assert.equal((await driver("postgresql://db.example", { password })).password, password)
})

test("what would lead around the tunnel, or break on it, is overridden", async () => {
    for (const parameter of ["hostaddr=127.0.0.1", "sslmode=verify-full", "sslnegotiation=direct", "ssl=true", "sslrootcert=/nowhere",
        "sslcert=/nowhere", "sslkey=/nowhere", "channel_binding=require", "gssencmode=require", "requirepeer=root",
        "min_protocol_version=3.2", "uselibpqcompat=true", "keepalives_idle=5", "tcp_user_timeout=5"]) {
        const given = await driver(`postgresql://app:x@db.example/orders?${parameter}`)
        assert.deepEqual({ ...given }, {
            host: "/run/attested", port: 5432, user: "app", password: "x", database: "orders", ssl: false, sslnegotiation: "postgres",
            enableChannelBinding: false, connectionTimeoutMillis: 1000,
        }, parameter)
    }
    assert.deepEqual(warnings, [])
})

test("no TLS asked for is warned about", async () => {
    const warning = "RaTlsWarning: sslmode=disable has no effect: the connection uses attested TLS all the same"
    await resolve("postgresql://db.example?sslmode=disable", {})
    assert.deepEqual(warnings, [warning])
    process.env.PGSSLMODE = "disable"
    await resolve("postgresql://db.example", {})
    assert.deepEqual(warnings, [warning, warning])
})

test("the timeout is libpq's, where pg's own setting says nothing", async () => {
    for (const [value, milliseconds] of [["10", 10_000], ["0", DEFAULT_TIMEOUT_MS], ["-1", DEFAULT_TIMEOUT_MS], ["1", 2000], ["", DEFAULT_TIMEOUT_MS]]) {
        assert.equal((await resolve(`postgresql://db.example?connect_timeout=${value}`, {})).timeoutMs, milliseconds, value)
    }
    assert.equal((await resolve("postgresql://db.example?connect_timeout=9", { connectionTimeoutMillis: 300 })).timeoutMs, 300)
    assert.equal((await resolve("postgresql://db.example", { connectionTimeoutMillis: 0 })).timeoutMs, DEFAULT_TIMEOUT_MS)
})

test("a timeout that is none is told", async () => {
    for (const connectionTimeoutMillis of [-1, NaN, Infinity, "soon"]) {
        await assert.rejects(resolve("postgresql://db.example", { connectionTimeoutMillis }), { code: "ARGUMENT_INVALID" })
    }
})

test("what is left of the timeout is the driver's, and never none", async () => {
    const asked = await resolve("postgresql://db.example", {})
    assert.deepEqual([12.3, 0, -5].map((left) => throughTunnel(asked, WAY, left).connectionTimeoutMillis), [13, 1, 1])
})

test("what is said of the TCP connection is the tunnel's", async () => {
    const link = async (query) => (await resolve(`postgresql://db.example?${query}`, {})).link
    assert.deepEqual(await link("keepalives_idle=7&keepalives_interval=8&keepalives_count=9&tcp_user_timeout=1500"),
        { keepaliveIdleS: 7, keepaliveIntervalS: 8, keepaliveCount: 9, tcpUserTimeoutMs: 1500 })
    assert.deepEqual(await link("keepalives=0&keepalives_idle=7"), { keepaliveIdleS: -1 })
    for (const default_ of ["keepalives=1", "keepalives=", "keepalives_idle=0&keepalives_count=-1&tcp_user_timeout=", "tcp_user_timeout=-5"]) {
        assert.deepEqual(await link(default_), {}, default_)
    }
    for (const wrong of ["keepalives=off", "keepalives_idle=1s", "keepalives_idle=32768", "keepalives_interval=32768", "keepalives_count=128",
        "tcp_user_timeout=2147483648", "tcp_user_timeout=1.5"]) {
        assert.match(await reason(`postgresql://db.example?${wrong}`), /is not a whole number up to/)
    }
})

test("a schema in the way of Prisma", async () => {
    assert.equal((await resolve("postgresql://db.example?schema=stock", {})).schema, "stock")
})

test("several servers are refused", async () => {
    for (const url of ["postgresql://a.example,b.example/", "postgresql://a.example:1,b.example:2/", "postgresql:///?host=a,b",
        "postgresql://app:x@a,b/", "postgresql://a%2Cb/"]) {
        assert.match(await reason(url), /names several servers/, url)
    }
    assert.match(await reason("postgresql:///?host=a&port=1,2"), /port is not a number/)
    assert.match(await reason("postgresql://a/?hostaddr=127.0.0.1,127.0.0.2"), /hostaddr is not one address/)
})

test("a local socket is refused", async () => {
    for (const url of ["postgresql:///orders?host=/run", "postgresql://%2Frun/orders", "/run/postgresql orders", "socket:/run/x?db=orders",
        "postgresql:///?host=@abstract"]) {
        assert.match(await reason(url), /local socket/, url)
    }
    process.env.PGHOST = "/tmp"
    assert.match(await reason("postgresql:///orders"), /local socket/)
})

test("no host is refused, although pg would take localhost", async () => {
    assert.match(await reason(""), /names no host/)
    assert.match(await reason("postgresql:///orders"), /names no host/)
    assert.match(await reason("postgresql://app:x@/orders"), /names no host/)
})

test("what is malformed is refused", async () => {
    for (const url of ["db.example", "host=db.example", "mysql://db.example", "prisma+postgres://db.example", "postgresql://[::1", "postgresql://db:0/",
        "postgresql://db:65536/", "postgresql://db:x/", "postgresql://db?port=5_4", "postgresql://db?connect_timeout=soon", "postgresql://d%zz/",
        "postgresql://db\n/", "postgresql://db\0/", "postgresql://db/\ud800", "postgresql://db/#x", "postgresql://db?hostaddr=db.example", 5, null, {}]) {
        await reason(url)
    }
})

test("a parameter that nobody knows is named, not ignored", async () => {
    for (const name of ["colour", "service", "require_auth", "target_session_attrs", "pgbouncer", "stream", "connection", "Client"]) {
        assert.equal(await reason(`postgresql://db.example?${name}=x`), `connection string cannot be honoured: unknown parameter ${name}`)
    }
})

test("a password never shows", async () => {
    for (const url of ["postgresql://app:hunter2@a,b/", "postgresql://app:hunter2@%2Frun/", "postgresql://app:hunter2@db:x/", "postgresql://app:hunter2/x@db/",
        "postgresql://app:hunter2%zz@d%zz/", "postgresql://app:a/b?hunter2@db/", "postgresql://app:a?hunter2@db/", "postgresql://app:a#hunter2@db/",
        "postgresql://app:hunter2@?colour=red", "host=db password=hunter2", "postgresql://app@db?password=hunter2&port=x"]) {
        assert.doesNotMatch(await reason(url), /hunter2/, url)
    }
})
