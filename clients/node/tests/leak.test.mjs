/** Connecting again and again leaves nothing: no descriptor, no thread, no memory. */
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { test } from "node:test"
import { promisify } from "node:util"

import { HUNDREDS, NAMES } from "./programs/repeat.mjs"
import { stage } from "./stage.mjs"

const PROGRAM = join(import.meta.dirname, "programs/repeat.mjs")
/** V8 lets the space for new objects grow, up to 48 MB, however little survives: small from the start, what is resident is what is in use. */
const FLAGS = ["--expose-gc", "--max-semi-space-size=1"]
/** After the first hundred. V8 takes a step of 4 or 5 MB at some time; a leak of 10 KB for each connection would be more than this. */
const RESIDENT_GROWTH_MAX = 8 * 1024 * 1024
const COUNT_GROWTH_MAX = 4

const { minted, sidecar, url } = await stage()

for (const kind of NAMES) {
    test(`${HUNDREDS * 100} times ${kind} leave nothing`, async () => {
        const settings = {
            url: url(), allowedMrTd: [sidecar.mr_td], now: minted.now, collateral: join(minted.directory, "collateral.json"),
            trustAnchor: join(minted.directory, "root.pem"),
        }
        const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, PROGRAM, kind, JSON.stringify(settings)])
        const said = JSON.parse(stdout)
        assert.equal(said.length, HUNDREDS)
        const [first, last] = [said[0], said.at(-1)]
        for (const [what, most] of [["files", COUNT_GROWTH_MAX], ["threads", COUNT_GROWTH_MAX], ["resident", RESIDENT_GROWTH_MAX]]) {
            assert.ok(last[what] <= first[what] + most, `${what}: ${said.map((held) => held[what]).join(", ")}`)
        }
    })
}
