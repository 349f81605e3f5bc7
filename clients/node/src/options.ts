/** The options of every function of this package, told apart: whose they are. */
import type pg from "pg"
import { DcapVerifier, type RaTlsVerifier, type VerifyOptions } from "ra-tls-verify"
import type { TunnelSettings } from "ra-tls-verify/tunnel"

import { failure } from "./errors.js"

/** Settings of pg's clients and pools that may be given beside the URL. What the URL says counts first, as with pg. */
export type PgSettings = Pick<pg.PoolConfig, (typeof PG_SETTINGS)[number] & keyof pg.PoolConfig>

const PG_SETTINGS = [
    "user", "password", "database", "application_name", "fallback_application_name", "client_encoding", "options", "statement_timeout",
    "lock_timeout", "idle_in_transaction_session_timeout", "query_timeout", "types", "keepAlive", "keepAliveInitialDelayMillis",
    "connectionTimeoutMillis", "max", "min", "idleTimeoutMillis", "maxUses", "maxLifetimeSeconds", "allowExitOnIdle", "log",
    "onConnect",
] as const

/** How the server is reached, and what this client shows of itself. What the URL says counts first here, too. */
export type LinkSettings = Pick<TunnelSettings, (typeof LINK_SETTINGS)[number]>

const LINK_SETTINGS = [
    "leader", "leaderDrainMs", "clientAttestation", "dstackSocket", "dstackTimeoutMs", "startTls", "handshakeTimeoutMs", "tcpUserTimeoutMs",
    "keepaliveIdleS", "keepaliveIntervalS", "keepaliveCount",
] as const

/** What is accepted (VerifyOptions), who judges, how the server is reached, and pg's settings. */
export interface RaTlsOptions extends VerifyOptions, LinkSettings, PgSettings {
    /** Who judges. Not given: one `DcapVerifier()` for the process. */
    verifier?: RaTlsVerifier
    /** Ends the opening early. */
    signal?: AbortSignal
}

/** The same, told apart. */
export interface Split {
    readonly verifier: RaTlsVerifier
    /** Everything that is nobody else's; the verification refuses names that it does not know. */
    readonly policy: VerifyOptions
    readonly link: LinkSettings
    readonly settings: PgSettings
    readonly signal: AbortSignal | undefined
}

/** Options for whom.
 *
 * @throws UsageError, for what is no object of options.
 */
export function tellApart(options: RaTlsOptions | undefined): Split {
    if (options !== undefined && (typeof options !== "object" || options === null || Array.isArray(options))) {
        throw failure("ARGUMENT_INVALID", { argument: "options", what: "expected an object" })
    }
    const { verifier, signal, ...rest } = options ?? {}
    const given = Object.entries(rest).filter(([, value]) => value !== undefined)
    const those = (names: readonly string[]) => Object.fromEntries(given.filter(([name]) => names.includes(name)))
    const policy = Object.fromEntries(given.filter(([name]) => !OTHERS.includes(name)))
    return { verifier: verifier ?? defaultVerifier(), policy, link: those(LINK_SETTINGS), settings: those(PG_SETTINGS), signal }
}

const OTHERS: readonly string[] = [...LINK_SETTINGS, ...PG_SETTINGS]

let shared: RaTlsVerifier | undefined

/** One for the process, so that its verdicts are kept. */
function defaultVerifier(): RaTlsVerifier {
    shared ??= new DcapVerifier()
    return shared
}
