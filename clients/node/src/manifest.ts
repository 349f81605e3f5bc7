/** The way to whoever leads a cluster, by the record that its signer publishes in DNS. */
import type pg from "pg"
import { Leader, type LeaderSettings, type VerifyResult } from "ra-tls-verify"

import { CLOSE, EVIDENCE, VERDICT, type Attested } from "./attested.js"
import { Channel } from "./channel.js"
import { AttestedPool } from "./client.js"
import { failure } from "./errors.js"
import type { PgSettings, RaTlsOptions } from "./options.js"

/** Options of connectViaManifest() beside those of every function. */
export interface ManifestOptions extends Omit<RaTlsOptions, "leader"> {
    /** How the record is looked up. */
    lookup?: Omit<LeaderSettings, "log">
}

/** A way to a cluster's leader, whoever it is; end with close(). */
export interface ManifestConnection {
    /** For any driver of this process: each of its connections goes to the leader of that moment. It may hold the password. */
    readonly dsn: string
    /** Who leads. */
    readonly leader: Leader
    /** A pool whose connections follow the leader. It ends by itself, with end().
     *
     * @param settings pg's, beside those of connectViaManifest()
     * @throws UsageError, RefusedError, UnavailableError
     */
    createPool(settings?: PgSettings): Promise<pg.Pool>
    /** Close it; pools that were made go on. May be called again. */
    close(): Promise<void>
}

/** One for each cluster, as long as the process runs: it remembers how far the cluster was. */
const leaders = new Map<string, Leader>()

/** The leader of a cluster, the same for the same arguments. */
function leaderOf(domain: string, signer: string | Uint8Array, lookup: Omit<LeaderSettings, "log"> | undefined): Leader {
    const said = [domain, typeof signer === "string" ? signer : Array.from(signer), lookup ?? {}]
    const key = JSON.stringify(said, (_, value) => value instanceof Uint8Array ? Array.from(value) : value)
    const leader = leaders.get(key) ?? new Leader(domain, signer, lookup)
    leaders.set(key, leader)
    return leader
}

/** Look the leader up, verify it, and open the way to it; see connectViaManifest(). */
export async function openViaManifest(
    domain: string, dsnTemplate: string, signer: string | Uint8Array, { lookup, ...options }: ManifestOptions = {},
): Promise<ManifestConnection> {
    if ("leader" in options) {
        throw failure("OPTION_UNKNOWN", { found: "leader" })
    }
    if (typeof options.password === "function") {
        throw failure("ARGUMENT_INVALID", { argument: "password", what: "expected a string: a connection string holds no function" })
    }
    const leader = leaderOf(domain, signer, lookup)
    const given = { ...options, leader }
    const channel = await Channel.open(dsnTemplate, given)
    // The signal was for the opening that the caller waits for.
    const { signal: _, ...later } = given
    const connection: ManifestConnection & Attested = {
        dsn: channel.dsn(),
        leader,
        createPool: async (settings) => new AttestedPool(await Channel.open(dsnTemplate, { ...later, ...settings })),
        close: () => channel.close(),
        [VERDICT]: (): VerifyResult => channel.result(),
        [EVIDENCE]: () => channel.evidence(),
        [CLOSE]: () => channel.close(),
    }
    return connection
}
