//! Which containers are ours: those of one node in one network.

use std::collections::HashMap;

use gadus_model::{ExecutionId, NodeId};

const NETWORK: &str = "org.gadus.network";
const NODE: &str = "org.gadus.node";
const EXECUTION: &str = "org.gadus.execution";

/// A node in a network. An engine may be shared by several nodes, and by people; what lacks our
/// labels is none of our business.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    network: String,
    node: NodeId,
}

impl Scope {
    pub(crate) fn new(network: String, node: NodeId) -> Self {
        Self { network, node }
    }

    /// The name of an execution's container. It is derived, so that a restarted node finds the
    /// container without a record of it, and a second one for the same execution cannot exist.
    pub(crate) fn container(&self, execution: ExecutionId) -> String {
        let network: String = self.network.chars().map(name_char).collect();
        format!("gadus-{network}-{}-{execution}", self.node.short())
    }

    pub(crate) fn labels(&self, execution: ExecutionId) -> HashMap<String, String> {
        HashMap::from([
            (NETWORK.to_owned(), self.network.clone()),
            (NODE.to_owned(), self.node.to_string()),
            (EXECUTION.to_owned(), execution.to_string()),
        ])
    }

    /// A filter for lists of containers.
    pub(crate) fn filter(&self) -> HashMap<String, Vec<String>> {
        let labels = vec![format!("{NETWORK}={}", self.network), format!("{NODE}={}", self.node)];
        HashMap::from([("label".to_owned(), labels)])
    }

    /// The execution of a container that is ours.
    pub(crate) fn execution_of(&self, labels: &HashMap<String, String>) -> Option<ExecutionId> {
        let ours = labels.get(NETWORK) == Some(&self.network)
            && labels.get(NODE) == Some(&self.node.to_string());
        ours.then(|| labels.get(EXECUTION)?.parse().ok()).flatten()
    }
}

/// What the engine takes in a name; anything else becomes a hyphen.
fn name_char(c: char) -> char {
    if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') { c } else { '-' }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution() -> ExecutionId {
        "e-6f0e1f4a-57a4-8b57-bd4e-1cf1b3b55a1e".parse().unwrap()
    }

    #[test]
    fn names_are_what_the_engine_takes() {
        let scope = Scope::new("a b/ü".into(), NodeId([1; 32]));
        let name = scope.container(execution());
        assert!(name.starts_with("gadus-a-b---n-"), "{name}");
        assert!(name.ends_with("e-6f0e1f4a-57a4-8b57-bd4e-1cf1b3b55a1e"), "{name}");
    }

    #[test]
    fn only_the_same_network_and_node_is_ours() {
        let scope = Scope::new("a".into(), NodeId([1; 32]));
        let labels = scope.labels(execution());
        assert_eq!(scope.execution_of(&labels), Some(execution()));
        for other in
            [Scope::new("b".into(), NodeId([1; 32])), Scope::new("a".into(), NodeId([2; 32]))]
        {
            assert_eq!(other.execution_of(&labels), None);
        }
        assert_eq!(scope.execution_of(&HashMap::new()), None);
    }
}
