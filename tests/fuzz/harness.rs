//! Fuzzing on stable: bytes that others could write, for each reader of such bytes. It is included into the crate's unit
//! tests, since the readers are not public.
//!
//! What is asked of each: no panic, an answer in time, and what the judge of the target asserts. The inputs are mutations of
//! seeds (those of the test, and the files in `corpus/<target>/`), drawn by a number that a failure tells. What a judge
//! answers says which way an input took: one with a new answer becomes a seed as well.
//!
//! `cargo test --lib fuzz` draws some thousand inputs for each, the same ones each time. `DEVGROUP_FUZZ_SECONDS=600 cargo
//! test --release --lib fuzz_of_the_wire` draws new ones for so long. `PROPTEST_RNG_SEED` chooses the number, as for the property tests.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Bytes of an input.
const LONGEST: usize = 16 << 10;

/// Inputs that others are made from.
const POOL: usize = 4096;

/// Processor time that an answer may take.
const SLOW: Duration = if cfg!(debug_assertions) { Duration::from_secs(2) } else { Duration::from_millis(250) };

/// Memory that the whole process may ever have had when targets were fuzzed for a time, in KiB: a pool of inputs has 64 MiB at most,
/// and several targets may be fuzzed beside each other.
const MOST_KIB: u64 = 2 << 20;

/// Time that an answer may take on the busiest machine. Who takes longer never ends.
const STUCK: Duration = Duration::from_secs(120);

/// Numbers at which readers of numbers go wrong.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "4294967295",
    "9223372036854775807",
    "18446744073709551616",
    "1e309",
];

/// Draws inputs for a target until there were `rounds` of them, or for as long as `DEVGROUP_FUZZ_SECONDS` says.
///
/// # Panics
/// If the judge does, or takes too long: with the input.
pub(crate) fn run<F: Hash>(target: &str, rounds: u64, seeds: &[&[u8]], judge: impl Fn(&[u8]) -> F) {
    let until = std::env::var("DEVGROUP_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let until = until.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let number = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|number| number.parse().ok());
    // What is drawn in passing is the same each time: who changes something else is not told of a finding of chance.
    let number = number.unwrap_or_else(|| if until.is_some() { RandomState::new().hash_one(0) } else { 1 });
    let mut fuzzer = Fuzzer { target, number, judge, draw: Draw(number), pool: Vec::new(), ways: HashSet::new() };
    let (alive, watchdog) = fuzzer.watch();
    let kept = fuzzer.kept();
    for seed in seeds.iter().map(|seed| seed.to_vec()).chain(kept) {
        fuzzer.judge(&alive, &seed);
        fuzzer.pool.push(seed);
    }
    let (mut round, mut slowest, begun) = (0, Duration::ZERO, Instant::now());
    while until.map_or(round < rounds, |until| Instant::now() < until) {
        let input = fuzzer.mutated();
        let (is_new, took) = fuzzer.judge(&alive, &input);
        slowest = slowest.max(took);
        if is_new && fuzzer.pool.len() < POOL {
            fuzzer.pool.push(input);
        }
        round += 1;
    }
    if until.is_some() {
        let (ways, seconds) = (fuzzer.ways.len(), begun.elapsed().as_secs());
        let peak = peak_kib();
        println!(
            "fuzz of {target}: {round} inputs in {seconds}s by {number}, {ways} ways, the slowest took {slowest:?}, the \
             process has had {} MiB",
            peak / 1024
        );
        assert!(peak <= MOST_KIB, "fuzz of {target} by {number}: the process has had {peak} KiB");
    }
    drop(alive);
    watchdog.join().unwrap();
}

struct Fuzzer<'t, J> {
    target: &'t str,
    /// By which inputs are drawn.
    number: u64,
    judge: J,
    draw: Draw,
    pool: Vec<Vec<u8>>,
    /// What the judge has answered so far.
    ways: HashSet<u64>,
}

/// The input that is being judged, for who sees that it takes too long.
type Alive = (Sender<()>, Arc<Mutex<Vec<u8>>>);

