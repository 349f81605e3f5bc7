//! Runs conformance cases through the crate `ra-tls-verify`; prints what the C runner prints (README.md two folders up).

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use ra_tls_verify::{
    Claims, Class, CrlPolicy, DcapVerifier, Error, Inspection, IntelApiVerifier, IntelApiVerifierBuilder, NoopVerifier,
    RaTlsVerifier, Rejection, Verifier, VerifyOptions, extract_tdx_quote, inspect_certificate, inspect_evidence, inspect_quote,
    inspect_report,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// A mistake in a case or in the machine, which is not an outcome.
pub type Mistake = Box<dyn std::error::Error + Send + Sync>;

/// A case's inputs by name.
type Inputs = BTreeMap<String, Vec<u8>>;

/// A verifier of the caller's that answers as its case says.
struct CaseVerifier(Value);

impl RaTlsVerifier for CaseVerifier {
    fn verify(&self, _quote: &[u8], _options: &VerifyOptions) -> Result<Claims, Rejection> {
        if let Some(claims) = self.0.get("claims") {
            return Ok(Claims::from_json(claims.to_string()));
        }
        let reason = "as the case says".to_owned();
        Err(if self.0["reject"] == "refused" { Rejection::Refused(reason) } else { Rejection::Unavailable(reason) })
    }
}

/// Settings by their names in C; null stands for one that is not given.
fn with_setting(builder: IntelApiVerifierBuilder, name: &str, value: &Value) -> Result<IntelApiVerifierBuilder, Mistake> {
    let text = || value.as_str().ok_or_else(|| format!("{name} is no text"));
    let flag = || value.as_bool().ok_or_else(|| format!("{name} is no flag"));
    let number = || value.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(|| format!("{name} is no number"));
    let texts = || -> Result<Vec<String>, String> {
        let items = value.as_array().ok_or_else(|| format!("{name} is no list"))?;
        items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(|| format!("{name} has what is no text"))).collect()
    };
    Ok(match name {
        "region" => builder.region(text()?),
        "base_url" => builder.base_url(text()?),
        "portal_url" => builder.portal_url(text()?),
        "policy_ids" => builder.policy_ids(texts()?),
        "allowed_algorithms" => builder.allowed_algorithms(texts()?),
        "api_version" => builder.api_version(number()?),
        "min_rsa_bits" => builder.min_rsa_bits(number()?),
        "policy_must_match" => builder.policy_must_match(flag()?),
        "allow_unmatched_policies" => builder.allow_unmatched_policies(flag()?),
        "crl_policy" => builder.crl_policy(match text()? {
            "hard" => CrlPolicy::Hard,
            "soft" => CrlPolicy::Soft,
            "off" => CrlPolicy::Off,
            other => return Err(format!("crl_policy {other}").into()),
        }),
        _ => return Err(format!("no setting is called {name}").into()),
    })
}

/// Intel Trust Authority's verifier, for the stand-in's service that does what the case says.
fn intel_verifier(intel: &Value, inputs: &Inputs) -> Result<Result<Verifier, Error>, Mistake> {
    let path = intel_standin().ok_or("no stand-in for Intel Trust Authority runs")?;
    let standin: Value = serde_json::from_slice(&fs::read(path)?)?;
    let there = &standin["authorities"][intel["scenario"].as_str().ok_or("no scenario")?];
    let mut given = json!({"base_url": there["api_url"], "portal_url": there["portal_url"], "api_key": there["api_key"]});
    for (name, value) in intel.get("options").and_then(Value::as_object).into_iter().flatten() {
        given[name] = value.clone();
    }
    let mut builder =
        IntelApiVerifier::builder(given["api_key"].as_str()).ca_file(there["ca_file"].as_str().ok_or("no ca_file")?)?;
    for (name, value) in given.as_object().into_iter().flatten() {
        if name != "api_key" && !value.is_null() {
            builder = with_setting(builder, name, value)?;
        }
    }
    if let Some(roots) = inputs.get("pinned_roots") {
        builder = builder.pinned_roots(roots.clone());
    }
    Ok(builder.build().map(Verifier::from))
}

