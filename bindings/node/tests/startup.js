"use strict"
// As much of a PostgreSQL driver as it takes to be answered.
const net = require("node:net")

/** Connect to a tunnel's socket and send a startup message; the socket, and the first answer. */
async function startup(path) {
    const body = Buffer.from("\0\x03\0\0user\0postgres\0database\0postgres\0\0", "latin1")
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length + length.length)
    const socket = net.connect(path)
    const answer = await new Promise((resolve, reject) => {
        socket.once("error", reject)
        socket.once("close", () => reject(new Error("the tunnel hung up")))
        socket.once("data", resolve)
        socket.write(Buffer.concat([length, body]))
    })
    return { socket, answer }
}

module.exports = { startup }
