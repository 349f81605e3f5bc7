// What a program in CommonJS may write; compiled, not run.
import api = require("ra-tls-verify")
import tunnels = require("ra-tls-verify/tunnel")

const verifier: api.RaTlsVerifier = new api.DcapVerifier()
const opened: Promise<tunnels.Tunnel> = tunnels.Tunnel.open(verifier, { host: "db.example" })
const fields: api.QuoteFields = api.inspectCertificate("PEM")

export = { opened, fields }