fn make_verifier(case: &Value, inputs: &Inputs) -> Result<Result<Verifier, Error>, Mistake> {
    match case.pointer("/verifier/intel") {
        Some(intel) => intel_verifier(intel, inputs),
        None => Ok(Ok(make_local_verifier(case, inputs))),
    }
}

fn make_local_verifier(case: &Value, inputs: &Inputs) -> Verifier {
    if let Some(custom) = case.pointer("/verifier/custom") {
        return Verifier::own(CaseVerifier(custom.clone()));
    }
    if case["verifier"] == "noop" {
        return NoopVerifier::new().into();
    }
    let mut verifier = DcapVerifier::new();
    if let Some(collateral) = inputs.get("collateral") {
        verifier = verifier.with_collateral(collateral.clone());
    }
    if let Some(trust_anchor) = inputs.get("trust_anchor") {
        verifier = verifier.with_trust_anchor(trust_anchor.clone());
    }
    verifier.into()
}

fn input<'a>(inputs: &'a Inputs, name: &str) -> Result<&'a [u8], Mistake> {
    inputs.get(name).map(Vec::as_slice).ok_or_else(|| format!("the case has no input {name}").into())
}

/// Read the first of these inputs that the case has.
fn inspect(inputs: &Inputs) -> Result<Result<Inspection, Error>, Mistake> {
    type Reader = fn(&[u8]) -> Result<Inspection, Error>;
    let readers: [(&str, Reader); 4] = [
        ("certificate", inspect_certificate),
        ("quote", inspect_quote),
        ("evidence", inspect_evidence),
        ("report", inspect_report),
    ];
    let found = readers.iter().find_map(|(name, read)| inputs.get(*name).map(|bytes| read(bytes)));
    found.ok_or_else(|| "the case has nothing to inspect".into())
}

/// One of the operations: what it gives beside `accepted`.
fn run_operation(case: &Value, inputs: &Inputs) -> Result<Result<Value, Error>, Mistake> {
    match case["operation"].as_str() {
        Some("extract") => Ok(extract_tdx_quote(input(inputs, "certificate")?).map(|quote| {
            let known = quote.map(|quote| json!({"length": quote.len(), "sha256": hex(&Sha256::digest(&quote))}));
            json!({ "quote": known })
        })),
        Some("inspect") => match inspect(inputs)? {
            Ok(fields) => Ok(Ok(json!({"fields": serde_json::from_str::<Value>(fields.json())?}))),
            Err(error) => Ok(Err(error)),
        },
        Some("verify_quote") => verify(case, inputs, Verifier::verify_blocking, input(inputs, "quote")?),
        Some("verify_evidence") => verify(case, inputs, Verifier::verify_evidence_blocking, input(inputs, "evidence")?),
        Some("verify_report") => verify(case, inputs, Verifier::verify_report_blocking, input(inputs, "report")?),
        Some("verify_certificate") => verify(case, inputs, Verifier::verify_certificate_blocking, input(inputs, "certificate")?),
        _ => Err("the case has no operation that is known".into()),
    }
}

/// Several verifications with one verifier; of what is accepted only whether the verdict was kept from an earlier turn.
fn verify_in_turn(case: &Value, inputs: &Inputs, tests: &Path) -> Result<Value, Mistake> {
    let verifier = make_verifier(case, inputs)??;
    let turns = case["turns"].as_array().ok_or("the case has no turns")?;
    let outcomes = turns.iter().map(|turn| {
        let inputs = read_inputs(turn, tests)?;
        let certificate = input(&inputs, "certificate")?;
        let verified = VerifyOptions::from_policy(&turn["options"].to_string())
            .and_then(|options| verifier.verify_certificate_blocking(certificate, &options));
        match verified {
            Ok(result) => Ok(json!({"accepted": true, "from_cache": result.from_cache})),
            Err(error) => failure(&error),
        }
    });
    Ok(json!({"turns": outcomes.collect::<Result<Vec<_>, Mistake>>()?}))
}

fn failure(error: &Error) -> Result<Value, Mistake> {
    Ok(json!({
        "accepted": false, "code": error.code().name(), "class": class_name(error.class()), "stage": error.stage(),
        "tcb": error.tcb_json().map(serde_json::from_str::<Value>).transpose()?,
    }))
}

