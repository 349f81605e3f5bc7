//! What a verification accepts.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::path::Path;
use std::time::{Duration, SystemTime};

use ratls_sys as sys;
use serde_json::{Map, Value, json};

use crate::codes::Code;
use crate::error::{Error, argument_invalid};
use crate::ffi::{PolicyHandle, text};
use crate::settings::{read_file, unix_seconds};

/// What `allowed_mrtds` holds while no MRTD is asked for.
pub const ANY: &str = "any";

/// In C zero stands for the default, and a verdict cache is switched off by a negative number.
const CACHE_OFF: i64 = -1;

/// The options of a verification, said once: `callback! { [fields] … }` gets what makes a field of each, and may add its own.
#[doc(hidden)]
#[macro_export]
macro_rules! verify_options {
    ($callback:ident! { $($more:tt)* }) => {
        $callback! {
            [
                /// MRTDs that are accepted, 96 hexadecimal digits each. Not given it holds `ANY` alone; a list
                /// that is empty is an error, so that an allowlist read from somewhere else never turns into "everybody".
                allowed_mrtds: Vec<String>,
                /// Further fields and the values they may have, for example `rtmr1` or `fmspc`: values of one field are
                /// alternatives, fields are joined by and.
                pins: Option<std::collections::BTreeMap<String, Vec<String>>>,
                /// TCB statuses that are accepted; not given: `OK` and `SWHardeningNeeded`. `Revoked` never is.
                acceptable_tcb_statuses: Option<Vec<String>>,
                /// When given, every advisory of the verdict must be listed.
                allowed_advisory_ids: Option<Vec<String>>,
                /// Lowest TCB evaluation data number of the collateral.
                min_tcb_evaluation_data_number: Option<i64>,
                /// Lowest value of each byte of TEE_TCB_SVN, 32 hexadecimal digits.
                min_tee_tcb_svn: Option<String>,
                /// Accept a TD or enclave in debug mode.
                allow_debug_mode: bool,
                /// Accept a TD whose SEPT_VE_DISABLE is clear.
                allow_sept_ve: bool,
                /// Accept a certificate without a quote, only while nothing is pinned. For development.
                allow_simulator: bool,
                /// Accept application pins without pins of MRTD and RTMR0 to RTMR2.
                allow_partial_pins: bool,
                /// Oldest date that a TCB level of the verdict may have.
                min_tcb_date: Option<std::time::SystemTime>,
                /// Accept only what Intel's verifier and dcap-qvl accept as well.
                strict_intersection: bool,
                /// Accept nothing but zeros after the quote.
                strict_trailing: bool,
                /// Of SGX quotes accept only version 3.
                sgx_v3_only: bool,
                /// Accept a TD that may use performance monitoring.
                allow_perfmon: bool,
                /// Accept a TD with LASS set.
                allow_lass: bool,
                /// Accept a TD with ICSSD set.
                allow_icssd: bool,
                /// Accept a TD that may be migrated.
                allow_migratable: bool,
                /// Accept a TD with a service TD bound to it.
                allow_service_td: bool,
                /// Verify for this time instead of the clock's; bypasses the verdict cache.
                now: Option<std::time::SystemTime>,
                /// Seconds that a verdict on a certificate is kept; 0: not at all; not given: 3600.
                cache_ttl_s: Option<u32>,
                /// Deadline of one verification, in milliseconds; not given: 30000.
                timeout_ms: Option<u32>,
            ]
            $($more)*
        }
    };
}

