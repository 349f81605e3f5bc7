//! The declarations agree with the library that was linked. Sizes and offsets are checked when the crate is compiled.

use core::ffi::CStr;
use core::mem::{MaybeUninit, size_of};
use ratls_sys::*;

#[test]
fn the_library_is_the_one_that_was_declared() {
    assert_eq!(unsafe { ratls_abi_version() }, RATLS_ABI_VERSION);
    let version = unsafe { CStr::from_ptr(ratls_version()) };
    assert_eq!(version.to_str(), Ok(env!("CARGO_PKG_VERSION")));
}

/// An options struct as its init function leaves it: nothing but its size.
fn initialised<T>(init: unsafe extern "C" fn(*mut T, usize)) -> Vec<u8> {
    let mut options = MaybeUninit::<T>::zeroed();
    let size = size_of::<T>();
    unsafe {
        core::ptr::write_bytes(options.as_mut_ptr().cast::<u8>(), 0xaa, size);
        init(options.as_mut_ptr(), size);
        core::slice::from_raw_parts(options.as_ptr().cast::<u8>(), size).to_vec()
    }
}

fn assert_only_size<T>(init: unsafe extern "C" fn(*mut T, usize)) {
    let bytes = initialised(init);
    let (size, rest) = bytes.split_at(size_of::<usize>());
    assert_eq!(size, size_of::<T>().to_ne_bytes());
    assert!(rest.iter().all(|byte| *byte == 0), "{}", core::any::type_name::<T>());
}

#[test]
fn options_are_as_large_as_the_library_thinks() {
    assert_only_size(ratls_verify_options_init);
    assert_only_size(ratls_dcap_options_init);
    assert_only_size(ratls_verifier_options_init);
    assert_only_size(ratls_tunnel_options_init);
}

#[test]
fn options_of_another_size_are_refused() {
    let mut options = MaybeUninit::<ratls_dcap_options>::zeroed();
    let mut verifier = core::ptr::null_mut();
    let status = unsafe {
        (*options.as_mut_ptr()).size = size_of::<usize>();
        ratls_verifier_new_dcap(&mut verifier, options.as_ptr(), core::ptr::null_mut())
    };
    assert_eq!((status, verifier.is_null()), (RATLS_ERR_OPTIONS_SIZE as i32, true));
}

#[test]
fn evidence_is_read_through_the_c_abi() {
    let mut quote = core::ptr::null_mut();
    let mut error = core::ptr::null_mut();
    let status = unsafe { ratls_quote_inspect(&mut quote, [0u8; 4].as_ptr(), 4, &mut error) };
    assert_eq!((status, quote.is_null()), (RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED as i32, true));
    assert_eq!(unsafe { ratls_error_code(error) }, status);
    unsafe { ratls_error_free(error) };
}
