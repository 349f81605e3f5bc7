// @phala/dcap-qvl behind a pipe: one JSON object a line, {quote, collateral, root, now}, and one answer for each.
// NODE_PATH names the folder that the package is in.
const readline = require("node:readline")
const { QuoteVerifier } = require("@phala/dcap-qvl/src/verify")

function judge(line) {
  const { quote, collateral, root, now } = JSON.parse(line)
  try {
    const verifier = QuoteVerifier.newWithRootCa(Buffer.from(root, "hex"))
    const report = verifier.verify(new Uint8Array(Buffer.from(quote, "hex")), JSON.parse(collateral), now)
    return { ok: true, status: report.status, advisories: report.advisory_ids ?? report.advisoryIds ?? [] }
  } catch (error) {
    return { ok: false, error: `${error.message} ${error.cause?.message ?? ""}` }
  }
}

console.log = () => {}
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${JSON.stringify(judge(line))}\n`)
})
