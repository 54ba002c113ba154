//! Lists that come page by page.

use reqwest::Url;
use serde::de::DeserializeOwned;

use super::{Client, ClientError};
use crate::types::{
    BundleInfo, EvidenceEntry, JobHistory, ListEvidenceResponse, ListHistoryResponse,
    ListPinsResponse, ListVerdictsResponse, PinInfo,
};

/// A page of a list.
pub(super) trait Page: DeserializeOwned {
    type Item;

    /// What is on it, and the token of the next one; empty after the last.
    fn into_parts(self) -> (Vec<Self::Item>, String);
}

impl Client {
    /// Reads pages until the last one, or until there are `max` items. `url` is a page's, by its
    /// token.
    pub(super) async fn pages<P: Page>(
        &self,
        max: usize,
        url: impl Fn(&str, usize) -> Url,
    ) -> Result<Vec<P::Item>, ClientError> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let (items, next) = self.get::<P>(url(&token, max - all.len())).await?.into_parts();
            let is_last = items.is_empty() || next.is_empty();
            all.extend(items);
            if is_last || all.len() >= max {
                return Ok(all);
            }
            token = next;
        }
    }
}

macro_rules! pages {
    ($($page:ty: $item:ty;)*) => {$(
        impl Page for $page {
            type Item = $item;

            fn into_parts(self) -> (Vec<$item>, String) {
                (self.items, self.next_token)
            }
        }
    )*};
}

pages! {
    ListEvidenceResponse: EvidenceEntry;
    ListHistoryResponse: JobHistory;
    ListPinsResponse: PinInfo;
    ListVerdictsResponse: BundleInfo;
}
