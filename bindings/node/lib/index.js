"use strict"
// The package's API; index.d.ts says what it is.

const { RaTlsError, RefusedError, UnavailableError, UsageError } = require("./errors.js")
const { extractTdxQuote, inspectCertificate, inspectQuote } = require("./evidence.js")
const { CLAIMS } = require("./own.js")
const { VerifyResult } = require("./result.js")
const { version } = require("./tables.js")
const {
    AllVerifiers, DcapVerifier, FirstVerifier, IntelApiVerifier, NoopVerifier, verifyCertificate, verifyQuote,
} = require("./verifiers.js")

exports.AllVerifiers = AllVerifiers
exports.CLAIMS = CLAIMS
exports.DcapVerifier = DcapVerifier
exports.FirstVerifier = FirstVerifier
exports.IntelApiVerifier = IntelApiVerifier
exports.NoopVerifier = NoopVerifier
exports.RaTlsError = RaTlsError
exports.RefusedError = RefusedError
exports.UnavailableError = UnavailableError
exports.UsageError = UsageError
exports.VerifyResult = VerifyResult
exports.extractTdxQuote = extractTdxQuote
exports.inspectCertificate = inspectCertificate
exports.inspectQuote = inspectQuote
exports.verifyCertificate = verifyCertificate
exports.verifyQuote = verifyQuote
exports.version = version
