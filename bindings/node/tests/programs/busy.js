"use strict"
// The exercise in the main thread and in workers at the same time. `busy.js INPUT [GENERATIONS] [LIBRARY]`: so many
// generations of workers, one after the other; the library is loaded into the process before the package.
const { Worker, isMainThread, workerData } = require("node:worker_threads")

const WORKERS = 2

function startWorker(input) {
    return new Promise((resolve, reject) => {
        const worker = new Worker(__filename, { workerData: input })
        worker.once("error", reject)
        worker.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))))
    })
}

/** What is no addon is loaded all the same before it is found to be none. */
function loadBefore(library) {
    try {
        process.dlopen({ exports: {} }, library)
    } catch (error) {
        if (!/Module did not self-register/.test(error.message)) throw error
    }
}

async function main([input, generations = "1", library]) {
    if (library) loadBefore(library)
    const { exercise, readInput } = require("./exercise.js")
    for (let generation = 0; generation < Number(generations); generation++) {
        await Promise.all([exercise(readInput(input)), ...Array.from({ length: WORKERS }, () => startWorker(input))])
    }
    if (library && !require("node:fs").readFileSync("/proc/self/maps", "utf8").includes("libssl.so")) throw new Error("no other libssl was there")
    console.log("done")
}

if (isMainThread) {
    main(process.argv.slice(2))
} else {
    const { exercise, readInput } = require("./exercise.js")
    exercise(readInput(workerData))
}
