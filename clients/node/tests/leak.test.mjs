/** Connecting again and again leaves nothing: no descriptor, no thread, no memory. */
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { test } from "node:test"
import { promisify } from "node:util"

import { HUNDREDS, NAMES } from "./programs/repeat.mjs"
import { stage } from "./stage.mjs"

const { minted, sidecar, url } = await stage()
const PROGRAM = join(import.meta.dirname, "programs/repeat.mjs")

for (const kind of NAMES) {
    test(`${HUNDREDS * 100} times ${kind} leave nothing`, async () => {
        const settings = {
            url: url(), allowedMrTd: [sidecar.mr_td], now: minted.now, collateral: join(minted.directory, "collateral.json"), trustAnchor: join(minted.directory, "root.pem"),
        }
        const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", "--max-semi-space-size=1", PROGRAM, kind, JSON.stringify(settings)])
        console.log(JSON.parse(stdout))
    })
}
