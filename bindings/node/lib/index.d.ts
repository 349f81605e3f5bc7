/// <reference types="node" />
import type { Code, QuoteFields, ResultFields, Stage, VerifyOptions } from "./tables.js"

export type { Code, PinField, Pins, QuoteFields, Stage, VerifyOptions } from "./tables.js"

/** The package's version, which is the core's. */
export declare const version: string

// ---------------------------------------------------------------- failures

/** What an error knows besides its message. */
export interface ErrorDetails {
    code?: Code
    stage?: Stage
    details?: Record<string, string>
    tcb?: Partial<ResultFields> | null
    cause?: unknown
}

/** Base of every failure. `message` says what was found, what was expected and which option would change it. */
export declare class RaTlsError extends Error {
    constructor(message: string, known?: ErrorDetails)
    /** The check that failed, for example "MRTD_NOT_ALLOWED" (docs/reference/codes.md). */
    code: Code
    /** Where it failed. */
    stage: Stage
    /** What the check knew, by name ("found", "expected", …); texts. */
    details: Record<string, string>
    /** What was known of the TCB when it failed (tcbStatus and its parts); null unless a TCB verdict had been reached. */
    tcb: Partial<ResultFields> | null
}

/** Arguments or options are wrong, or a file is unreadable. */
export declare class UsageError extends RaTlsError {
    private readonly class: "usage"
}

/** The evidence was checked and is not acceptable. */
export declare class RefusedError extends RaTlsError {
    private readonly class: "refused"
}

/** It could not be checked: network, timeout, cancelled, missing or expired collateral. */
export declare class UnavailableError extends RaTlsError {
    private readonly class: "unavailable"
}

// ---------------------------------------------------------------- evidence, without judgement

/**
 * Take the TDX quote out of an RA-TLS leaf certificate. Nothing is verified.
 *
 * @param certificate DER, or PEM in bytes or text
 * @returns exactly the quote, without what may follow it; null for a certificate with no RA-TLS extension
 * @throws RefusedError an extension is there but does not hold a usable TDX quote
 */
export declare function extractTdxQuote(certificate: Uint8Array | string): Buffer | null

/**
 * Read every field of a TDX (v4, v5) or SGX (v3, v4, v5) quote. Nothing is verified.
 *
 * @throws RefusedError the bytes are no quote that can be read
 */
export declare function inspectQuote(quote: Uint8Array): QuoteFields

/**
 * Read what an RA-TLS leaf certificate carries: every field of its TDX quote, and the event log. Nothing is verified.
 *
 * @param certificate DER, or PEM in bytes or text
 * @returns the fields; all null for a certificate with no RA-TLS extension
 * @throws RefusedError an extension is there but does not hold a usable TDX quote
 */
export declare function inspectCertificate(certificate: Uint8Array | string): QuoteFields

// ---------------------------------------------------------------- verdicts

/**
 * What a verification established. There is no result without acceptance: a refusal is an error.
 *
 * Measurements are lower-case hexadecimal in memory order and always from the quote.
 */
export declare class VerifyResult {
    private constructor()
    /** Every field as one flat JSON object by the core's names, null where not known (docs/result.schema.json). */
    readonly json: string
}
export interface VerifyResult extends ResultFields {}

/** Settings of one call. */
export interface CallSettings {
    /** Ends the call early: UnavailableError, code CANCELLED. */
    readonly signal?: AbortSignal | undefined
}

/** What an own verifier may claim: the TCB part of a result; tcbStatus must be there. Measurements always come from the quote. */
export type Claims = {
    readonly tcbStatus: string
} & {
    readonly [name in Exclude<(typeof CLAIMS)[number], "tcbStatus" | "tcbDate" | "collateralExpiresAt">]?: ResultFields[name]
} & {
    readonly tcbDate?: Date | string | null
    readonly collateralExpiresAt?: Date | string | null
}

