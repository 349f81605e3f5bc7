"use strict"
// What is mapped while the package is in use.
const fs = require("node:fs")

const { exercise, readInput } = require("./exercise.js")

exercise(readInput(process.argv[2])).then(() => console.log(fs.readFileSync("/proc/self/maps", "utf8")))
