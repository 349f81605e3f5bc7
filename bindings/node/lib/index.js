"use strict"
// The package's API; index.d.ts says what it is.

const { RaTlsError, RefusedError, UnavailableError, UsageError } = require("./errors.js")
const {
    composeHash, extractTdxQuote, inspectCertificate, inspectEvidence, inspectQuote, inspectReport, pinsOf,
} = require("./evidence.js")
const { Leader } = require("./leader.js")
const { CLAIMS } = require("./own.js")
const { loadPolicy } = require("./policy.js")
const { fetchReport } = require("./report.js")
const { VerifyResult } = require("./result.js")
const { version } = require("./tables.js")
const {
    AllVerifiers, DcapVerifier, FirstVerifier, IntelApiVerifier, NoopVerifier, verifyCertificate, verifyEvidence, verifyQuote, verifyReport,
} = require("./verifiers.js")

exports.AllVerifiers = AllVerifiers
exports.CLAIMS = CLAIMS
exports.DcapVerifier = DcapVerifier
exports.FirstVerifier = FirstVerifier
exports.IntelApiVerifier = IntelApiVerifier
exports.Leader = Leader
exports.NoopVerifier = NoopVerifier
exports.RaTlsError = RaTlsError
exports.RefusedError = RefusedError
exports.UnavailableError = UnavailableError
exports.UsageError = UsageError
exports.VerifyResult = VerifyResult
exports.composeHash = composeHash
exports.extractTdxQuote = extractTdxQuote
exports.fetchReport = fetchReport
exports.inspectCertificate = inspectCertificate
exports.inspectEvidence = inspectEvidence
exports.inspectQuote = inspectQuote
exports.inspectReport = inspectReport
exports.loadPolicy = loadPolicy
exports.pinsOf = pinsOf
exports.verifyCertificate = verifyCertificate
exports.verifyEvidence = verifyEvidence
exports.verifyQuote = verifyQuote
exports.verifyReport = verifyReport
exports.version = version