/** Names of what may be claimed. */
export declare const CLAIMS: readonly ["tcbStatus", "tcbStatusDcap", "platformTcbStatus", "tdxModuleTcbStatus", "qeTcbStatus", "tcbDate",
    "advisoryIds", "fmspc", "ppid", "platformInstanceId", "tcbEvaluationDataNumber", "collateralExpiresAt"]

/**
 * Who judges a quote: one built in, or your own, accepted wherever a verifier is.
 *
 * Your own gets a quote and the options of the verification, and gives claims, or throws: a RefusedError says that the quote
 * is not acceptable, anything else that it could not be checked. The core then applies options and key binding as for every
 * verifier, and waits no longer than the deadline. One object may be asked by several connections at once, and its verdicts
 * are kept.
 */
export interface RaTlsVerifier {
    verify(quote: Uint8Array, options: VerifyOptions): Claims | VerifyResult | Promise<Claims | VerifyResult>
}

/** What every built-in verifier can do. */
export declare abstract class BuiltInVerifier implements RaTlsVerifier {
    protected constructor()
    /**
     * Verify a quote that came without a certificate, without blocking the event loop.
     *
     * It does not check that the quote belongs to any connection: use verifyCertificate, or pin reportData.
     *
     * @throws UsageError, RefusedError, UnavailableError
     */
    verify(quote: Uint8Array, options?: VerifyOptions, call?: CallSettings): Promise<VerifyResult>
    /** verify() in this thread, which waits. */
    verifySync(quote: Uint8Array, options?: VerifyOptions): VerifyResult
    /**
     * Verify an RA-TLS leaf certificate: its quote, and that the quote commits to the certificate's key.
     *
     * It does not check the host name, the certificate's dates, or that the peer holds the key (TLS proves that).
     *
     * @param certificate DER, or PEM in bytes or text
     * @throws UsageError, RefusedError, UnavailableError
     */
    verifyCertificate(certificate: Uint8Array | string, options?: VerifyOptions, call?: CallSettings): Promise<VerifyResult>
    /** verifyCertificate() in this thread, which waits. */
    verifyCertificateSync(certificate: Uint8Array | string, options?: VerifyOptions): VerifyResult
    /** Let go of what it holds; calls and tunnels that use it go on. May be called again. */
    close(): void
}

export interface DcapSettings {
    /** The collateral bundle (docs/collateral.md): a path, its JSON text in bytes, or the parsed object. */
    readonly collateral?: string | URL | Uint8Array | object | undefined
    /** Root certificate that replaces Intel's: a path, or PEM or DER in bytes. */
    readonly trustAnchor?: string | URL | Uint8Array | undefined
    /** Gets each warning; not given: process.emitWarning. */
    readonly log?: ((message: string) => void) | undefined
}

/** Checks quotes against Intel's signing chain on this machine. */
export declare class DcapVerifier extends BuiltInVerifier {
    /** @throws UsageError a file is unreadable, or the trust anchor is no root certificate; UnavailableError the bundle is malformed */
    constructor(settings?: DcapSettings)
}

export interface NoopSettings {
    /** Gets each warning; not given: process.emitWarning. */
    readonly log?: ((message: string) => void) | undefined
}

/** Checks no signature: for development. The options and the key binding still hold, and a quote must be there. */
export declare class NoopVerifier extends BuiltInVerifier {
    constructor(settings?: NoopSettings)
}

