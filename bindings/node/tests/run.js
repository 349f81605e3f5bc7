"use strict"
// `node tests/run.js`: every test on this Node.js and on the others that tests/nodes names (npm ci --prefix tests/nodes);
// `--here`: on this one alone. The addon is built once and serves all of them.
const { spawnSync } = require("node:child_process")
const fs = require("node:fs")
const path = require("node:path")

const others = Object.keys(require("./nodes/package.json").dependencies).map((name) => path.join(__dirname, "nodes", "node_modules", name, "bin", "node"))
const nodes = [process.execPath, ...(process.argv.includes("--here") ? [] : others)]
const tests = fs.readdirSync(__dirname).filter((name) => name.endsWith(".test.js")).map((name) => path.join(__dirname, name))

for (const node of nodes) {
    if (!fs.existsSync(node)) {
        console.error(`missing ${node}: npm ci --prefix ${path.join(__dirname, "nodes")}`)
        process.exit(1)
    }
    const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim()
    console.log(`# Node.js ${version}`)
    const done = spawnSync(node, ["--test", "--test-concurrency=2", ...tests], { stdio: "inherit" })
    if (done.status !== 0) process.exit(1)
}
