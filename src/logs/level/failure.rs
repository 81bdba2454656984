//! Failures that name no level: what shells, compilers, linkers, test runners and runtimes say when something has failed.

use std::sync::LazyLock;

use regex::Regex;
use regex::bytes::{self, RegexSet, RegexSetBuilder};

use super::{Level, clause, expression, words};

/// What a thread remembers of a set, at most.
const SET_BYTES: usize = 4 << 20;

/// Expressions that are looked for at once. They are of bytes: those of Unicode take so many states that they are worked out
/// anew for each line, which took ten times as long.
fn set<const N: usize>(expressions: [&str; N]) -> Option<RegexSet> {
    RegexSetBuilder::new(expressions).unicode(false).dfa_size_limit(SET_BYTES).build().ok()
}

/// First lines that go on below, and tell that all has failed.
static FATAL_HEADS: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    set([
        // Rust; Go; Python; the JVM.
        r"^thread '.*' (?:\([0-9]+\) )?panicked at ",
        r"^panic(?:: | serving )",
        r"^fatal (?:runtime )?error: ",
        r"^Fatal Python error: ",
        r"^# A fatal error has been detected",
        r"^FATAL (?:ERROR|EXCEPTION): ",
    ])
});

/// First lines of a failure that goes on below.
static HEADS: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    set([
        // Python.
        r"^Traceback \(most recent call last\):",
        r"^Exception (?:ignored )?in\b",
        // A syntax error of the program itself: no function, and no `Traceback` above it.
        r#"^File "[^"]+", line [0-9]+$"#,
        // Java, and all that name the type of what was thrown: `TypeError: x`, `a.b.SomeException`, `NoMethodError (x)`.
        r"^(?:\[?Uncaught |Unhandled |Uncaught \(in promise\) |Caused by: |UnhandledPromiseRejectionWarning: |Module not found: |#<)?(?:[A-Za-z_$][A-Za-z0-9_$]*(?:\.|::|\\))*(?:[A-Z][A-Za-z0-9_$]*)?(?:Error|Exception)(?: \[[A-Za-z0-9_]+\])?(?::| \(| - |>|$)",
        r"^(?:[a-z_][a-z0-9_]*\.)+(?:exceptions?|errors?)\.[A-Z][A-Za-z0-9]*(?::|$)",
        r"^(?:[A-Z][A-Za-z0-9]*::)+[A-Z][A-Za-z0-9]* \(.*\):?$",
        r"^\[Unhandled[A-Z]|^Unhandled (?:promise |[Rr]ejection|[Ee]xception)",
        r"^node:[a-z_/]+:[0-9]+$",
        // Ruby; Elixir.
        r"^[^ :]+\.rb:[0-9]+:in .*\([A-Z][A-Za-z:]*\)$",
        r"^\*\* \([A-Za-z][A-Za-z.]*\) ",
        // Go's tests, CMake, terraform, .NET, macOS.
        r"^--- FAIL: ",
        r"^CMake Error",
        r"^terminate called ",
    ])
});

/// Texts that begin with a failure. Most texts are none of them after a few bytes.
static FAILURES: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    set([
        // Shells, and what ends a process.
        r"^(?:Segmentation fault|Bus error|Illegal instruction|Floating point exception|Aborted|Abort trap|Killed|Terminated)(?:: [0-9]+)?(?: \(core dumped\))?$",
        r"^Out of memory: |^memory allocation of ",
        r"^exit status [1-9]",
        r"^app crashed|^Error (?:The|An?|No|Could|Cannot|Failed|Unable|Invalid|Missing|Unknown) [a-z]",
        // `name ......... Failed`.
        r"^(?:An |Some |Fatal |Unexpected |Internal [Ss]erver )?(?:[Ee]rror|[Ee]xception)s? (?:occurred|occurs|in [A-Za-z_.]+\(|in [a-z_.]+ |in ['`]|starting |while |when |loading |reading |writing |creating |connecting |during |from server)",
        r"^[Ff]atal error\b|^[A-Za-z]+ could not (?:find|be) |^Could not ",
        r"^(?:Compilation|Execution|Syntax|Runtime|Reader) error\b|^== Compilation error|^syntax error(?:,| at | near )",
        r"^Internal [Ss]erver [Ee]rror\b",
        r"^(?:Execution|Build|Compilation|Deployment|Installation|Interpretation) (?:failed|halted|aborted|FAILED)|^Failed!|^[a-z]+ aborted!|^[Ff]ailed:? {2,}[^ 0]|^failed: [^ 0-9]",
        r"^(?:[A-Z][a-z]+)+(?:Error|Exception) in ",
        r"^Target .* failed to build|^Running target .* failed$|^Test suite failed to run",
        r"^Unexpected (?:error|exception)\b|^exception (?:raised|thrown|during|while|in)|^[^ ]+ \[(?:ERROR|FATAL)\]|^(?:[A-Z]+ +)?Uncaught ",
    ])
});

