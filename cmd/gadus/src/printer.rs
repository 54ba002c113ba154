//! The one place that writes to the terminal: stdout is data, stderr is talk.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anstream::adapter::strip_str;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::cli::{ColorWhen, Format};
use crate::failure::Failure;

/// Where bytes go. Writes are serialised by the standard library's own lock.
pub(crate) trait Sink: Send + Sync {
    fn write(&self, bytes: &[u8]) -> io::Result<()>;
}

struct Stdout;

impl Sink for Stdout {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }
}

struct Stderr;

impl Sink for Stderr {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        io::stderr().lock().write_all(bytes)
    }
}

/// One of the two streams.
#[derive(Clone)]
struct Lane {
    sink: Arc<dyn Sink>,
    color: bool,
}

impl Lane {
    fn text(&self, text: &str) -> io::Result<()> {
        if self.color {
            self.sink.write(text.as_bytes())
        } else {
            self.sink.write(strip_str(text).to_string().as_bytes())
        }
    }
}

/// Writes for people and programs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Printer {
    out: Lane,
    err: Lane,
    quiet: bool,
    /// Columns of the terminal; none in a pipe, where nothing is wrapped.
    width: Option<u16>,
    /// Whether what a job wrote last, where talk goes too, has not come to the end of its line.
    is_amid_line: Arc<AtomicBool>,
    /// Whether both streams are terminals, and so the same one.
    is_one_terminal: bool,
    /// Whether data goes to a terminal.
    is_out_terminal: bool,
    /// Whether bars may be drawn.
    bars: bool,
}

impl Printer {
    /// The process's own streams.
    pub(crate) fn standard(color: ColorWhen, quiet: bool) -> Self {
        let width = crate::render::terminal_width();
        Self {
            out: Lane { sink: Arc::new(Stdout), color: color.wanted(&io::stdout()) },
            err: Lane { sink: Arc::new(Stderr), color: color.wanted(&io::stderr()) },
            quiet,
            width,
            is_amid_line: Arc::default(),
            is_one_terminal: io::stdout().is_terminal() && io::stderr().is_terminal(),
            is_out_terminal: io::stdout().is_terminal(),
            bars: io::stderr().is_terminal() && !quiet,
        }
    }

    /// Other streams, without colours.
    #[cfg(test)]
    pub(crate) fn to(out: Arc<dyn Sink>, err: Arc<dyn Sink>, width: Option<u16>) -> Self {
        let lane = |sink| Lane { sink, color: false };
        Self {
            out: lane(out),
            err: lane(err),
            quiet: false,
            width,
            is_amid_line: Arc::default(),
            is_one_terminal: false,
            is_out_terminal: false,
            bars: false,
        }
    }

    /// The same as if data went to a terminal.
    #[cfg(test)]
    pub(crate) fn on_terminal(self) -> Self {
        Self { is_out_terminal: true, ..self }
    }

    pub(crate) fn width(&self) -> Option<u16> {
        self.width
    }

    /// Whether data goes to a terminal, which shows text alone.
    pub(crate) fn is_out_terminal(&self) -> bool {
        self.is_out_terminal
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Data, a line or more.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        let text = if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
        self.out.text(&text).map_err(|e| Failure::io("write to stdout", &e))
    }

    /// An object of the API: drawn for people, or as it is for programs.
    pub(crate) fn object<T: Serialize>(
        &self,
        format: Format,
        object: &T,
        draw: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let text = match format {
            Format::Table => draw(),
            Format::Json => crate::render::harmless_json(
                &serde_json::to_string_pretty(object).map_err(encoding)?,
            ),
            Format::Yaml => serde_yaml_ng::to_string(object).map_err(encoding)?,
        };
        if text.is_empty() { Ok(()) } else { self.data(&text) }
    }

    /// Bytes of data, as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        if self.is_one_terminal {
            self.note_end(bytes);
        }
        self.out.sink.write(bytes).map_err(|e| Failure::io("write to stdout", &e))
    }

    /// Bytes of a job's stderr, as they are. A reader that has gone is no trouble here.
    pub(crate) fn error_bytes(&self, bytes: &[u8]) {
        self.note_end(bytes);
        let _ = self.err.sink.write(bytes);
    }

    fn note_end(&self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.is_amid_line.store(*last != b'\n', Ordering::Relaxed);
        }
    }

    /// Writes words of ours to stderr, on a line of their own. Nobody to read them is no trouble.
    fn say(&self, text: &str) {
        let begin = if self.is_amid_line.swap(false, Ordering::Relaxed) { "\n" } else { "" };
        let _ = self.err.text(&format!("{begin}{text}"));
    }

    /// Talk, a line; nothing when quiet.
    pub(crate) fn talk(&self, text: &str) {
        if !self.quiet {
            self.say(&format!("{}\n", crate::render::plain(text)));
        }
    }

    /// Something that went right but looks wrong.
    pub(crate) fn warn(&self, text: &str) {
        let style = anstyle::AnsiColor::Yellow.on_default().bold();
        self.say(&format!("{style}warning:{style:#} {}\n", crate::render::plain(text)));
    }

    /// An error. Told even when quiet.
    pub(crate) fn failure(&self, failure: &Failure) {
        if let Failure::Told(report) = failure {
            self.say(&report.to_string());
        }
    }

    /// A bar over bytes, or a count of them where the total is not known. Invisible in a pipe.
    pub(crate) fn bytes_bar(&self, doing: &str, total: Option<u64>) -> ProgressBar {
        let bar = self.bar(total);
        let template = match total {
            Some(_) => "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            None => "{msg} {bytes} {bytes_per_sec}",
        };
        style(bar, template, doing)
    }

    /// Something that turns while there is nothing to count. Invisible in a pipe.
    pub(crate) fn spinner(&self, doing: &str) -> ProgressBar {
        let bar = style(self.bar(None), "{spinner} {msg} {elapsed}", doing);
        if self.bars {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        bar
    }

    fn bar(&self, total: Option<u64>) -> ProgressBar {
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
        bar.set_draw_target(if self.bars {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        bar
    }
}

fn style(bar: ProgressBar, template: &str, doing: &str) -> ProgressBar {
    // The templates are ours, so that they always parse; a plain bar is no harm.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(doing.to_owned());
    bar
}

fn encoding(error: impl std::fmt::Display) -> Failure {
    Failure::usage("failed to write the answer").because(error.to_string())
}

impl ColorWhen {
    fn wanted(self, stream: &impl anstream::stream::RawStream) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            // Knows NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM and whether it is a terminal.
            Self::Auto => anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never,
        }
    }
}
