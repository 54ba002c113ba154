//! What several tests of a file use together.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Something that is started by the first test that needs it, and ends with the last one that
/// holds it. (A static that owned it would never be dropped, and leave its processes behind.)
pub struct Shared<T>(Mutex<Weak<T>>);

impl<T> Shared<T> {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The one that runs, or a new one.
    pub fn get(&self, start: impl FnOnce() -> T) -> Arc<T> {
        // A start that panicked has left nothing.
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let new = Arc::new(start());
            *running = Arc::downgrade(&new);
            new
        })
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self::new()
    }
}
