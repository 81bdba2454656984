//! What the program holds: memory, descriptors, threads; and whether that grows.

use std::fmt;
use std::fs;

use crate::harness::program_below;

/// Growth of memory from the one half of the measurements to the other that is none: what an allocator keeps back, in KiB.
const SLACK_KIB: u64 = 6 << 10;

/// The same of its part in what there was.
const SLACK_PART: u64 = 10;

/// Descriptors and threads above those of the warm-up that are no growth: what comes with a run that begins just now.
const SLACK_COUNT: usize = 6;

/// What the guard and the program hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holdings {
    /// Memory of their own, in KiB.
    pub(super) kib: u64,
    pub(super) descriptors: usize,
    pub(super) threads: usize,
}

impl Holdings {
    /// Those of the group that a guard guards.
    pub(super) fn of(guard: u32) -> Self {
        let processes = [Some(guard), program_below(guard)].into_iter().flatten();
        processes.fold(Self { kib: 0, descriptors: 0, threads: 0 }, |sum, pid| Self {
            kib: sum.kib + own_memory(pid),
            descriptors: sum.descriptors + count(pid, "fd"),
            threads: sum.threads + count(pid, "task"),
        })
    }

    /// No more descriptors and threads than there were, with the slack.
    pub(super) fn is_within(&self, most: &Self) -> bool {
        self.descriptors <= most.descriptors + SLACK_COUNT && self.threads <= most.threads + SLACK_COUNT
    }

    /// The most of both.
    pub(super) fn most(self, other: Self) -> Self {
        Self {
            kib: self.kib.max(other.kib),
            descriptors: self.descriptors.max(other.descriptors),
            threads: self.threads.max(other.threads),
        }
    }
}

impl fmt::Display for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.kib * 10 / 1024;
        let (descriptors, threads) = (self.descriptors, self.threads);
        write!(f, "{}.{} MiB, {descriptors} descriptors, {threads} threads", tenths / 10, tenths % 10)
    }
}

/// How memory has grown, if it has: the second half of what was measured is above the first. Medians, so that one measurement
/// beside a flood says nothing.
pub(super) fn growth(measured: &[Holdings]) -> Option<(u64, u64)> {
    let (early, late) = measured.split_at(measured.len() / 2);
    let (early, late) = (median(early), median(late));
    (measured.len() > 1 && late > early + early / SLACK_PART + SLACK_KIB).then_some((early, late))
}

fn median(measured: &[Holdings]) -> u64 {
    let mut kib: Vec<u64> = measured.iter().map(|one| one.kib).collect();
    kib.sort_unstable();
    kib.get(kib.len() / 2).copied().unwrap_or_default()
}

/// What no other process shares and no file keeps, in KiB.
fn own_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn count(pid: u32, what: &str) -> usize {
    fs::read_dir(format!("/proc/{pid}/{what}")).into_iter().flatten().count()
}

#[test]
fn growth_is_told_from_noise() {
    let at = |kib: u64| Holdings { kib, descriptors: 0, threads: 0 };
    let grows = |kib: &[u64]| growth(&kib.iter().map(|kib| at(*kib)).collect::<Vec<_>>()).is_some();
    assert!(!grows(&[20_000, 21_000, 60_000, 20_500, 20_000, 21_000]));
    assert!(!grows(&[20_000]) && !grows(&[]));
    assert!(grows(&[20_000, 23_000, 26_000, 29_000, 32_000, 35_000, 38_000, 41_000]));
    let most = Holdings { kib: 1, descriptors: 80, threads: 40 };
    assert!(Holdings { kib: 9, descriptors: 86, threads: 46 }.is_within(&most));
    assert!(!Holdings { kib: 0, descriptors: 87, threads: 40 }.is_within(&most));
    assert!(!Holdings { kib: 0, descriptors: 80, threads: 47 }.is_within(&most));
}
