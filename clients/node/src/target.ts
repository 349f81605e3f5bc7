/** What a connection URL means: where to dial, and what the driver gets. */
import { isIP } from "node:net"
import { userInfo } from "node:os"
import pg from "pg"
import { parse } from "pg-connection-string"
import pgpass from "pgpass"

import { failure } from "./errors.js"
import type { PgSettings } from "./options.js"

/** Milliseconds for attestation and connection together, where nothing else is said. */
export const DEFAULT_TIMEOUT_MS = 15_000
/** Sent to a server that asks for a password where none is known: the terminator in front of it knows the real one. */
export const PLACEHOLDER_PASSWORD = "attested"

const DEFAULT_PORT = 5432
const PORT_MAX = 65535
/** libpq waits at least this long when it is told to wait at all. */
const LIBPQ_MIN_TIMEOUT_S = 2
const TIMEOUT_S_MAX = 86_400

/** Parameters that are handed to pg as they are. */
const PASSED_ON = new Set([
    "user", "password", "host", "port", "application_name", "fallback_application_name", "client_encoding", "options",
    "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "query_timeout", "replication",
])
/** Parameters that this module reads itself. */
const READ_HERE = new Set([
    "hostaddr", "connect_timeout", "dbname", "schema", "sslmode", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
])
/** Parameters of the transport, in the words of libpq and of pg: the attested TLS takes their place. */
const REPLACED = new Set([
    "ssl", "sslcert", "sslkey", "sslrootcert", "sslpassword", "sslcrl", "sslcrldir", "sslcertmode", "sslsni", "sslcompression",
    "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version", "uselibpqcompat", "channel_binding", "gssencmode",
    "krbsrvname", "gsslib", "gssdelegation", "requirepeer", "min_protocol_version", "max_protocol_version",
])
/** libpq's parameters of the TCP connection, which is the tunnel's: its setting, and the kernel's largest value. */
const OF_THE_LINK = [
    ["tcp_user_timeout", "tcpUserTimeoutMs", 2 ** 31 - 1], ["keepalives_idle", "keepaliveIdleS", 32767], ["keepalives_interval", "keepaliveIntervalS", 32767],
    ["keepalives_count", "keepaliveCount", 127],
] as const
const KEEPALIVE_NEVER = -1

export type Link = { [name in (typeof OF_THE_LINK)[number][1]]?: number }

/** Where a connection URL leads, by the rules of pg: defaults, PG* variables, .pgpass. */
export interface Target {
    /** What to dial: `hostaddr` where given, else `host`. */
    readonly address: string
    /** What to ask for (SNI): `host`, unless it is an address. */
    readonly serverName: string | undefined
    readonly port: number
    /** Milliseconds for attestation and connection together. */
    readonly timeoutMs: number
    /** PostgreSQL schema that the URL names in the way of Prisma. */
    readonly schema: string | undefined
    /** What the URL says of the TCP connection. */
    readonly link: Link
    /** What pg is given beside the way in: the URL's parameters, the caller's settings, the password. */
    readonly driver: pg.PoolConfig
}

/** Read a connection URL as pg does, without connecting anywhere.
 *
 * @param cluster domain of a cluster whose leader is meant: whatever host the URL names does not count then, and passwords are looked up for the domain
 * @throws UsageError DSN_INVALID, for what is malformed or cannot be honoured; its message shows no value that may be secret.
 */
export async function resolve(url: string, settings: PgSettings, cluster?: string): Promise<Target> {
    const { base, parameters } = split(checkText(url))
    const given: Record<string, unknown> & { host?: string; port?: string } = { ...settings, ...readByPg(base, parameters) }
    const host = cluster ?? oneServer(given.host || process.env["PGHOST"] || "")
    const hostaddr = cluster === undefined ? parameters.get("hostaddr") || "" : ""
    checkHost(host, hostaddr)
    const port = readPort(given.port || process.env["PGPORT"] || "")
    warnAboutPlainText(parameters.get("sslmode") || process.env["PGSSLMODE"])
    const asked = askPg({ user: process.env["PGUSER"] || pg.defaults.user || userInfo().username, ...given, host: host || hostaddr, port, ssl: false, sslnegotiation: "postgres" })
    const password = await findPassword(asked, host || hostaddr, port)
    return {
        address: hostaddr || host,
        serverName: host && isIP(host) === 0 ? host : undefined,
        port,
        timeoutMs: readTimeout(settings.connectionTimeoutMillis, parameters.get("connect_timeout")),
        schema: parameters.get("schema") || undefined,
        link: readLink(parameters),
        driver: { ...given, user: asked.user, database: asked.database, password } as pg.PoolConfig,
    }
}

