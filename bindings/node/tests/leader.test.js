"use strict"
// Who leads a cluster: the signed record in DNS, and tunnels that follow it.
const assert = require("node:assert/strict")
const { after, before, beforeEach, test } = require("node:test")
const { Tunnel } = require("ra-tls-verify/tunnel")

const { cluster, postgres, sidecar, temporary } = require("./simulator.js")
const { startup } = require("./startup.js")
const { api, dcap, failureOf, then } = require("./world.js")

const quiet = () => {}
let names, base, first, second
let epoch = 10
before(async () => {
    names = await cluster()
    base = await postgres()
    first = await sidecar({ upstream: base.socket })
    second = await sidecar({ upstream: base.socket })
})
after(() => Promise.all([names, first, second, base].map((program) => program.close())))
beforeEach(() => names.tell({ manner: "normal" }))

const instanceOf = ({ port }) => port.toString(16).padStart(40, "0")

/** A record of a new epoch, in which this server leads. */
function lead(server, more) {
    return { url: `https://127.0.0.1:${server.port}`, instance: instanceOf(server), epoch: ++epoch, ...more }
}

const leader = (more) => new api.Leader(names.domain, names.signer, { dnsServers: [names.dns], log: quiet, ...more })

test("it is looked up", async () => {
    await names.tell({ publish: [lead(first), lead(second)] })
    const known = leader()
    const record = await known.find()
    assert.deepEqual({ ...record }, {
        host: "127.0.0.1", port: second.port, leaderUrl: `https://127.0.0.1:${second.port}`, leaderInstance: instanceOf(second), cluster: `0x${"c1".repeat(20)}`,
        epoch: BigInt(epoch), validUntil: new Date("2100-01-01T00:00:00Z"), signer: names.signer,
    })
    assert.ok(Object.isFrozen(record))
    assert.equal(known.domain, names.domain)
    known.close()
    known.close()
    assert.equal((await failureOf(() => known.find())).code, "ARGUMENT_INVALID")
})

test("an epoch that no number of JavaScript's holds", async () => {
    await names.tell({ publish: lead(first, { epoch: "18446744073709551615" }) })
    assert.equal((await leader().find()).epoch, 18446744073709551615n)
})

test("the signer in every form", async () => {
    await names.tell({ publish: lead(first) })
    const digits = names.signer.slice(2)
    for (const signer of [names.signer, digits, digits.toUpperCase(), Buffer.from(digits, "hex"), new Uint8Array(Buffer.from(digits, "hex"))]) {
        assert.equal((await new api.Leader(names.domain, signer, { dnsServers: [names.dns] }).find()).port, first.port)
    }
})

test("what is published and not acceptable is refused", async () => {
    for (const [record, more, code] of [
        [lead(first), { signer: "00".repeat(20) }, "LEADER_SIGNATURE"], [lead(first, { valid_until: 1 }), {}, "LEADER_EXPIRED"],
        [lead(first), { now: new Date("2101-01-01") }, "LEADER_EXPIRED"], [lead(first), { clusterAddress: "00".repeat(20) }, "LEADER_CLUSTER"],
        [lead(first), { clusterAddress: new Uint8Array(20) }, "LEADER_CLUSTER"], [lead(first, { url: "http://127.0.0.1:1" }), {}, "LEADER_URL"],
        [lead(first, { version: "2" }), {}, "LEADER_FORMAT"]]) {
        await names.tell({ publish: record })
        const { signer = names.signer, ...settings } = more
        const error = await failureOf(() => new api.Leader(names.domain, signer, { dnsServers: [names.dns], log: quiet, ...settings }).find())
        assert.ok(error instanceof api.RefusedError, String(error))
        assert.equal(error.code, code)
    }
})

test("an older leader is refused, also by the next process", async () => {
    const stateDir = temporary()
    const known = leader({ stateDir })
    const old = lead(first)
    await names.tell({ publish: lead(second) })
    await known.find()
    await names.tell({ publish: old })
    for (const one of [known, leader({ stateDir })]) assert.equal((await failureOf(() => one.find())).code, "LEADER_EPOCH")
})

test("a name service that fails", async () => {
    await names.tell({ publish: lead(first) })
    for (const [manner, code] of [["servfail", "LEADER_LOOKUP"], ["nxdomain", "LEADER_LOOKUP"], ["silent", "LEADER_TIMEOUT"]]) {
        await names.tell({ manner })
        const error = await failureOf(() => leader({ timeoutMs: 300 }).find())
        assert.ok(error instanceof api.UnavailableError)
        assert.equal(error.code, code)
    }
    assert.equal((await failureOf(() => leader().find({ signal: AbortSignal.abort() }))).code, "CANCELLED")
    const controller = new AbortController()
    setImmediate(() => controller.abort())
    assert.equal((await failureOf(() => leader().find({ signal: controller.signal }))).code, "CANCELLED")
})

for (const [args, code] of [
    [[5, "00".repeat(20)], "OPTION_TYPE"], [["cluster.example", 5], "OPTION_TYPE"], [["cluster.example", "00"], "OPTION_VALUE"], [["cluster.example", new Uint8Array(5)], "OPTION_TYPE"],
    [["", "00".repeat(20)], undefined], [["cluster.example", "00".repeat(20), { servers: [] }], "OPTION_UNKNOWN"], [["cluster.example", "00".repeat(20), null], "ARGUMENT_INVALID"],
    [["cluster.example", "00".repeat(20), { dnsServers: [] }], "OPTION_EMPTY_LIST"], [["cluster.example", "00".repeat(20), { dnsServers: ["name"] }], "OPTION_VALUE"],
    [["cluster.example", "00".repeat(20), { stateDir: "/nowhere" }], "LEADER_STATE"], [["cluster.example", "00".repeat(20), { now: "soon" }], "OPTION_TYPE"],
    [["cluster.example", "00".repeat(20), { refreshMs: 0 }], "OPTION_VALUE"]]) {
    test(`arguments that are wrong: ${JSON.stringify(args).slice(0, 100)}`, async () => {
        const error = await failureOf(() => new api.Leader(...args))
        assert.ok(error instanceof api.UsageError, String(error.stack))
        if (code) assert.equal(error.code, code)
    })
}

test("a tunnel follows the leader", async () => {
    await names.tell({ publish: lead(first) })
    const followed = leader({ refreshMs: 50 })
    const tunnel = await Tunnel.open(dcap, { leader: followed, leaderDrainMs: 100, options: then })
    followed.close()
    const path = `${tunnel.directory}/.s.PGSQL.${tunnel.port}`
    const old = await startup(path)
    const ended = new Promise((resolve) => old.socket.once("close", resolve))
    old.socket.resume()
    await names.tell({ publish: lead(second) })
    await ended
    const fresh = await startup(path)
    fresh.socket.destroy()
    await second.waitClosed()
    await tunnel.close()
})

test("a leader is attested like every server", async () => {
    const debug = await sidecar({ upstream: base.socket, fault: "debug" })
    await names.tell({ publish: lead(debug) })
    assert.equal((await failureOf(() => Tunnel.open(dcap, { leader: leader(), options: then }))).code, "DEBUG_MODE")
    await debug.close()
})

test("a leader and a host, or what is no leader", async () => {
    await names.tell({ publish: lead(first) })
    assert.ok((await failureOf(() => Tunnel.open(dcap, { leader: leader(), host: "127.0.0.1" }))) instanceof api.UsageError)
    for (const bad of [null, {}, "cluster.example"]) assert.equal((await failureOf(() => Tunnel.open(dcap, { leader: bad }))).code, "OPTION_TYPE")
})
