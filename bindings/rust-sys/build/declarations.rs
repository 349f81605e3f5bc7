//! The declarations, made from the public header. The script `generate` compares them with the committed ones.

use std::env;
use std::path::PathBuf;

/// Write them to `bindings.rs` in the build's own folder.
pub fn write() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("bindings.rs");
    bindgen::Builder::default()
        .header("core/include/ratls/ratls.h")
        .clang_arg("-Icore/include")
        .allowlist_function("ratls_.*")
        .allowlist_type("ratls_.*")
        .allowlist_var("(ratls|RATLS)_.*")
        .default_enum_style(bindgen::EnumVariation::Consts)
        .default_macro_constant_type(bindgen::MacroTypeVariation::Signed)
        .layout_tests(true)
        .derive_default(false)
        .must_use_type("ratls_status")
        .use_core()
        .formatter(bindgen::Formatter::Prettyplease)
        .generate()
        .expect("the public header can be read")
        .write_to_file(out)
        .expect("the build's own folder can be written to");
}
