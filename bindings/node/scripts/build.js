#!/usr/bin/env node
"use strict"
// Build addon.node into build/. Says in one line what is missing. Nothing is downloaded but, where neither the package nor
// a variable has them, the source packages of cJSON, curl and c-ares, from Debian, by apt, which checks who signed them.

const { spawnSync } = require("node:child_process")
const fs = require("node:fs")
const path = require("node:path")

const home = path.dirname(__dirname)
const build = path.join(home, "build")

class Missing extends Error {}

/** What a command prints; Missing when it cannot be run or fails. */
function run(command, args, { env = {}, cwd = home } = {}) {
    const done = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, ...env } })
    if (done.error) throw new Missing(`${command} (${done.error.code})`)
    fs.appendFileSync(path.join(build, "build.log"), `${command} ${args.join(" ")}\n${done.stdout}${done.stderr}`)
    if (done.status !== 0) {
        const line = `${done.stderr}\n${done.stdout}`.split("\n").find((text) => /error|^E:|cannot/i.test(text)) ?? `exit status ${done.status}`
        throw new Missing(`a ${command} that works: ${line.trim()} (see ${path.join(build, "build.log")})`)
    }
    return done.stdout
}

function isCommand(name) {
    return (process.env.PATH ?? "").split(path.delimiter).some((folder) => fs.existsSync(path.join(folder, name)))
}

/** Folder of node_api.h: beside this node, of the system, or npm's node-api-headers. */
function nodeHeaders() {
    const places = [path.join(path.dirname(path.dirname(process.execPath)), "include", "node"), "/usr/include/node"]
    try {
        places.push(require("node-api-headers").include_dir)
    } catch {
        // Not installed: the others may do.
    }
    const found = places.find((folder) => fs.existsSync(path.join(folder, "node_api.h")))
    if (!found) throw new Missing("node_api.h: npm install node-api-headers")
    return found
}

function checkTools() {
    const missing = []
    if (!isCommand("cmake")) missing.push("cmake")
    if (!isCommand(process.env.CC ?? "cc")) missing.push("gcc")
    if (!isCommand("ninja") && !isCommand("make")) missing.push("make")
    const openssl = ["/usr/lib", "/usr/lib64", "/usr/local/lib", `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`]
    const root = process.env.OPENSSL_ROOT_DIR
    if (!root && !openssl.some((folder) => fs.existsSync(path.join(folder, "libcrypto.a")))) missing.push("libssl-dev (with libcrypto.a)")
    if (missing.length > 0) throw new Missing(`${missing.join(", ")} (Debian: apt-get install cmake gcc libc6-dev make libssl-dev)`)
}

/** The system's package sources, turned into sources of source packages, in an apt directory of our own. */
function privateApt(folder) {
    const parts = path.join(folder, "parts")
    for (const name of ["state/lists/partial", "cache/archives/partial", "parts"]) fs.mkdirSync(path.join(folder, name), { recursive: true })
    const listed = "/etc/apt/sources.list.d"
    for (const name of fs.existsSync(listed) ? fs.readdirSync(listed) : []) {
        if (!/^debian.*\.sources$/.test(name)) continue
        const text = fs.readFileSync(path.join(listed, name), "utf8").replace(/^Types:.*$/gm, "Types: deb-src")
        fs.writeFileSync(path.join(parts, name), text)
    }
    const old = "/etc/apt/sources.list"
    if (fs.existsSync(old)) fs.writeFileSync(path.join(parts, "old.list"), fs.readFileSync(old, "utf8").replace(/^deb /gm, "deb-src "))
    const settings = { "Dir::State": path.join(folder, "state"), "Dir::Cache": path.join(folder, "cache"),
        "Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": parts, "APT::Sandbox::User": "root" }
    const file = path.join(folder, "apt.conf")
    fs.writeFileSync(file, Object.entries(settings).map(([key, value]) => `${key} "${value}";\n`).join(""))
    return file
}

/** What is compiled in beside the core: Debian's source package, the variable that names another copy, and what of it is needed. */
const sources = {
    cjson: { variable: "RATLS_CJSON_SOURCE", mark: "cJSON.c", needed: ["cJSON.h", "cJSON.c", "LICENSE"] },
    curl: { variable: "RATLS_CURL_SOURCE", mark: "CMakeLists.txt", needed: ["CMakeLists.txt", "CMake", "include", "lib", "COPYING", "libcurl.pc.in", "curl-config.in"] },
    "c-ares": { variable: "RATLS_CARES_SOURCE", mark: "CMakeLists.txt", needed: ["CMakeLists.txt", "c-ares-config.cmake.in", "libcares.pc.cmake", "docs/CMakeLists.txt",
        "docs/Makefile.inc", "include", "src", "README.md", "LICENSE.md"] },
}

