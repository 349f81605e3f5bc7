"use strict"
// What the tests share: a minted server, and verifiers that trust its world.

const api = require("ra-tls-verify")
const { mint } = require("./simulator.js")

const minted = mint()
const settings = { collateral: minted.collateral, trustAnchor: minted.trustAnchor, log: () => {} }
const dcap = new api.DcapVerifier(settings)
/** The defaults, at the time for which the world was minted. */
const then = { now: minted.now }

/** The error that a call throws or rejects with. */
async function failureOf(call) {
    let value
    try {
        value = await call()
    } catch (error) {
        return error
    }
    throw new Error(`expected a failure, got ${JSON.stringify(value)}`)
}

module.exports = { api, dcap, failureOf, mint, minted, settings, then }
