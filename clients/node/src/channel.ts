/** The attested way to one server, and what pg is told in order to go it. */
import type pg from "pg"
import type { VerifyResult } from "ra-tls-verify"
import { Tunnel, type TunnelSettings } from "ra-tls-verify/tunnel"

import { tellApart, type RaTlsOptions, type Split } from "./options.js"
import { dsnThroughTunnel, resolve, throughTunnel, type Target } from "./target.js"

/** How long closing waits for clients to say goodbye to the server. */
const GOODBYE_MS = 2000

/** One use of a tunnel, which closes with the last. */
export class Channel {
    readonly #tunnel: Tunnel
    readonly #target: Target
    readonly #start: number
    readonly #ends = new Set<Promise<void>>()
    #closed: Promise<void> | undefined

    private constructor(tunnel: Tunnel, target: Target, start: number) {
        this.#tunnel = tunnel
        this.#target = target
        this.#start = start
    }

    /** Verify the server that the URL names, and open the way to it.
     *
     * @throws UsageError, RefusedError, UnavailableError
     */
    static async open(url: string, options?: RaTlsOptions): Promise<Channel> {
        const start = performance.now()
        const given = tellApart(options)
        const target = await resolve(url, given.settings, given.link.leader?.domain)
        return new Channel(await Tunnel.open(given.verifier, opening(target, given)), target, start)
    }

    /** PostgreSQL schema that the URL names. */
    get schema(): string | undefined {
        return this.#target.schema
    }

    /** For any driver that takes a connection string. */
    dsn(): string {
        return dsnThroughTunnel(this.#target, this.#tunnel)
    }

    /** For a pool, each of whose connections has the whole time. */
    poolConfig(): pg.PoolConfig {
        return throughTunnel(this.#target, this.#tunnel, this.#target.timeoutMs)
    }

    /** For one client, which has what the attestation left of the time. */
    clientConfig(): pg.ClientConfig {
        return throughTunnel(this.#target, this.#tunnel, this.#target.timeoutMs - (performance.now() - this.#start))
    }

    /** The verdict that the connection of a descriptor rests on; without one: the newest. */
    result(descriptor?: number): VerifyResult {
        return descriptor === undefined ? this.#tunnel.result() : this.#tunnel.resultOf(descriptor)
    }

    /** What that verdict was reached from. */
    evidence(descriptor?: number): unknown {
        return this.#tunnel.evidence(descriptor)
    }

    /** A failure that reached the driver as the text of a PostgreSQL error becomes the failure again that it was. */
    typed(error: Error): Error {
        const failed = this.#closed === undefined ? this.#tunnel.lastError() : null
        return failed !== null && failed.message === error.message ? Object.assign(failed, { cause: error }) : error
    }

    /** A connection is open until `end`. */
    hold(end: Promise<void>): void {
        this.#ends.add(end)
        void end.then(() => this.#ends.delete(end))
    }

    /** May be called again. */
    close(): Promise<void> {
        this.#closed ??= this.#goodbyes().then(() => this.#tunnel.close())
        return this.#closed
    }

    /** pg's pools end before their clients have: what these still have to say is waited for, for a moment. */
    async #goodbyes(): Promise<void> {
        let timer: NodeJS.Timeout | undefined
        const late = new Promise<void>((resolve) => { timer = setTimeout(resolve, GOODBYE_MS) })
        await Promise.race([Promise.all(this.#ends), late])
        clearTimeout(timer)
    }
}

function opening({ address, port, serverName, timeoutMs, link: said }: Target, { policy: options, link, signal }: Split): TunnelSettings {
    const where = link.leader === undefined ? { host: address, port, serverName } : {}
    return { ...link, ...said, ...where, options, connectTimeoutMs: timeoutMs, signal }
}