/** Fetch Debian's sources, its patches applied, into the folders given by name. */
function fetchSources(into) {
    const names = Object.keys(into)
    if (!isCommand("apt-get") || !isCommand("dpkg-source")) {
        const variables = names.map((name) => sources[name].variable).join(" and ")
        throw new Missing(`the sources of ${names.join(" and ")}: set ${variables} to their folders, or on Debian apt-get install dpkg-dev`)
    }
    const folder = fs.mkdtempSync(path.join(build, "sources-"))
    try {
        const env = { APT_CONFIG: privateApt(path.join(folder, "apt")) }
        run("apt-get", ["update", "-q"], { env })
        for (const name of names) {
            const out = path.join(folder, name)
            fs.mkdirSync(out)
            run("apt-get", ["source", "-q", name], { env, cwd: out })
            const source = fs.readdirSync(out, { withFileTypes: true }).find((entry) => entry.isDirectory())
            if (!source) throw new Missing(`the source of ${name}: apt-get source gave none`)
            fs.mkdirSync(into[name], { recursive: true })
            for (const part of sources[name].needed) fs.cpSync(path.join(out, source.name, part), path.join(into[name], part), { recursive: true })
        }
    } finally {
        fs.rmSync(folder, { recursive: true, force: true })
    }
}

/** Folders of the sources by name; what is neither named by its variable nor carried in the package is fetched. */
function findSources() {
    fs.mkdirSync(build, { recursive: true })
    const found = {}
    const fetched = {}
    for (const [name, { variable, mark }] of Object.entries(sources)) {
        const places = [process.env[variable], path.join(home, name), path.join(build, name)].filter(Boolean)
        const place = places.find((folder) => fs.existsSync(path.join(folder, mark)))
        if (place) found[name] = path.resolve(place)
        else fetched[name] = path.join(build, name)
    }
    if (Object.keys(fetched).length > 0) fetchSources(fetched)
    return { ...found, ...fetched }
}

/** A libcurl that speaks HTTP over OpenSSL and nothing else, static and hidden; returns where it is installed. */
function buildCurl(source) {
    const installed = path.join(build, "libcurl")
    if (fs.existsSync(path.join(installed, "lib", "libcurl.a"))) return installed
    const off = ["BUILD_CURL_EXE", "BUILD_SHARED_LIBS", "BUILD_TESTING", "CURL_ZLIB", "CURL_BROTLI", "CURL_ZSTD", "USE_NGHTTP2", "CURL_USE_LIBSSH2",
        "CURL_USE_LIBPSL", "USE_LIBIDN2", "CURL_USE_GSSAPI", "ENABLE_MANUAL"]
    const on = ["HTTP_ONLY", "CURL_USE_OPENSSL", "OPENSSL_USE_STATIC_LIBS", "CMAKE_POSITION_INDEPENDENT_CODE"]
    const work = path.join(build, "libcurl-cmake")
    const configure = ["-S", source, "-B", work, "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_VISIBILITY_PRESET=hidden", "-DCMAKE_INSTALL_LIBDIR=lib",
        `-DCMAKE_INSTALL_PREFIX=${installed}`, ...off.map((name) => `-D${name}=OFF`), ...on.map((name) => `-D${name}=ON`)]
    if (isCommand("ninja")) configure.push("-G", "Ninja")
    run("cmake", configure)
    run("cmake", ["--build", work, "--parallel", "2", "--target", "install"])
    return installed
}

/** The same of c-ares. */
function buildCares(source) {
    const installed = path.join(build, "libcares")
    if (fs.existsSync(path.join(installed, "lib", "libcares.a"))) return installed
    const work = path.join(build, "libcares-cmake")
    const configure = ["-S", source, "-B", work, "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_VISIBILITY_PRESET=hidden", "-DCMAKE_INSTALL_LIBDIR=lib",
        `-DCMAKE_INSTALL_PREFIX=${installed}`, "-DCARES_STATIC=ON", "-DCARES_STATIC_PIC=ON", "-DCARES_SHARED=OFF", "-DCARES_BUILD_TOOLS=OFF",
        "-DCARES_BUILD_TESTS=OFF"]
    if (isCommand("ninja")) configure.push("-G", "Ninja")
    run("cmake", configure)
    run("cmake", ["--build", work, "--parallel", "2", "--target", "install"])
    return installed
}

function main() {
    checkTools()
    fs.rmSync(path.join(build, "build.log"), { force: true })
    const { cjson, curl, "c-ares": cares } = findSources()
    const work = path.join(build, "cmake")
    const configure = ["-S", home, "-B", work, "-DCMAKE_BUILD_TYPE=Release", `-DNODE_API_INCLUDE=${nodeHeaders()}`, `-DCJSON_SOURCE=${cjson}`,
        `-DCURL_ROOT=${buildCurl(curl)}`, `-DCARES_ROOT=${buildCares(cares)}`]
    if (isCommand("ninja")) configure.push("-G", "Ninja")
    run("cmake", configure)
    run("cmake", ["--build", work, "--target", "addon", "--parallel", "2"])
    // By renaming: a process may have the old one loaded.
    const fresh = path.join(build, `addon.${process.pid}.node`)
    fs.copyFileSync(path.join(work, "addon.node"), fresh)
    fs.renameSync(fresh, path.join(build, "addon.node"))
}

if (require.main === module) {
    try {
        main()
    } catch (error) {
        if (!(error instanceof Missing)) throw error
        console.error(`ra-tls-verify: cannot build its addon: missing ${error.message}`)
        process.exitCode = 1
    }
}

module.exports = { findSources }
