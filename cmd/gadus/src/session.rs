//! What every command that talks to a node has.

use gadus_api::client::Client;

use crate::cli::{API_DEFAULT, Global};
use crate::failure::Failure;
use crate::printer::Printer;

/// A node to talk to, and a place to say what comes of it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) printer: Printer,
}

impl Session {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// When the address makes no sense.
    pub(crate) fn new(global: &Global, printer: Printer) -> Result<Self, Failure> {
        // A variable that is empty is as good as none.
        let api = if global.api.is_empty() { API_DEFAULT } else { &global.api };
        let client = Client::new(api).map_err(|e| Failure::call("understand --api", &e))?;
        Ok(Self { client, printer })
    }
}
