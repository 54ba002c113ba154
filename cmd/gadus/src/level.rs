//! How a result is checked where nobody said so: by two nodes, where two could.

use gadus_api::client::ClientError;
use gadus_api::types::PlanInfo;
use serde_json::Value;

use crate::session::Session;

/// What a function's result is checked by, if nobody says otherwise.
const DEFAULT: &str = "quorum=2/2";

/// Puts the level into a document that names none, and says which it is and why. `talks` is
/// whether anybody wants to hear that.
pub(crate) async fn choose(session: &Session, document: &mut Value, talks: bool) {
    if document.get("Verification").is_some() || !can_be_checked(document) {
        return;
    }
    let mut checked = document.clone();
    checked["Verification"] = DEFAULT.into();
    let told = match session.client.explain_draft(&checked).await {
        Ok(plan) if plan.seatable == Some(true) => {
            *document = checked;
            "result is checked by two nodes; output is shown when they agree (--verify attest \
             streams it)"
                .to_owned()
        }
        Ok(plan) => format!("result is one node's word: {}", why(&plan)),
        // What is wrong with the job, or that nobody answers, its submission tells.
        Err(ClientError::Refused { body }) if body.status == 400 => return,
        Err(ClientError::Unreachable { .. } | ClientError::Address { .. }) => return,
        Err(_) => "result is one node's word: this node does not say whether others could check it"
            .to_owned(),
    };
    if talks {
        session.printer.talk(&told);
    }
}

/// Whether the work is the same wherever it runs, and runs once.
fn can_be_checked(document: &Value) -> bool {
    let is_everywhere = document["Type"] == "ops";
    let network = document["Tasks"][0]["Network"]["Type"].as_str().unwrap_or_default();
    let is_alone = ["", "none", "default"].iter().any(|none| network.eq_ignore_ascii_case(none));
    !is_everywhere && is_alone
}

fn why(plan: &PlanInfo) -> String {
    match (plan.seatable, plan.feasible) {
        (None, _) => "this node does not say whether others could check it".to_owned(),
        (Some(_), 0) => "no node fits now".to_owned(),
        (Some(_), 1) => "only 1 node fits".to_owned(),
        (Some(_), n) => format!("the {n} nodes that fit are one operator's, or in one network"),
    }
}

#[cfg(test)]
mod tests;
