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

/** Evidence that came without a certificate: an attestation envelope or JSON in bytes, JSON as text, or the parsed object of dstack's GetQuote or Attest. */
export type Evidence = Uint8Array | string | object

/**
 * Read evidence that came without a certificate: every field of its TDX quote, and the event log beside it. Nothing is verified.
 *
 * @throws RefusedError it cannot be read
 */
export declare function inspectEvidence(evidence: Evidence): QuoteFields

/**
 * Read the quote of a sidecar's attestation report: every field of it. Nothing is verified.
 *
 * @param report its JSON in bytes, or the parsed object
 * @throws RefusedError it cannot be read
 */
export declare function inspectReport(report: Uint8Array | object): QuoteFields

/**
 * The options that pin what this shows: the MRTD, RTMR0 to RTMR2 and, where an event log explains RTMR3, the application. Of what
 * was not verified it is as good as whoever sent it: verify under these options before relying on them.
 *
 * @param seen one of them
 * @throws RefusedError it cannot be read; UsageError it has no MRTD
 */
export declare function pinsOf(seen: {
    readonly certificate?: Uint8Array | string
    readonly quote?: Uint8Array
    readonly evidence?: Evidence
    readonly report?: Uint8Array | object
}): VerifyOptions

/**
 * The compose hash of an app-compose file, as dstack computes it: SHA-256 of its bytes, line breaks and all.
 *
 * @param file a path, or the file's content in bytes
 * @throws UsageError it is no JSON object, such as the docker-compose file inside of it
 */
export declare function composeHash(file: string | URL | Uint8Array): string

/**
 * The options that a policy file says, the same as the command's `--policy FILE`.
 *
 * @param policy a path, or the file's content in bytes
 * @throws UsageError it is unreadable, no JSON object, or has what no policy has
 */
export declare function loadPolicy(policy: string | URL | Uint8Array): VerifyOptions

export interface ReportSettings extends CallSettings {
    /** Authorities for https: a path, or PEM in bytes; not given: the system's. */
    readonly caFile?: string | URL | Uint8Array | undefined
    /** HTTP proxy; not given: http_proxy or https_proxy, or all_proxy of the environment, and its no_proxy; "": none. */
    readonly proxy?: string | undefined
    /** Hosts that are reached without the proxy, joined by commas. */
    readonly noProxy?: string | undefined
    /** Milliseconds for fetching; not given: those of the options, else 30000. */
    readonly timeoutMs?: number | undefined
}

/**
 * Fetch a sidecar's attestation report, for verifyReport. No redirect is followed, and its size is limited.
 *
 * @param url http:// or https://, usually http://HOST:8080/attestation
 * @returns the answer as it came
 * @throws UsageError it is no such URL; UnavailableError
 */
export declare function fetchReport(url: string | URL, settings?: ReportSettings): Promise<Buffer>

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
    /**
     * Verify evidence that came without a certificate: its quote, and that the event log beside it is the one that RTMR3 was
     * extended with, so that the result tells which application it is.
     *
     * It does not check that the evidence belongs to any connection, or how old it is: pin reportData for that.
     *
     * @throws UsageError, RefusedError, UnavailableError
     */
    verifyEvidence(evidence: Evidence, options?: VerifyOptions, call?: CallSettings): Promise<VerifyResult>
    /** verifyEvidence() in this thread, which waits. */
    verifyEvidenceSync(evidence: Evidence, options?: VerifyOptions): VerifyResult
    /**
     * Verify a sidecar's attestation report: its quote, that the rest repeats it, that the quote commits to LSN, control data and time,
     * and that it is not older than maxAgeS (60 seconds).
     *
     * A report is monitoring data: whoever has seen it can send it, and it belongs to no connection. keyBound is false.
     *
     * @param report where it is (http:// or https://), its JSON in bytes, or the parsed object
     * @throws UsageError, RefusedError, UnavailableError
     */
    verifyReport(report: string | URL | Uint8Array | object, options?: VerifyOptions, settings?: ReportSettings): Promise<VerifyResult>
    /** verifyReport() of a report that is there, in this thread, which waits. */
    verifyReportSync(report: Uint8Array | object, options?: VerifyOptions): VerifyResult
    /**
     * Fetch ahead the collateral that connections will need, so that none of them waits for it. Does nothing for a verifier that fetches
     * none; asks each part of a combined one.
     *
     * @throws UnavailableError it cannot be had; RefusedError a quote's certificates are not genuine; UsageError
     */
    warm(platforms: WarmPlatforms): Promise<void>
    /** Let go of what it holds; calls and tunnels that use it go on. May be called again. */
    close(): void
}

