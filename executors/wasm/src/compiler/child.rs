//! The compiler's side of [`super::CompilerProcess`].

use std::io::{self, Read, Write};
use std::{fs, thread};

use gadus_model::{Failure, FailureKind};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{STACK_BYTES, Settings, code_of, gave_up};
use crate::engine;

/// After code.
pub(super) const CODE: u8 = 0;
/// After a failure, as JSON.
pub(super) const FAILURE: u8 = 1;

/// Compiles the module that stdin gives, and writes its code, or what is wrong with it, to stdout.
/// It does so within `memory_max_bytes` of memory: this is for a process that does nothing
/// else. `settings` are those that [`super::CompilerProcess`] adds to its arguments.
///
/// # Errors
/// The settings make no sense, or the streams break; never for what the module is.
pub fn compile_stdin(settings: &str, memory_max_bytes: u64) -> io::Result<()> {
    limit(memory_max_bytes)?;
    thread::Builder::new().spawn(end_with_the_reader)?;
    // The compiler would start them by itself, and panic where there are too few threads.
    rayon::ThreadPoolBuilder::new().build_global().map_err(io::Error::other)?;
    let answer = match answer(settings, io::stdin().lock())? {
        Ok(code) => (code, CODE),
        Err(failure) => (serde_json::to_vec(&failure)?, FAILURE),
    };
    let mut stdout = io::stdout().lock();
    stdout.write_all(&answer.0)?;
    stdout.write_all(&[answer.1])?;
    stdout.flush()
}

/// Where memory runs out, this process is the one to go, and leaves nothing behind.
fn limit(memory_max_bytes: u64) -> io::Result<()> {
    for (resource, most) in [(Resource::Data, memory_max_bytes), (Resource::Core, 0)] {
        // The operator may have set a lower one for all that the node starts.
        let most = getrlimit(resource).maximum.map_or(most, |set| set.min(most));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    // Not everywhere; the limits hold all the same.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// Nobody reads the answer of a compiler whose node was killed: it ends as well, however far it is.
fn end_with_the_reader() {
    let stdout = io::stdout();
    // An error of the pipe is told without being asked for: that its other end is closed.
    let mut closed = [PollFd::new(&stdout, PollFlags::empty())];
    while poll(&mut closed, None).is_err() {}
    std::process::exit(1);
}

fn answer(settings: &str, module: impl Read) -> io::Result<Result<Vec<u8>, Failure>> {
    let config = serde_json::from_str::<Settings>(settings)?.config();
    let most = config.module.binary_max_bytes.max(config.module.text_max_bytes) as u64;
    let mut given = Vec::new();
    // One more, so that what is too large is seen to be.
    module.take(most.saturating_add(1)).read_to_end(&mut given)?;
    let work = move || {
        let (engine, _) = engine::build(&config)?;
        code_of(&engine, &given, &config.module)
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(work)?;
    Ok(thread.join().unwrap_or_else(|_| Err(gave_up())))
}

/// What the answer of such a process says.
///
/// # Errors
/// The module's failure, or that the answer is none.
pub(super) fn read_answer(mut answer: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let nonsense = || {
        let message = "the compiler of Wasm modules answers nonsense";
        Failure::new(FailureKind::Internal, message)
    };
    match answer.pop() {
        Some(CODE) => Ok(answer),
        Some(FAILURE) => Err(serde_json::from_slice(&answer).map_err(|_| nonsense())?),
        Some(_) | None => Err(nonsense()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WasmConfig;

    fn compiled(config: &WasmConfig, module: &str) -> Result<Vec<u8>, Failure> {
        let settings = serde_json::to_string(&Settings::of(config)).unwrap();
        answer(&settings, module.as_bytes()).unwrap()
    }

    #[test]
    fn its_code_is_for_the_engine_of_the_node() {
        let config = WasmConfig::new("unused");
        let code = compiled(&config, "(module (func (export \"_start\")))").unwrap();
        let (engine, _) = engine::build(&config).unwrap();
        #[expect(unsafe_code, reason = "the one way to load code")]
        // SAFETY: it was compiled here.
        let module = unsafe { wasmtime::Module::deserialize(&engine, code) }.unwrap();
        assert!(module.get_export("_start").is_some());
    }

    #[test]
    fn what_is_wrong_with_a_module_is_told() {
        let mut config = WasmConfig::new("unused");
        let failure = compiled(&config, "(module (func").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid);
        config.module.text_max_bytes = 10;
        config.module.binary_max_bytes = 10;
        let failure = compiled(&config, "(module (func (export \"_start\")))").unwrap_err();
        assert!(failure.message.contains("10"), "{}", failure.message);
    }

    #[test]
    fn settings_of_another_version_are_refused() {
        for settings in ["", "{}", "{\"module\":{}}"] {
            answer(settings, io::empty()).unwrap_err();
        }
    }

    #[test]
    fn an_answer_is_code_or_a_failure() {
        assert_eq!(read_answer(vec![7, 8, CODE]).unwrap(), [7, 8]);
        let mut answer = serde_json::to_vec(&gave_up()).unwrap();
        answer.push(FAILURE);
        assert_eq!(read_answer(answer).unwrap_err(), gave_up());
        for nonsense in [vec![], vec![9], vec![FAILURE], vec![b'{', FAILURE]] {
            let failure = read_answer(nonsense).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Internal);
        }
    }
}
