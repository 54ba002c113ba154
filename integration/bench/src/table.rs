//! What is printed: a figure, the floor beside it, and what is aimed at.

use std::time::Duration;

/// Rows as they are measured.
pub(crate) struct Table {
    only: Option<String>,
    rows: Vec<[String; 4]>,
}

impl Table {
    pub(crate) fn new(only: Option<&str>) -> Self {
        Self { only: only.map(str::to_owned), rows: Vec::new() }
    }

    /// Whether a group of figures was asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }

    pub(crate) fn row(&mut self, figure: &str, got: &str, floor: &str, aim: &str) {
        self.rows.push([figure, got, floor, aim].map(str::to_owned));
    }

    #[expect(clippy::print_stdout, reason = "the table is what this program is for")]
    pub(crate) fn print(&self) {
        let mut table = comfy_table::Table::new();
        table.set_header(["figure", "gadus", "floor, same run", "aim"]);
        for row in &self.rows {
            table.add_row(row);
        }
        println!("{table}");
    }
}

/// The value below which a share of the samples lies.
pub(crate) fn percentile(samples: &mut [Duration], share: f64) -> Duration {
    samples.sort_unstable();
    let last = samples.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a few thousand samples, a share between 0 and 1"
    )]
    let at = (last as f64 * share).round() as usize;
    samples.get(at).copied().unwrap_or_default()
}

/// Milliseconds, to two places.
pub(crate) fn ms(d: Duration) -> String {
    format!("{:.2} ms", d.as_secs_f64() * 1e3)
}

/// Mebibytes per second.
pub(crate) fn mib_s(mib: usize, d: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand mebibytes")]
    let mib = mib as f64;
    mib / d.as_secs_f64()
}
