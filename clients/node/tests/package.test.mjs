/** What the package is: its version and licence, what it exports, what it carries. */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { test } from "node:test"

import * as library from "ra-tls-verify"

import * as ours from "pg-ratls"
import { ROOT, temporary } from "./simulator.mjs"

const HOME = join(ROOT, "clients/node")
const manifest = JSON.parse(readFileSync(join(HOME, "package.json"), "utf8"))
const EXPORTS = ["RaTlsError", "RefusedError", "UnavailableError", "UsageError", "attestation", "attestedSettings", "cancel", "close", "connect", "connectViaManifest",
    "createPool", "saveEvidence", "version", "withRaTls"]

test("one version for everything", () => {
    const version = readFileSync(join(ROOT, "VERSION"), "utf8").trim()
    assert.deepEqual([manifest.version, manifest.peerDependencies["ra-tls-verify"], ours.version, library.version], [version, version, version, version])
})

test("the licence is the project's", () => {
    assert.equal(manifest.license, "Apache-2.0")
    assert.equal(readFileSync(join(HOME, "LICENSE"), "utf8"), readFileSync(join(ROOT, "LICENSE"), "utf8"))
})

test("the ES module and the CommonJS one are the same", () => {
    const required = createRequire(import.meta.url)("pg-ratls")
    assert.deepEqual(Object.keys(ours).sort(), EXPORTS)
    for (const name of EXPORTS) {
        assert.equal(required[name], ours[name], name)
    }
})

test("errors are the library's classes", () => {
    for (const name of ["RaTlsError", "RefusedError", "UnavailableError", "UsageError"]) {
        assert.equal(ours[name], library[name])
    }
})

test("the tarball has what was compiled, with declarations, the licence and the README", () => {
    const [{ files }] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: HOME, encoding: "utf8" }))
    const packed = files.map(({ path }) => path)
    for (const path of ["README.md", "package.json", "dist/index.js", "dist/index.mjs", "dist/index.d.ts", "dist/index.d.mts", "LICENSE"]) {
        assert.ok(packed.includes(path), path)
    }
    assert.deepEqual(packed.filter((path) => !/^(dist|src)\//.test(path) && !["README.md", "package.json", "LICENSE"].includes(path)), [])
})

test("without the adapter of Prisma the message says so", () => {
    const modules = join(temporary(), "node_modules")
    mkdirSync(join(modules, "pg-ratls"), { recursive: true })
    for (const name of ["dist", "package.json"]) {
        cpSync(join(HOME, name), join(modules, "pg-ratls", name), { recursive: true })
    }
    for (const name of ["pg", "pg-connection-string", "pgpass", "ra-tls-verify"]) {
        symlinkSync(join(HOME, "node_modules", name), join(modules, name))
    }
    const program = `require("pg-ratls").withRaTls("postgresql://127.0.0.1:1/").catch((error) => console.log(error.code, error.message))`
    const said = execFileSync(process.execPath, ["-e", program], { cwd: modules, encoding: "utf8" })
    assert.equal(said, "ARGUMENT_INVALID invalid argument @prisma/adapter-pg: it cannot be loaded (ERR_MODULE_NOT_FOUND); withRaTls needs it\n")
})
