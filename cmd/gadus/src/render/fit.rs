//! Which columns of a table are shown in a terminal, and how wide each is.

/// Blanks between two columns.
pub(super) const GAP: usize = 2;

/// A column, and how it gives way where the terminal is narrow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Columns of the terminal that are enough; none where all of it must be seen.
    enough: Option<usize>,
    /// Whether what does not fit goes to further lines, rather than being cut.
    pub(super) wraps: bool,
    /// The one with the lowest is left out first; none stays.
    rank: Option<u8>,
}

impl Column {
    /// Shown whole: ids, states, numbers.
    pub(super) const fn whole(name: &'static str) -> Self {
        Self { name, enough: None, wraps: false, rank: None }
    }

    /// Cut to no less than so many columns.
    pub(super) const fn cut(name: &'static str, enough: usize) -> Self {
        Self { name, enough: Some(enough), wraps: false, rank: None }
    }

    /// Wrapped to no less than so many columns.
    pub(super) const fn text(name: &'static str, enough: usize) -> Self {
        Self { name, enough: Some(enough), wraps: true, rank: None }
    }

    /// The same, left out where there is no room, those of a lower rank before it.
    pub(super) const fn or_none(self, rank: u8) -> Self {
        Self { rank: Some(rank), ..self }
    }
}

/// The width of each column, none for those that are left out. `natural` is what each would like;
/// no columns of the terminal, as in a pipe, give each what it likes.
pub(super) fn fit(
    columns: &[Column],
    natural: &[usize],
    terminal: Option<usize>,
) -> Vec<Option<usize>> {
    let mut widths: Vec<_> = natural.iter().copied().map(Some).collect();
    let Some(terminal) = terminal else { return widths };
    let least =
        |index: usize| columns[index].enough.map_or(natural[index], |n| n.min(natural[index]));
    loop {
        let shown: Vec<usize> = (0..columns.len()).filter(|n| widths[*n].is_some()).collect();
        let gaps = GAP * shown.len().saturating_sub(1);
        let needed = shown.iter().map(|n| least(*n)).sum::<usize>() + gaps;
        let spare = shown.iter().filter(|n| columns[**n].rank.is_some());
        match spare.min_by_key(|n| columns[**n].rank) {
            Some(first) if needed > terminal => widths[*first] = None,
            _ => {
                // What would be cut goes before what only needs more lines.
                let mut left = terminal.saturating_sub(needed);
                for wraps in [false, true] {
                    let these = shown.iter().copied().filter(|n| columns[*n].wraps == wraps);
                    share(these.collect(), &least, natural, &mut left, &mut widths);
                }
                return widths;
            }
        }
    }
}

/// Gives each of some columns what it needs at least, and shares out what is left: first to those
/// that want little more.
fn share(
    mut wanting: Vec<usize>,
    least: &impl Fn(usize) -> usize,
    natural: &[usize],
    left: &mut usize,
    widths: &mut [Option<usize>],
) {
    wanting.sort_by_key(|n| natural[*n] - least(*n));
    for (done, index) in wanting.iter().enumerate() {
        let more = (natural[*index] - least(*index)).min(*left / (wanting.len() - done));
        widths[*index] = Some(least(*index) + more);
        *left -= more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::whole("ID"),
        Column::cut("NAME", 4).or_none(2),
        Column::whole("TYPE").or_none(1),
        Column::text("WHY", 6),
    ];
    const NATURAL: [usize; 4] = [10, 12, 5, 30];

    fn at(terminal: usize) -> [Option<usize>; 4] {
        fit(&COLUMNS, &NATURAL, Some(terminal)).try_into().unwrap()
    }

    #[test]
    fn all_is_shown_where_there_is_room() {
        let all = NATURAL.map(Some);
        assert_eq!(fit(&COLUMNS, &NATURAL, None), all);
        assert_eq!([at(63), at(200)], [all, all]);
    }

    #[test]
    fn what_can_give_way_does_before_anything_is_left_out() {
        assert_eq!(at(50), [Some(10), Some(12), Some(5), Some(17)]);
        assert_eq!(at(34), [Some(10), Some(7), Some(5), Some(6)]);
        assert_eq!(at(31), [Some(10), Some(4), Some(5), Some(6)]);
    }

    #[test]
    fn the_least_goes_first_and_some_stays_whatever_happens() {
        assert_eq!(at(30), [Some(10), Some(10), None, Some(6)]);
        assert_eq!(at(20), [Some(10), None, None, Some(8)]);
        assert_eq!(at(5), [Some(10), None, None, Some(6)]);
    }

    #[test]
    fn no_terminal_is_exceeded_that_what_stays_fits_into() {
        for terminal in 18..80 {
            let shown: Vec<_> = at(terminal).into_iter().flatten().collect();
            let total = shown.iter().sum::<usize>() + GAP * (shown.len() - 1);
            assert!(total <= terminal, "{terminal}: {shown:?}");
        }
    }
}
