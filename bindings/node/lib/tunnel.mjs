// The same objects for `import`.
import api from "./tunnel.js"

export const { Tunnel } = api
