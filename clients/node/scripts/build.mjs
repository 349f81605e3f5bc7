/** Compile src into dist: CommonJS with declarations, and the ES module beside this file, which names what the CommonJS one has.
 *
 * One implementation, whichever way it is loaded: a client made through one is known to the other. */
import { spawnSync } from "node:child_process"
import { copyFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)

function compiler() {
    try {
        return require.resolve("typescript/bin/tsc")
    } catch {
        console.error(`pg-ratls: typescript is missing; run: npm ci --prefix ${root}`)
        process.exit(1)
    }
}

rmSync(join(root, "dist"), { recursive: true, force: true })
const compiled = spawnSync(process.execPath, [compiler(), "--project", root], { stdio: "inherit" })
if (compiled.status !== 0) {
    process.exit(compiled.status ?? 1)
}
copyFileSync(join(root, "scripts", "index.mjs"), join(root, "dist", "index.mjs"))
writeFileSync(join(root, "dist", "index.d.mts"), 'export * from "./index.js"\n')
