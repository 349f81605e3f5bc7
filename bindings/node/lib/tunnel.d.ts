/// <reference types="node" />
import type { Leader, RaTlsError, RaTlsVerifier, VerifyOptions, VerifyResult } from "./index.js"

/** Where a tunnel leads, and what is accepted there. */
export interface TunnelSettings {
    /** Name or address to dial; required, unless there is a leader. */
    readonly host?: string | undefined
    /** Dial the leader of this cluster, whoever it is then, instead of a host. */
    readonly leader?: Leader | undefined
    /** Milliseconds that a leader which has been superseded may finish its answers; not given: 5000; negative: not at all. */
    readonly leaderDrainMs?: number | undefined
    /** 1 to 65535; not given: PostgreSQL's. */
    readonly port?: number | undefined
    /** Name to ask for (SNI); not given: `host`, unless that is an address. */
    readonly serverName?: string | undefined
    /** What is accepted; not given: the defaults. */
    readonly options?: VerifyOptions | undefined
    /** Milliseconds for resolving, connecting, handshake and verdict together. */
    readonly connectTimeoutMs?: number | undefined
    /** Milliseconds for the TLS handshake. */
    readonly handshakeTimeoutMs?: number | undefined
    /** Send PostgreSQL's SSLRequest first, for a server that does not take TLS from the first byte on. */
    readonly startTls?: boolean | undefined
    /** Milliseconds that sent data may stay unacknowledged before the server counts as gone; negative: as the system has it. */
    readonly tcpUserTimeoutMs?: number | undefined
    /** Seconds of silence before the server is probed (TCP keepalive); negative: never. */
    readonly keepaliveIdleS?: number | undefined
    /** Seconds between two probes. */
    readonly keepaliveIntervalS?: number | undefined
    /** Probes without an answer after which the server counts as gone. */
    readonly keepaliveCount?: number | undefined
    /**
     * Present a certificate of this client's own TEE, from the dstack guest agent: true, it must be there before anything is dialled; false,
     * never; not given, when the server asks for one and a guest agent is there.
     */
    readonly clientAttestation?: boolean | undefined
    /** Path of the guest agent's socket; not given: the first of the usual places that is there. */
    readonly dstackSocket?: string | undefined
    /** Milliseconds for one certificate from the guest agent; not given: 60000. */
    readonly dstackTimeoutMs?: number | undefined
    /** Ends the opening early: UnavailableError, code CANCELLED. */
    readonly signal?: AbortSignal | undefined
}

/** Connections (open now, all, refused), and bytes of plain text to and from the server. */
export interface TunnelStats {
    readonly connectionsNow: number
    readonly connectionsTotal: number
    readonly connectionsRefused: number
    readonly bytesToUpstream: number
    readonly bytesFromUpstream: number
}

/** What a verdict was reached from: written to a file as JSON, `ratls verify --saved FILE` repeats the verdict. */
export interface SavedEvidence {
    readonly certificate: string
    readonly quote: string | null
    readonly collateral: object | null
    readonly trust_anchor: string | null
    readonly verified_at: string
}

/**
 * A private Unix socket; every connection to it becomes a TLS connection whose certificate is verified first.
 *
 * With a leader, new connections go to whoever leads then. When another one does, the connections to the old leader are sent nothing
 * more, may finish their answers for a while, and end with SQLSTATE 57P01.
 *
 * Give `directory` and `port` to a driver as its `host` and `port`. Only this process may connect. Opened again with the same
 * verifier and equal settings, one tunnel is shared, and ends with the last close(). An open tunnel does not keep the process.
 */
export declare class Tunnel {
    private constructor()
    /**
     * Make one attested handshake, and open the socket.
     *
     * @throws UsageError, RefusedError, UnavailableError
     */
    static open(verifier: RaTlsVerifier, settings: TunnelSettings): Promise<Tunnel>
    /** For the driver's `host`. */
    readonly directory: string
    /** For the driver's `port`. */
    readonly port: number
    /** Whether close() was called. */
    readonly closed: boolean
    /** The verdict on the newest certificate that was accepted. */
    result(): VerifyResult
    /**
     * The verdict that one connection rests on.
     *
     * @param fd the descriptor of the driver's socket
     * @throws UsageError CONNECTION_UNKNOWN
     */
    resultOf(fd: number): VerifyResult
    /** The newest failure of a connection; null when there was none. */
    lastError(): RaTlsError | null
    stats(): TunnelStats
    /** What a verdict was reached from: of the connection with this descriptor, or the newest. */
    evidence(fd?: number): SavedEvidence
    /** End its connections and remove the socket, when nobody else shares it. May be called again. */
    close(): Promise<void>
    [Symbol.asyncDispose](): Promise<void>
}
