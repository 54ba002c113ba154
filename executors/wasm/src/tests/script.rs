//! Short guests that make calls: what they write, and what the last of them answers.

use std::fmt::Write as _;

use super::rig::command;

/// A guest that makes calls in turn, all but the last of which must succeed, and exits with what
/// the last one answers.
///
/// Calls are written as in WAT, with `#1` for an i32 and `L1` for an i64, `'text'` for where a text
/// lies and how long it is, and `@` for the descriptor that was opened last (what stands at 32).
/// Texts go from 8192 on; `=AT:N` shows N bytes of memory on stdout.
pub(super) fn script(calls: &[&str]) -> String {
    let mut texts = Texts::default();
    let (last, first) = calls.split_last().unwrap();
    let mut body = String::new();
    for call in first {
        let call = texts.expand(call);
        if call.starts_with("(call $write") {
            body.push_str(&call);
        } else {
            write!(body, "(call $must {call})").unwrap();
        }
    }
    let last = texts.expand(last);
    if last.starts_with("(call $write") {
        body.push_str(&last);
    } else {
        write!(body, "(call $exit {last})").unwrap();
    }
    command(&texts.data, &body)
}

#[derive(Default)]
struct Texts {
    data: String,
    used: usize,
}

impl Texts {
    fn place(&mut self, text: &str) -> String {
        let at = 8192 + self.used;
        self.used += text.len();
        write!(self.data, "(data (i32.const {at}) \"{text}\")").unwrap();
        format!("(i32.const {at}) (i32.const {})", text.len())
    }

    fn expand(&mut self, call: &str) -> String {
        if let Some((at, n)) = call.strip_prefix('=').and_then(|rest| rest.split_once(':')) {
            return format!("(call $write (i32.const 1) (i32.const {at}) (i32.const {n}))");
        }
        let mut out = String::new();
        for (n, part) in call.split('\'').enumerate() {
            if n % 2 == 1 {
                out.push_str(&self.place(part));
                continue;
            }
            for word in part.split_inclusive([' ', ')', '(']) {
                let name = word.trim_end_matches([' ', ')', '(']);
                let end = &word[name.len()..];
                match name.split_at_checked(1) {
                    Some(("#", number)) => write!(out, "(i32.const {number}){end}").unwrap(),
                    Some(("L", number)) => write!(out, "(i64.const {number}){end}").unwrap(),
                    Some(("@", "")) => write!(out, "(i32.load (i32.const 32)){end}").unwrap(),
                    Some(_) | None => {
                        write!(out, "{name}{end}").unwrap();
                    }
                }
            }
        }
        out
    }
}

/// The call that opens a path, for reading (2), writing (64) or both.
pub(super) fn open(fd: u32, path: &str, oflags: u32, rights: u32) -> String {
    format!("(call $path_open #{fd} #1 '{path}' #{oflags} L{rights} L0 #0 #32)")
}
