// The same objects for `import`.
import api from "./index.js"

export const {
    AllVerifiers, CLAIMS, DcapVerifier, FirstVerifier, IntelApiVerifier, NoopVerifier, RaTlsError, RefusedError, UnavailableError, UsageError,
    VerifyResult, extractTdxQuote, inspectCertificate, inspectQuote, verifyCertificate, verifyQuote, version,
} = api
