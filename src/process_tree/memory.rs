//! The memory of a family of processes.
//!
//! What forks share is counted once: each process has its own anonymous pages, and of the pages of files and of shared
//! memory (PostgreSQL's buffers) only the largest part that one process has mapped counts. The kernel's own answer (PSS, in
//! `smaps_rollup`) would be exact, but it walks all page tables of a process: milliseconds for each GiB, and the process
//! waits meanwhile. `statm` is a handful of counters.

use rustix::param::page_size;
use rustix::process::Pid;

use super::process::Process;
use super::read;

/// Pages that a process has in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pages {
    /// All of them.
    resident: u64,
    /// Those of files and of shared memory.
    shared: u64,
}

/// The bytes that these processes have in memory together. Swap is not counted.
pub fn memory_of(family: &[Process]) -> u64 {
    let pages = family.iter().filter_map(|process| pages_of(process.pid));
    together(pages).saturating_mul(u64::try_from(page_size()).unwrap_or(4096))
}

fn together(family: impl Iterator<Item = Pages>) -> u64 {
    let (mut own, mut shared) = (0_u64, 0);
    for pages in family {
        own = own.saturating_add(pages.resident.saturating_sub(pages.shared));
        shared = pages.shared.max(shared);
    }
    own.saturating_add(shared)
}

fn pages_of(pid: Pid) -> Option<Pages> {
    parse(&read(&format!("/proc/{pid}/statm"))?)
}

/// Reads `/proc/<pid>/statm` (proc_pid_statm(5)): `size resident shared text lib data dt`, in pages.
fn parse(statm: &[u8]) -> Option<Pages> {
    let mut numbers = std::str::from_utf8(statm).ok()?.split_ascii_whitespace().skip(1).map(str::parse);
    Some(Pages { resident: numbers.next()?.ok()?, shared: numbers.next()?.ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_forks_share_counts_once() {
        let postgres = [(4_000, 3_500), (3_900, 3_600), (1_000, 800)];
        let pages = postgres.map(|(resident, shared)| Pages { resident, shared });
        assert_eq!(together(pages.into_iter()), 500 + 300 + 200 + 3_600);
        assert_eq!(together(std::iter::empty()), 0);
    }

    #[test]
    fn a_line_of_counters_is_read_and_junk_is_not() {
        assert_eq!(parse(b"2000 500 300 10 0 90 0\n"), Some(Pages { resident: 500, shared: 300 }));
        for junk in ["", "1 2", "1 x 3", "1 2 -3"] {
            assert_eq!(parse(junk.as_bytes()), None, "{junk}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn our_own_memory_is_found() {
        let held = vec![1_u8; 32 << 20];
        let us = Process::of(rustix::process::getpid()).unwrap();
        let found = memory_of(&[us]);
        assert!(found > 32 << 20 && found < 64 << 30, "{found}");
        drop(std::hint::black_box(held));
    }
}
