"use strict"
// Who judges a quote.

const addon = require("./addon.js")
const collateral = require("./collateral.js")
const { failure } = require("./errors.js")
const { HandlesByOptions, OneHandle } = require("./handles.js")
const { kindOf } = require("./inputs.js")
const { intelOptions } = require("./intel.js")
const { CERTIFICATE, EVIDENCE, QUOTE, REPORT, checkOptions, judgeLater, judgeNow, whileAsked } = require("./judging.js")
const { warn } = require("./log.js")
const { isVerifier, ownHandle } = require("./own.js")
const { fetchReport, isAddress } = require("./report.js")
const settings = require("./settings.js")

/** @typedef {import("./native.js").Verifier} Handle */
/** @typedef {InstanceType<typeof OneHandle> | InstanceType<typeof HandlesByOptions>} Handles */
/** @typedef {import("./judging.js").Call} Call */

/** @type {(verifier: unknown) => Handles | undefined} */
let builtInHandles
/** @type {(verifier: unknown) => ((message: string) => void) | undefined} */
let builtInLog

/** A verifier that this package made. */
class BuiltIn {
    /** @type {Handles | null} */
    #handles
    #log

    static {
        builtInHandles = (verifier) => {
            if (typeof verifier !== "object" || verifier === null || !(#handles in verifier)) return undefined
            return verifier.#open()
        }
        builtInLog = (verifier) => (typeof verifier === "object" && verifier !== null && #log in verifier ? verifier.#log : undefined)
    }

    /** @param {Function} kind @param {Function} made @param {Handles} handles @param {(message: string) => void} log */
    constructor(kind, made, handles, log) {
        // A tunnel asks the core, not the subclass: an overridden method would be a check that never runs.
        if (kind !== made) throw new TypeError(`${made.name}: built-in verifiers cannot be subclassed; write an object with verify(quote, options)`)
        this.#handles = handles
        this.#log = log
    }

    #open() {
        if (this.#handles === null) throw failure("ARGUMENT_INVALID", { argument: "verifier", what: "it is closed" })
        return this.#handles
    }

    /** The handle for a call that keeps this thread waiting. @param {unknown} options */
    #openNow(options) {
        const handles = this.#open()
        if (!handles.isCores) {
            throw failure("ARGUMENT_INVALID", { argument: "verifier", what: "one of yours is part of it, which this thread must be free to ask" })
        }
        return handles.of(options)
    }

    /** @param {unknown} quote @param {unknown} [options] @param {Call} [call] */
    async verify(quote, options, call) {
        this.#open()
        return verifyQuote(this, quote, options, call)
    }

    /** @param {unknown} quote @param {unknown} [options] */
    verifySync(quote, options) {
        return judgeNow(QUOTE, this.#openNow(options), quote, options)
    }

    /** @param {unknown} certificate @param {unknown} [options] @param {Call} [call] */
    async verifyCertificate(certificate, options, call) {
        this.#open()
        return verifyCertificate(this, certificate, options, call)
    }

    /** @param {unknown} certificate @param {unknown} [options] */
    verifyCertificateSync(certificate, options) {
        return judgeNow(CERTIFICATE, this.#openNow(options), certificate, options)
    }

    /** @param {unknown} evidence @param {unknown} [options] @param {Call} [call] */
    async verifyEvidence(evidence, options, call) {
        this.#open()
        return verifyEvidence(this, evidence, options, call)
    }

    /** @param {unknown} evidence @param {unknown} [options] */
    verifyEvidenceSync(evidence, options) {
        return judgeNow(EVIDENCE, this.#openNow(options), evidence, options)
    }

    /** @param {unknown} report @param {unknown} [options] @param {unknown} [settings] */
    async verifyReport(report, options, settings) {
        this.#open()
        return verifyReport(this, report, options, settings)
    }

    /** @param {unknown} report @param {unknown} [options] */
    verifyReportSync(report, options) {
        return judgeNow(REPORT, this.#openNow(options), report, options)
    }

    /** @param {unknown} platforms */
    async warm(platforms) {
        return collateral.warm(this.#open().of(undefined), platforms)
    }

    close() {
        this.#handles?.free()
        this.#handles = null
    }
}

class DcapVerifier extends BuiltIn {
    /** @param {import("./index.js").DcapSettings} [given] */
    constructor(given) {
        const options = collateral.dcapOptions(given)
        super(DcapVerifier, new.target, new OneHandle(addon.verifierNewDcap(options)), options.log)
    }

    /** @param {unknown} platform */
    async fetchCollateral(platform) {
        return collateral.fetchCollateral(handleOf(this, undefined), platform)
    }

    /** @param {unknown} platform */
    async checkCollateral(platform) {
        return collateral.checkCollateral(handleOf(this, undefined), platform)
    }
}

class NoopVerifier extends BuiltIn {
    /** @param {import("./index.js").NoopSettings} [given] */
    constructor(given) {
        const { log = warn } = settings.readSettings(given, { log: settings.log })
        super(NoopVerifier, new.target, new OneHandle(addon.verifierNewNoop({ log })), log)
    }
}

class IntelApiVerifier extends BuiltIn {
    /** @param {string} [apiKey] @param {import("./index.js").IntelSettings} [given] */
    constructor(apiKey, given) {
        const options = intelOptions(apiKey, given)
        super(IntelApiVerifier, new.target, new OneHandle(addon.verifierNewIntel(options)), options.log)
    }
}

/**
 * Handles of a verifier made of others: one, unless a verifier of the caller's among them has one for each set of options.
 *
 * @param {unknown[]} verifiers
 * @param {typeof addon.verifierNewAll} make
 */
function combined(verifiers, make) {
    for (const verifier of verifiers) {
        if (!isVerifier(verifier)) throw failure("ARGUMENT_INVALID", { argument: "verifiers", what: `expected verifiers, found ${kindOf(verifier)}` })
    }
    /** @param {unknown} options */
    const of = (options) => make(verifiers.map((verifier) => handleOf(verifier, options)), { log: warn })
    if (verifiers.every((verifier) => builtInHandles(verifier)?.isCores)) return new OneHandle(of(undefined))
    const handles = new HandlesByOptions(of)
    handles.of(undefined) // what is wrong is told now
    return handles
}

class AllVerifiers extends BuiltIn {
    /** @param {unknown[]} verifiers */
    constructor(...verifiers) {
        super(AllVerifiers, new.target, combined(verifiers, addon.verifierNewAll), warn)
    }
}

class FirstVerifier extends BuiltIn {
    /** @param {unknown[]} verifiers */
    constructor(...verifiers) {
        super(FirstVerifier, new.target, combined(verifiers, addon.verifierNewFirst), warn)
    }
}

/** The core's verifier, of one built in or the caller's own. @param {unknown} verifier @param {unknown} options */
function handleOf(verifier, options) {
    return builtInHandles(verifier)?.of(options) ?? ownHandle(verifier, options)
}

/** Where a verifier's warnings go. @param {unknown} verifier */
function logOf(verifier) {
    return builtInLog(verifier) ?? warn
}

/** @param {unknown} verifier @param {unknown} quote @param {unknown} [options] @param {Call} [call] */
async function verifyQuote(verifier, quote, options, call) {
    return whileAsked(verifier, judgeLater(QUOTE, handleOf(verifier, options), quote, options, call))
}

/** @param {unknown} verifier @param {unknown} certificate @param {unknown} [options] @param {Call} [call] */
async function verifyCertificate(verifier, certificate, options, call) {
    return whileAsked(verifier, judgeLater(CERTIFICATE, handleOf(verifier, options), certificate, options, call))
}

/** @param {unknown} verifier @param {unknown} evidence @param {unknown} [options] @param {Call} [call] */
async function verifyEvidence(verifier, evidence, options, call) {
    return whileAsked(verifier, judgeLater(EVIDENCE, handleOf(verifier, options), evidence, options, call))
}

/** @param {unknown} verifier @param {unknown} report @param {unknown} [options] @param {unknown} [settings] */
async function verifyReport(verifier, report, options, settings) {
    if (!isAddress(report)) {
        return whileAsked(verifier, judgeLater(REPORT, handleOf(verifier, options), report, options, /** @type {Call | undefined} */ (settings)))
    }
    checkOptions(options)
    const { timeoutMs } = /** @type {import("./index.js").VerifyOptions} */ (options ?? {})
    const content = await fetchReport(report, { timeoutMs, .../** @type {object} */ (settings) })
    return verifyReport(verifier, content, options, settings)
}

module.exports = {
    AllVerifiers, DcapVerifier, FirstVerifier, IntelApiVerifier, NoopVerifier, handleOf, logOf, verifyCertificate, verifyEvidence, verifyQuote, verifyReport,
}
