//! Where the native library comes from: the sources in this package, or an installation.
//!
//! From source unless only the feature `system` asks for an installed one; `RATLS_SYS_NO_VENDOR=1` asks for it in any case.
//! OpenSSL and libcurl are the copies that `openssl-sys` and `curl-sys` link, cJSON and c-ares the system's.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The ABI of an installed library must be the one that the declarations were made from.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() {
    println!("cargo::rerun-if-env-changed=RATLS_SYS_NO_VENDOR");
    println!("cargo::rerun-if-changed=build");
    let no_vendor = env::var_os("RATLS_SYS_NO_VENDOR").is_some_and(|value| value != "0" && !value.is_empty());
    let only_system = cfg!(feature = "system") && !cfg!(feature = "vendored");
    if no_vendor || only_system {
        use_installed();
    } else {
        build_core();
    }
    #[cfg(feature = "bindgen")]
    declarations::write();
}

fn use_installed() {
    let library = pkg_config::Config::new()
        .exactly_version(VERSION)
        .probe("ratls")
        .unwrap_or_else(|error| panic!("no installed libratls {VERSION} that pkg-config knows: {error}"));
    for include in &library.include_paths {
        println!("cargo::metadata=include={}", include.display());
    }
}

fn build_core() {
    let core = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("core");
    let cjson = pkg_config::Config::new()
        .cargo_metadata(false)
        .probe("libcjson")
        .unwrap_or_else(|error| panic!("cJSON is missing (Debian: libcjson-dev): {error}"));
    let cares = pkg_config::Config::new()
        .cargo_metadata(false)
        .probe("libcares")
        .unwrap_or_else(|error| panic!("c-ares is missing (Debian: libc-ares-dev): {error}"));
    let mut build = cc::Build::new();
    build
        .std("gnu11")
        .define("_GNU_SOURCE", None)
        .flag("-fvisibility=hidden")
        // Also in debug builds: what is debugged is the caller's program, and it verifies signatures all the time.
        .opt_level(2)
        .include(core.join("include"))
        .include(core.join("src"))
        .includes(&cjson.include_paths)
        .includes(&cares.include_paths)
        // Where those crates found, or built, what they link.
        .includes(
            ["DEP_OPENSSL_INCLUDE", "DEP_CURL_INCLUDE"]
                .iter()
                .filter_map(env::var_os)
                .flat_map(|paths| env::split_paths(&paths).collect::<Vec<_>>()),
        )
        .files(sources(&core));
    build.compile("ratls");
    // After our own library, which needs them.
    for directory in cjson.link_paths.iter().chain(&cares.link_paths) {
        println!("cargo::rustc-link-search=native={}", directory.display());
    }
    println!("cargo::rustc-link-lib=cjson");
    println!("cargo::rustc-link-lib=cares");
    println!("cargo::metadata=include={}", core.join("include").display());
    for directory in ["include", "src"] {
        println!("cargo::rerun-if-changed={}", core.join(directory).display());
    }
}

/// The files that `sources.cmake` of each area names: one list for every build.
fn sources(core: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for area in fs::read_dir(core.join("src")).expect("the core's sources are in this package") {
        let area = area.expect("readable").path();
        let Ok(list) = fs::read_to_string(area.join("sources.cmake")) else { continue };
        found.extend(list.split_whitespace().filter_map(|word| {
            let name = word.strip_prefix("${CMAKE_CURRENT_LIST_DIR}/")?.trim_end_matches(')');
            name.ends_with(".c").then(|| area.join(name))
        }));
    }
    assert!(!found.is_empty(), "no source files in {}", core.display());
    found.sort();
    found
}

#[cfg(feature = "bindgen")]
mod declarations;
