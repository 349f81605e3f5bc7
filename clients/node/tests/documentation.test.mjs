/** Every TypeScript snippet of the documentation compiles and runs as it stands: in the application that uses Prisma 7. */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"

import pg from "pg"

import { build, install, project } from "./project.mjs"
import { ROOT, temporary, TrustAuthority } from "./simulator.mjs"
import { stage } from "./stage.mjs"

/** What the text around a snippet takes for granted, by the name that it has there. */
const GIVEN = `
import { readFileSync } from "node:fs"
import { DcapVerifier } from "ra-tls-verify"
export const url: string = process.env["URL"] ?? ""
export const certificate: Buffer = readFileSync("cert.der")
export const verifier = new DcapVerifier({ collateral: "collateral.json", trustAnchor: "root.pem" })
export const options = { verifier }
export async function askOurService(quote: Uint8Array) {
    return { genuine: quote.length > 0, status: "OK", advisories: [] }
}
`
const NAMES = [...GIVEN.matchAll(/export (?:const|async function) (\w+)/g)].map(([, name]) => name)
const SNIPPETS = [["docs/typescript.md", "typescript"], ["clients/node/README.md", "readme"]].flatMap(([page, short]) =>
    [...readFileSync(join(ROOT, page), "utf8").matchAll(/```ts\n(.*?)```/gs)].map(([, code], number) => ({ name: `snippet-${short}-${number + 1}`, page, code })))

const { minted, postgres, sidecar } = await stage({ clock: true })
const service = await TrustAuthority.start()
const application = project(7)

/** The snippet with the server's own values for those that the page invents, and what it takes for granted imported. */
function complete(code) {
    const declared = (name) => new RegExp(`\\b(const|let|function) ${name}\\b`).test(code)
    const used = NAMES.filter((name) => new RegExp(`\\b${name}\\b`).test(code) && !declared(name))
    const real = code.replaceAll("91a0563f0c…c3d2", sidecar.mr_td)
        .replaceAll('{ collateral: "collateral.json" }', '{ collateral: "collateral.json", trustAnchor: "root.pem" }')
        .replaceAll("new IntelApiVerifier()", `new IntelApiVerifier(undefined, ${JSON.stringify(service.settings)})`)
        .replaceAll("postgresql://app:secret@db.example:5433/orders", postgres.url(sidecar.port))
    return `import { ${used.join(", ")} } from "./given.js"\n${real}\nexport {}\n`
}

async function run(name) {
    const directory = temporary()
    cpSync(minted.directory, directory, { recursive: true })
    const program = spawn(process.execPath, [join(application, "built", `${name}.js`)], {
        cwd: directory, stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, URL: postgres.url(sidecar.port), INTEL_TRUST_AUTHORITY_API_KEY: service.authority.api_key },
    })
    let [said, complained] = ["", ""]
    program.stdout.on("data", (text) => { said += text })
    program.stderr.on("data", (text) => { complained += text })
    const [status] = await once(program, "close")
    return { status, said, complained }
}

before(async () => {
    const client = new pg.Client(postgres.url())
    await client.connect()
    await client.query(`create table orders (id int); create table "Customer" (id serial primary key, name text)`)
    await client.end()
    install(application)
    writeFileSync(join(application, "app/given.ts"), GIVEN)
    for (const { name, code } of SNIPPETS) {
        writeFileSync(join(application, "app", `${name}.ts`), complete(code))
    }
    build(application, "--skipLibCheck") // Drizzle's declarations name databases that are not here
})

after(async () => {
    for (const { name } of SNIPPETS) {
        rmSync(join(application, "app", `${name}.ts`), { force: true })
    }
    rmSync(join(application, "app/given.ts"), { force: true })
    await service.stop()
})

const EXPECTED = {
    "snippet-typescript-1": /OK/, "snippet-typescript-2": /^0\n/, "snippet-typescript-3": /one: 1/, "snippet-typescript-4": /one: 1/,
    "snippet-typescript-5": /canceling statement due to user request\n$/, "snippet-typescript-6": /OK \[\]\ntrue/, "snippet-typescript-7": /rtmr0/,
    "snippet-typescript-8": /answer: 42.*intel\nOK/s, "snippet-typescript-9": /^$/,
    "snippet-typescript-10": /MRTD_NOT_ALLOWED policy/, "snippet-readme-1": /OK/,
}

test("there are snippets, and each is known here", () => {
    assert.deepEqual(SNIPPETS.map(({ name }) => name).sort(), Object.keys(EXPECTED).sort())
})

for (const { name, page } of SNIPPETS) {
    test(`${page}: ${name}`, async () => {
        const { status, said, complained } = await run(name)
        assert.equal(status, 0, complained)
        assert.match(said, EXPECTED[name])
    })
}
