/** Prisma for real, its current major version and the one before: generate, compile, query, disconnect, be refused. */
import assert from "node:assert/strict"
import { execFileSync, spawn } from "node:child_process"
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs"
import { join, resolve } from "node:path"
import { after, before, test } from "node:test"
import { createInterface } from "node:readline"

import pg from "pg"

import { bareEnvironment, mint, Postgres, Sidecar } from "./simulator.mjs"

const PACKAGE = resolve(import.meta.dirname, "..")
const BINDING = resolve(PACKAGE, "node_modules/ra-tls-verify")
const TABLES = `
    drop table if exists "Order", "Customer";
    create table "Customer" (id serial primary key, name text not null unique);
    create table "Order" (id serial primary key, total decimal(10, 2) not null, "customerId" int not null references "Customer" (id));`

bareEnvironment()
const minted = mint()
let postgres
let sidecar

before(async () => {
    postgres = await Postgres.start()
    sidecar = await Sidecar.start(postgres)
})

after(async () => {
    await sidecar?.stop()
    await postgres?.stop()
})

/** The packages as an application has them: in its own node_modules, this one as files of its own. */
function install(project) {
    const ours = join(project, "node_modules/pg-ratls")
    rmSync(ours, { recursive: true, force: true })
    mkdirSync(ours)
    cpSync(join(PACKAGE, "dist"), join(ours, "dist"), { recursive: true })
    cpSync(join(PACKAGE, "package.json"), join(ours, "package.json"))
    for (const [name, at] of [["ra-tls-verify", BINDING], ["pg-connection-string"], ["pgpass"], ["@types/pg"]]) {
        const target = join(project, "node_modules", name)
        if (at !== undefined || !existsSync(target)) {
            rmSync(target, { recursive: true, force: true })
            symlinkSync(at ?? join(PACKAGE, "node_modules", name), target)
        }
    }
}

function build(project) {
    const bin = (name) => join(project, "node_modules/.bin", name)
    const options = { cwd: project, stdio: ["ignore", "pipe", "pipe"] }
    rmSync(join(project, "app/generated"), { recursive: true, force: true })
    // Generating runs neither engine: any file keeps Prisma from downloading them.
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true", PRISMA_QUERY_ENGINE_LIBRARY: "/bin/true", CHECKPOINT_DISABLE: "1", PRISMA_HIDE_UPDATE_MESSAGE: "1" }
    execFileSync(bin("prisma"), ["generate", "--schema", "schema.prisma"], { ...options, env })
    execFileSync(bin("tsc"), ["--project", project], { ...options, stdio: ["ignore", "inherit", "inherit"] })
}

function start(project, more) {
    const settings = {
        url: postgres.url(sidecar.port), allowedMrTd: [sidecar.mr_td], now: minted.now, collateral: join(minted.directory, "collateral.json"),
        trustAnchor: join(minted.directory, "root.pem"), ...more,
    }
    return spawn(process.execPath, [join(project, "built/app.js")], {
        cwd: project, env: { ...process.env, SETTINGS: JSON.stringify(settings) }, stdio: ["pipe", "pipe", "inherit"],
    })
}

async function* lines(program) {
    yield* createInterface(program.stdout)
}

async function answer(project, more) {
    let last
    for await (const line of lines(start(project, more))) {
        last = line
    }
    return JSON.parse(last)
}

async function run(sql) {
    const client = new pg.Client(postgres.url())
    await client.connect()
    await client.query(sql)
    await client.end()
}

for (const major of [6, 7]) {
    const project = resolve(import.meta.dirname, `prisma${major}`)
    // A missing project is a failure of the set-up, not a reason to skip.
    test(`Prisma ${major}`, async (t) => {
        await run(TABLES)
        install(project)
        build(project)

        await t.test("queries, transactions, errors, disconnecting and connecting again", async () => {
            assert.deepEqual(await answer(project), {
                orders: 2, ids: 2, sum: "24.9", many: [1], raw: [{ schema: "public" }], unique: "P2002", mrTd: sidecar.mr_td, again: { name: "Ada L." },
            })
        })

        await t.test("a schema in the URL", async () => {
            await run(`drop schema if exists stock cascade; create schema stock; set search_path = stock; ${TABLES}`)
            const { orders, many } = await answer(project, { url: postgres.url(sidecar.port, "?schema=stock") })
            assert.deepEqual([orders, many], [2, [1]])
        })

        await t.test("a later connection is refused with the text", async (refused) => {
            const own = await Sidecar.start(postgres)
            const program = start(project, { url: postgres.url(own.port), pause: true })
            refused.after(async () => { program.kill(); await own.stop() })
            const said = lines(program)
            assert.equal((await said.next()).value, "ready")
            await own.tell({ mint: { fault: "debug", label: "another" } })
            program.stdin.end("go on\n")
            const { message, code } = JSON.parse((await said.next()).value)
            assert.match(message, /TDX TD is in debug mode — connection refused/)
            assert.equal(code, "DEBUG_MODE")
        })
    })
}
