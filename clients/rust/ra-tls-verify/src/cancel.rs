//! Ending a call early.

use std::sync::Arc;

use ratls_sys as sys;

use crate::error::Error;
use crate::ffi::CancelHandle;

/// Ends the call that it was given to, from another thread.
#[derive(Clone, Debug)]
pub(crate) struct Cancel(Arc<CancelHandle>);

impl Cancel {
    pub(crate) fn new() -> Result<Cancel, Error> {
        // SAFETY: both are places for outputs.
        CancelHandle::make(|out, error| unsafe { sys::ratls_cancel_new(out, error) }).map(|handle| Cancel(Arc::new(handle)))
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::ratls_cancel {
        self.0.as_ptr()
    }

    fn trigger(&self) {
        // SAFETY: a live handle.
        unsafe { sys::ratls_cancel_trigger(self.as_ptr()) }
    }
}

/// NULL for the calls that nobody cancels.
pub(crate) fn as_ptr(cancel: Option<&Cancel>) -> *mut sys::ratls_cancel {
    cancel.map_or(std::ptr::null_mut(), Cancel::as_ptr)
}

/// Ends the call when the future that waits for it is dropped.
struct EndOnDrop(Cancel);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.trigger();
    }
}

/// Run a call on a thread of Tokio's for such calls; dropping the future ends it.
#[cfg(feature = "tokio")]
pub(crate) async fn waiting<T: Send + 'static>(
    call: impl FnOnce(Option<&Cancel>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let runtime = tokio::runtime::Handle::try_current()
        .map_err(|_| crate::error::argument_invalid("runtime", "there is no Tokio runtime here: use the blocking function"))?;
    let cancel = Cancel::new()?;
    let _end = EndOnDrop(cancel.clone());
    let done = runtime.spawn_blocking(move || call(Some(&cancel))).await;
    done.unwrap_or_else(|failed| Err(crate::error::internal(&failed.to_string())))
}