/// The same, of tests, builds and servers. One set of all takes many times as many states as two.
static FAILURES_OF_TOOLS: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    set([
        // Tests and builds.
        r"^(?:> Task :.*|test [^ ].* \.\.\.|[^ ]*::[^ ]+|//[^ ]+|[A-Z][A-Za-z0-9_.$]* > .*) +FAILED\b",
        r"^(?:FAILED|FAIL)(?:[:!|( ]|$)|^(?:FAILURES?|ERRORS|Failures)(?:[:!]|$)",
        r"^(?:BUILD FAILED|BUILD FAILURE|APPLICATION FAILED TO START|\*\* [A-Z]+ FAILED)|^test result: FAILED|^[=*!]+ (?:FAILURES|ERRORS) [=*!]+$|^⎯+ Failed|^FATAL EXCEPTION",
        r"^not ok |^# fail +[1-9]|^ℹ fail +[1-9]|^[1-9][0-9]* fail$",
        r"^● .* › |^● Test suite failed|^❯ .* [1-9][0-9]* failed\)",
        r"^Failed [A-Z][A-Za-z0-9_.]+(?:\(.*\))? \[[0-9<]",
        r"^rspec \./",
        // nextest.
        r"^(?:TRY [0-9]+ )?(?:FAIL|TIMEOUT|ABORT|TERMINATED|SIG[A-Z]{2,8})(?: \+ LEAK)? +\[ *>? *[0-9.]+s\]",
        r"^[A-Z][A-Za-z ]{0,40} failed(?: in| after)? [0-9.]+ ?m?s(?: |$)",
        r"^(?:\* )?What went wrong:|^Failing [a-z]+:|^Errors? found:|^[A-Z][A-Z ]+[A-Z] (?:-|─){5,} [^ ]+\.[a-z]+(?: ─)?$",
        // Compilers and linkers.
        r"^[^ ]+\.[a-z]+\([0-9]+(?:, ?[0-9]+)?\):? (?:[Ee]rror|[Ff]atal(?: [Ee]rror)?): ",
        r"^[^ ]+\.[a-z]+:[0-9]+:[0-9]+: .*\b(?:[Uu]ndefined|unbound|undeclared|unresolved|unexpected|expected|not found|not defined|unknown|invalid|illegal|missing|mismatch|violation|duplicate|no such|cannot|unterminated|already defined|ambiguous|incompatible)\b",
        r"^[^ ]+\.py:[0-9]+:[0-9]+: E9",
        r"^Undefined symbols",
        r"^[A-Za-z-]+ configuration failed|^Configuring incomplete",
        r"^build stopped: |^\*\*\* (?:\[|No rule |Terminating |[a-z ]+ detected)",
        // Node's tools.
        r"^(?:ERR_[A-Z0-9_]+|ELIFECYCLE|ERESOLVE|E(?:ADDR|CONN|NO|ACCES|PERM|PIPE|TIME|HOST|NET|MFILE|EXIST|ISDIR)[A-Z]*)\b|^(?:npm|lerna) (?:ERR!|error) |^Module (?:not found|build failed|parse failed)|^Failed with errors",
        // Runtimes.
        r"^=(?:ERROR|CRASH|SUPERVISOR) REPORT=|^lua[0-9.]*: |^\(error\) ",
        // Servers and clusters.
        r"^Error response from daemon: |^Error from server|^OCI runtime [a-z]+ failed|^Container [^ ]+ +Error$",
        r#"^\[5[0-9][0-9]\] [A-Z]+ |^"[A-Z]+ [^"]*" 5[0-9][0-9]\b|^Completed 5[0-9][0-9] |^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /[^ ]* 5[0-9][0-9] [0-9.]+ ?m?s"#,
        r"^fatal: |^! \[(?:remote )?rejected\]|^CONFLICT \(|^failed: \[",
        r"^Failed with result",
        r"^##\[error\]|^::error[ :]|^ssh: connect to host |^curl: \([0-9]+\)|^wget: ",
        r"^e: (?:file:|[/\[])",
    ])
});