/** The caller's and the URL's parameters, with the tunnel's socket as the server and no TLS of pg's own. */
export function throughTunnel(target: Target, way: { directory: string; port: number }, timeoutMs: number): pg.PoolConfig {
    const overridden = { host: way.directory, port: way.port, ssl: false, sslnegotiation: "postgres" as const, enableChannelBinding: false }
    return { ...target.driver, ...overridden, connectionTimeoutMillis: Math.max(1, Math.ceil(timeoutMs)) }
}

/** The same as a connection string, in a form that pg, Prisma's engines and libpq understand; for a password that is no function. */
export function dsnThroughTunnel(target: Target, way: { directory: string; port: number }): string {
    const { user, password, database, ...rest } = target.driver as Record<string, unknown>
    const said = Object.entries(rest).filter(([name, value]) => PASSED_ON.has(name) && ["string", "number"].includes(typeof value))
    const parameters = new URLSearchParams({ ...Object.fromEntries(said.map(([name, value]) => [name, String(value)])), host: way.directory, sslmode: "disable" })
    parameters.delete("port")
    const [name, secret, where] = [user, password, database].map((part) => encodeURIComponent(String(part)))
    // A space is %20 for all of them, + for some.
    return `postgresql://${name}:${secret}@localhost:${way.port}/${where}?${parameters.toString().replaceAll("+", "%20")}`
}

function invalid(what: string): Error {
    return failure("DSN_INVALID", { what })
}

/** The URL standard drops control characters silently, and what follows a `#`: neither may change where we connect. */
function checkText(url: unknown): string {
    if (typeof url !== "string") {
        throw invalid(`expected a string, found ${typeof url}`)
    }
    if (/[\u0000-\u001f\u007f]/.test(url) || Buffer.from(url, "utf8").toString("utf8") !== url) {
        throw invalid("it has a control character or is not Unicode")
    }
    if (url.includes("#")) {
        throw invalid("it has a #: write the one of a password as %23")
    }
    if (url.startsWith("/") || /^socket:/i.test(url)) {
        throw invalid("it names a local socket: an attested connection goes to a TLS server, named by host and port")
    }
    if (url !== "" && !/^postgres(ql)?:\/\//i.test(url)) {
        throw invalid("expected a URL: postgresql://user:password@host:port/database")
    }
    return url
}

/** The URL without its parameters, and the parameters. */
function split(url: string): { base: string; parameters: URLSearchParams } {
    const mark = url.indexOf("?")
    const base = mark < 0 ? url : url.slice(0, mark)
    const query = mark < 0 ? "" : url.slice(mark + 1)
    const authority = /^[a-z]+:\/\/([^/]*)/i.exec(base)?.[1] ?? ""
    oneServer(authority.slice(authority.lastIndexOf("@") + 1))
    for (const piece of query.split("&").filter(Boolean)) {
        checkParameter(piece)
    }
    return { base, parameters: new URLSearchParams(query) }
}

/** pg ignores parameters that it does not know; here a name that means nothing is told, since it may be a misspelt one. */
function checkParameter(piece: string): void {
    const [name = "", ...value] = piece.split("=")
    if (!PASSED_ON.has(name) && !READ_HERE.has(name) && !REPLACED.has(name)) {
        // What stands behind an unescaped ? of a password looks like a parameter: only a plain name is shown.
        throw invalid(`unknown parameter ${value.length > 0 && /^[a-zA-Z_]+$/.test(name) ? name : "in its query"}`)
    }
}

