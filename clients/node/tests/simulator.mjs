/** The simulator, from Node: a PostgreSQL, and servers with evidence in front of it, as processes that speak JSON lines. */
import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"

export const ROOT = resolve(import.meta.dirname, "../../..")
const VENV = join(ROOT, "build/venv/bin/python")
const PYTHON = process.env.RATLS_PYTHON ?? (existsSync(VENV) ? VENV : "python3")
const TIMEOUT_MS = 60_000
/** Of the world that everything here is of. */
const SEED = "node client"

const directories = []
process.on("exit", () => directories.forEach((directory) => rmSync(directory, { recursive: true, force: true })))

/** A directory that goes with the process. */
export function temporary() {
    const directory = mkdtempSync(join(tmpdir(), "pg-ratls-test-"))
    directories.push(directory)
    return directory
}

function environment() {
    return { ...process.env, PYTHONPATH: [join(ROOT, "tests"), process.env.PYTHONPATH].filter(Boolean).join(":") }
}

/** `python -m simulator …`, a program that says what happens in JSON lines and ends with its standard input. */
class Program {
    events = []
    #changed = () => undefined
    #ended = false

    constructor(...options) {
        this.process = spawn(PYTHON, ["-m", "simulator", ...options], { env: environment(), stdio: ["pipe", "pipe", "inherit"] })
        this.closed = once(this.process, "close").then(() => {
            this.#ended = true
            this.#changed()
        })
        createInterface(this.process.stdout).on("line", (line) => {
            this.events.push(JSON.parse(line))
            this.#changed()
        })
    }

    /** Wait until what was said satisfies the condition. */
    async waitFor(condition) {
        const end = Date.now() + TIMEOUT_MS
        while (!condition(this.events)) {
            if (this.#ended || Date.now() > end) {
                throw new Error(`the simulator ${this.#ended ? "ended" : "waits"}; it said ${JSON.stringify(this.events)}`)
            }
            await new Promise((resume) => {
                const timer = setTimeout(resume, end - Date.now())
                this.#changed = () => { clearTimeout(timer); resume() }
            })
        }
    }

    async listening() {
        await this.waitFor((events) => events.length > 0)
        return this.events[0]
    }

    async stop() {
        this.process.stdin.end()
        await this.closed
    }

    /** Have it carry out a command: of a sidecar `behaviour`, a name, or `mint`, what it presents from now on. Returns what it says when that is done. */
    async tell(command) {
        const done = () => this.events.filter(({ event }) => event === "done")
        const before = done().length
        this.process.stdin.write(`${JSON.stringify(command)}\n`)
        await this.waitFor(() => done().length > before)
        return done().at(-1)
    }
}

/** A running PostgreSQL: port, socket, password. */
export class Postgres extends Program {
    /** Options: `--tls`, one that ends the TLS itself. */
    static async start(...options) {
        const program = new Postgres("postgres", "--seed", SEED, ...options)
        return Object.assign(program, await program.listening())
    }

    /** A connection URL to the server on a port: its own, or one of a sidecar. */
    url(port = this.port, parameters = "") {
        return `postgresql://postgres:${encodeURIComponent(this.password)}@127.0.0.1:${port}/postgres${parameters}`
    }
}

/** A server with evidence, in front of a PostgreSQL. */
export class Sidecar extends Program {
    static async start(postgres, ...options) {
        const program = new Sidecar("sidecar", "--commands", "--upstream", postgres.socket, "--seed", SEED, ...options)
        return Object.assign(program, await program.listening())
    }

    /** The connections that ended. */
    get connections() {
        return this.events.filter(({ event }) => event === "closed").map(({ connection }) => connection)
    }

    /** Wait until so many connections have ended. */
    async waitClosed(count = 1) {
        await this.waitFor(() => this.connections.length >= count)
        return this.connections
    }

}

/** The name server of a cluster: `dns`, `domain`, `signer`. */
export class Cluster extends Program {
    #epoch = 0

    static async start() {
        const program = new Cluster("cluster")
        return Object.assign(program, await program.listening())
    }

    /** From now on this server leads. */
    lead({ port }) {
        return this.tell({ publish: { url: `https://127.0.0.1:${port}`, instance: port.toString(16).padStart(40, "0"), epoch: ++this.#epoch } })
    }
}

/** The stand-in for Intel Trust Authority, on the system's clock as a connection is: `authority` says where. */
export class TrustAuthority extends Program {
    static async start(scenario = "sound") {
        const program = new TrustAuthority("intel", "--now", "clock", "--scenario", scenario)
        const { authorities, control } = await program.listening()
        return Object.assign(program, { authority: authorities[scenario], name: scenario, control })
    }

    /** Where it is, as settings of IntelApiVerifier. */
    get settings() {
        return { baseUrl: this.authority.api_url, portalUrl: this.authority.portal_url, caFile: this.authority.ca_file }
    }

    /** Do what a scenario says from now on. */
    async play(scenario) {
        const answer = await fetch(`${this.control}/__scenario`, { method: "POST", body: JSON.stringify({ authority: this.name, scenario }) })
        assert.equal(answer.status, 200, await answer.text())
    }

    /** What it has seen: `seen`, `problems`, `issued`. */
    async seen() {
        return (await fetch(`${this.control}/__seen/${this.name}`)).json()
    }
}

/** Evidence of a healthy server of the world that the sidecars are of, as files in `directory`. */
export function mint(...options) {
    const directory = temporary()
    const done = spawnSync(PYTHON, ["-m", "simulator", "mint", "--seed", SEED, "--out", directory, ...options],
        { env: environment(), stdio: ["ignore", "inherit", "inherit"] })
    if (done.status !== 0) {
        throw new Error("the simulator minted nothing")
    }
    return {
        directory,
        collateral: readFileSync(join(directory, "collateral.json")),
        trustAnchor: readFileSync(join(directory, "root.pem")),
        now: new Date(Number(readFileSync(join(directory, "now.txt"), "utf8")) * 1000),
    }
}

/** No PG* variable, and no home with files that pg reads. */
export function bareEnvironment() {
    for (const name of Object.keys(process.env)) {
        if (name.startsWith("PG")) {
            delete process.env[name]
        }
    }
    process.env.HOME = temporary()
    process.env.PGPASSFILE = join(process.env.HOME, "pgpass")
}