/// Texts that end with a failure. They are read from their end, and most are none of them after a few bytes.
static ENDS: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    set([
        // Shells, and what ends a process.
        r"(?:^|: )(?:command not found|not found|[Uu]nknown command|Permission denied|No such file or directory|Address already in use|No space left on device|Exec format error|Is a directory|Not a directory|Operation not permitted|Connection refused|Connection reset by peer|Connection timed out|Cannot allocate memory|Too many open files|Read-only file system|Input/output error|Name or service not known|No route to host|Network is unreachable|Temporary failure in name resolution|Broken pipe|Bad file descriptor|Invalid argument|File exists|Text file busy|Device or resource busy|Directory not empty|Disk quota exceeded|No such process|No such device|Cannot assign requested address|Resource temporarily unavailable|Argument list too long|Operation timed out|Operation not supported|Host is down|Connection timed out|address already in use|connection refused|connection reset by peer|no such host|no such file or directory|permission denied|i/o timeout|context deadline exceeded|no space left on device)(?:: [^ ]+| [(\[][^)\]]*[)\]])?\.?$",
        r"\(core dumped\)$",
        r"(?:exit code:?|exited with code|exit status) [1-9][0-9]*\)?\.?$",
        r"has crashed$",
        // `name ......... Failed`.
        r"\.{3,} *\[?[Ff]ailed\]?$|(?:\.{3,}|:) *(?:[0-9.]+ ?m?s )?\[?(?:FAILED|FAIL|ERROR)\]?!?$",
        r"=> failed$",
        r"failed:$",
        r"NX .* failed$",
        // Tests and builds.
        r"[A-Za-z0-9)] FAILED$",
        // Compilers and linkers.
        r"in function (?:`|'|‘).*:$",
        r"\.  Stop\.$",
        // Servers and clusters.
        r"is unhealthy$",
    ])
});

