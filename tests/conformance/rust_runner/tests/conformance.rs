//! Every conformance case, through the Rust API.

use std::path::{Path, PathBuf};

use conformance_runner::{line_of, load_cases, outcome_of};

fn tests_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_case_comes_out_as_expected() {
    let tests = tests_directory();
    let cases = load_cases(&tests).expect("there are cases");
    let different: Vec<String> = cases
        .iter()
        .filter_map(|(name, case)| {
            let found = line_of(name, &outcome_of(case, &tests).unwrap_or_else(|mistake| panic!("{name}: {mistake}"))).unwrap();
            let expected = line_of(name, &case["expect"]).unwrap();
            (found != expected).then(|| format!("{name}\n  found    {found}\n  expected {expected}"))
        })
        .collect();
    println!("{} cases", cases.len());
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

#[test]
fn no_case_is_a_failure() {
    assert!(load_cases(Path::new(env!("CARGO_MANIFEST_DIR"))).is_err());
}

/// All packages have the version that is written once for the project, and its licence.
#[test]
fn versions_and_licences_agree() {
    let root = tests_directory().join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let version = read("VERSION").trim().to_owned();
    assert_eq!(ra_tls_verify::VERSION, version);
    let workspace = read("Cargo.toml");
    assert!(workspace.contains(&format!("\nversion = \"{version}\"\n")) && workspace.contains("\nlicense = \"Apache-2.0\"\n"));
    for package in ["bindings/rust-sys", "clients/rust/ra-tls-verify", "clients/rust/postgres-ratls"] {
        let manifest = read(&format!("{package}/Cargo.toml"));
        assert!(manifest.contains("version.workspace = true") && manifest.contains("license.workspace = true"), "{package}");
        assert_eq!(read(&format!("{package}/LICENSE")), read("LICENSE"), "{package}");
        assert!(read(&format!("{package}/README.md")).contains("Licence: Apache-2.0."), "{package}");
    }
    for dependency in ["ratls-sys", "ra-tls-verify"] {
        assert!(workspace.contains(&format!("version = \"={version}\"")), "{dependency}");
    }
}
