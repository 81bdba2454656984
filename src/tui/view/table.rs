//! Rows of cells under each other: each column is as wide as what stands in it, so that none is cut while another one is
//! wider than it needs to be. Where there is no room for all, columns go as a whole; then one is cut.

use super::super::text::{cut_left, pad, width};

/// Which of the cells of a row are shown, and how wide they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    columns: Vec<(usize, usize)>,
}

/// The place among the columns of the one that gives way: a path, of which the end tells most.
const FLEXIBLE: usize = 1;

/// A path that is cut rather than a column left out still has so many cells.
const LEAST: usize = 32;

impl Table {
    /// For these rows in so many cells: the first of `choices` that fits, each a list of cells of a row.
    pub(super) fn fitting(rows: &[Vec<String>], choices: &[&[usize]], gap: &str, room: usize) -> Self {
        let widest =
            |cell: usize| rows.iter().filter_map(|row| row.get(cell)).map(|text| width(text)).max().unwrap_or(0);
        let mut columns: Vec<(usize, usize)> = Vec::new();
        for choice in choices {
            columns = choice.iter().map(|cell| (*cell, widest(*cell))).collect();
            let all: usize = columns.iter().map(|(_, cells)| cells + width(gap)).sum();
            let missing = all.saturating_sub(width(gap)).saturating_sub(room);
            let Some((_, path)) = columns.get_mut(FLEXIBLE) else { break };
            let left = path.saturating_sub(missing);
            let is_enough = left >= LEAST.min(*path);
            *path = left;
            if is_enough {
                break;
            }
        }
        Self { columns }
    }

    /// Cells that a row has.
    pub(super) fn width(&self, gap: &str) -> usize {
        let all: usize = self.columns.iter().map(|(_, cells)| cells + width(gap)).sum();
        all.saturating_sub(width(gap))
    }

    /// The cells of a row that are shown, each as wide as its column, with their number.
    pub(super) fn cells(&self, row: &[String], ellipsis: &str) -> Vec<(usize, String)> {
        let text = |cell: usize| row.get(cell).map_or("", String::as_str);
        let cut = |(cell, cells): &(usize, usize)| (*cell, pad(cut_left(text(*cell), *cells, ellipsis), *cells));
        self.columns.iter().map(cut).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_goes_before_another_one_is_cut_to_nothing() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let path = "crates/a-long-name/src/routes/of/users.rs";
        let rows = [row(["api", path, "modified"]), row(["w", "a.rs", "created"])];
        let shown = |room| {
            let table = Table::fitting(&rows, &[&[0, 1, 2], &[0, 1]], "  ", room);
            assert!(table.width("  ") <= room.max(3 + 2), "{room}");
            let row = |row: &[String]| {
                table
                    .cells(row, "…")
                    .into_iter()
                    .map(|(_, text)| text)
                    .collect::<Vec<_>>()
                    .join("  ")
                    .trim_end()
                    .to_owned()
            };
            (row(&rows[0]), row(&rows[1]))
        };
        assert_eq!(shown(80).0, format!("api  {path}  modified"));
        assert_eq!(shown(80).1, format!("w    {:1$}  created", "a.rs", path.len()));
        assert_eq!(shown(50).0, "api  …a-long-name/src/routes/of/users.rs  modified", "a few cells less are no harm");
        assert_eq!(shown(44).0, "api  …tes/a-long-name/src/routes/of/users.rs");
        assert_eq!(shown(15).0, "api  …/users.rs");
        assert_eq!(shown(0).0, "api");
    }
}
