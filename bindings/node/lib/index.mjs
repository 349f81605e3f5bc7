// The same objects for `import`.
import api from "./index.js"

export const {
    AllVerifiers, CLAIMS, DcapVerifier, FirstVerifier, IntelApiVerifier, Leader, NoopVerifier, RaTlsError, RefusedError, UnavailableError, UsageError,
    VerifyResult, composeHash, extractTdxQuote, fetchReport, inspectCertificate, inspectEvidence, inspectQuote, inspectReport, loadPolicy, pinsOf,
    verifyCertificate, verifyEvidence, verifyQuote, verifyReport, version,
} = api
