"use strict"
// The addon is a world of its own: nothing of its OpenSSL and libcurl is bound to node's or to the system's, whatever else is
// in the process.
const assert = require("node:assert/strict")
const { execFileSync } = require("node:child_process")
const fs = require("node:fs")
const path = require("node:path")
const { after, before, test } = require("node:test")

const { run, stage } = require("./processes.js")

const ADDON = path.join(__dirname, "..", "build", "addon.node")
let scene
before(async () => {
    scene = await stage()
})
after(() => scene.close())

test("it needs the C library alone and exports its registration alone", () => {
    const needed = execFileSync("readelf", ["-d", ADDON], { encoding: "utf8" }).match(/\(NEEDED\).*\[(.*)\]/g).map((line) => /\[(.*)\]/.exec(line)[1])
    assert.deepEqual(needed.filter((name) => !/^(libc|ld-linux.*)\.so/.test(name)), [])
    const exported = execFileSync("nm", ["-D", "--defined-only", ADDON], { encoding: "utf8" }).trim().split("\n").map((line) => line.split(" ").at(-1))
    assert.deepEqual(exported.sort(), ["napi_register_module_v1", "node_api_module_get_api_version_v1"])
})

test("it asks for nothing but symbols of the C library and of Node-API", () => {
    const wanted = execFileSync("nm", ["-D", "--undefined-only", ADDON], { encoding: "utf8" }).trim().split("\n").map((line) => line.trim().split(" "))
    const strange = wanted.filter(([kind, name]) => kind !== "w" && !/@GLIBC_/.test(name) && !/^(napi|node_api)_/.test(name))
    assert.deepEqual(strange, [])
})

/** Names that the C library exports: node has some of them for it, malloc for instance. */
function namesOfLibc() {
    const [, libc] = /^\S+ \S+ \S+ \S+ \S+ +(\S*\/libc\.so\.6)$/m.exec(fs.readFileSync("/proc/self/maps", "utf8"))
    const lines = execFileSync("nm", ["-D", "--defined-only", libc], { encoding: "utf8", maxBuffer: 16 << 20 }).trim().split("\n")
    return new Set(lines.map((line) => line.split(" ").at(-1).split("@")[0]))
}

/** A shared library of the system's. */
function library(name, debianPackage) {
    const found = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"].map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file))
    assert.ok(found, `this test needs ${name} (Debian: ${debianPackage})`)
    return found
}

/** What the dynamic linker bound while everything was in use: [from, to, name]. */
async function bindings(name, env) {
    const prefix = path.join(scene.folder, name)
    await run("busy.js", [scene.input], { env: { ...env, LD_DEBUG: "bindings", LD_DEBUG_OUTPUT: prefix } })
    const text = fs.readdirSync(scene.folder).filter((file) => file.startsWith(name)).map((file) => fs.readFileSync(path.join(scene.folder, file), "utf8")).join("")
    return [...text.matchAll(/binding file (\S+) \[\d+\] to (\S*) \[\d+\]: \S+ symbol `([^']+)'/g)].map(([, from, to, symbol]) => [from, to, symbol])
}

for (const [name, beside, preloaded] of [["alone", "beside node's own https", () => ""],
    ["curl", "beside a preloaded libcurl", () => library("libcurl.so.4", "libcurl4")]]) {
    test(`while everything is in use, ${beside}, its symbols bind to node only for Node-API, and none to it`, async () => {
        const seen = await bindings(name, { LD_PRELOAD: preloaded() })
        const own = seen.filter(([from]) => from.endsWith("/addon.node"))
        assert.ok(own.length > 100, `${own.length} bindings of the addon seen`)
        const libc = namesOfLibc()
        const abroad = own.filter(([, to, symbol]) => !to.endsWith("/addon.node") && !libc.has(symbol) && !/^(napi|node_api)_/.test(symbol) && !to.includes("/ld-linux"))
        assert.deepEqual(abroad.map(([, to, symbol]) => `${symbol} of ${to}`), [])
        assert.deepEqual(seen.filter(([from, to]) => to.endsWith("/addon.node") && from !== to).map(([from, , symbol]) => `${symbol} for ${from}`), [])
        const curl = seen.filter(([from, to, symbol]) => /^curl/i.test(symbol) && [from, to].some((file) => file.endsWith("/addon.node")))
        assert.deepEqual(curl.map(([from, to, symbol]) => `${symbol} of ${to} for ${from}`), [])
    })
}

test("no other OpenSSL or libcurl is loaded for it", async () => {
    const maps = await run("maps.js", [scene.input])
    assert.match(maps, /addon\.node/)
    assert.doesNotMatch(maps, /libssl|libcrypto|libcurl|libcjson/)
})

test("six generations of workers", async () => {
    assert.equal(await run("busy.js", [scene.input, "6"]), "done")
})

test("beside a system libssl that was loaded before (libpq)", async () => {
    assert.equal(await run("busy.js", [scene.input, "2", library("libpq.so.5", "libpq5")]), "done")
})

test("beside a preloaded libpq with its libssl", async () => {
    assert.equal(await run("busy.js", [scene.input, "2"], { env: { LD_PRELOAD: library("libpq.so.5", "libpq5") } }), "done")
})

test("beside a preloaded libcurl with its libssl", async () => {
    assert.equal(await run("busy.js", [scene.input, "2"], { env: { LD_PRELOAD: library("libcurl.so.4", "libcurl4") } }), "done")
})

test("under jemalloc", async () => {
    assert.equal(await run("busy.js", [scene.input, "2"], { env: { LD_PRELOAD: library("libjemalloc.so.2", "libjemalloc2") } }), "done")
})

test("under the address sanitizer's allocator", async () => {
    const env = { LD_PRELOAD: library("libasan.so.8", "libasan8"), ASAN_OPTIONS: "detect_leaks=0" }
    assert.equal(await run("busy.js", [scene.input, "2"], { env }), "done")
})

test("the system's OpenSSL configuration is not followed", async () => {
    const file = path.join(scene.folder, "openssl.cnf")
    fs.writeFileSync(file, "openssl_conf = all\n[all]\nproviders = some\n[some]\nwrong = it\n[it]\nmodule = /nowhere.so\nactivate = 1\n")
    assert.equal(await run("verify.js", [scene.input], { env: { OPENSSL_CONF: file } }), "done")
})
