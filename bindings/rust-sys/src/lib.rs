//! Declarations of libratls: `core/include/ratls/ratls.h` as bindgen reads it, nothing else.
//!
//! What each function promises is said at its declaration. Use the crate `ra-tls-verify` unless you need the C ABI itself.
#![no_std]
#![allow(non_camel_case_types, non_upper_case_globals, missing_docs)]
// The documentation is written for C.
#![allow(rustdoc::broken_intra_doc_links, rustdoc::invalid_html_tags, rustdoc::bare_urls)]
#![allow(clippy::doc_lazy_continuation, clippy::doc_overindented_list_items, clippy::too_many_arguments)]

// They link the one OpenSSL and the one libcurl of the program.
extern crate curl_sys as _;
extern crate openssl_sys as _;

include!("bindings.rs");
