/** The ES module: the CommonJS one by its names, so that both are one. */
export {
    attestation, attestedSettings, cancel, close, connect, connectViaManifest, createPool, RaTlsError, RefusedError, saveEvidence, UnavailableError, UsageError,
    version, withRaTls,
} from "./index.js"
