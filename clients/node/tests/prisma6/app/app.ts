/** What an application does with Prisma, through pg-ratls. Prints what it found, as JSON. */
import { readFileSync } from "node:fs"

import { attestation, close, withRaTls } from "pg-ratls"
import { DcapVerifier } from "ra-tls-verify"

import { PrismaClient } from "./generated/client.js"

const { url, allowedMrTd, now, collateral, trustAnchor, pause } = JSON.parse(process.env["SETTINGS"] ?? "{}")
const verifier = new DcapVerifier({ collateral: readFileSync(collateral), trustAnchor: readFileSync(trustAnchor) })

async function main() {
    const adapter = await withRaTls(url, { verifier, allowedMrTd, now: new Date(now), max: 3 })
    const prisma = new PrismaClient({ adapter })
    const made = await prisma.customer.create({ data: { name: "Ada", orders: { create: [{ total: "19.90" }, { total: "5" }] } }, include: { orders: true } })
    const [ids, sum] = await prisma.$transaction([prisma.order.findMany({ orderBy: { id: "asc" } }), prisma.order.aggregate({ _sum: { total: true } })])
    await prisma.$transaction(async (tx) => { await tx.customer.update({ where: { name: "Ada" }, data: { name: "Ada L." } }) })
    const many = await Promise.all(Array.from({ length: 20 }, () => prisma.customer.count()))
    const raw = await prisma.$queryRaw`select current_schema()::text as schema`
    const unique = await prisma.customer.create({ data: { name: "Ada L." } }).catch((error) => error.code)
    const verdict = attestation(adapter)
    await prisma.$disconnect()
    const again = await prisma.customer.findFirstOrThrow({ select: { name: true } })
    await prisma.$disconnect()
    await close(adapter)
    return { orders: made.orders.length, ids: ids.length, sum: sum._sum.total, many: [...new Set(many)], raw, unique, mrTd: verdict.mrTd, again }
}

/** The server's evidence becomes unacceptable while the application runs: what it prints between is the sign to change it. */
async function refusedLater() {
    const adapter = await withRaTls(url, { verifier, allowedMrTd, now: new Date(now), max: 2 })
    const prisma = new PrismaClient({ adapter })
    return await prisma.$transaction(async (tx) => {
        await tx.customer.count()
        console.log("ready")
        for await (const _ of process.stdin) {
            break
        }
        const error: unknown = await prisma.customer.count().catch((caught) => caught)
        return { message: String((error as Error).message), code: (error as { code?: string }).code }
    }, { timeout: 60_000 }).finally(async () => { await prisma.$disconnect(); await close(adapter) })
}

console.log(JSON.stringify(await (pause ? refusedLater() : main())))
