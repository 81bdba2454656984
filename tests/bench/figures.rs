//! Medians, and the table in which a benchmark says what it found.

use std::time::Duration;

/// Samples of one quantity.
#[derive(Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Adds a sample to those before.
    pub(crate) fn add(&mut self, sample: f64) {
        self.0.push(sample);
        self.0.sort_by(f64::total_cmp);
    }

    /// Adds a time, in milliseconds.
    pub(crate) fn add_time(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1e3);
    }

    /// The sample below which this part of all lies, by the nearest rank.
    fn quantile(&self, part: f64) -> f64 {
        let rank = (part * (self.0.len() as f64 - 1.0)).round();
        self.0[rank as usize]
    }

    /// The median; NaN without samples.
    pub(crate) fn median(&self) -> f64 {
        if self.0.is_empty() { f64::NAN } else { self.quantile(0.5) }
    }

    /// `8.3 [5.6..12.0] p90 11.1 p99 12.0`, or `-` without samples.
    pub(crate) fn show(&self) -> String {
        if self.0.is_empty() {
            return "-".into();
        }
        let [least, most, p90, p99] = [0.0, 1.0, 0.9, 0.99].map(|part| self.quantile(part));
        let median = self.median();
        format!("{median:.1} [{least:.1}..{most:.1}] p90 {p90:.1} p99 {p99:.1}")
    }
}

/// Prints a table: the first row is its head.
pub(crate) fn print_table(title: &str, rows: &[Vec<String>]) {
    println!("\n{title}");
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
        if number == 0 {
            println!("|{}|", widths.iter().map(|width| "-".repeat(width + 2)).collect::<Vec<_>>().join("|"));
        }
    }
}

/// One row of a table.
#[macro_export]
macro_rules! row {
    ($($cell:expr),+ $(,)?) => { vec![$($cell.to_string()),+] };
}

/// Whether a program is found in `PATH`.
pub(crate) fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()))
}
