//! From the transport to the machine that each message is for.

use gadus_ports::Inbound;
use tokio::sync::mpsc;

use crate::compute::Command as ToCompute;
use crate::requester::Command as ToRequester;

/// Sorts what arrives until the transport ends. A full inbox makes the peers wait.
pub(crate) async fn sort(
    mut inbound: mpsc::Receiver<Inbound>,
    requester: Option<mpsc::Sender<ToRequester>>,
    compute: Option<mpsc::Sender<ToCompute>>,
) {
    while let Some(arrived) = inbound.recv().await {
        let for_requester = match &arrived {
            Inbound::Message { message, .. } => message.body.is_for_requester(),
            Inbound::Gossip { .. } => false,
            Inbound::Up { .. } | Inbound::Down(_) => true,
        };
        let for_compute =
            !for_requester || matches!(arrived, Inbound::Up { .. } | Inbound::Down(_));
        if for_compute && let Some(compute) = &compute {
            let _ = compute.send(ToCompute::Net(arrived.clone())).await;
        }
        if for_requester && let Some(requester) = &requester {
            let _ = requester.send(ToRequester::Net(arrived)).await;
        }
    }
}
