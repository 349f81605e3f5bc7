// The same objects for `import`.
import api from "./errors.js"

export const { RaTlsError, RefusedError, UnavailableError, UsageError, failure } = api