type VerifyFunction = fn(&Verifier, &[u8], &VerifyOptions) -> Result<ra_tls_verify::VerifyResult, Error>;

fn verify(case: &Value, inputs: &Inputs, function: VerifyFunction, evidence: &[u8]) -> Result<Result<Value, Error>, Mistake> {
    let text = match case["options_text"].as_str() {
        Some(text) => text.to_owned(),
        None => case.get("options").map_or_else(|| "{}".to_owned(), Value::to_string),
    };
    let options = match VerifyOptions::from_policy(&text) {
        Ok(options) => options,
        Err(error) => return Ok(Err(error)),
    };
    let verified = make_verifier(case, inputs)?.and_then(|verifier| function(&verifier, evidence, &options));
    Ok(verified.map(|result| json!({"result": serde_json::from_str::<Value>(&result.json).unwrap_or_default()})))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_inputs(case: &Value, tests: &Path) -> Result<Inputs, Mistake> {
    let mut inputs = Inputs::new();
    for (name, path) in case["inputs"].as_object().ok_or("the case has no inputs")? {
        let path = tests.join(path.as_str().ok_or("an input is no path")?);
        inputs.insert(name.clone(), fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    Ok(inputs)
}

/// The normalised outcome of a case.
///
/// # Errors
/// A mistake in the case, or a message that is not the one it demands in Rust's spelling.
pub fn outcome_of(case: &Value, tests: &Path) -> Result<Value, Mistake> {
    let inputs = read_inputs(case, tests)?;
    let outcome = match case["operation"].as_str() {
        Some("verify_in_turn") => Ok(verify_in_turn(case, &inputs, tests)?),
        _ => run_operation(case, &inputs)?,
    };
    match outcome {
        Ok(Value::Object(found)) => Ok(with("accepted", Value::Bool(true), found)),
        Ok(_) => Err("an operation without fields".into()),
        Err(error) => {
            let found = error.to_string();
            match case.pointer("/messages/rust").and_then(Value::as_str) {
                Some(expected) if expected != found => {
                    Err(format!("message differs\n  found    {found}\n  expected {expected}").into())
                }
                _ => failure(&error),
            }
        }
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Usage => "usage",
        Class::Refused => "refused",
        Class::Unavailable => "unavailable",
    }
}

fn with(name: &str, value: Value, mut fields: Map<String, Value>) -> Value {
    fields.insert(name.to_owned(), value);
    Value::Object(fields)
}

/// One line of JSON: keys sorted, no white space.
///
/// # Errors
/// The outcome is no object.
pub fn line_of(name: &str, outcome: &Value) -> Result<String, Mistake> {
    let fields = outcome.as_object().ok_or("an outcome that is no object")?;
    Ok(with("name", json!(name), fields.clone()).to_string())
}

/// The file that says where the stand-in for Intel Trust Authority is, when one runs.
fn intel_standin() -> Option<String> {
    std::env::var("RATLS_INTEL_STANDIN").ok().filter(|path| !path.is_empty())
}

/// All cases in the order of their names; those of Intel Trust Authority only where its stand-in runs.
///
/// # Errors
/// There is none, or one cannot be read.
pub fn load_cases(tests: &Path) -> Result<BTreeMap<String, Value>, Mistake> {
    let directory = tests.join("conformance/cases");
    let mut cases = BTreeMap::new();
    for area in files_in(&directory)? {
        for case in files_in(&area)? {
            let name = case.strip_prefix(&directory)?.with_extension("");
            if case.extension().is_some_and(|extension| extension == "json") {
                let parsed: Value =
                    serde_json::from_slice(&fs::read(&case)?).map_err(|error| format!("{}: {error}", case.display()))?;
                if intel_standin().is_some() || parsed.pointer("/verifier/intel").is_none() {
                    cases.insert(name.to_string_lossy().into_owned(), parsed);
                }
            }
        }
    }
    if cases.is_empty() {
        return Err(format!("no cases in {}", directory.display()).into());
    }
    Ok(cases)
}

fn files_in(directory: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect()
}
