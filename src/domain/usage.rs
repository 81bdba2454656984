//! How much CPU and memory a run uses, and how much it may.

use std::fmt;
use std::time::Duration;

use super::Moment;

/// What all processes of a run use together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// When it was measured.
    pub at: Moment,
    /// Of one core, in tenths of a percent, since the measurement before. `None` at the first one, and where the system does
    /// not tell.
    pub cpu: Option<u32>,
    /// Bytes. `None` where the system does not tell.
    pub memory: Option<u64>,
    /// CPU time since the run began, as far as the looks at it tell: never falls while the run lives. `None` where the system
    /// does not tell.
    pub cpu_time: Option<Duration>,
    /// Processes that live. `None` where the system does not tell.
    pub processes: Option<u32>,
}

impl Usage {
    /// One of which nothing is known.
    pub fn unknown(at: Moment) -> Self {
        Self { at, cpu: None, memory: None, cpu_time: None, processes: None }
    }

    /// `12%`, `0.4%`.
    pub fn cpu_text(&self) -> Option<String> {
        self.cpu.map(|tenths| match tenths {
            1..=99 => format!("{}.{}%", tenths / 10, tenths % 10),
            tenths => format!("{}%", tenths / 10),
        })
    }

    /// Of two runs together. What is not known of one counts as nothing.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let cpu = self.cpu.zip(other.cpu).map(|(one, other)| one.saturating_add(other));
        let memory = self.memory.zip(other.memory).map(|(one, other)| one.saturating_add(other));
        let cpu_time = self.cpu_time.zip(other.cpu_time).map(|(one, other)| one.saturating_add(other));
        let processes = self.processes.zip(other.processes).map(|(one, other)| one.saturating_add(other));
        Self {
            at: self.at.max(other.at),
            cpu: cpu.or(self.cpu).or(other.cpu),
            memory: memory.or(self.memory).or(other.memory),
            cpu_time: cpu_time.or(self.cpu_time).or(other.cpu_time),
            processes: processes.or(self.processes).or(other.processes),
        }
    }

    /// `340M`, as in a narrow column.
    pub fn memory_text(&self) -> Option<String> {
        self.memory.map(short_bytes)
    }
}

/// `limits`: what a run may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory. A run that has more is restarted.
    pub memory: Option<u64>,
}

/// A run has more memory than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// The bytes that it has.
    pub memory: u64,
    /// The bytes that it may have.
    pub limit: u64,
}

impl fmt::Display for OverLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is a little above its limit is told in a unit in which it differs.
        let in_unit = |unit: u64, name: &str| [self.memory, self.limit].map(|bytes| format!("{}{name}", bytes / unit));
        let forms = [[self.memory, self.limit].map(bytes), in_unit(1 << 20, "MiB"), in_unit(1 << 10, "KiB")];
        let differs = forms.into_iter().find(|[memory, limit]| memory != limit);
        let [memory, limit] = differs.unwrap_or_else(|| in_unit(1, "B"));
        write!(f, "memory {memory}, limit {limit}")
    }
}

/// The units of memory, each 1024 of the one before.
const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];

/// A size in at most four digits, in the units of the file: `340MiB`, `1.2GiB`.
pub fn bytes(bytes: u64) -> String {
    let (number, unit) = scaled(bytes);
    format!("{number}{unit}")
}

/// The same for a narrow column: `340M`, `1.2G`.
fn short_bytes(bytes: u64) -> String {
    let (number, unit) = scaled(bytes);
    format!("{number}{}", unit.get(..1).unwrap_or_default())
}

fn scaled(bytes: u64) -> (String, &'static str) {
    // In hundredths of a KiB, so that no float is needed.
    let (mut hundredths, mut at) = (u128::from(bytes) * 100 / 1024, 0);
    while hundredths >= 102_400 && at + 1 < UNITS.len() {
        hundredths /= 1024;
        at += 1;
    }
    let (whole, tenth) = (hundredths / 100, hundredths / 10 % 10);
    let number = if whole < 10 && at >= 2 && tenth > 0 { format!("{whole}.{tenth}") } else { whole.to_string() };
    (number, UNITS.get(at).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_units_of_the_file() {
        let cases = [
            (0, "0KiB"),
            (900 << 10, "900KiB"),
            (340 << 20, "340MiB"),
            (1 << 30, "1GiB"),
            (5 << 28, "1.2GiB"),
            (15 << 30, "15GiB"),
            (1023 << 20, "1023MiB"),
            (3 << 40, "3TiB"),
        ];
        for (size, text) in cases {
            assert_eq!(bytes(size), text);
        }
        assert_eq!(short_bytes(5 << 28), "1.2G");
        assert_eq!(OverLimit { memory: 5 << 28, limit: 1 << 30 }.to_string(), "memory 1.2GiB, limit 1GiB");
        let little = OverLimit { memory: (2 << 30) + (3 << 20), limit: 2 << 30 };
        assert_eq!(little.to_string(), "memory 2051MiB, limit 2048MiB");
        assert_eq!(OverLimit { memory: (2 << 30) + 1, ..little }.to_string(), "memory 2147483649B, limit 2147483648B");
    }

    #[test]
    fn little_work_has_a_tenth() {
        let text = |cpu| Usage { cpu, ..Usage::unknown(Moment::START) }.cpu_text();
        let cases =
            [(Some(0), Some("0%")), (Some(4), Some("0.4%")), (Some(99), Some("9.9%")), (Some(1605), Some("160%"))];
        for (cpu, expected) in cases {
            assert_eq!(text(cpu).as_deref(), expected);
        }
        assert_eq!(text(None), None);
    }
}
