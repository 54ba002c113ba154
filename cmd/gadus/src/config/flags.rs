//! Flags as the strongest layer.

use std::path::PathBuf;

use toml::Value;

use super::layers::{Origin, Setting};
use super::place::listen_address;
use crate::cli::{DevstackArgs, ServeArgs};

/// What the flags say.
#[derive(Debug, Default)]
pub(crate) struct FlagLayer {
    pub(super) config: Option<PathBuf>,
    /// The file in the data directory does not count.
    pub(super) is_apart: bool,
    pub(super) settings: Vec<Setting>,
}

impl FlagLayer {
    fn set(&mut self, flag: &str, key: &str, value: impl Into<Value>) {
        self.settings.push(Setting {
            key: key.to_owned(),
            value: value.into(),
            origin: Origin::Flag(flag.to_owned()),
        });
    }

    /// The flags of `serve`.
    pub(crate) fn of_serve(args: &ServeArgs) -> Self {
        let mut layer = Self { config: args.place.config.clone(), ..Self::default() };
        // One of the two alone means without the other.
        if args.requester || args.compute {
            let flag = if args.requester { "--requester" } else { "--compute" };
            layer.set(flag, "requester.enabled", args.requester);
            let flag = if args.compute { "--compute" } else { "--requester" };
            layer.set(flag, "compute.enabled", args.compute);
        }
        if !args.peers.is_empty() {
            layer.set("--peer", "network.peers", args.peers.clone());
        }
        if !args.listen.is_empty() {
            layer.set("--listen", "network.listen", args.listen.clone());
        }
        if let Some(name) = &args.network {
            layer.set("--network", "network.name", name.as_str());
        }
        if let Some(url) = &args.ipfs {
            layer.set("--ipfs", "content.ipfs", url.as_str());
        }
        if let Some(name) = &args.name {
            layer.set("--name", "node.name", name.as_str());
        }
        for label in &args.labels {
            layer.set("--label", &format!("node.labels.{}", label.key), label.value.as_str());
        }
        layer.api(args.api.as_deref());
        layer.data_dir(args.place.data_dir.as_ref());
        layer
    }

    /// The flags of `devstack`, whose nodes are not the one that this user's own file is for.
    pub(crate) fn of_devstack(args: &DevstackArgs) -> Self {
        let config = args.config.clone();
        let mut layer = Self { config, is_apart: true, ..Self::default() };
        layer.api(args.api.as_deref());
        layer
    }

    fn api(&mut self, api: Option<&str>) {
        if let Some(api) = api {
            self.set("--api", "api.listen", listen_address(api));
        }
    }

    fn data_dir(&mut self, data_dir: Option<&PathBuf>) {
        if let Some(data_dir) = data_dir {
            self.set("--data-dir", "node.data_dir", data_dir.to_string_lossy().into_owned());
        }
    }
}
