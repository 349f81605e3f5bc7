"use strict"
// The simulator, as processes: servers with evidence, and the PostgreSQL behind them.

const { spawn, spawnSync } = require("node:child_process")
const fs = require("node:fs")
const os = require("node:os")
const path = require("node:path")
const readline = require("node:readline")

const ROOT = path.resolve(__dirname, "..", "..", "..")
const venv = path.join(ROOT, "build", "venv", "bin", "python")
const PYTHON = process.env.RATLS_PYTHON ?? (fs.existsSync(venv) ? venv : "python3")
const env = { ...process.env, PYTHONPATH: path.join(ROOT, "tests") }
delete env.LD_PRELOAD // what a test preloads is meant for node
const DEADLINE_MS = 60_000

const folders = []
process.once("exit", () => folders.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })))

/** A folder that goes with the process. */
function temporary() {
    folders.push(fs.mkdtempSync(path.join(os.tmpdir(), "ra-tls-verify-test-")))
    return folders.at(-1)
}

/** Files of a minted server: certificate, quote, collateral, trust anchor, evidence; `label` and `fault` as the simulator has them. */
function mint(fault, more = []) {
    const folder = temporary()
    const args = ["-m", "simulator", "mint", "--out", folder, ...(fault ? ["--fault", fault] : []), ...more]
    const done = spawnSync(PYTHON, args, { env, encoding: "utf8" })
    if (done.status !== 0) throw new Error(`the simulator failed: ${done.stderr}`)
    return read(folder)
}

function read(folder) {
    const file = (name) => fs.readFileSync(path.join(folder, name))
    return {
        certificate: file("cert.der"), pem: file("cert.pem").toString(), key: file("key.pem").toString(), quote: fs.existsSync(path.join(folder, "quote.bin")) ? file("quote.bin") : null,
        collateral: file("collateral.json"), trustAnchor: file("root.pem"), now: Number(file("now.txt")),
        getQuote: file("getquote.json"), envelopes: [file("attestation-v0.bin"), file("attestation-v1.bin")],
    }
}

/** A process of the simulator's that says JSON lines; ends with its standard input. */
class Simulated {
    constructor(args) {
        this.events = []
        this.waiting = new Set()
        this.child = spawn(PYTHON, ["-m", "simulator", ...args], { env, stdio: ["pipe", "pipe", "inherit"] })
        this.ended = new Promise((resolve) => this.child.once("exit", resolve))
        readline.createInterface(this.child.stdout).on("line", (line) => {
            this.events.push(JSON.parse(line))
            for (const check of this.waiting) check()
        })
    }

    /** Wait until what was said satisfies the condition. */
    async waitFor(condition, what = "an event") {
        if (condition(this.events)) return
        await new Promise((resolve, reject) => {
            const check = () => {
                if (!condition(this.events)) return
                clearTimeout(timer)
                this.waiting.delete(check)
                resolve()
            }
            const timer = setTimeout(() => reject(new Error(`waited for ${what}, the simulator said ${JSON.stringify(this.events)}`)), DEADLINE_MS)
            this.waiting.add(check)
        })
    }

    async listening() {
        await this.waitFor((events) => events.length > 0, "it to listen")
        return this.events[0]
    }

    get connections() {
        return this.events.filter(({ event }) => event === "closed").map(({ connection }) => connection)
    }

    async waitClosed(count = 1) {
        await this.waitFor(() => this.connections.length >= count, `${count} closed connections`)
        return this.connections
    }

    /** Have it carry out a command, for example {behaviour: "silent"} or {mint: {fault: "debug"}}. */
    async tell(command) {
        const done = this.events.filter(({ event }) => event === "done").length
        this.child.stdin.write(`${JSON.stringify(command)}\n`)
        await this.waitFor((events) => events.filter(({ event }) => event === "done").length > done, "the command's end")
    }

    async close() {
        this.child.stdin.end()
        await this.ended
    }
}

/** A PostgreSQL, until close(). */
async function postgres() {
    const cluster = new Simulated(["postgres"])
    return Object.assign(cluster, await cluster.listening())
}

/** A sidecar in front of `upstream` (HOST:PORT or a socket's path; nobody, where a handshake is enough). */
async function sidecar({ upstream = "127.0.0.1:1", fault, behaviour } = {}) {
    const args = ["sidecar", "--commands", "--upstream", upstream, ...(fault ? ["--fault", fault] : []), ...(behaviour ? ["--behaviour", behaviour] : [])]
    const running = new Simulated(args)
    return Object.assign(running, await running.listening())
}

/** The name server of a cluster, until close(): `dns`, `domain`, `signer`. */
async function cluster() {
    const running = new Simulated(["cluster"])
    return Object.assign(running, await running.listening())
}

/** A PCCS with the world's collateral, until close(): `url`, `ca_file`. */
async function pccs({ now }) {
    const running = new Simulated(["pccs", "--now", String(now)])
    const { url, ca_file, control } = await running.listening()
    return Object.assign(running, {
        url, ca_file,
        /** For example ask("fault", "sound"), ask("seen"). */
        async ask(what, value = null) {
            const answer = await fetch(`${control}/__${what}`, { method: "POST", body: JSON.stringify(value) })
            if (!answer.ok) throw new Error(`the PCCS said ${answer.status}: ${await answer.text()}`)
            return answer.json()
        },
    })
}

/** Intel Trust Authority's stand-in, until close(): `authority` says where, control() what it does from now on. */
async function intel({ now, scenarios = ["sound"] } = {}) {
    const running = new Simulated(["intel", "--now", String(now), ...scenarios.flatMap((name) => ["--scenario", name])])
    const { authorities, control } = await running.listening()
    const [name] = scenarios
    return Object.assign(running, {
        authorities, authority: authorities[name],
        /** For example {scenario: "N15"} or {tcb_status: "OutOfDate"}. */
        async control(command) {
            const done = await fetch(`${control}/__scenario`, { method: "POST", body: JSON.stringify({ authority: name, ...command }) })
            if (!done.ok) throw new Error(`the stand-in said ${done.status}: ${await done.text()}`)
        },
        async seen() {
            return (await fetch(`${control}/__seen/${name}`)).json()
        },
    })
}

module.exports = { DEADLINE_MS, PYTHON, ROOT, cluster, intel, mint, pccs, postgres, sidecar, temporary }
