//! The real programs that tests run: C, built for WASI.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The top of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The path of `NAME.wasm`, built from `programs/NAME.c`: in `GADUS_TEST_PROGRAMS` if that is set,
/// else beside the binary under test.
#[must_use]
pub fn program(name: &str) -> String {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    let dir = DIR.get_or_init(|| {
        let dir = std::env::var_os("GADUS_TEST_PROGRAMS").map_or_else(
            || std::env::current_exe().expect("a path of this test").with_file_name("programs"),
            PathBuf::from,
        );
        let built = Command::new(root().join("ops/build-wasm.sh")).arg(&dir).status();
        assert!(built.is_ok_and(|status| status.success()), "the programs build");
        dir
    });
    dir.join(format!("{name}.wasm")).to_string_lossy().into_owned()
}

/// A module that says `Hello, world!`, as text.
pub const HELLO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "Hello, world!\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 8))
    (i32.store (i32.const 4) (i32.const 14))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 24)))))
"#;
