"use strict"
// The addon, with the package's own errors in it.

const path = require("node:path")

const { fromCore } = require("./errors.js")
const { version } = require("./tables.js")

const file = path.join(__dirname, "..", "build", "addon.node")

/** @returns {typeof import("./native.js")} */
function load() {
    try {
        return require(file)
    } catch (error) {
        throw new Error("ra-tls-verify: its addon is not built or does not load. Build it with `npx ra-tls-verify-build` or `npm rebuild ra-tls-verify`" +
            ` (npm may have been told to run no install scripts): ${/** @type {Error} */ (error).message}`, { cause: error })
    }
}

const addon = load()
if (addon.version() !== version) {
    throw new Error(`ra-tls-verify ${version} has an addon of version ${addon.version()}: run \`npx ra-tls-verify-build\``)
}
addon.setErrors(fromCore)

module.exports = addon
