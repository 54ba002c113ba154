//! What every command that talks to a node has.

use gadus_api::client::Client;

use crate::cli::Global;
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
        let client = Client::new(&global.api).map_err(|e| Failure::call("understand --api", &e))?;
        Ok(Self { client, printer })
    }
}
