"use strict"
// Environments that go away under running calls, and nothing that is left behind.
const assert = require("node:assert/strict")
const fs = require("node:fs")
const os = require("node:os")
const { after, before, test } = require("node:test")

const { run, stage } = require("./processes.js")
const flat = require("./programs/flat.js")
const interrupted = require("./programs/interrupted.js")

/** What a thousand rounds may add: less than 4 KiB each is no leak of a handle with its verdict or collateral. */
const GROWTH_MAX = 4 << 20

let scene
before(async () => {
    scene = await stage()
})
after(() => scene.close())

const socketFolders = () => fs.readdirSync(os.tmpdir()).filter((name) => /^ratls-[A-Za-z0-9]{6}$/.test(name))

for (const call of interrupted.names) {
    for (const [way, said] of [["exit", "reached"], ["terminate", "reached\nended"], ["return", "reached\nended"]]) {
        test(`${way} in the middle of ${call}`, async () => {
            assert.equal(await run("interrupted.js", [scene.input, call, way]), said)
        })
    }
}

test("a worker that ends takes its tunnels with it", async () => {
    const before = socketFolders()
    await run("interrupted.js", [scene.input, "serve", "terminate"])
    await run("interrupted.js", [scene.input, "serve", "exit"])
    assert.deepEqual(socketFolders().filter((name) => !before.includes(name)), [])
})

for (const kind of flat.names) {
    test(`a thousand times ${kind} leaves nothing`, async () => {
        const { rss, files } = JSON.parse(await run("flat.js", [scene.input, kind], { flags: ["--expose-gc"] }))
        assert.ok(rss < GROWTH_MAX, `memory grew by ${rss} bytes`)
        assert.ok(files <= 2, `${files} descriptors were left`)
    })
}
