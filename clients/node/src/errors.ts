/** Failures that this package itself finds, worded by the tables of the library. */
export { RaTlsError, RefusedError, UnavailableError, UsageError } from "ra-tls-verify"
export { failure } from "ra-tls-verify/errors"
