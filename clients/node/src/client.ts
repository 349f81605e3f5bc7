/** pg's clients and pools, on an attested channel. */
import pg from "pg"
import type { VerifyResult } from "ra-tls-verify"

import { CANCEL, CLOSE, EVIDENCE, VERDICT, type Attested, type Cancellable } from "./attested.js"
import { Channel } from "./channel.js"
import type { RaTlsOptions } from "./options.js"

const THROUGH: unique symbol = Symbol("pg-ratls.channel")
// Both forms that pg declares.
type Connected = (error: any, client?: any) => void
type Through<Config> = Config & { [THROUGH]: Channel }

/** What pg keeps of a session, and what its connections can do, beyond its declarations. */
interface Session {
    host: string
    port: number
    processID: number
    secretKey: number
}

interface Requesting {
    connect(path: string): void
    cancel(processID: number, secretKey: number): void
    on(event: string, listener: (...values: any[]) => void): void
}

/** A pg.Client that knows the verdict on its connection, and why it was refused. */
export class AttestedClient extends pg.Client implements Cancellable {
    readonly #channel: Channel
    #owner = false
    #verdict: () => VerifyResult

    /** For connect() and for pools. */
    constructor(config: Through<pg.ClientConfig>) {
        super(config)
        this.#channel = config[THROUGH]
        this.#verdict = () => this.#channel.result()
    }

    /** Verify the server, then connect; see connect(). */
    static async open(url: string, options?: RaTlsOptions): Promise<AttestedClient> {
        const channel = await Channel.open(url, options)
        const client = new AttestedClient({ ...channel.clientConfig(), [THROUGH]: channel })
        client.#owner = true
        client.once("end", () => void channel.close())
        try {
            await client.connect()
        } catch (error) {
            await channel.close()
            throw error
        }
        return client
    }

    override connect(): Promise<pg.Client>
    override connect(callback: ((error: Error) => void) | ((error: null, client: pg.Client) => void)): void
    override connect(callback?: Connected): Promise<pg.Client> | void {
        if (callback === undefined) {
            return super.connect().then(() => this.#connected(), (error) => Promise.reject(this.#channel.typed(error)))
        }
        super.connect((error: Error | null) => error ? callback(this.#channel.typed(error)) : callback(null, this.#connected()))
    }

    override end(): Promise<void>
    override end(callback: (error: Error) => void): void
    override end(callback?: (error: Error) => void): Promise<void> | void {
        if (callback !== undefined) {
            return super.end(callback)
        }
        return super.end().finally(() => this.#owner ? this.#channel.close() : undefined)
    }

    [VERDICT](): VerifyResult {
        return this.#verdict()
    }

    [EVIDENCE](): unknown {
        return this.#channel.evidence(this.#descriptor())
    }

    [CLOSE](): Promise<void> {
        return this.end()
    }

    /** A request to cancel travels over a connection of its own, which the server ends when it has read it. */
    [CANCEL](): Promise<void> {
        const { host, port, processID, secretKey } = this as unknown as Session
        const connection = new pg.Connection() as unknown as Requesting
        return new Promise((resolve, reject) => {
            connection.on("connect", () => connection.cancel(processID, secretKey))
            connection.on("errorMessage", (error: Error) => reject(this.#channel.typed(error)))
            connection.on("error", reject)
            connection.on("end", resolve)
            connection.connect(`${host}/.s.PGSQL.${port}`)
        })
    }

    /** Keep the verdict on this very connection, since it stays readable when the connection is gone. */
    #connected(): this {
        this.#channel.hold(new Promise((resolve) => this.once("end", resolve)))
        try {
            const verdict = this.#channel.result(this.#descriptor())
            this.#verdict = () => verdict
        } catch (error) {
            this.#verdict = () => { throw error }
        }
        return this
    }

    #descriptor(): number {
        const { stream } = (this as unknown as { connection: { stream: { _handle?: { fd?: number } } } }).connection
        return stream._handle?.fd ?? -1
    }
}

/** A pg.Pool whose connections are AttestedClients on one channel, which closes with it. */
export class AttestedPool extends pg.Pool implements Attested {
    readonly #channel: Channel

    constructor(channel: Channel) {
        super(attestedConfig(channel))
        this.#channel = channel
        // Without a listener, a server that ends an idle connection would end the process.
        this.on("error", () => undefined)
    }

    override end(): Promise<void>
    override end(callback: () => void): void
    override end(callback?: () => void): Promise<void> | void {
        const ended = super.end().finally(() => this.#channel.close())
        if (callback === undefined) {
            return ended
        }
        ended.then(() => setImmediate(callback), (error) => setImmediate(callback as (error: Error) => void, error))
    }

    [VERDICT](): VerifyResult {
        return this.#channel.result()
    }

    [EVIDENCE](): unknown {
        return this.#channel.evidence()
    }

    [CLOSE](): Promise<void> {
        return this.end()
    }
}

/** For a pool of any copy of pg: its connections go through the channel. */
export function attestedConfig(channel: Channel): pg.PoolConfig {
    // pg's declarations know a Client without arguments only; pg gives it the pool's configuration.
    const client = { Client: AttestedClient } as unknown as pg.PoolConfig
    return { ...channel.poolConfig(), ...client, [THROUGH]: channel } as Through<pg.PoolConfig>
}
