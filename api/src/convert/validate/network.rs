//! Networks and ports.

use std::net::IpAddr;

use super::super::document::network_text;
use crate::types::NetworkConfig;

/// Everything that is wrong with a network.
pub(super) fn network(network: &NetworkConfig) -> Vec<String> {
    let Some(kind) = network_text(&network.kind) else {
        return vec![format!("unknown type '{}'", network.kind)];
    };
    let mut errors = Vec::new();
    if !network.domains.is_empty() && kind != "HTTP" {
        errors.push("domains can only be set for HTTP network mode".to_owned());
    }
    for domain in &network.domains {
        let domain = domain.trim().to_lowercase();
        if !is_domain(&domain) && domain.parse::<IpAddr>().is_err() {
            errors.push(format!("invalid domain {domain:?}"));
        }
    }
    if !network.ports.is_empty() && !matches!(kind, "Host" | "Full" | "Bridge") {
        errors.push("ports can only be set for Host or Bridge network modes".to_owned());
    }
    errors
}

/// Labels of letters, digits and inner hyphens, the last of two letters at least; a leading point
/// stands for every name below.
fn is_domain(text: &str) -> bool {
    let labels: Vec<&str> = text.strip_prefix('.').unwrap_or(text).split('.').collect();
    let plain = |label: &&str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let top = labels.last().copied().unwrap_or_default();
    labels.len() >= 2
        && labels.iter().all(plain)
        && top.len() >= 2
        && top.chars().all(|c| c.is_ascii_alphabetic())
}
