//! Tries of tasks with real processes.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;

use devgroup::clock::Clock;
use devgroup::domain::{ExitStatus, RunCommand, RunId, Signal, SignalTarget, TryExit};
use devgroup::process::{Attempt, AttemptEnd, AttemptLaunch, Prepared, ProcessHost};
use devgroup::process_tree::{self, MARK};

use crate::harness::is_linux;

/// So long a process may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A try, what it showed so far, and the way of its end.
struct Tried {
    attempt: Option<Attempt>,
    shown: Arc<Mutex<Vec<String>>>,
    ends: Receiver<AttemptEnd>,
    mark: String,
    host: ProcessHost,
}

impl Tried {
    fn begin(command: RunCommand, dir: &str, input: &[u8]) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mark = format!("attempt-{}-{number}", std::process::id());
        let env = vec![("PATH".into(), "/usr/bin:/bin".into()), (MARK.into(), mark.clone().into())];
        let (shown, (sender, ends)) = (Arc::<Mutex<Vec<String>>>::default(), channel());
        let its_shown = shown.clone();
        let host = ProcessHost::new(Clock::start(), unbounded_channel().0);
        let attempt = host.attempt(AttemptLaunch {
            worker: "marie".into(),
            run: RunId(1),
            prepare: Arc::new(move || Ok(Prepared { command: command.clone(), env: env.clone() })),
            expand: None,
            dir: PathBuf::from(dir),
            input: input.into(),
            lines: Box::new(move |lines| its_shown.lock().unwrap().extend(lines)),
            ended: Box::new(move |end| sender.send(end).unwrap()),
        });
        Self { attempt, shown, ends, mark, host }
    }

    fn shell(text: &str) -> Self {
        Self::begin(RunCommand::Shell(text.into()), "/", b"")
    }

    /// Waits until it has shown this line.
    fn shows(&self, line: &str) {
        let clock = Clock::start();
        while !self.shown.lock().unwrap().iter().any(|shown| shown == line) {
            assert!(clock.now().since_start() < PATIENCE, "no `{line}` in {:?}", self.shown.lock().unwrap());
            std::thread::yield_now();
        }
    }

    /// Waits for the end; nobody of it is left then.
    fn end(&self) -> AttemptEnd {
        let end = self.ends.recv_timeout(PATIENCE).expect("it ends");
        let left = process_tree::marked(|mark| mark == self.mark.as_str());
        assert!(left.is_empty(), "{left:?}");
        end
    }
}

fn code(end: &AttemptEnd) -> Option<i32> {
    match end.ended.exit {
        TryExit::Ended(ExitStatus::Code(code)) | TryExit::NotStarted(code, _) => Some(code),
        TryExit::Ended(ExitStatus::Signal(_)) => None,
    }
}

#[test]
fn it_reads_the_task_and_its_streams_are_kept_apart() {
    let tried = Tried::begin(
        RunCommand::Shell("cat; echo; echo 'to stderr' >&2; printf '\\033[32mdone'; exit 3".into()),
        "/",
        "{\"task_id\":\"ä\"}".as_bytes(),
    );
    let end = tried.end();
    assert_eq!(code(&end), Some(3));
    assert_eq!(end.output.text, "{\"task_id\":\"ä\"}\n\u{1b}[32mdone");
    assert_eq!(end.errors.text, "to stderr\n");
    let mut shown = tried.shown.lock().unwrap().clone();
    shown.sort();
    assert_eq!(shown, ["\u{1b}[0;32mdone\u{1b}[0m", "to stderr", "{\"task_id\":\"ä\"}"]);
}

#[test]
fn much_goes_in_and_out_at_once_and_nobody_has_to_read() {
    let input = b"0123456789abcdef".repeat(1 << 16);
    let end = Tried::begin(RunCommand::Shell("cat | tee /dev/stderr".into()), "/", &input).end();
    assert_eq!((end.output.text.as_bytes(), end.output.dropped), (&*input, 0));
    assert_eq!(end.errors, end.output);
    let end = Tried::begin(RunCommand::Shell("exec 0<&-; exit 0".into()), "/", &input).end();
    assert_eq!(code(&end), Some(0));
    let end = Tried::shell("head -c 3000000 /dev/zero | tr '\\0' x").end();
    assert_eq!((end.output.text.len(), end.output.dropped), (1 << 20, 3_000_000 - (1 << 20)));
}

#[test]
fn who_is_left_behind_is_ended_at_once_and_named() {
    if !is_linux() {
        return;
    }
    for leave in ["sleep 1000 &", "setsid sleep 1000 &", "(trap '' TERM HUP; sleep 1000) &"] {
        let end = Tried::shell(&format!("{leave} echo up")).end();
        assert_eq!((code(&end), end.output.text.as_str()), (Some(0), "up\n"), "{leave}");
        // By the name that it has at that moment: it may not have executed yet.
        let is_named = |name: &String| ["sleep (", "sh (", "setsid ("].iter().any(|known| name.starts_with(known));
        assert!(end.left_behind.iter().any(is_named), "{leave}: {end:?}");
    }
}

#[test]
fn signals_reach_all_of_it() {
    let tried = Tried::shell("trap 'echo asked; exit 7' TERM; echo up; while :; do sleep 0.1; done");
    tried.shows("up");
    tried.attempt.as_ref().unwrap().signal(Signal::Term, SignalTarget::Group);
    let end = tried.end();
    assert_eq!((code(&end), end.output.text.as_str()), (Some(7), "up\nasked\n"));
    assert!(end.left_behind.is_empty());

    let tried = Tried::shell("trap '' TERM; setsid sleep 1000 & sleep 1000 & echo up; wait");
    tried.shows("up");
    tried.attempt.as_ref().unwrap().signal(Signal::Kill, SignalTarget::Group);
    let end = tried.end();
    assert_eq!(end.ended.exit, TryExit::Ended(ExitStatus::Signal(9)));

    let tried = Tried::shell("echo up; sleep 1000");
    tried.shows("up");
    tried.host.kill_all();
    assert_eq!(tried.end().ended.exit, TryExit::Ended(ExitStatus::Signal(9)));
}

#[test]
fn what_cannot_be_started_has_the_code_of_a_shell() {
    let list = |words: &[&str]| RunCommand::Argv(words.iter().map(|word| (*word).to_owned()).collect());
    for (command, dir, expected) in [
        (list(&["no-such-program-here"]), "/", 127),
        (list(&["/etc/passwd"]), "/", 126),
        (list(&["true"]), "/no/such/folder", 126),
    ] {
        let end = Tried::begin(command, dir, b"").end();
        assert_eq!(code(&end), Some(expected), "{end:?}");
        assert!(matches!(&end.ended.exit, TryExit::NotStarted(_, why) if !why.is_empty()), "{end:?}");
    }
    let tried = Tried::shell("true");
    tried.end();
    tried.host.kill_all();
    let (sender, ends) = channel();
    let refused = tried.host.attempt(AttemptLaunch {
        worker: "marie".into(),
        run: RunId(1),
        prepare: Arc::new(|| Err("never asked".into())),
        expand: None,
        dir: "/".into(),
        input: Arc::default(),
        lines: Box::new(|_| {}),
        ended: Box::new(move |end: AttemptEnd| sender.send(end).unwrap()),
    });
    assert!(refused.is_none());
    assert_eq!(code(&ends.recv().unwrap()), Some(126));
}
