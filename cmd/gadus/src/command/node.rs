//! `node list`, `node describe`, `node trust`.

use crate::cli::{Format, NodeCommand};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;

pub(super) async fn node(session: &Session, command: &NodeCommand) -> Result<Exit, Failure> {
    let printer = &session.printer;
    match command {
        NodeCommand::List(args) => {
            let nodes = session.client.nodes().await;
            let nodes = nodes.map_err(|e| Failure::call("list the nodes", &e))?;
            if printer.is_quiet() && args.output == Format::Table {
                return ids(session, nodes.iter().map(|node| node.info.node_id.as_str()));
            }
            printer.object(args.output, &nodes, || render::nodes(&nodes, printer.width()))?;
        }
        NodeCommand::Describe { id, format } => {
            let node = session.client.node(id).await;
            let node = node.map_err(|e| Failure::call(format!("find the node {id}"), &e))?;
            printer.object(format.output, &node, || {
                render::node(&node, render::now(), printer.width())
            })?;
        }
        NodeCommand::Trust { ban, forgive, format } => {
            let client = &session.client;
            let (doing, rows) = match (ban, forgive) {
                (Some(node), _) => (format!("ban {node}"), client.ban(node, true).await),
                (None, Some(node)) => (format!("forgive {node}"), client.ban(node, false).await),
                (None, None) => ("see who is trusted".to_owned(), client.trust().await),
            };
            let rows = rows.map_err(|e| Failure::call(doing, &e))?;
            printer.object(format.output, &rows, || render::trust(&rows, printer.width()))?;
            if format.output == Format::Table && rows.iter().any(|row| row.level == "banned") {
                point_at_evidence(session).await;
            }
        }
    }
    Ok(Exit::Success)
}

/// Says where the evidence against who is banned is, if there is any: an operator may ban without.
/// It is an aside, so that nothing is said where it cannot be told.
async fn point_at_evidence(session: &Session) {
    if let Ok(lies) = session.client.lies("", 1).await
        && !lies.is_empty()
    {
        session.printer.talk("what was signed by who was caught: see `gadus evidence ls`");
    }
}

/// Ids alone, one a line.
pub(super) fn ids<'a>(
    session: &Session,
    ids: impl Iterator<Item = &'a str>,
) -> Result<Exit, Failure> {
    for id in ids {
        session.printer.data(id)?;
    }
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::OutputArg;
    use crate::fake_node::{FakeNode, Script};
    use crate::render::samples::{JOB, NODE};

    /// What is said beside the table, where a node stands like this and these lies are known.
    async fn aside(level: &str, lies: Value, output: Format) -> String {
        let mut script = Script::default();
        let trust = json!({"Items": [{"NodeID": NODE, "Level": level}]});
        for (name, body) in [("trust", trust), ("evidence", json!({"Items": lies}))] {
            let path = format!("/api/v1/orchestrator/{name}");
            script.files.insert(path, body.to_string().into_bytes());
        }
        let (session, captured) = FakeNode::start(script).await.session();
        let format = OutputArg { output };
        let command = NodeCommand::Trust { ban: None, forgive: None, format };
        assert_eq!(node(&session, &command).await.unwrap(), Exit::Success);
        captured.err()
    }

    #[tokio::test]
    async fn the_evidence_against_who_is_banned_is_pointed_at() {
        let lies = || json!([{"NodeID": NODE, "JobID": JOB}]);
        let told = aside("banned", lies(), Format::Table).await;
        assert!(told.contains("gadus evidence ls"), "{told}");
        assert_eq!(aside("banned", json!([]), Format::Table).await, "", "by its operator");
        assert_eq!(aside("trusted", lies(), Format::Table).await, "");
        assert_eq!(aside("banned", lies(), Format::Json).await, "");
    }
}
