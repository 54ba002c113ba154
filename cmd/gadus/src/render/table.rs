//! Tables that fit the terminal, and pairs of a name and a value.
//!
//! No line is longer than the terminal. What is not to be broken, such as a CID, goes below its
//! row where its column is too narrow for it. In a pipe a row is as long as it is.

use anstyle::{AnsiColor, Style};

use super::fit::{Column, GAP, fit};
use super::text::{one_line, plain};
use super::wrap::{columns, cut, longest_word, wrap};

/// Blanks before what stands below its row.
const INDENT: usize = 2;
/// What a tab is drawn as, since it would end at another place in each column.
const TAB: &str = "    ";

/// Columns of the terminal that stdout is; none where it is no terminal.
pub(crate) fn terminal_width() -> Option<u16> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0)
}

/// How a cell is meant. The words say it too: colour is never the only signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Usual,
    Good,
    Bad,
    Busy,
}

/// The tone of a state's name.
pub(super) fn tone_of(state: &str) -> Tone {
    match state.to_ascii_lowercase().as_str() {
        "completed" | "published" | "accepted" | "connected" | "verified" | "trusted" => Tone::Good,
        "failed" | "lost" | "rejected" | "disconnected" | "faulted" | "inconclusive" | "banned" => {
            Tone::Bad
        }
        "running" | "granted" | "proposed" | "committed" | "revealed" | "pending" | "queued"
        | "awarded" => Tone::Busy,
        _ => Tone::Usual,
    }
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Usual => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Busy => AnsiColor::Yellow.on_default(),
        }
    }
}

/// One cell.
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(super) fn toned(text: &str, tone: Tone) -> Self {
        Self { text: one_line(text), tone }
    }

    /// A state, in its tone.
    pub(super) fn state(text: &str) -> Self {
        Self::toned(text, tone_of(text))
    }

    /// Several lines.
    pub(super) fn lines(text: &str) -> Self {
        Self { text: plain(text).replace('\t', TAB), tone: Tone::Usual }
    }

    fn width(&self) -> usize {
        self.text.lines().map(columns).max().unwrap_or_default()
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text.as_ref(), Tone::Usual)
    }
}

/// A table in the making.
pub(super) struct Table {
    columns: Vec<Column>,
    has_header: bool,
    rows: Vec<Vec<Cell>>,
    width: Option<usize>,
}

impl Table {
    pub(super) fn new<const N: usize>(columns: [Column; N], width: Option<u16>) -> Self {
        let (columns, width) = (columns.to_vec(), width.map(usize::from));
        Self { columns, has_header: true, rows: Vec::new(), width }
    }

