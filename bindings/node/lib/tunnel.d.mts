export * from "./tunnel.js"
