/** Prisma's driver adapter on an attested channel. */
import type { VerifyResult } from "ra-tls-verify"

import { CLOSE, EVIDENCE, VERDICT, type Attested } from "./attested.js"
import { Channel } from "./channel.js"
import { attestedConfig } from "./client.js"
import { failure } from "./errors.js"
import type { RaTlsOptions } from "./options.js"

/** What `new PrismaClient({ adapter })` takes, of Prisma 6.6 and later and of Prisma 7. */
export interface RaTlsAdapter {
    readonly provider: "postgres"
    readonly adapterName: string
    // Prisma's own types, which differ between its majors, are not repeated here.
    connect(): Promise<any>
    connectToShadowDb(): Promise<any>
}

/** Options for Prisma's adapter beside those of every function. */
export interface PrismaOptions extends RaTlsOptions {
    /** PostgreSQL schema of generated queries; not given: the URL's `schema`. */
    schema?: string
}

interface Connection {
    dispose(): Promise<void>
}

interface PrismaAdapter {
    readonly adapterName: string
    connect(): Promise<Connection>
    connectToShadowDb(): Promise<Connection>
}

type PrismaPg = new (config: object, options: { schema?: string }) => PrismaAdapter

/** A channel for every PrismaClient that connects; the first one was opened before. */
export class Adapter implements RaTlsAdapter, Attested {
    readonly provider = "postgres"
    readonly adapterName: string
    readonly #prismaPg: PrismaPg
    readonly #schema: string | undefined
    readonly #reopen: () => Promise<Channel>
    readonly #open = new Set<Channel>()
    #newest: Channel
    #unused: Channel | undefined

    private constructor(prismaPg: PrismaPg, channel: Channel, schema: string | undefined, reopen: () => Promise<Channel>) {
        this.#prismaPg = prismaPg
        this.#newest = this.#unused = channel
        this.#open.add(channel)
        this.#schema = schema ?? channel.schema
        this.#reopen = reopen
        this.adapterName = this.#adapterOn(channel).adapterName
    }

    /** Verify the server; see withRaTls(). */
    static async open(url: string, { schema, ...options }: PrismaOptions = {}): Promise<Adapter> {
        const prismaPg = await loadPrismaPg()
        // The signal was for the opening that the caller waits for.
        const { signal: _, ...later } = options
        return new Adapter(prismaPg, await Channel.open(url, options), schema, () => Channel.open(url, later))
    }

    async connect(): Promise<Connection> {
        return await this.#through((adapter) => adapter.connect())
    }

    async connectToShadowDb(): Promise<Connection> {
        return await this.#through((adapter) => adapter.connectToShadowDb())
    }

    [VERDICT](): VerifyResult {
        return this.#newest.result()
    }

    [EVIDENCE](): unknown {
        return this.#newest.evidence()
    }

    async [CLOSE](): Promise<void> {
        this.#unused = undefined
        await Promise.all([...this.#open].map((channel) => this.#close(channel)))
    }

    /** Let Prisma's adapter connect; the channel closes with what it returns. */
    async #through(connect: (adapter: PrismaAdapter) => Promise<Connection>): Promise<Connection> {
        const channel = await this.#channel()
        try {
            const connection = await connect(this.#adapterOn(channel))
            const dispose = connection.dispose.bind(connection)
            connection.dispose = () => dispose().finally(() => this.#close(channel))
            return connection
        } catch (error) {
            await this.#close(channel)
            throw error
        }
    }

    #adapterOn(channel: Channel): PrismaAdapter {
        return new this.#prismaPg(attestedConfig(channel), this.#schema === undefined ? {} : { schema: this.#schema })
    }

    async #channel(): Promise<Channel> {
        const unused = this.#unused
        this.#unused = undefined
        if (unused !== undefined) {
            return unused
        }
        const channel = await this.#reopen()
        this.#open.add(channel)
        this.#newest = channel
        return channel
    }

    #close(channel: Channel): Promise<void> {
        this.#open.delete(channel)
        return channel.close()
    }
}

async function loadPrismaPg(): Promise<PrismaPg> {
    let found: { PrismaPg?: PrismaPg }
    try {
        found = (await import("@prisma/adapter-pg" as string)) as { PrismaPg?: PrismaPg }
    } catch (error) {
        throw failure("ARGUMENT_INVALID", { argument: "@prisma/adapter-pg", what: `it cannot be loaded (${reason(error)}); withRaTls needs it` })
    }
    if (typeof found.PrismaPg?.prototype.connect !== "function") {
        throw failure("ARGUMENT_INVALID", { argument: "@prisma/adapter-pg", what: "expected Prisma 6.6 or later" })
    }
    return found.PrismaPg
}

function reason(error: unknown): string {
    return String((error as NodeJS.ErrnoException | null)?.code ?? "error")
}