/** Of which kind a platform is that an FMSPC names, and limits of the call. */
export interface PlatformSettings extends CallSettings {
    /** Beside an FMSPC: the CA of the PCK certificates; not given: "platform". */
    readonly ca?: "platform" | "processor" | undefined
    /** Beside an FMSPC; not given: "tdx". */
    readonly tee?: "tdx" | "sgx" | undefined
    /** Milliseconds, for each platform; not given: 30000. */
    readonly timeoutMs?: number | undefined
}

/** Platforms whose collateral is meant: by what servers on them present, or by families (FMSPC, 12 hexadecimal digits). */
export interface WarmPlatforms extends PlatformSettings {
    readonly quotes?: readonly Uint8Array[] | undefined
    readonly certificates?: readonly (Uint8Array | string)[] | undefined
    readonly fmspcs?: readonly string[] | undefined
}

/** A platform: by exactly one of quote, certificate and fmspc. */
export interface Platform extends PlatformSettings {
    readonly quote?: Uint8Array | undefined
    readonly certificate?: Uint8Array | string | undefined
    readonly fmspc?: string | undefined
}

/** What a set of Intel's TCB data says of a platform. */
export interface CollateralVerdict {
    readonly tcb_evaluation_data_number: number | null
    readonly tcb_status: string | null
    readonly tcb_status_dcap: string | null
    readonly advisory_ids: readonly string[] | null
    readonly error: Code | null
    readonly expires_at: string | null
    readonly documents: { readonly [name: string]: string }
}

/** What a platform has to expect (docs/collateral.md). */
export interface CollateralCheck {
    readonly fmspc: string
    readonly ca: string
    readonly tee: string
    readonly checked_at: string
    readonly standard: CollateralVerdict
    readonly early: CollateralVerdict
    /** There is a warning. */
    readonly attention: boolean
    readonly warnings: readonly { readonly code: string; readonly message: string }[]
}

export interface DcapSettings {
    /** The collateral bundle (docs/collateral.md): a path, its JSON text in bytes, or the parsed object. With it nothing is fetched. */
    readonly collateral?: string | URL | Uint8Array | object | undefined
    /** A service to fetch collateral from, a PCCS or Intel's own; not given: Intel's. */
    readonly pccsUrl?: string | undefined
    /** Several, asked in this order. */
    readonly pccsUrls?: readonly string[] | undefined
    /** For each of pccsUrls the authorities for its TLS: a path, or PEM in bytes; "": those of caFile. */
    readonly pccsCaFiles?: readonly (string | URL | Uint8Array)[] | undefined
    /** Authorities for TLS: a path, or PEM in bytes; not given: the system's. */
    readonly caFile?: string | URL | Uint8Array | undefined
    /** HTTP proxy; not given: https_proxy or all_proxy of the environment, and its no_proxy; "": none. */
    readonly proxy?: string | undefined
    /** Hosts that are reached without the proxy, joined by commas. */
    readonly noProxy?: string | undefined
    /** Directory that keeps what was fetched, for all processes of this user; not given: $XDG_CACHE_HOME/ratls or ~/.cache/ratls; "": memory alone. */
    readonly cacheDir?: string | undefined
    /** Which set of Intel's TCB data is fetched; not given: "standard". */
    readonly update?: "standard" | "early" | undefined
    /** Limit of one request in milliseconds; not given: 15000. */
    readonly attemptTimeoutMs?: number | undefined
    /** Limit of one connection in milliseconds; not given: 5000. */
    readonly httpConnectTimeoutMs?: number | undefined
    /** Root certificate that replaces Intel's: a path, or PEM or DER in bytes. */
    readonly trustAnchor?: string | URL | Uint8Array | undefined
    /** Gets each warning; not given: process.emitWarning. */
    readonly log?: ((message: string) => void) | undefined
}

/**
 * Checks quotes against Intel's signing chain on this machine.
 *
 * Collateral is fetched when it is needed, from Intel's service unless another is named, and kept in memory and on disk for all processes
 * of this user; nothing is fetched for a quote whose certificates do not end in the trust anchor.
 */
