"use strict"
// Environments that go away under running calls, and nothing that is left behind.
const assert = require("node:assert/strict")
const fs = require("node:fs")
const { after, before, test } = require("node:test")

const { run, stage } = require("./processes.js")
const flat = require("./programs/flat.js")
const interrupted = require("./programs/interrupted.js")

let scene
before(async () => {
    scene = await stage()
})
after(() => scene.close())

for (const call of interrupted.names) {
    for (const [way, said] of [["exit", "reached"], ["terminate", "reached\nended"], ["return", "reached\nended"]]) {
        test(`${way} in the middle of ${call}`, async () => {
            assert.equal(await run("interrupted.js", [scene.input, call, way]), said)
        })
    }
}

for (const way of ["terminate", "exit", "return"]) {
    test(`${way} takes the tunnels with it`, async () => {
        await run("interrupted.js", [scene.input, "serve", way])
        assert.equal(fs.existsSync(fs.readFileSync(`${scene.input}.directory`, "utf8")), false)
    })
}

for (const kind of flat.names) {
    test(`many times ${kind} leaves nothing`, async () => {
        const { flat: settled, grown, files } = JSON.parse(await run("flat.js", [scene.input, kind], { flags: ["--expose-gc", "--no-warnings"] }))
        assert.ok(settled, `memory grew by ${grown} bytes`)
        assert.ok(files <= 2, `${files} descriptors were left`)
    })
}
