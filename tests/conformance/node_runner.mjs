#!/usr/bin/env node
// Runs every conformance case through the TypeScript package `ra-tls-verify`; prints what the C runner prints.
//
// `node_runner.mjs [TESTS_DIRECTORY]`: exit 0 when every outcome is the expected one, 1 otherwise or when there is no case.
import { createHash } from "node:crypto"
import fs from "node:fs"
import { createRequire } from "node:module"
import path from "node:path"
import { fileURLToPath } from "node:url"

const here = path.dirname(fileURLToPath(import.meta.url))
const require = createRequire(import.meta.url)
const library = path.join(here, "..", "..", "bindings", "node", "lib")
const api = require(path.join(library, "index.js"))
const { PolicyText, policyText } = require(path.join(library, "options.js"))
const { snake } = require(path.join(library, "names.js"))
const { CODES, QUOTE_FIELDS, RESULT_FIELDS, VERIFY_OPTIONS } = require(path.join(library, "tables.js"))

const CLASSES = [[api.UsageError, "usage"], [api.RefusedError, "refused"], [api.UnavailableError, "unavailable"]]
const OPTION_NAMES = new Map(VERIFY_OPTIONS.map(([name, ours]) => [name, ours]))
const FIELD_NAMES = new Map([...QUOTE_FIELDS, ...RESULT_FIELDS].map(([name, ours]) => [ours, name]))

/** Fields by the core's names again, times as text. */
function coreFields(fields) {
    return Object.fromEntries(Object.entries(fields).map(([name, value]) =>
        [FIELD_NAMES.get(name) ?? snake(name), value instanceof Date ? value.toISOString().replace(".000Z", "Z") : value]))
}

function sorted(value) {
    if (Array.isArray(value)) return value.map(sorted)
    if (value === null || typeof value !== "object") return value
    return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]))
}

/** One line of the normalised outcome. */
export function lineOf(name, outcome) {
    return JSON.stringify(sorted({ name, ...outcome }))
}

/** The case's options by TypeScript's names; undefined where there are no such. */
function typescriptOptions(given) {
    const options = {}
    for (const [name, value] of Object.entries(given)) {
        if (!OPTION_NAMES.has(name)) return undefined
        options[OPTION_NAMES.get(name)] = name === "cache_ttl_s" ? value * 1000 : value
    }
    return options
}

/** Ordinary options where they say the same as the case's object; otherwise its text. */
function makeOptions(test) {
    if ("options_text" in test) return new PolicyText(test.options_text)
    const given = test.options ?? {}
    const options = typescriptOptions(given)
    try {
        if (options !== undefined && JSON.stringify(sorted(JSON.parse(policyText(options)))) === JSON.stringify(sorted(given))) return options
    } catch (error) {
        if (!(error instanceof api.RaTlsError)) throw error
    }
    return new PolicyText(JSON.stringify(given))
}

/** A verifier of the caller's that answers as its case says. */
class CaseVerifier {
    constructor(answer) {
        this.answer = answer
    }

    verify() {
        if ("claims" in this.answer) return this.answer.claims
        throw this.answer.reject === "refused" ? new api.RefusedError("as the case says") : new Error("as the case says")
    }
}

const quiet = () => {}

/** Intel Trust Authority's verifier, for the stand-in's service that does what the case says. */
function intelVerifier({ scenario, options = {} }, inputs) {
    const { authorities } = JSON.parse(fs.readFileSync(process.env.RATLS_INTEL_STANDIN, "utf8"))
    const there = authorities[scenario]
    const given = { base_url: there.api_url, portal_url: there.portal_url, ca_file: there.ca_file, pinned_roots: inputs.pinned_roots, ...options }
    const { api_key: key = there.api_key, ...rest } = given
    const named = Object.entries(rest).map(([name, value]) => [name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), value ?? undefined])
    return new api.IntelApiVerifier(key, { ...Object.fromEntries(named), log: quiet })
}

function makeVerifier(test, inputs) {
    const verifier = test.verifier ?? "dcap"
    if (verifier.intel !== undefined) return intelVerifier(verifier.intel, inputs)
    if (typeof verifier === "object") return new CaseVerifier(verifier.custom)
    if (verifier === "noop") return new api.NoopVerifier({ log: quiet })
    return new api.DcapVerifier({ collateral: inputs.collateral, trustAnchor: inputs.trust_anchor, log: quiet })
}

