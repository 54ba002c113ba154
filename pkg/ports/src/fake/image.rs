//! A registry that has one image, or is not there.

use std::sync::Arc;

use async_trait::async_trait;
use gadus_model::{Failure, FailureKind};
use parking_lot::Mutex;

use crate::image::ImageResolver;

/// Answers every name alike.
#[derive(Debug)]
pub struct FakeImages {
    answer: Mutex<Result<String, Failure>>,
    asked: Mutex<Vec<String>>,
}

impl FakeImages {
    /// One that has no image.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let nothing = Failure::new(FailureKind::ImageMissing, "the fake registry has no image");
        Arc::new(Self { answer: Mutex::new(Err(nothing)), asked: Mutex::default() })
    }

    /// The answer to every name from now on.
    pub fn set(&self, answer: Result<&str, Failure>) {
        *self.answer.lock() = answer.map(str::to_owned);
    }

    /// The names that it was asked for.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }
}

#[async_trait]
impl ImageResolver for FakeImages {
    async fn resolve_image(&self, reference: &str) -> Result<String, Failure> {
        self.asked.lock().push(reference.to_owned());
        self.answer.lock().clone()
    }
}
