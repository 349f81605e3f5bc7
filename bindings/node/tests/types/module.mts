// What a program in ES modules may write; compiled, not run.
import {
    AllVerifiers, CLAIMS, DcapVerifier, FirstVerifier, IntelApiVerifier, NoopVerifier, RaTlsError, RefusedError, UnavailableError, UsageError,
    extractTdxQuote, inspectQuote, verifyCertificate, type Claims, type Code, type RaTlsVerifier, type VerifyOptions, type VerifyResult,
} from "ra-tls-verify"
import { failure } from "ra-tls-verify/errors"
import { Tunnel } from "ra-tls-verify/tunnel"

const certificate = new Uint8Array()
const quote: Buffer | null = extractTdxQuote(certificate)
const kind: string | null = inspectQuote(certificate).kind

const options: VerifyOptions = {
    allowedMrTd: ["ab"], pins: { rtmr1: ["cd"], fmspc: "00806f050000" }, now: new Date(), cacheTtlMs: 0, allowDebugMode: false,
}
const verifier = new DcapVerifier({ collateral: new URL("file:///collateral.json"), log: (message) => void message.length })
const result: VerifyResult = await verifier.verify(certificate, options, { signal: AbortSignal.timeout(5) })
const date: Date | null = result.tcbDate
const names: string[] | null = result.advisoryIds
new NoopVerifier().verifyCertificateSync("PEM")

class Own implements RaTlsVerifier {
    async verify(given: Uint8Array, { allowedMrTd }: VerifyOptions): Promise<Claims> {
        if (given.length === 0) throw new RefusedError("no")
        return { tcbStatus: "OK", advisoryIds: [], tcbDate: new Date(), fmspc: allowedMrTd?.[0] ?? null }
    }
}
const asked: RaTlsVerifier[] = [new Own(), verifier, { verify: () => ({ tcbStatus: "OK" }) }, { verify: (given) => verifier.verify(given) }]
await verifyCertificate(asked[0]!, certificate, options)

const intel = new IntelApiVerifier(undefined, { region: "eu", policyIds: ["0c0a1f8e-6f1d-4c35-9b7c-2e1c4c2d3f10"], crlPolicy: "soft", caFile: "ca.pem" })
const both: RaTlsVerifier = new AllVerifiers(verifier, new FirstVerifier(intel, new Own()))
// @ts-expect-error no such region
new IntelApiVerifier("key", { region: "mars" })
// @ts-expect-error no such setting
new IntelApiVerifier("key", { apiUrl: "https://api.test" })
// @ts-expect-error what is combined are verifiers
new AllVerifiers("dcap")

await using tunnel = await Tunnel.open(new Own(), { host: "db.example", port: 5432, options, startTls: true, signal: new AbortController().signal })
const socket: [string, number] = [tunnel.directory, tunnel.port]
const failed: RaTlsError | null = tunnel.lastError()
const code: Code | undefined = failed?.code

// @ts-expect-error a name that is no option
const wrong: VerifyOptions = { allowedMRTD: [] }
// @ts-expect-error no such field
void result.nothing
// @ts-expect-error claims need a status
const claims: Claims = {}
// @ts-expect-error measurements are not claimed
const measured: Claims = { tcbStatus: "OK", mrTd: "00" }
// @ts-expect-error a result comes from a verification
const forged: VerifyResult = new (Object.getPrototypeOf(result).constructor as typeof VerifyResult)()
// @ts-expect-error the classes are told apart
const usage: UsageError = new UnavailableError("x")

export { CLAIMS, both, claims, code, date, failure, forged, kind, measured, names, quote, socket, usage, wrong }
