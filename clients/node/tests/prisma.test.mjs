/** Prisma for real, its current major version and the one before: generate, compile, query, disconnect, be refused. */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { test } from "node:test"
import { createInterface } from "node:readline"

import pg from "pg"

import { build, install, project } from "./project.mjs"
import { stage } from "./stage.mjs"

const TABLES = `
    drop table if exists "Order", "Customer";
    create table "Customer" (id serial primary key, name text not null unique);
    create table "Order" (id serial primary key, total decimal(10, 2) not null, "customerId" int not null references "Customer" (id));`

const { minted, postgres, sidecar, withSidecar } = await stage()

function start(application, more) {
    const settings = {
        url: postgres.url(sidecar.port), allowedMrTd: [sidecar.mr_td], now: minted.now, collateral: join(minted.directory, "collateral.json"),
        trustAnchor: join(minted.directory, "root.pem"), ...more,
    }
    return spawn(process.execPath, [join(application, "built/app.js")], {
        cwd: application, env: { ...process.env, SETTINGS: JSON.stringify(settings) }, stdio: ["pipe", "pipe", "inherit"],
    })
}

async function* lines(program) {
    yield* createInterface(program.stdout)
}

async function answer(application, more) {
    let last
    for await (const line of lines(start(application, more))) {
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
    const application = project(major)
    test(`Prisma ${major}`, async (t) => {
        await run(TABLES)
        install(application)
        build(application)

        await t.test("queries, transactions, errors, disconnecting and connecting again", async () => {
            assert.deepEqual(await answer(application), {
                orders: 2, ids: 2, sum: "24.9", many: [1], raw: [{ schema: "public" }], unique: "P2002", mrTd: sidecar.mr_td, again: { name: "Ada L." },
            })
        })

        await t.test("a schema in the URL", async () => {
            await run(`drop schema if exists stock cascade; create schema stock; set search_path = stock; ${TABLES}`)
            const { orders, many } = await answer(application, { url: postgres.url(sidecar.port, "?schema=stock") })
            assert.deepEqual([orders, many], [2, [1]])
        })

        await t.test("a later connection is refused with the text", (refused) => withSidecar(async (own) => {
            const program = start(application, { url: postgres.url(own.port), pause: true })
            refused.after(() => program.kill())
            const said = lines(program)
            assert.equal((await said.next()).value, "ready")
            await own.tell({ mint: { fault: "debug", label: "another" } })
            program.stdin.end("go on\n")
            const { message, code } = JSON.parse((await said.next()).value)
            assert.match(message, /TDX TD is in debug mode — connection refused/)
            assert.equal(code, "DEBUG_MODE")
        }))
    })
}