/** Options are read before the verifier is made, as the C runner does. */
function checkOptions(options) {
    const { policyOf } = require(path.join(library, "options.js"))
    require(path.join(library, "addon.js")).policyFree(policyOf(options))
}

const INSPECTIONS = { certificate: api.inspectCertificate, quote: api.inspectQuote, evidence: api.inspectEvidence, report: api.inspectReport }
const VERIFICATIONS = {
    verify_quote: ["quote", api.verifyQuote], verify_certificate: ["certificate", api.verifyCertificate],
    verify_evidence: ["evidence", api.verifyEvidence], verify_report: ["report", api.verifyReport],
}

/** What an inspection reads: the first of its inputs that the case has. */
function runInspect(inputs) {
    const [name] = Object.keys(INSPECTIONS).filter((name) => inputs[name])
    return { fields: coreFields(INSPECTIONS[name](inputs[name])) }
}

async function runVerify(test, inputs) {
    const options = makeOptions(test)
    checkOptions(options)
    const [input, verify] = VERIFICATIONS[test.operation]
    return { result: JSON.parse((await verify(makeVerifier(test, inputs), inputs[input], options)).json) }
}

/** One verification of a certificate; of what is accepted only whether the verdict was kept from an earlier turn. */
async function runTurn(turn, verifier, tests) {
    try {
        const certificate = fs.readFileSync(path.join(tests, turn.inputs.certificate))
        return { accepted: true, from_cache: (await api.verifyCertificate(verifier, certificate, makeOptions(turn))).fromCache }
    } catch (error) {
        return failureOf(error)
    }
}

async function runTurns(test, inputs, tests) {
    const verifier = makeVerifier(test, inputs)
    const turns = []
    for (const turn of test.turns) turns.push(await runTurn(turn, verifier, tests))
    return { turns }
}

async function runOperation(test, inputs, tests) {
    if (test.operation === "extract") {
        const quote = api.extractTdxQuote(inputs.certificate)
        return { quote: quote && { length: quote.length, sha256: createHash("sha256").update(quote).digest("hex") } }
    }
    if (test.operation === "inspect") return runInspect(inputs)
    return test.operation === "verify_in_turn" ? runTurns(test, inputs, tests) : runVerify(test, inputs)
}

function failureOf(error) {
    const kind = CLASSES.find(([base]) => error instanceof base)?.[1]
    if (kind === undefined) throw error
    return { accepted: false, code: error.code, class: kind, stage: error.stage, tcb: error.tcb && coreFields(error.tcb) }
}

/** The normalised outcome of a case. Throws an ordinary Error where the message is not the one that the case demands in TypeScript's spelling. */
export async function outcomeOf(test, tests) {
    const inputs = Object.fromEntries(Object.entries(test.inputs).map(([name, file]) => [name, fs.readFileSync(path.join(tests, file))]))
    try {
        return { accepted: true, ...(await runOperation(test, inputs, tests)) }
    } catch (error) {
        const expected = test.messages?.typescript ?? error.message
        if (error.message !== expected) throw new Error(`message differs\n  found    ${error.message}\n  expected ${expected}`)
        return failureOf(error)
    }
}

/** All cases in the order of their names; those of Intel Trust Authority only where its stand-in runs. Throws when there is none. */
export function loadCases(tests) {
    const directory = path.join(tests, "conformance", "cases")
    const names = fs.readdirSync(directory).flatMap((area) => fs.readdirSync(path.join(directory, area))
        .filter((file) => file.endsWith(".json")).map((file) => `${area}/${file.slice(0, -".json".length)}`)).sort()
    if (names.length === 0) throw new Error(`no cases in ${directory}`)
    return names.map((name) => [name, JSON.parse(fs.readFileSync(path.join(directory, `${name}.json`), "utf8"))])
        .filter(([, test]) => process.env.RATLS_INTEL_STANDIN || test.verifier?.intel === undefined)
}

async function main(tests) {
    const cases = loadCases(tests)
    let different = 0
    for (const [name, test] of cases) {
        const line = lineOf(name, await outcomeOf(test, tests))
        const expected = lineOf(name, test.expect)
        console.log(line)
        if (line !== expected) {
            different += 1
            console.error(`${name}: differs\n  found    ${line}\n  expected ${expected}`)
        }
    }
    console.error(`conformance: ${cases.length} cases, ${different} differ`)
    process.exitCode = different ? 1 : 0
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
    await main(process.argv[2] ?? path.join(here, ".."))
}
