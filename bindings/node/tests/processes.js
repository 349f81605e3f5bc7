"use strict"
// Programs of the tests, each in a process of its own.
const { spawn } = require("node:child_process")
const fs = require("node:fs")
const os = require("node:os")
const path = require("node:path")

const { writeInput } = require("./programs/exercise.js")
const { DEADLINE_MS, intel, mint, postgres, sidecar } = require("./simulator.js")

/** PostgreSQL, a sidecar, a stand-in for Intel Trust Authority, and the file that tells programs about them. */
async function stage() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ra-tls-verify-test-"))
    const cluster = await postgres()
    const server = await sidecar({ upstream: cluster.socket })
    const input = path.join(folder, "input.json")
    const minted = mint()
    const service = await intel({ now: minted.now })
    writeInput(input, minted, { port: server.port, service: service.authority })
    return {
        input, folder,
        async close() {
            await service.close()
            await server.close()
            await cluster.close()
            fs.rmSync(folder, { recursive: true })
        },
    }
}

/** Run a program; rejects with what it said when it does not end well in time. */
function run(program, args, { env = {}, flags = [] } = {}) {
    const file = path.join(__dirname, "programs", program)
    const child = spawn(process.execPath, [...flags, file, ...args], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] })
    const said = { out: "", err: "" }
    child.stdout.setEncoding("utf8").on("data", (text) => { said.out += text })
    child.stderr.setEncoding("utf8").on("data", (text) => { said.err += text })
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => child.kill("SIGKILL"), 4 * DEADLINE_MS)
        child.once("close", (code, signal) => {
            clearTimeout(timer)
            if (code === 0) resolve(said.out.trim())
            else reject(new Error(`${program} ${args.slice(1).join(" ")} ended with ${signal ?? code}: ${said.out}${said.err}`))
        })
    })
}

module.exports = { run, stage }
