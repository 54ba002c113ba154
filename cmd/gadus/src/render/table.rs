//! Tables that fit the terminal, and pairs of a name and a value.

use anstyle::{AnsiColor, Style};
use comfy_table::{
    Attribute, Cell as Drawn, Color, ColumnConstraint, ContentArrangement, Table as Comfy,
};

use super::text::{one_line, plain};

/// Columns of the terminal that stdout is; none where it is no terminal.
pub(crate) fn terminal_width() -> Option<u16> {
    Comfy::new().width()
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
        "completed" | "published" | "accepted" | "connected" => Tone::Good,
        "failed" | "lost" | "rejected" | "disconnected" => Tone::Bad,
        "running" | "granted" | "proposed" | "pending" | "queued" | "awarded" => Tone::Busy,
        _ => Tone::Usual,
    }
}

impl Tone {
    fn color(self) -> Option<Color> {
        match self {
            Self::Usual => None,
            Self::Good => Some(Color::DarkGreen),
            Self::Bad => Some(Color::DarkRed),
            Self::Busy => Some(Color::DarkYellow),
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
        Self { text: plain(text), tone: Tone::Usual }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text.as_ref(), Tone::Usual)
    }
}

/// A table in the making.
pub(super) struct Table {
    comfy: Comfy,
    columns: usize,
}

impl Table {
    pub(super) fn new<const N: usize>(header: [&str; N], width: Option<u16>) -> Self {
        let mut table = Self { comfy: bare(width), columns: N };
        let names = header.map(|name| Drawn::new(name).add_attribute(Attribute::Bold));
        table.comfy.set_header(names.to_vec());
        table
    }

    /// Names and values below one another, without a header.
    pub(super) fn pairs(width: Option<u16>) -> Self {
        Self { comfy: bare(width), columns: 2 }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        let drawn = cells.map(|cell| match cell.tone.color() {
            Some(color) => Drawn::new(&cell.text).fg(color),
            None => Drawn::new(&cell.text),
        });
        self.comfy.add_row(drawn.to_vec());
    }

    /// A pair; nothing where the value is empty.
    pub(super) fn pair(&mut self, name: &str, value: impl Into<Cell>) {
        let value = value.into();
        if !value.text.is_empty() {
            self.row([Cell::from(name), value]);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.comfy.row_count() == 0
    }

    /// The text, without blanks at the ends of lines. Narrow columns stay whole where others can
    /// give way.
    pub(super) fn draw(mut self) -> String {
        for index in 0..self.columns.saturating_sub(1) {
            let widest = self.comfy.column_max_content_widths().get(index).copied();
            if let (Some(column), true) = (self.comfy.column_mut(index), widest <= Some(12)) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for column in self.comfy.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let text = self.comfy.to_string();
        text.lines().map(trimmed).collect::<Vec<_>>().join("\n")
    }
}

/// A line without the blanks at its end, those before a last change of colour included.
fn trimmed(line: &str) -> String {
    let (mut rest, mut resets) = (line.trim_end(), String::new());
    while let Some(at) = rest.rfind('\u{1b}').filter(|at| {
        let escape = &rest[*at..];
        escape.find('m').is_some_and(|end| end + 1 == escape.len())
    }) {
        resets.insert_str(0, &rest[at..]);
        rest = rest[..at].trim_end();
    }
    format!("{rest}{resets}")
}

fn bare(width: Option<u16>) -> Comfy {
    let mut table = Comfy::new();
    table.load_style(comfy_table::presets::NOTHING).enforce_styling();
    match width {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.max(20));
        }
        // In a pipe a row is a line, however long.
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table
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
pub(super) fn warning(text: &str) -> String {
    let yellow = AnsiColor::Yellow.on_default();
    format!("{yellow}warning:{yellow:#} {}", plain(text))
}
