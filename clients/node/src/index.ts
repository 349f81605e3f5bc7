/** pg, Prisma, Drizzle and Knex on PostgreSQL servers that prove to run inside a TEE. */
import { writeFile } from "node:fs/promises"
import type pg from "pg"
import type { VerifyResult } from "ra-tls-verify"

import { attested, CANCEL, cancellable, CLOSE, EVIDENCE, VERDICT, type Attested } from "./attested.js"
import { Channel } from "./channel.js"
import { AttestedClient, AttestedPool } from "./client.js"
import { openViaManifest, type ManifestConnection, type ManifestOptions } from "./manifest.js"
import type { RaTlsOptions } from "./options.js"
import { Adapter, type PrismaOptions, type RaTlsAdapter } from "./prisma.js"

export { RaTlsError, RefusedError, UnavailableError, UsageError } from "./errors.js"
export type { ManifestConnection, ManifestOptions } from "./manifest.js"
export type { LinkSettings, PgSettings, RaTlsOptions } from "./options.js"
export type { PrismaOptions, RaTlsAdapter } from "./prisma.js"
export { version } from "./version.js"

/** Settings for whatever makes pg's clients by itself (Knex), and the way that they lead. */
export interface AttestedSettings {
    /** For `new pg.Client(…)`: plain values, which may be copied. */
    readonly connection: Omit<pg.ClientConfig, "types"> & { host: string; port: number }
}

/** Verify that the server runs inside a genuine TEE, then connect a pg.Client to it.
 *
 * @param url connection URL, with pg's meaning (docs/typescript.md).
 * @param options who judges, what is accepted, pg's settings; not given: the defaults.
 * @returns an ordinary client, connected; no byte of it was sent before the verdict. Its end() closes its tunnel.
 * @throws UsageError, RefusedError, UnavailableError: no verdict, or a refusal. pg's errors: the server was accepted but would not connect.
 */
export function connect(url: string, options?: RaTlsOptions): Promise<pg.Client> {
    return AttestedClient.open(url, options)
}

/** Verify the server, then make a pg.Pool for it.
 *
 * Each connection of the pool is verified; a refusal rejects with the same error as here. end() closes the tunnel.
 *
 * @throws UsageError, RefusedError, UnavailableError
 */
export async function createPool(url: string, options?: RaTlsOptions): Promise<pg.Pool> {
    return new AttestedPool(await Channel.open(url, options))
}

/** Verify the server, then make a driver adapter for `new PrismaClient({ adapter })`.
 *
 * Needs `@prisma/adapter-pg`, of the major version of the Prisma in use: 6 (from 6.6) or 7. $disconnect() closes the tunnel.
 *
 * @throws UsageError, RefusedError, UnavailableError
 */
export function withRaTls(url: string, options?: PrismaOptions): Promise<RaTlsAdapter> {
    return Adapter.open(url, options)
}

/** Verify the server, then give the settings with which pg's clients reach it, for what makes them by itself. End with close().
 *
 * @throws UsageError, RefusedError, UnavailableError
 */
export async function attestedSettings(url: string, options?: RaTlsOptions): Promise<AttestedSettings> {
    const channel = await Channel.open(url, options)
    const settings: AttestedSettings & Attested = {
        connection: channel.poolConfig() as AttestedSettings["connection"],
        [VERDICT]: () => channel.result(),
        [EVIDENCE]: () => channel.evidence(),
        [CLOSE]: () => channel.close(),
    }
    return settings
}

/** Look a cluster's leader up in DNS, verify it, and open a way that follows it: each new connection goes to the leader of that moment.
 *
 * The record says where the leader is, never whom to trust: each one is attested. When another one leads, connections to the old one are
 * sent nothing more, may finish their answers for a while (`leaderDrainMs`), and end with SQLSTATE 57P01; a pool replaces them. For
 * `createPool`, `connect`, `withRaTls` and `attestedSettings` the option `leader` does the same.
 *
 * @param clusterDomain the record is looked up at _teesql-leader.DOMAIN
 * @param dsnTemplate connection URL with user, password, database and parameters; its host does not count
 * @param manifestSigner address of who signs the records: 40 hexadecimal digits, with or without 0x, or 20 bytes
 * @returns a connection string for any driver of this process, a pool that follows the leader, and close().
 * @throws UsageError, RefusedError, UnavailableError
 */
export function connectViaManifest(
    clusterDomain: string, dsnTemplate: string, manifestSigner: string | Uint8Array, options?: ManifestOptions,
): Promise<ManifestConnection> {
    return openViaManifest(clusterDomain, dsnTemplate, manifestSigner, options)
}

/** The verdict that a connection rests on: of a client, also of one that a pool lent. Of anything else that this package made: the newest.
 *
 * @throws UsageError: it was not made by this package.
 */
export function attestation(client: pg.ClientBase | pg.Pool | RaTlsAdapter | AttestedSettings | ManifestConnection): VerifyResult {
    return attested(client)[VERDICT]()
}

/** Write what the verdict on an open connection was reached from, so that `ratls verify --saved FILE` repeats it.
 *
 * @param path where to write the JSON; a file that is there is replaced.
 */
export async function saveEvidence(client: pg.ClientBase | pg.Pool | RaTlsAdapter | AttestedSettings | ManifestConnection, path: string): Promise<void> {
    await writeFile(path, `${JSON.stringify(attested(client)[EVIDENCE](), null, 2)}\n`)
}

/** Have the server cancel what a client runs, if it does; the query itself rejects then. The request is verified like every connection.
 *
 * @returns when the server has the request, which says nothing of its outcome.
 */
export async function cancel(client: pg.ClientBase): Promise<void> {
    await cancellable(client)[CANCEL]()
}

/** End a client, a pool, an adapter or settings, and close its tunnel. */
export function close(client: pg.ClientBase | pg.Pool | RaTlsAdapter | AttestedSettings | ManifestConnection): Promise<void> {
    return attested(client)[CLOSE]()
}
