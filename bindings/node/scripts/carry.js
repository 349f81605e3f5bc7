"use strict"
// For `npm pack`, which reaches no other folder: copy in what the build needs from the repository, and the sources of cJSON,
// curl and c-ares, so that installing the package fetches nothing. `--remove`: take it out again.

const fs = require("node:fs")
const path = require("node:path")

const { findSources } = require("./build.js")

const home = path.dirname(__dirname)
const repository = path.join(home, "..", "..")

function remove() {
    for (const name of ["core", "cjson", "curl", "c-ares"]) fs.rmSync(path.join(home, name), { recursive: true, force: true })
    const licence = path.join(home, "LICENSE")
    fs.rmSync(licence)
    fs.symlinkSync("../../LICENSE", licence)
}

function carry() {
    remove()
    const sources = findSources()
    const core = path.join(home, "core")
    for (const name of ["CMakeLists.txt", "ratls.pc.in", "ratls.map", "include", "src"]) {
        fs.cpSync(path.join(repository, "core", name), path.join(core, name), { recursive: true })
    }
    for (const [name, folder] of Object.entries(sources)) fs.cpSync(folder, path.join(home, name), { recursive: true })
    // npm leaves symbolic links out.
    const licence = path.join(home, "LICENSE")
    fs.rmSync(licence)
    fs.copyFileSync(path.join(repository, "LICENSE"), licence)
}

if (process.argv.includes("--remove")) remove()
else carry()