/// Failures that stand somewhere in a text: all of it is read for them.
static WITHIN: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    set([
        // Shells, and what ends a process.
        r" [0-9]+ (?:Killed|Aborted|Segmentation fault|Terminated|Bus error)\b",
        r"(?:^|[\[ ])segfault at ",
        r"\b[Ee]xited (?:with )?(?:code |status )?\[?-?[1-9][0-9]*\b|\bexited with signal",
        // `name ......... Failed`.
        r"requirements could not be ",
        r": syntax error",
        r"(?:[Ff]ailed|failed to (?:start|solve|run|build|compile|execute)|did not complete successfully)(?:: [^0-9 .]|\.$)|failed with exit code",
        r"exception was never retrieved|with failure status",
        r": (?:ERROR|FATAL|(?:[A-Z][A-Za-z]*)?(?:Error|Exception)): ",
        // Tests and builds.
        r"══╡ EXCEPTION",
        r"[\[|] *(?:FAIL|FAILED) *[\]|]|\*\*\*Failed|[a-z'\])] failed \([0-9.]+ ?(?:ms|s|seconds)\)",
        // How many have failed. What none has is fine.
        r"(?:^(?:Tests?|Test Files|Test Suites)? *|[,|(=:/!] *|\b(?:with|found|Found|due to|was|were|and|Interrupted:) )[1-9][0-9]*(?:/[0-9]+)? (?:previous |failed |tests? |[a-z]+ tests? )?(?:failed|FAILED|failures?|failing|errors?|[Ee]rror\(s\)|offenses?|violations?)(?: *[,.;)|!/]| in\b| from\b| detected| out of| and\b| generated| found| occurred| during| \(|:| *$| =| [0-9]+ warning)",
        r"\b(?:Failures|Errors|Failed|Failed [a-z]+): *[1-9]|\((?:failures|errors)=[1-9]|=[0-9]+ (?:ERROR|ERRORS|FAIL|FAILED)=[1-9]|\bunreachable=[1-9]|\bunreachable=[0-9]+ +failed=[1-9]",
        // Compilers and linkers.
        r"\.go:[0-9]+:[0-9]+: ",
        r"undefined reference to|multiple definition of|unresolved external|symbol\(s\) not found|library not found for|cannot find -l|being treated as errors|duplicate symbol",
        r"[A-Za-z] Error: [^ ]+:[0-9]+|: Fatal error: ",
        // Runtimes.
        r": attempt to |: #<[A-Za-z:]*(?:Error|Exception): ",
        // Servers and clusters.
        r"was refused - did you|CrashLoopBackOff|ImagePullBackOff|ErrImagePull|\bOOMKilled\b",
        r"code=(?:exited|killed|dumped), status=[0-9]+/|: Failed with result",
    ])
});

/// Sentences that begin with what could not be done.
static BEGINS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"^(?:[Ff]ailed (?:to|at|with|[a-z]+ing)|[Cc]annot|[Cc]ould not|[Cc]ouldn't|[Cc]an't|[Uu]nable to|[Dd]on't know how to) [a-z'`]",
    )
});

/// Lines of the same tools that only warn.
static WARNINGS: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    set([
        r"^(?:PHP |# )?(?:Warning|Deprecated|Notice):",
        r"^(?:npm|lerna) (?:warn|WARN)!? ",
        r"^\(node:[0-9]+\) (?:\[[A-Z0-9]+\] )?(?:[A-Za-z]*Warning): ",
        r"^CMake (?:Deprecation )?Warning",
        r"^##\[warning\]|^::warning[ :]|^WARNING in ",
        r"^w: (?:file:)?/",
        r"^(?:[A-Za-z0-9-]+ ){1,6}(?i:warning):(?: |$)",
        r"^[A-Za-z]*Warning(?:-[A-Z]+)?: |^[^ ]+\.py:[0-9]+: [A-Za-z]*Warning: ",
    ])
});

/// How many warnings there were.
static WARNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"(?:^|with )[1-9][0-9]* warnings?(?: in | generated| emitted|$)|Found [1-9][0-9]* warnings? and 0 errors",
    )
});

/// `Pre-transform error: …`, `Uncaught exception: …`: some words, and then what it is.
static SENTENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"^((?:[A-Za-z][A-Za-z'()/.-]* ){0,4})(?i:fatal |parse )?(?i:(error|exception|errored|failure)|(fatal))(?: (?:in|at) [^:]{1,60})?(?: [A-Z]{1,8}[0-9]+|\[[A-Za-z0-9_]+\])?:( .*)?$",
    )
});

/// The text ends with how it went, and it went well.
static ENDS_WELL: LazyLock<Option<Regex>> =
    // At the last: a request is at fault, as Python's http.server says it.
    LazyLock::new(|| {
        expression(
            r"(?:[ .](?:ok|OK|passed|PASSED|skipped|succeeded)|PASSED +\[ *[0-9]+%\]|(?:^|[ \]])code 4[0-9]{2}, message [^,]+)$",
        )
    });

