//! Real nodes on loopback, each with its own thread and sockets.

#[cfg(test)]
mod blocks;
#[cfg(test)]
mod bursts;
#[cfg(test)]
mod gossip;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod membership;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod node;
#[cfg(test)]
mod raw;
