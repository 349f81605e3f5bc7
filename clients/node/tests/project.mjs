/** The small Prisma applications beside this file: their set-up, as an application has it. */
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs"
import { join, resolve } from "node:path"

const PACKAGE = resolve(import.meta.dirname, "..")
/** What the applications share with the package's own tests. */
const SHARED = ["ra-tls-verify", "pg-connection-string", "pgpass", "@types/pg", "drizzle-orm", "knex"]

export function project(major) {
    return resolve(import.meta.dirname, `prisma${major}`)
}

/** The packages in the application's node_modules, pg-ratls as files of its own. */
export function install(at) {
    const ours = join(at, "node_modules/pg-ratls")
    rmSync(ours, { recursive: true, force: true })
    mkdirSync(ours)
    cpSync(join(PACKAGE, "dist"), join(ours, "dist"), { recursive: true })
    cpSync(join(PACKAGE, "package.json"), join(ours, "package.json"))
    for (const name of SHARED) {
        const target = join(at, "node_modules", name)
        if (!existsSync(target)) {
            rmSync(target, { force: true })
            symlinkSync(join(PACKAGE, "node_modules", name), target)
        }
    }
}

/** Generate Prisma's client, and compile everything. */
export function build(at, ...flags) {
    const bin = (name) => join(at, "node_modules/.bin", name)
    rmSync(join(at, "app/generated"), { recursive: true, force: true })
    rmSync(join(at, "built"), { recursive: true, force: true })
    // Generating runs neither engine: any file keeps Prisma from downloading them.
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true", PRISMA_QUERY_ENGINE_LIBRARY: "/bin/true", CHECKPOINT_DISABLE: "1" }
    execFileSync(bin("prisma"), ["generate", "--schema", "schema.prisma"], { cwd: at, stdio: ["ignore", "ignore", "inherit"], env })
    execFileSync(bin("tsc"), ["--project", at, ...flags], { cwd: at, stdio: ["ignore", "inherit", "inherit"] })
}