/** What pg's own parser makes of the URL and of the parameters that are its to read. Empty values count as not given. */
function readByPg(base: string, parameters: URLSearchParams): Record<string, string> {
    const passed = new URLSearchParams([...parameters].filter(([name]) => PASSED_ON.has(name)))
    let read: Record<string, unknown>
    try {
        read = { ...parse(`${base || "postgresql://"}?${passed}`) }
    } catch {
        throw invalid("it is not a well-formed URL") // the parser's own words may show the password
    }
    read["database"] = read["database"] || parameters.get("dbname")
    return Object.fromEntries(Object.entries(read).filter((entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== ""))
}

function oneServer(host: string): string {
    if (host.includes(",")) {
        throw invalid("it names several servers; which one was attested must not be left to chance: name one")
    }
    return host.replace(/^\[(.+)\]$/, "$1")
}

function checkHost(host: string, hostaddr: string): void {
    if (hostaddr !== "" && isIP(hostaddr) === 0) {
        throw invalid("hostaddr is not one address")
    }
    if (host === "" && hostaddr === "") {
        throw invalid("it names no host: an attested connection needs one")
    }
    if (host.startsWith("/") || host.startsWith("@")) {
        throw invalid(`host ${host} is a local socket: an attested connection goes to a TLS server, named by host and port`)
    }
    if (isIP(host) === 0 && /[\u0000-\u0020\u007f@/\\?%]/.test(host)) {
        throw invalid("the host has a character that no name has: in a URL, write the @ of a password as %40")
    }
}

function readPort(text: string): number {
    const port = text === "" ? DEFAULT_PORT : Number(/^[0-9]{1,9}$/.test(text) ? text : 0)
    if (port < 1 || port > PORT_MAX) {
        throw invalid(`port is not a number from 1 to ${PORT_MAX}`)
    }
    return port
}

function warnAboutPlainText(sslmode: string | undefined): void {
    if (sslmode === "disable") {
        process.emitWarning("sslmode=disable has no effect: the connection uses attested TLS all the same", "RaTlsWarning")
    }
}

/** libpq's meaning for connect_timeout: whole seconds, none where it is not positive, at least two. */
function readTimeout(milliseconds: number | undefined, parameter: string | null): number {
    if (milliseconds !== undefined && !(Number.isFinite(milliseconds) && milliseconds >= 0)) {
        throw failure("ARGUMENT_INVALID", { argument: "connectionTimeoutMillis", what: "expected milliseconds" })
    }
    if (milliseconds) {
        return Math.min(Math.ceil(milliseconds), TIMEOUT_S_MAX * 1000)
    }
    const seconds = wholeNumber("connect_timeout", parameter || process.env["PGCONNECT_TIMEOUT"] || "0", 2 ** 31 - 1)
    return seconds <= 0 ? DEFAULT_TIMEOUT_MS : Math.min(Math.max(seconds, LIBPQ_MIN_TIMEOUT_S), TIMEOUT_S_MAX) * 1000
}

/** As with libpq, what is not above zero means the default, here the tunnel's. */
function readLink(parameters: URLSearchParams): Link {
    const link: Link = {}
    for (const [parameter, setting, largest] of OF_THE_LINK) {
        const value = wholeNumber(parameter, parameters.get(parameter) || "0", largest)
        if (value > 0) {
            link[setting] = value
        }
    }
    if (wholeNumber("keepalives", parameters.get("keepalives") || "1", 2 ** 31 - 1) === 0) {
        link.keepaliveIdleS = KEEPALIVE_NEVER
    }
    return link
}

/** A number as libpq reads it. */
function wholeNumber(name: string, text: string, largest: number): number {
    const value = /^\s*[+-]?[0-9]{1,10}\s*$/.test(text) ? Number(text) : NaN
    if (!(value <= largest)) {
        throw invalid(`${name} is not a whole number up to ${largest}`)
    }
    return value
}

type Password = string | (() => string | Promise<string>)

interface Asked {
    readonly user: string
    readonly database: string
    readonly password: Password | null
}

/** pg's own reading of defaults and PG* variables: a client that never connects. */
function askPg(config: object): Asked {
    try {
        return new pg.Client(config as pg.ClientConfig) as unknown as Asked
    } catch {
        throw invalid("pg does not take its parameters")
    }
}

/** pg would look a password up under the tunnel's directory: here it is the one of the real server. */
async function findPassword({ password, user, database }: Asked, host: string, port: number): Promise<Password> {
    if (password) {
        return password
    }
    const kept = await new Promise<string | undefined>((found) => pgpass({ host, port, user, database }, found))
    return kept || PLACEHOLDER_PASSWORD
}