macro_rules! define {
    ([$($(#[$about:meta])* $option:ident: $type:ty,)*]) => {
        /// What is accepted; an option that is not given has its safe default.
        ///
        /// Hexadecimal is accepted with or without 0x, in either case. A list that is given and empty is an error, and so is
        /// every value that is not exactly right: `Error::Usage`, when the options are used.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct VerifyOptions {
            $($(#[$about])* pub $option: $type,)*
            /// Oldest acceptable report, in seconds.
            pub max_age_s: Option<u32>,
        }

        impl Default for VerifyOptions {
            fn default() -> VerifyOptions {
                let mut options = VerifyOptions { $($option: Default::default(),)* max_age_s: None };
                options.allowed_mrtds.push(ANY.to_owned());
                options
            }
        }
    };
}

verify_options!(define! {});

impl VerifyOptions {
    /// Read options from the text of a policy file: a JSON object with these names, but `allowed_mr_td` for the MRTDs.
    ///
    /// # Errors
    /// `Error::Usage`: unknown and duplicate keys, wrong types and wrong lengths.
    pub fn from_policy(policy: &str) -> Result<VerifyOptions, Error> {
        let handle = parse(policy)?;
        // SAFETY: the options live as long as the handle, and what they point to as well.
        unsafe { Ok(of_core(&*sys::ratls_policy_options(handle.as_ptr()))) }
    }

    /// [`VerifyOptions::from_policy`] of a file: what the command reads with `--policy FILE`.
    ///
    /// # Errors
    /// `Error::Usage`: the file cannot be read, or is no policy.
    pub fn from_policy_file(path: impl AsRef<Path>) -> Result<VerifyOptions, Error> {
        let policy = read_file(path.as_ref())?;
        let policy = std::str::from_utf8(&policy).map_err(|_| argument_invalid("policy", "it is not UTF-8"))?;
        VerifyOptions::from_policy(policy)
    }

    /// The core's reading of these options.
    pub(crate) fn policy(&self) -> Result<PolicyHandle, Error> {
        parse(&Value::Object(self.to_policy()?).to_string())
    }

    fn to_policy(&self) -> Result<Map<String, Value>, Error> {
        let mut policy = Map::new();
        let mut give = |name: &str, value: Option<Value>| {
            policy.extend(value.map(|value| (name.to_owned(), value)));
        };
        let unless_any = Some(&self.allowed_mrtds).filter(|mrtds| mrtds.as_slice() != [ANY]);
        give("allowed_mr_td", unless_any.map(|mrtds| json!(mrtds)));
        give("pins", self.pins.as_ref().map(|pins| json!(pins)));
        give("acceptable_tcb_statuses", self.acceptable_tcb_statuses.as_ref().map(|list| json!(list)));
        give("allowed_advisory_ids", self.allowed_advisory_ids.as_ref().map(|list| json!(list)));
        give("min_tcb_evaluation_data_number", self.min_tcb_evaluation_data_number.map(Value::from));
        give("min_tee_tcb_svn", self.min_tee_tcb_svn.as_ref().map(|hex| json!(hex)));
        for (name, flag) in [
            ("allow_debug_mode", self.allow_debug_mode),
            ("allow_sept_ve", self.allow_sept_ve),
            ("allow_simulator", self.allow_simulator),
            ("allow_partial_pins", self.allow_partial_pins),
            ("strict_intersection", self.strict_intersection),
            ("strict_trailing", self.strict_trailing),
            ("sgx_v3_only", self.sgx_v3_only),
            ("allow_perfmon", self.allow_perfmon),
            ("allow_lass", self.allow_lass),
            ("allow_icssd", self.allow_icssd),
            ("allow_migratable", self.allow_migratable),
            ("allow_service_td", self.allow_service_td),
        ] {
            give(name, flag.then_some(Value::Bool(true)));
        }
        give("min_tcb_date", self.min_tcb_date.map(|time| unix_seconds("min_tcb_date", time)).transpose()?.map(Value::from));
        give("now", self.now.map(|time| unix_seconds("now", time)).transpose()?.map(Value::from));
        give("cache_ttl_s", self.cache_ttl_s.map(|ttl| if ttl == 0 { json!(CACHE_OFF) } else { json!(ttl) }));
        give("timeout_ms", at_least_one("timeout_ms", self.timeout_ms)?);
        give("max_age_s", at_least_one("max_age_s", self.max_age_s)?);
        Ok(policy)
    }
}

fn parse(policy: &str) -> Result<PolicyHandle, Error> {
    // SAFETY: the text is borrowed for the call.
    PolicyHandle::make(|out, error| unsafe { sys::ratls_policy_parse(out, policy.as_ptr().cast(), policy.len(), error) })
}

pub(crate) fn option_value(option: &str, found: &str, expected: &str) -> Error {
    Error::of_code(Code::OptionValue, &[("option", option), ("found", found), ("expected", expected)])
}

/// Zero would be the default in C, and makes no sense.
fn at_least_one(option: &str, value: Option<u32>) -> Result<Option<Value>, Error> {
    match value {
        Some(0) => Err(option_value(option, "0", "at least 1")),
        other => Ok(other.map(Value::from)),
    }
}

/// A list of the core's; `None` for one that is not given.
unsafe fn list(items: *const *const c_char, len: usize) -> Option<Vec<String>> {
    // SAFETY: the core's options hold `len` texts there.
    (!items.is_null()).then(|| unsafe { std::slice::from_raw_parts(items, len).iter().filter_map(|item| text(*item)).collect() })
}

unsafe fn pins(core: &sys::ratls_verify_options) -> Option<BTreeMap<String, Vec<String>>> {
    // SAFETY: the core's options hold `pins_len` pins there.
    (!core.pins.is_null()).then(|| unsafe {
        let pins = std::slice::from_raw_parts(core.pins, core.pins_len).iter();
        pins.filter_map(|pin| Some((text(pin.field)?, list(pin.values, pin.values_len)?))).collect()
    })
}

/// The options that the core made of a policy file: valid, so that each has its place here.
unsafe fn of_core(core: &sys::ratls_verify_options) -> VerifyOptions {
    let positive = |number: i64| u32::try_from(number).ok().filter(|number| *number > 0);
    let time = |at: i64| u64::try_from(at).ok().filter(|at| *at > 0).map(|at| SystemTime::UNIX_EPOCH + Duration::from_secs(at));
    // SAFETY: valid options.
    unsafe {
        VerifyOptions {
            allowed_mrtds: list(core.allowed_mr_td, core.allowed_mr_td_len).unwrap_or_else(|| vec![ANY.to_owned()]),
            pins: pins(core),
            acceptable_tcb_statuses: list(core.acceptable_tcb_statuses, core.acceptable_tcb_statuses_len),
            allowed_advisory_ids: list(core.allowed_advisory_ids, core.allowed_advisory_ids_len),
            min_tcb_evaluation_data_number: Some(core.min_tcb_evaluation_data_number).filter(|number| *number != 0),
            min_tee_tcb_svn: text(core.min_tee_tcb_svn),
            allow_debug_mode: core.allow_debug_mode != 0,
            allow_sept_ve: core.allow_sept_ve != 0,
            allow_simulator: core.allow_simulator != 0,
            allow_partial_pins: core.allow_partial_pins != 0,
            min_tcb_date: time(core.min_tcb_date),
            strict_intersection: core.strict_intersection != 0,
            strict_trailing: core.strict_trailing != 0,
            sgx_v3_only: core.sgx_v3_only != 0,
            allow_perfmon: core.allow_perfmon != 0,
            allow_lass: core.allow_lass != 0,
            allow_icssd: core.allow_icssd != 0,
            allow_migratable: core.allow_migratable != 0,
            allow_service_td: core.allow_service_td != 0,
            now: time(core.now),
            cache_ttl_s: if core.cache_ttl_s < 0 { Some(0) } else { positive(core.cache_ttl_s) },
            timeout_ms: positive(core.timeout_ms),
            max_age_s: positive(core.max_age_s),
        }
    }
}
