"use strict"
// The proxy that was given, or the environment's: the core reads no environment, so what others there look up is given to it.

/** The first variable that says something. @param {string[]} names */
function environment(...names) {
    return names.map((name) => process.env[name]).find(Boolean)
}

/**
 * @param {string | undefined} proxy
 * @param {string | undefined} noProxy
 * @param {"http" | "https"} [scheme] what is asked through it
 */
function proxies(proxy, noProxy, scheme = "https") {
    if (proxy !== undefined) return { proxy, noProxy: noProxy ?? null }
    // HTTP_PROXY in capitals may be a header of a CGI request: nobody reads it.
    const own = scheme === "http" ? ["http_proxy"] : ["https_proxy", "HTTPS_PROXY"]
    return { proxy: environment(...own, "all_proxy", "ALL_PROXY") ?? null, noProxy: noProxy ?? environment("no_proxy", "NO_PROXY") ?? null }
}

module.exports = { environment, proxies }
