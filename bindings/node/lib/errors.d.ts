import type { RaTlsError } from "./index.js"
import type { Code } from "./tables.js"

export { RaTlsError, RefusedError, UnavailableError, UsageError } from "./index.js"

/** A failure that a client of this package finds itself, worded by the table of codes. */
export declare function failure(code: Code, details?: Record<string, string>): RaTlsError