export interface IntelSettings {
    /** "us" (the default) or "eu". */
    readonly region?: "us" | "eu" | undefined
    /** Another service than the region's: https, without a path; beside it portalUrl. */
    readonly baseUrl?: string | undefined
    readonly portalUrl?: string | undefined
    /** 2 (the default) or 1. */
    readonly apiVersion?: 1 | 2 | undefined
    /** Appraisal policies (UUIDs), each of which must match. */
    readonly policyIds?: readonly string[] | undefined
    /** Ask for no token at all unless every policy matches. */
    readonly policyMustMatch?: boolean | undefined
    /** Accept although a policy that was not asked for did not match. */
    readonly allowUnmatchedPolicies?: boolean | undefined
    /** The first is asked for; not given: PS384 alone. */
    readonly allowedAlgorithms?: readonly ("PS384" | "RS256")[] | undefined
    /** Root certificates that the token's signing chain must end in: a path, PEM in bytes, or one in DER. */
    readonly pinnedRoots?: string | URL | Uint8Array | undefined
    /** When revocation cannot be checked: "hard" (refuse, the default), "soft" (accept, warn, list `intel_crl` in `waived`), "off" (do not ask). */
    readonly crlPolicy?: "hard" | "soft" | "off" | undefined
    /** Hosts beside the portal's that revocation lists may come from. */
    readonly crlHosts?: readonly string[] | undefined
    /** Accept signing chains that are valid but not strictly as RFC 5280 has them. */
    readonly relaxedChain?: boolean | undefined
    /** Least size of the token's signing key; not given: 3072. */
    readonly minRsaBits?: number | undefined
    /** Authorities that web servers are verified with: a path, or PEM in bytes; not given: the system's. */
    readonly caFile?: string | URL | Uint8Array | undefined
    /** HTTP proxy; not given: https_proxy or all_proxy of the environment, and its no_proxy; "": none. */
    readonly proxy?: string | undefined
    /** Hosts that are reached without the proxy, joined by commas. */
    readonly noProxy?: string | undefined
    /** Times that a request is tried; not given: 3. */
    readonly attempts?: number | undefined
    /** Limit of one attempt in milliseconds; not given: 15000 for the appraisal, 10000 for keys and revocation lists. */
    readonly attemptTimeoutMs?: number | undefined
    /** Limit of one connection in milliseconds; not given: 5000. */
    readonly httpConnectTimeoutMs?: number | undefined
    /** Not given: 2 for Intel's own service, no limit for another; negative: no limit. */
    readonly requestsPerSecond?: number | undefined
    /** Gets each warning; not given: process.emitWarning. */
    readonly log?: ((message: string) => void) | undefined
}

/**
 * Asks Intel Trust Authority, and checks its signed answer: that Intel signed it, just now, about the very quote that was
 * sent. The quote, and nothing else, goes to Intel's servers.
 */
export declare class IntelApiVerifier extends BuiltInVerifier {
    /**
     * @param apiKey an attestation key; not given or "": INTEL_TRUST_AUTHORITY_API_KEY of the environment
     * @throws UsageError INTEL_API_KEY_MISSING, a setting is not valid, a file is unreadable
     */
    constructor(apiKey?: string, settings?: IntelSettings)
}

/** Accepts only what each of several verifiers accepts: the worst TCB status, the union of the advisories. */
export declare class AllVerifiers extends BuiltInVerifier {
    /**
     * @param verifiers 1 to 8, asked in this order; with one of your own among them, verifySync() and verifyCertificateSync() are a UsageError
     * @throws UsageError there are none or too many, or one of them checks no signature (NoopVerifier)
     */
    constructor(...verifiers: RaTlsVerifier[])
}

/**
 * Asks several verifiers in turn until one could check: the next one is asked only when one could not (network, timeout,
 * missing collateral), never after a refusal.
 */
export declare class FirstVerifier extends BuiltInVerifier {
    /**
     * @param verifiers as for AllVerifiers
     * @throws UsageError as AllVerifiers does
     */
    constructor(...verifiers: RaTlsVerifier[])
}

/** BuiltInVerifier.verify() for any verifier, your own too: the core applies the options. */
export declare function verifyQuote(
    verifier: RaTlsVerifier, quote: Uint8Array, options?: VerifyOptions, call?: CallSettings): Promise<VerifyResult>

/** BuiltInVerifier.verifyCertificate() for any verifier, your own too: the core applies options and key binding. */
export declare function verifyCertificate(
    verifier: RaTlsVerifier, certificate: Uint8Array | string, options?: VerifyOptions, call?: CallSettings): Promise<VerifyResult>
