"use strict"
// The package: names, versions, licence, types, generated files, what it carries.
const assert = require("node:assert/strict")
const { spawnSync } = require("node:child_process")
const fs = require("node:fs")
const path = require("node:path")
const { test } = require("node:test")
const { pathToFileURL } = require("node:url")

const { ROOT } = require("./simulator.js")
const api = require("ra-tls-verify")

const HOME = path.dirname(__dirname)
const manifest = JSON.parse(fs.readFileSync(path.join(HOME, "package.json"), "utf8"))

test("one version, one licence", () => {
    const version = fs.readFileSync(path.join(ROOT, "VERSION"), "utf8").trim()
    assert.deepEqual([manifest.version, api.version, manifest.license], [version, version, "Apache-2.0"])
    assert.deepEqual(fs.readFileSync(path.join(HOME, "LICENSE")), fs.readFileSync(path.join(ROOT, "LICENSE")))
})

test("import and require give the same objects", async () => {
    for (const name of ["ra-tls-verify", "ra-tls-verify/tunnel", "ra-tls-verify/errors"]) {
        const required = require(name)
        const imported = await import(name)
        assert.deepEqual(Object.keys(imported).filter((key) => key !== "default" && key !== "module.exports"), Object.keys(required).sort())
        for (const key of Object.keys(required)) assert.equal(imported[key], required[key])
    }
    assert.ok(pathToFileURL(require.resolve("ra-tls-verify")))
})

test("every code has its class, and every class its error", () => {
    const { CODES } = require("../lib/tables.js")
    const { failure } = require("../lib/errors.js")
    const kinds = { usage: api.UsageError, refused: api.RefusedError, unavailable: api.UnavailableError }
    for (const [code, [kind, stage]] of Object.entries(CODES)) {
        const error = failure(code)
        assert.ok(error instanceof kinds[kind])
        assert.deepEqual([error.code, error.stage], [code, stage])
    }
    assert.ok(Object.keys(CODES).length > 100)
})

test("the codes are the core's", () => {
    const addon = require("../lib/addon.js")
    const { CODES } = require("../lib/tables.js")
    const classes = { usage: addon.CLASS_USAGE, refused: addon.CLASS_REFUSED, unavailable: addon.CLASS_UNAVAILABLE }
    const numbers = Object.entries(addon).filter(([name]) => name.startsWith("ERR_"))
    assert.deepEqual(numbers.map(([, number]) => addon.statusName(number)).sort(), Object.keys(CODES).sort())
    for (const [, number] of numbers) assert.equal(addon.statusClass(number), classes[CODES[addon.statusName(number)][0]])
})

test("the types hold, in modules and in CommonJS, and the sources are typed", () => {
    const done = spawnSync(path.join(HOME, "node_modules", ".bin", "tsc"), ["-p", path.join(__dirname, "types")], { encoding: "utf8" })
    assert.equal(done.status, 0, `${done.stdout}${done.stderr}${done.error ?? ""}`)
})

test("a missing addon is told in one line", () => {
    const program = `try { require(${JSON.stringify(path.join(HOME, "lib", "addon.js"))}) } catch (error) { console.log(error.message) }`
    const hide = `const fs = require("node:module"); const load = fs._extensions[".node"]; fs._extensions[".node"] = (module, file) => load(module, "/nowhere" + file);`
    const done = spawnSync(process.execPath, ["-e", hide + program], { encoding: "utf8" })
    assert.match(done.stdout, /^ra-tls-verify: its addon is not built or does not load\. Build it with `npx ra-tls-verify-build`[^\n]*\n/)
})

test("what is missing for the build is told in one line", () => {
    const done = spawnSync(process.execPath, [path.join(HOME, "scripts", "build.js")], { encoding: "utf8", env: { PATH: "/nowhere" } })
    assert.equal(done.status, 1)
    assert.match(done.stderr, /^ra-tls-verify: cannot build its addon: missing cmake, gcc, make[^\n]*\n$/)
})