    /// Names and values below one another, without a header.
    pub(super) fn pairs(width: Option<u16>) -> Self {
        let columns = [Column::whole(""), Column::text("", 12)];
        Self { has_header: false, ..Self::new(columns, width) }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// A pair; nothing where the value is empty.
    pub(super) fn pair(&mut self, name: &str, value: impl Into<Cell>) {
        let value = value.into();
        if !value.text.is_empty() {
            self.row([Cell::from(name), value]);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text, without blanks at the ends of lines.
    pub(super) fn draw(&self) -> String {
        let mut natural = self.natural();
        let mut widths = fit(&self.columns, &natural, self.width);
        for (index, column) in self.columns.iter().enumerate().filter(|(_, column)| column.wraps) {
            // Nothing stands beside the rest: then no room is kept for it.
            let mut words = self.rows.iter().map(|row| longest_word(&row[index].text));
            if self.width.is_some() && words.all(|word| word == 0 || Some(word) > widths[index]) {
                natural[index] = columns(column.name);
                widths = fit(&self.columns, &natural, self.width);
            }
        }
        let mut lines = Vec::new();
        if self.has_header {
            let bold = Style::new().bold();
            let names = self.columns.iter().map(|column| vec![column.name.to_owned()]);
            side_by_side(&names.collect::<Vec<_>>(), &widths, |_| bold, &mut lines);
        }
        for row in &self.rows {
            self.draw_row(row, &widths, &mut lines);
        }
        lines.join("\n")
    }

    /// What each column would take.
    fn natural(&self) -> Vec<usize> {
        let widest = |(index, column): (usize, &Column)| {
            let cells = self.rows.iter().map(|row| row[index].width());
            cells.chain([columns(column.name)]).max().unwrap_or_default()
        };
        self.columns.iter().enumerate().map(widest).collect()
    }

    fn draw_row(&self, row: &[Cell], widths: &[Option<usize>], lines: &mut Vec<String>) {
        let mut below = Vec::new();
        let cells: Vec<_> = row
            .iter()
            .zip(&self.columns)
            .zip(widths)
            .map(|((cell, column), width)| match (width, self.width) {
                (None, _) => Vec::new(),
                (Some(_), None) => cell.text.lines().map(str::to_owned).collect(),
                (Some(width), Some(terminal)) if column.wraps => {
                    if longest_word(&cell.text) > *width {
                        below.extend(under(&cell.text, terminal));
                        return Vec::new();
                    }
                    wrap(&cell.text, *width)
                }
                (Some(width), Some(_)) => vec![cut(&cell.text, *width)],
            })
            .collect();
        side_by_side(&cells, widths, |index| row[index].tone.style(), lines);
        lines.append(&mut below);
    }
}

/// What stands below its row: indented, unless a word needs the whole line.
fn under(text: &str, terminal: usize) -> Vec<String> {
    let indent = if longest_word(text) + INDENT > terminal { 0 } else { INDENT };
    let lines = wrap(text, terminal.saturating_sub(indent));
    lines.into_iter().map(|line| format!("{:indent$}{line}", "")).collect()
}

/// Draws the lines of cells beside one another.
fn side_by_side(
    cells: &[Vec<String>],
    widths: &[Option<usize>],
    style: impl Fn(usize) -> Style,
    lines: &mut Vec<String>,
) {
    let shown: Vec<(usize, usize)> =
        widths.iter().enumerate().filter_map(|(index, width)| Some((index, (*width)?))).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    for nth in 0..height.max(1) {
        let text = |index: usize| cells[index].get(nth).map_or("", String::as_str);
        let last = shown.iter().rposition(|(index, _)| !text(*index).is_empty());
        let mut line = String::new();
        for (index, width) in &shown[..last.map_or(0, |last| last + 1)] {
            let (text, style) = (text(*index), style(*index));
            if !text.is_empty() {
                line.push_str(&format!("{style}{text}{style:#}"));
            }
            let is_last = last.is_some_and(|last| shown[last].0 == *index);
            if !is_last {
                let blanks = width.saturating_sub(columns(text)) + GAP;
                line.push_str(&format!("{:blanks$}", ""));
            }
        }
        lines.push(line);
    }
}

/// Text that is no table, in the lines of the terminal.
pub(super) fn paragraph(text: &str, width: Option<u16>) -> String {
    match width {
        Some(width) => wrap(text, usize::from(width)).join("\n"),
        None => text.to_owned(),
    }
}

/// Lines of output, each cut where the terminal ends.
pub(super) fn clipped(text: &str, width: Option<u16>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let lines = text.lines().map(|line| cut(&line.replace('\t', TAB), usize::from(width)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Sections with their headings, empty ones left out.
pub(super) fn sections(parts: Vec<(&str, String)>) -> String {
    let bold = Style::new().bold();
    parts
        .into_iter()
        .filter(|(_, body)| !body.is_empty())
        .map(|(heading, body)| match heading {
            "" => body,
            _ => format!("{bold}{heading}{bold:#}\n{body}"),
        })
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// Text in the warning's colour.
pub(super) fn warning(text: &str, width: Option<u16>) -> String {
    let yellow = AnsiColor::Yellow.on_default();
    let text = paragraph(&format!("warning: {}", plain(text)), width);
    let rest = text.strip_prefix("warning:").unwrap_or(&text);
    format!("{yellow}warning:{yellow:#}{rest}")
}
