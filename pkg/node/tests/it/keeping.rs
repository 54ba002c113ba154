//! A compute node that is asked to hold results of others.

use std::time::Duration;

use gadus_auth::NodeKey;
use gadus_model::message::{Envelope, MESSAGE_VERSION, Message};
use gadus_model::{Cid, Execution, NodeId, OwnerId};
use gadus_ports::fake::{FakeContent, FakeTransport};
use gadus_ports::{Content, Inbound, PinReason, Transport};
use tokio::sync::mpsc;

use crate::cluster::{Cluster, wasm_job};

/// Another requester, as far as the node can tell.
struct Asker {
    transport: std::sync::Arc<FakeTransport>,
    inbound: mpsc::Receiver<Inbound>,
    sent: u64,
}

impl Asker {
    fn join(cluster: &Cluster) -> Self {
        let me = NodeKey::from_seed([99; 32]).id();
        let transport = cluster.network.join(me, gadus_node::Server::new(FakeContent::new()));
        let inbound = transport.inbound().unwrap();
        Self { transport, inbound, sent: 0 }
    }

    fn say(&mut self, to: NodeId, body: Message) {
        self.sent += 1;
        let owner = OwnerId(self.transport.node_id());
        let seq = self.sent;
        let message = Envelope { v: MESSAGE_VERSION, owner, term: 1, boot: 1, seq, body };
        self.transport.send(to, message);
    }

    /// The next message of a kind; none when there is none for ten seconds.
    async fn hears(&mut self, kind: &str) -> Option<Message> {
        let heard = async {
            loop {
                if let Some(Inbound::Message { message, .. }) = self.inbound.recv().await
                    && message.body.kind() == kind
                {
                    return message.body;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), heard).await.ok()
    }
}

async fn result_of_a_job(cluster: &Cluster) -> (Execution, Cid) {
    let view = cluster.run(wasm_job(&["emit=worth keeping"])).await;
    let execution = &view.executions[0];
    (execution.execution.clone(), execution.manifest.as_ref().unwrap().result)
}

#[tokio::test(start_paused = true)]
async fn a_result_is_fetched_pinned_and_confirmed_as_often_as_it_is_asked_for() {
    let cluster = Cluster::start(2).await;
    let (execution, result) = result_of_a_job(&cluster).await;
    let (id, from) = (execution.id(), cluster.requester().id());
    let maker = cluster.hosts.iter().position(|h| !h.wasm.log().started.is_empty()).unwrap();
    let holder = &cluster.hosts[3 - maker];
    assert_ne!(holder.content.bytes_missing(&result, 1), 0);
    let mut asker = Asker::join(&cluster);
    for _ in 0..2 {
        asker.say(
            holder.key.id(),
            Message::Keep { execution: execution.clone(), result, from, retention_ms: 0 },
        );
        let kept = Some(Message::Kept { execution: execution.clone() });
        assert_eq!(asker.hears("kept").await, kept);
        assert_eq!(holder.content.bytes_missing(&result, 1), 0);
        let pins = holder.content.pins().await.unwrap();
        assert_eq!(pins.iter().filter(|p| **p == (result, PinReason::Result(id))).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_has_is_not_confirmed_until_somebody_has_it() {
    let cluster = Cluster::start(1).await;
    let (execution, _) = result_of_a_job(&cluster).await;
    let (holder, from) = (&cluster.hosts[1], cluster.requester().id());
    let other = FakeContent::new().add(b"made elsewhere");
    let keep = Message::Keep { execution: execution.clone(), result: other, from, retention_ms: 0 };
    let mut asker = Asker::join(&cluster);
    asker.say(holder.key.id(), keep.clone());
    assert_eq!(asker.hears("kept").await, None);
    assert_eq!(cluster.hosts[0].content.add(b"made elsewhere"), other);
    asker.say(holder.key.id(), keep);
    assert_eq!(asker.hears("kept").await, Some(Message::Kept { execution }));
}