/// The text begins with it, or with what is being done.
static BEGINS_WELL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"^(?:(?:PASS|PASSED|ok|OK|Passed)(?:[ :!]|$)|[+$➜✓✔✅] |(?:Compiling|Finished|Checking|Running|Building|Downloading|Downloaded|Updating|Installing|Blocking|Fresh|Adding|Locking|Started|Processing) )",
    )
});

/// What every line has that tells of a failure or an error, and few others: it is asked before all else.
pub(in crate::logs) const STEMS: &str = concat!(
    r"err|eror|fata|ftl|pani|severe|crit|alert|emerg|exception|traceback|fail|crash|not found|unknown command|denied|",
    r"no such |in use|no space|directory|not permitted|timed out|allocate memory|too many|read-only file|reset by peer|",
    r"i/o timeout|deadline exceeded|core dumped|segmentation|segfault|bus error|illegal ins|abort|killed|terminate|",
    r"out of memory|exited|exit status|exit code|cannot|can't|could not|couldn't|unable to|don't know how|refused|halted|",
    r"not ok |rspec \./|undefined|unresolved|multiple def|symbol|in function|build stopped|\*\*|elifecycle|eresolve|",
    r"unknown|invalid|unexpected|illegal|missing|unsupported|unrecogni|duplicate|malformed|incorrect|violation|exceeded|up on |",
    r"giving up|gave up|problem|trouble|exist|not (?:defined|installed|known|valid|allowed|enough|available|supported|a )|already |",
    r"too few|died|wrong|no (?:match|rule|route)|lost con|ambiguous|incompatible|unterminated|unavailable|insufficient|broken pipe|",
    r"busy|not empty|circular|mismatched|conflicting|unbound|undeclared|is required|unclosed|unreachable|offense|there is no|^ {4,}[0-9]+\) |mismatch|no [a-z]+ (?:running|defined|specified|provided|given|supplied|matches|is set|available)|no [^ ]+ (?:is set|by)|%e|declaration|bad |exhaust|not |corrupt|",
    r#"", line [0-9]|"#,
    r"attempt to|^<[0-9]{1,3}>|\| 5[0-9][0-9] \||timeout +\[|sig[a-z]+ +\[|imagepull|oomkilled|unhealthy|unreachable=|rejected|conflict|not complete|requirements|^lua|curl: |wget: |",
    r#"ssh: |code=(?:exited|killed|dumped)|node:|went wrong|mismatch|uncaught|\.go:|\.rb:|#<|" 5[0-9][0-9]|completed 5| 5[0-9][0-9] [0-9.]|no module|⨯|✖|✘|✗|✕|×|❌|🚨|🛑|⛔|●|❯|⎯|"#,
    r"\[!\]|e: /|e: f|e: \[|(?-i:[EF](?:/[A-Za-z]|, \[|20[0-9]{2}[01]|[01][0-9][0-3][0-9] | \([0-9]|   )| [EF] |\[[EFC][\] ])|(?-i:::[A-Z][A-Za-z0-9]* \()|(?-i:E(?:ADDR|CONN|NO|ACCES|PERM|PIPE|TIME|HOST|NET|MFILE|EXIST|ISDIR))|",
    r#""(?:level|severity|lvl|loglevel|log\.level|levelname|@level|@l)"\s*:\s*[56]0|"s"\s*:\s*"[ef]"#,
);

/// Of bytes, as the sets: with the small and capital letters of all scripts it takes milliseconds to compile, which the first
/// line that is shown would wait for.
static POSSIBLE: LazyLock<Option<bytes::Regex>> = LazyLock::new(|| {
    let stems = format!("{STEMS}|warn|deprecat|notice|w: ");
    bytes::RegexBuilder::new(&stems).case_insensitive(true).unicode(false).build().ok()
});

/// The text has something that a failure or a warning has.
pub(super) fn is_possible(text: &str) -> bool {
    !text.is_empty() && POSSIBLE.as_ref().is_some_and(|possible| possible.is_match(text.as_bytes()))
}

