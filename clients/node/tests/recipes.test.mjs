/** Drizzle and Knex, as the documentation shows them. */
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { test } from "node:test"

import { eq, sql } from "drizzle-orm"
import { drizzle } from "drizzle-orm/node-postgres"
import { integer, pgTable, text } from "drizzle-orm/pg-core"
import knex from "knex"

import { attestation, attestedSettings, close, createPool } from "pg-ratls"
import { stage } from "./stage.mjs"

const { postgres, sidecar, options, url, withSidecar } = await stage()
const DEBUG = /TDX TD is in debug mode — connection refused/

test("Drizzle", async () => {
    const pool = await createPool(url(), options)
    const db = drizzle({ client: pool })
    const orders = pgTable("orders", { id: integer().primaryKey(), name: text().notNull() })
    await db.execute(sql`create table orders (id int primary key, name text not null)`)
    await db.transaction(async (tx) => {
        await tx.insert(orders).values([{ id: 1, name: "apples" }, { id: 2, name: "pears" }])
    })
    assert.deepEqual(await db.select().from(orders).where(eq(orders.id, 2)), [{ id: 2, name: "pears" }])
    assert.equal(attestation(pool).mrTd, sidecar.mr_td)
    await pool.end()
})

test("Drizzle tells why a later connection is refused", () => withSidecar(async (own) => {
    const pool = await createPool(postgres.url(own.port), options)
    const held = await pool.connect()
    await own.tell({ mint: { fault: "debug", label: "another" } })
    const error = await drizzle({ client: pool }).execute(sql`select 1`).then(() => assert.fail("it was accepted"), (caught) => caught)
    assert.match(error.cause.message, DEBUG)
    assert.equal(error.cause.code, "DEBUG_MODE")
    held.release()
    await pool.end()
}))

test("Knex", async () => {
    const settings = await attestedSettings(url(), options)
    const db = knex({ client: "pg", connection: settings.connection, pool: { min: 0, max: 5 } })
    await db.schema.createTable("stock", (table) => { table.increments("id"); table.string("name").unique() })
    await db.transaction(async (tx) => { await tx("stock").insert([{ name: "apples" }, { name: "pears" }]) })
    assert.deepEqual(await db("stock").select("name").orderBy("id"), [{ name: "apples" }, { name: "pears" }])
    const counts = await Promise.all(Array.from({ length: 20 }, () => db("stock").count("* as count").first()))
    assert.ok(counts.every(({ count }) => count === "2"))
    assert.equal(attestation(settings).mrTd, sidecar.mr_td)
    await db.destroy()
    await close(settings)
    assert.ok(!existsSync(settings.connection.host))
})

test("Knex tells why a later connection is refused", () => withSidecar(async (own) => {
    const settings = await attestedSettings(postgres.url(own.port), options)
    const db = knex({ client: "pg", connection: settings.connection, pool: { min: 0, max: 2 } })
    await db.transaction(async (tx) => {
        await tx.raw("select 1")
        await own.tell({ mint: { fault: "debug", label: "another" } })
        await assert.rejects(db.raw("select 1"), DEBUG)
    })
    await db.destroy()
    await close(settings)
}))