export declare class DcapVerifier extends BuiltInVerifier {
    /** @throws UsageError a file is unreadable, or a setting is not valid; UnavailableError the bundle is malformed */
    constructor(settings?: DcapSettings)
    /**
     * The collateral of a platform as a bundle, which the setting `collateral` takes.
     *
     * @param platform `refresh` asks the service also for what the cache has
     * @throws UnavailableError, RefusedError, UsageError
     */
    fetchCollateral(platform: Platform & { readonly refresh?: boolean | undefined }): Promise<{ [member: string]: string }>
    /**
     * What the platform of a quote has to expect when Intel's early set of TCB data becomes the standard one, and what expires soon.
     *
     * @param platform by a quote or a certificate; `warnDays`: days of life below which it warns (7)
     * @throws UnavailableError, RefusedError, UsageError
     */
    checkCollateral(platform: Platform & { readonly warnDays?: number | undefined }): Promise<CollateralCheck>
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

// ---------------------------------------------------------------- the leader of a cluster

export interface LeaderSettings {
    /** Address of the cluster that records must name, in hexadecimal or its 20 bytes; not given: any. */
    readonly clusterAddress?: string | Uint8Array | undefined
    /** DNS servers to ask, in this order: ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; not given: the system's. */
    readonly dnsServers?: readonly string[] | undefined
    /** Existing directory where the newest record is kept, so that no later process takes an older one; not given: memory alone. */
    readonly stateDir?: string | undefined
    /** Milliseconds for one look-up; not given: 5000. */
    readonly timeoutMs?: number | undefined
    /** Milliseconds that a look-up serves new connections, and between two of them while connections are open; not given: 5000. */
    readonly refreshMs?: number | undefined
    /** When records must be valid (a Date, or seconds since 1970); not given: now. */
    readonly now?: Date | number | undefined
    /** Gets each warning; not given: process.emitWarning. */
    readonly log?: ((message: string) => void) | undefined
}

/** Who leads, as the cluster's signer says. */
export interface LeaderRecord {
    /** Where to dial. */
    readonly host: string
    readonly port: number
    readonly leaderUrl: string
    /** Hexadecimal. */
    readonly leaderInstance: string
    /** The cluster's address. */
    readonly cluster: string
    /** A later leader has a higher one. */
    readonly epoch: bigint
    readonly validUntil: Date
    /** Who signed. */
    readonly signer: string
}

/**
 * A cluster, known by its domain and by who signs the records that name its leader (DNS, TXT of _teesql-leader.DOMAIN).
 *
 * A record says where the leader is, never whom to trust: what answers there is attested like every server. Keep one for each
 * cluster as long as the process runs: it remembers the highest epoch that it has accepted, and refuses lower ones.
 */
export declare class Leader {
    /**
     * Nothing is looked up yet.
     *
     * @param signer its address: 40 hexadecimal digits, with or without 0x, or 20 bytes
     * @throws UsageError
     */
    constructor(domain: string, signer: string | Uint8Array, settings?: LeaderSettings)
    readonly domain: string
    /**
     * Look the leader up, now: of the records that are signed, valid and of this cluster, the one with the highest epoch.
     *
     * @throws RefusedError what is published is not acceptable (LEADER_SIGNATURE, LEADER_EXPIRED, LEADER_EPOCH, …); UnavailableError
     */
    find(call?: CallSettings): Promise<LeaderRecord>
    /** Let go of it; tunnels that follow it go on. May be called again. */
    close(): void
}

/** BuiltInVerifier.verify() for any verifier, your own too: the core applies the options. */
export declare function verifyQuote(
    verifier: RaTlsVerifier, quote: Uint8Array, options?: VerifyOptions, call?: CallSettings): Promise<VerifyResult>

/** BuiltInVerifier.verifyCertificate() for any verifier, your own too: the core applies options and key binding. */
export declare function verifyCertificate(
    verifier: RaTlsVerifier, certificate: Uint8Array | string, options?: VerifyOptions, call?: CallSettings): Promise<VerifyResult>

/** BuiltInVerifier.verifyEvidence() for any verifier, your own too: the core replays the event log and applies the options. */
export declare function verifyEvidence(verifier: RaTlsVerifier, evidence: Evidence, options?: VerifyOptions, call?: CallSettings): Promise<VerifyResult>

/** BuiltInVerifier.verifyReport() for any verifier, your own too: the core compares the report with the quote and applies the options. */
export declare function verifyReport(
    verifier: RaTlsVerifier, report: string | URL | Uint8Array | object, options?: VerifyOptions, settings?: ReportSettings): Promise<VerifyResult>