/// What a possible text tells that names no level, and is not the first line of a failure. A sentence that is indented goes
/// on from the line above, or is in a list: it is read for known failures only.
pub(super) fn of(text: &str, is_indented: bool) -> Option<Level> {
    if is_well(text) || clause::is_question(text) || text.starts_with("Nothing ") || text.starts_with('{') {
        return None;
    }
    let text = text.trim_end();
    // `   cannot be read` goes on from the line above.
    let goes_on = is_indented && text.starts_with(|letter: char| letter.is_ascii_lowercase());
    let is_known =
        [&FAILURES, &FAILURES_OF_TOOLS, &ENDS, &WITHIN].into_iter().any(|set| is_any(set, text)) || has_sign(text);
    if is_known || !goes_on && begins_badly(text) {
        return Some(Level::Error);
    }
    let is_warning = || {
        is_any(&WARNINGS, text) || text.contains(" warning") && WARNED.as_ref().is_some_and(|set| set.is_match(text))
    };
    sentence(text)
        .or_else(|| is_warning().then_some(Level::Warn))
        .or_else(|| (!is_indented && clause::tells_of_failure(text)).then_some(Level::Error))
}

/// One of these is among its first signs.
fn has_sign(text: &str) -> bool {
    !text.is_ascii() && text.chars().take(60).any(|sign| matches!(sign, '❌' | '🚨' | '🛑'))
}

/// The text is the first line of a failure that goes on below.
pub(super) fn head(text: &str) -> Option<Level> {
    let text = text.trim_end();
    let is_fatal = is_any(&FATAL_HEADS, text);
    (is_fatal || is_any(&HEADS, text)).then_some(if is_fatal { Level::Fatal } else { Level::Error })
}

/// A verdict under a level that says all is well: `INFO: fail` (sidekiq), `[INFO] BUILD FAILURE` (Maven).
pub(super) fn is_verdict(said: &str) -> bool {
    const VERDICTS: [&str; 6] = ["BUILD FAILURE", "BUILD FAILED", "FAILURE", "FAILED", "failed", "fail"];
    let before = VERDICTS.iter().find_map(|verdict| said.trim_end().strip_suffix(verdict));
    before.is_some_and(|before| before.trim_end().ends_with([':', ']', '|']))
}

/// The text tells that all is well, or what is being done.
pub(super) fn is_well(text: &str) -> bool {
    let text = text.trim();
    [&BEGINS_WELL, &ENDS_WELL].into_iter().any(|well| well.as_ref().is_some_and(|well| well.is_match(text)))
        && !have_some_failed(text)
}

/// `1 failed, 17 passed`.
fn have_some_failed(text: &str) -> bool {
    let is_some = |(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let number = before.get(before.trim_end_matches(|c: char| c.is_ascii_digit()).len()..).unwrap_or_default();
        number.contains(|c| c != '0')
    };
    text.match_indices(" failed").any(is_some)
}

fn sentence(text: &str) -> Option<Level> {
    let found = SENTENCE.as_ref().filter(|_| text.contains(':'))?.captures(text)?;
    let before = found.get(1).map_or("", |words| words.as_str());
    let value = found.get(4).map_or("", |value| value.as_str());
    // `Failure:` is a heading.
    let is_heading = value.trim().is_empty() && found.get(2).is_some_and(|word| word.as_str().ends_with("ailure"));
    let is_figure = !value.trim().is_empty() && value.trim().parse::<f64>().is_ok();
    if before.split(' ').any(words::takes_back)
        || words::is_nothing(value)
        || is_heading
        || is_figure && !before.is_empty()
    {
        return None;
    }
    Some(if found.get(3).is_some() || before.to_ascii_lowercase().contains("fatal") {
        Level::Fatal
    } else {
        Level::Error
    })
}

fn begins_badly(text: &str) -> bool {
    BEGINS.as_ref().is_some_and(|begins| begins.is_match(text))
}

fn is_any(set: &LazyLock<Option<RegexSet>>, text: &str) -> bool {
    set.as_ref().is_some_and(|set| set.is_match(text.as_bytes()))
}
