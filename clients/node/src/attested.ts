/** What every attested thing can tell, however it was made. */
import type { VerifyResult } from "ra-tls-verify"

import { failure } from "./errors.js"

/** Names that no property of pg or Prisma has. */
export const VERDICT: unique symbol = Symbol("pg-ratls.verdict")
export const EVIDENCE: unique symbol = Symbol("pg-ratls.evidence")
export const CANCEL: unique symbol = Symbol("pg-ratls.cancel")
export const CLOSE: unique symbol = Symbol("pg-ratls.close")

export interface Attested {
    [VERDICT](): VerifyResult
    [EVIDENCE](): unknown
    [CLOSE](): Promise<void>
}

/** One that runs queries by itself. */
export interface Cancellable extends Attested {
    [CANCEL](): Promise<void>
}

/** The thing as one that this package made.
 *
 * @throws UsageError, for any other.
 */
export function attested(thing: unknown): Attested {
    if (typeof thing !== "object" || thing === null || !(VERDICT in thing)) {
        throw failure("ARGUMENT_INVALID", { argument: "client", what: "it was not made by pg-ratls" })
    }
    return thing as Attested
}

/** The thing as a client that this package made.
 *
 * @throws UsageError, for any other.
 */
export function cancellable(thing: unknown): Cancellable {
    const made = attested(thing)
    if (!(CANCEL in made)) {
        throw failure("ARGUMENT_INVALID", { argument: "client", what: "expected a client: only a client runs a query" })
    }
    return made as Cancellable
}
