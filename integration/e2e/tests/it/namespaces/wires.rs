//! Network namespaces and the wires between them; all of it goes when the value does.

use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Some namespaces, with nothing between them at first.
pub(crate) struct Wires {
    prefix: String,
    names: Vec<String>,
}

impl Wires {
    /// Makes namespaces. `None`, and it is said, where that takes more than this user may;
    /// under CI it is a failure.
    pub(crate) fn new(names: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
            assert!(std::env::var_os("CI").is_none(), "network namespaces need root");
            // Not eprintln: the harness would swallow it, since the test passes.
            let skip = b"SKIP: network namespaces need root\n";
            let _ = std::io::Write::write_all(&mut std::io::stderr(), skip);
            return None;
        }
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("gadus-{}-{n}", std::process::id());
        let mut wires = Self { prefix, names: Vec::new() };
        for name in names {
            let netns = wires.name(name);
            ip(&["netns", "add", &netns]);
            wires.names.push(netns.clone());
            ip(&["-n", &netns, "link", "set", "lo", "up"]);
            // What arrives for somebody else goes nowhere.
            within(&netns, "echo 0 >/proc/sys/net/ipv4/ip_forward");
        }
        Some(wires)
    }

    /// The whole name of a namespace.
    pub(crate) fn name(&self, short: &str) -> String {
        format!("{}-{short}", self.prefix)
    }

    /// A wire between two namespaces, and an address at each end.
    pub(crate) fn connect(&self, one: &str, one_ip: &str, other: &str, other_ip: &str) {
        let (one_ns, other_ns) = (self.name(one), self.name(other));
        let (one_end, other_end) = (format!("to-{other}"), format!("to-{one}"));
        ip(&[
            "-n", &one_ns, "link", "add", &one_end, "type", "veth", "peer", "name", &other_end,
            "netns", &other_ns,
        ]);
        for (netns, end, address) in
            [(&one_ns, &one_end, one_ip), (&other_ns, &other_end, other_ip)]
        {
            ip(&["-n", netns, "address", "add", &format!("{address}/24"), "dev", end]);
            ip(&["-n", netns, "link", "set", end, "up"]);
            ip(&["-n", netns, "route", "replace", "224.0.0.0/4", "dev", end]);
        }
    }

    /// From now on nobody can connect to a namespace; it can connect to others.
    pub(crate) fn let_nobody_in(&self, short: &str) {
        let rule = "-A INPUT ! -i lo -p tcp --syn -j REJECT --reject-with tcp-reset";
        within(&self.name(short), &format!("iptables {rule}"));
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        for netns in &self.names {
            // The wires go with either end.
            let _ = Command::new("ip").args(["netns", "delete", netns]).status();
        }
    }
}

fn ip(args: &[&str]) {
    let output = Command::new("ip").args(args).output().unwrap();
    assert!(output.status.success(), "ip {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn within(netns: &str, script: &str) {
    ip(&["netns", "exec", netns, "sh", "-c", script]);
}