impl<F: Hash, J: Fn(&[u8]) -> F> Fuzzer<'_, J> {
    /// What is kept for this target: a file for each input.
    fn kept(&self) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(self.target);
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|file| fs::read(file).unwrap()).collect()
    }

    /// Ends the process if one answer never comes, since nothing else can.
    fn watch(&self) -> (Alive, thread::JoinHandle<()>) {
        let (told, hears) = channel();
        let input = Arc::new(Mutex::new(Vec::new()));
        let (shown, target, number) = (Arc::clone(&input), self.target.to_owned(), self.number);
        let watchdog = thread::spawn(move || {
            loop {
                match hears.recv_timeout(STUCK) {
                    Ok(()) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {
                        eprintln!(
                            "fuzz of {target} by {number} is stuck with {}",
                            shown_as_bytes(&shown.lock().unwrap())
                        );
                        std::process::abort();
                    }
                }
            }
        });
        (((told), input), watchdog)
    }

    /// Whether the answer is a new one, and the processor time that it took.
    fn judge(&mut self, (alive, shown): &Alive, input: &[u8]) -> (bool, Duration) {
        input.clone_into(&mut shown.lock().unwrap());
        alive.send(()).unwrap();
        let begun = processor_time();
        let answer = catch_unwind(AssertUnwindSafe(|| (self.judge)(input)));
        let took = processor_time().saturating_sub(begun);
        let named = || format!("fuzz of {} by {}: {}", self.target, self.number, shown_as_bytes(input));
        let answer = answer.unwrap_or_else(|panic| {
            eprintln!("{}", named());
            resume_unwind(panic)
        });
        assert!(took <= SLOW, "an answer took {took:?}\n{}", named());
        let mut hasher = DefaultHasher::new();
        answer.hash(&mut hasher);
        (self.ways.insert(hasher.finish()), took)
    }

    /// One of the pool, changed in one to five ways.
    fn mutated(&mut self) -> Vec<u8> {
        let mut input = self.one_of_pool();
        for _ in 0..=self.draw.below(5) {
            self.mutate(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn one_of_pool(&mut self) -> Vec<u8> {
        let at = self.draw.below(self.pool.len());
        self.pool.get(at).cloned().unwrap_or_default()
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let (begin, end) = self.draw.range(input.len());
        match self.draw.below(10) {
            0 if !input.is_empty() => {
                let at = self.draw.below(input.len());
                input[at] ^= 1 << self.draw.below(8);
            }
            1 if !input.is_empty() => {
                let at = self.draw.below(input.len());
                input[at] = self.draw.byte();
            }
            2 => input.insert(begin, self.draw.byte()),
            3 => drop(input.drain(begin..end)),
            4 => {
                let part = input[begin..end].to_vec();
                let at = self.draw.below(input.len() + 1);
                input.splice(at..at, part);
            }
            // What is quadratic shows by a part that stands there many times.
            5 => {
                let part = input[begin..end.min(begin + 64)].to_vec();
                let times = 1_usize << self.draw.below(12);
                let room = LONGEST.saturating_sub(input.len()) / part.len().max(1);
                input.splice(begin..begin, part.repeat(times.min(room)));
            }
            6 => {
                let other = self.one_of_pool();
                let (from, to) = self.draw.range(other.len());
                input.splice(begin..end, other[from..to].iter().copied());
            }
            7 => {
                let number = NUMBERS[self.draw.below(NUMBERS.len())];
                let digits = input.iter().skip(begin).take_while(|byte| byte.is_ascii_digit()).count();
                input.splice(begin..begin + digits, number.bytes());
            }
            8 => input.truncate(end),
            _ => {
                let word = self.draw.next().to_be_bytes();
                let word = if self.draw.below(2) == 0 { [0xff; 8] } else { word };
                let to = (begin + (1 << self.draw.below(4))).min(input.len());
                input.splice(begin..to, word.into_iter().take(to - begin));
            }
        }
    }
}

/// Numbers that follow from the first one (SplitMix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one; 0 below 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// A part of so many bytes.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let (one, other) = (self.below(length + 1), self.below(length + 1));
        (one.min(other), one.max(other))
    }
}

/// The most memory that this process has had, in KiB; 0 where the system does not tell.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// As Rust writes it, so that it can become a seed.
fn shown_as_bytes(input: &[u8]) -> String {
    format!("b\"{}\"", input.escape_ascii())
}

/// The time of a processor that this thread has had: others on the machine do not count.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}
