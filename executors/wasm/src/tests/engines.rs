//! Engines of all kinds that must come to the same: what a node may have, and what another node may
//! be made of.

use wasmtime::{Engine, OptLevel};

use crate::engine::{Allocator, build_with, settings};
use crate::{WasmConfig, engine};

/// How modules become code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// As nodes do it.
    Optimized,
    /// For this machine, but other instructions in another order.
    Plain,
    /// For wasmtime's own machine, `pulley64`: as good as another architecture.
    Pulley,
}

/// One kind of engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) is_pooled: bool,
    pub(super) code: Code,
}

impl Kind {
    /// All of them; the first is the one that nodes use.
    pub(super) const ALL: [Self; 5] = [
        Self { is_pooled: true, code: Code::Optimized },
        Self { is_pooled: false, code: Code::Optimized },
        Self { is_pooled: true, code: Code::Plain },
        Self { is_pooled: false, code: Code::Plain },
        Self { is_pooled: true, code: Code::Pulley },
    ];

    /// An engine of this kind.
    pub(super) fn engine(self, config: &WasmConfig) -> Engine {
        let mut config = config.clone();
        if !self.is_pooled {
            config.pool_slots = 0;
        }
        let mut settings = settings(&config);
        match self.code {
            Code::Optimized => {}
            Code::Plain => {
                settings.cranelift_opt_level(OptLevel::None);
            }
            Code::Pulley => {
                settings.target("pulley64").unwrap();
            }
        }
        let (engine, allocator) = build_with(&config, &settings).unwrap();
        assert_eq!(allocator == Allocator::Pooling, self.is_pooled, "{self:?}");
        engine
    }
}

#[test]
fn the_first_kind_is_what_nodes_use() {
    let mut config = WasmConfig::new("unused");
    config.pool_slots = 1;
    let ours = engine::build(&config).unwrap().0;
    let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.engine(&config)).collect();
    let form = |engine: &Engine| {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    };
    assert_eq!(form(&kinds[0]), form(&ours));
    assert_ne!(form(&kinds[2]), form(&ours), "code that is not optimized is other code");
    assert!(kinds[4].is_pulley() && !ours.is_pulley());
}
