//! `conformance-runner TESTS_DIRECTORY`: exit 0 when every outcome is the expected one, 1 otherwise or when there is no case.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use conformance_runner::{Mistake, line_of, load_cases, outcome_of};

fn run(tests: &Path) -> Result<bool, Mistake> {
    let cases = load_cases(tests)?;
    let mut different = 0;
    for (name, case) in &cases {
        let found = line_of(name, &outcome_of(case, tests).map_err(|mistake| format!("{name}: {mistake}"))?)?;
        let expected = line_of(name, &case["expect"])?;
        println!("{found}");
        if found != expected {
            different += 1;
            eprintln!("{name}: differs\n  found    {found}\n  expected {expected}");
        }
    }
    eprintln!("conformance: {} cases, {different} differ", cases.len());
    Ok(different == 0)
}

fn main() -> ExitCode {
    let tests = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("tests"), PathBuf::from);
    match run(&tests) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(mistake) => {
            eprintln!("conformance runner: {mistake}");
            ExitCode::FAILURE
        }
    }
}
