//! Failures that name no level: what shells, compilers, linkers, test runners and runtimes say when something has failed.

use std::sync::LazyLock;

use regex::Regex;
use regex::bytes::{RegexSet, RegexSetBuilder};

use super::{Level, clause, expression, words};

/// How many of the expressions of [`HEADS`] tell that all has failed.
const FATAL: usize = 6;
/// What a thread remembers of a set, at most.
const SET_BYTES: usize = 4 << 20;

/// Expressions that are looked for at once. They are of bytes: those of Unicode take so many states that they are worked out
/// anew for each line, which took ten times as long.
fn set<const N: usize>(expressions: [&str; N]) -> Option<RegexSet> {
    RegexSetBuilder::new(expressions).unicode(false).dfa_size_limit(SET_BYTES).build().ok()
}

/// First lines of a failure that goes on below.
static HEADS: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    set([
        // Rust; Go; Python; the JVM.
        r"^thread '.*' (?:\([0-9]+\) )?panicked at ",
        r"^panic(?:: | serving )",
        r"^fatal (?:runtime )?error: ",
        r"^Fatal Python error: ",
        r"^# A fatal error has been detected",
        r"^FATAL (?:ERROR|EXCEPTION): ",
        // Python.
        r"^Traceback \(most recent call last\):",
        r"^Exception (?:ignored )?in\b",
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

/// A failure in one line.
static FAILURES: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    set([
        // Shells, and what ends a process.
        r"(?:^|: )(?:command not found|not found|[Uu]nknown command|Permission denied|No such file or directory|Address already in use|No space left on device|Exec format error|Is a directory|Not a directory|Operation not permitted|Connection refused|Connection reset by peer|Connection timed out|Cannot allocate memory|Too many open files|Read-only file system|Input/output error|Name or service not known|No route to host|Network is unreachable|Temporary failure in name resolution|Broken pipe|Bad file descriptor|Invalid argument|File exists|Text file busy|Device or resource busy|Directory not empty|Disk quota exceeded|No such process|No such device|Cannot assign requested address|Resource temporarily unavailable|Argument list too long|Operation timed out|Operation not supported|Host is down|Connection timed out|address already in use|connection refused|connection reset by peer|no such host|no such file or directory|permission denied|i/o timeout|context deadline exceeded|no space left on device)(?:: [^ ]+| [(\[][^)\]]*[)\]])?\.?$",
        r"^(?:Segmentation fault|Bus error|Illegal instruction|Floating point exception|Aborted|Abort trap|Killed|Terminated)(?:: [0-9]+)?(?: \(core dumped\))?$|\(core dumped\)$",
        r" [0-9]+ (?:Killed|Aborted|Segmentation fault|Terminated|Bus error)\b",
        r"^Out of memory: |(?:^|[\[ ])segfault at |^memory allocation of ",
        r"\b[Ee]xited (?:with )?(?:code |status )?\[?-?[1-9][0-9]*\b|^exit status [1-9]|\bexited with signal|(?:exit code:?|exited with code|exit status) [1-9][0-9]*\)?\.?$",
        r"^app crashed|has crashed$|^Error (?:The|An?|No|Could|Cannot|Failed|Unable|Invalid|Missing|Unknown) [a-z]",
        // `name ......... Failed`.
        r"\.{3,} *\[?[Ff]ailed\]?$|(?:\.{3,}|:) *\[?(?:FAILED|FAIL|ERROR)\]?!?$",
        r"^(?:An |Some |Fatal |Unexpected |Internal [Ss]erver )?(?:[Ee]rror|[Ee]xception)s? (?:occurred|occurs|in [A-Za-z_.]+\(|in [a-z_.]+ |starting |while |when |loading |reading |writing |creating |connecting |during |from server)",
        r"^Fatal error\b|^[A-Za-z]+ could not (?:find|be) |requirements could not be |^Could not ",
        r"^(?:Compilation|Execution|Syntax|Runtime|Reader) error\b|^== Compilation error|^syntax error(?:,| at | near )|: syntax error",
        r"^Internal [Ss]erver [Ee]rror\b",
        r"^(?:Execution|Build|Compilation|Deployment|Installation|Interpretation) (?:failed|halted|aborted|FAILED)|^Failed!|^[a-z]+ aborted!|=> failed$|^[Ff]ailed:? {2,}[^ 0]|^failed: [^ 0-9]",
        r"(?:[Ff]ailed|failed to (?:start|solve|run|build|compile|execute)|did not complete successfully)(?:: [^0-9 .]|\.$)|failed with exit code|failed:$",
        r"^(?:[A-Z][a-z]+)+(?:Error|Exception) in |exception was never retrieved|with failure status",
        r"^Target .* failed to build|^Running target .* failed$|NX .* failed$|^Test suite failed to run",
        r": (?:ERROR|FATAL|(?:[A-Z][A-Za-z]*)?(?:Error|Exception)): |^Unexpected (?:error|exception)\b|^exception (?:raised|thrown|during|while|in)|^[^ ]+ \[(?:ERROR|FATAL)\]|^(?:[A-Z]+ +)?Uncaught ",
    ])
});

/// The same, of tests, builds and servers. One set of all takes many times as many states as two.
static FAILURES_OF_TOOLS: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    set([
        // Tests and builds.
        r"^(?:> Task :.*|test [^ ].* \.\.\.|[^ ]*::[^ ]+|//[^ ]+|[A-Z][A-Za-z0-9_.$]* > .*) +FAILED\b|[A-Za-z0-9)] FAILED$",
        r"^(?:FAILED|FAIL)(?:[:!|( ]|$)|^(?:FAILURES?|ERRORS|Failures)(?:[:!]|$)",
        r"^(?:BUILD FAILED|BUILD FAILURE|APPLICATION FAILED TO START|\*\* [A-Z]+ FAILED)|^test result: FAILED|^[=*!]+ (?:FAILURES|ERRORS) [=*!]+$|^⎯+ Failed|^FATAL EXCEPTION|══╡ EXCEPTION",
        r"^not ok |^# fail +[1-9]|^ℹ fail +[1-9]|^[1-9][0-9]* fail$",
        r"^● .* › |^● Test suite failed|^❯ .* [1-9][0-9]* failed\)",
        r"^Failed [A-Z][A-Za-z0-9_.]+(?:\(.*\))? \[[0-9<]",
        r"^rspec \./",
        r"[\[|] *(?:FAIL|FAILED) *[\]|]|\*\*\*Failed|[a-z'\])] failed \([0-9.]+ ?(?:ms|s|seconds)\)|^[A-Z][A-Za-z ]{0,40} failed(?: in| after)? [0-9.]+ ?m?s(?: |$)",
        r"^(?:\* )?What went wrong:|^Failing [a-z]+:|^Errors? found:|^[A-Z][A-Z ]+[A-Z] (?:-|─){5,} [^ ]+\.[a-z]+(?: ─)?$|^.{0,60}(?:❌|🚨|🛑)",
        // How many have failed. What none has is fine.
        r"(?:^(?:Tests?|Test Files|Test Suites)? *|[,|(=:/!] *|\b(?:with|found|Found|due to|was|were|and|Interrupted:) )[1-9][0-9]*(?:/[0-9]+)? (?:previous |failed |tests? |[a-z]+ tests? )?(?:failed|FAILED|failures?|failing|errors?|[Ee]rror\(s\)|offenses?|violations?)(?: *[,.;)|!/]| in\b| from\b| detected| out of| and\b| generated| found| occurred| during| \(|:| *$| =)",
        r"\b(?:Failures|Errors|Failed|Failed [a-z]+): *[1-9]|\((?:failures|errors)=[1-9]|=[0-9]+ (?:ERROR|ERRORS|FAIL|FAILED)=[1-9]|\bunreachable=[1-9]|\bunreachable=[0-9]+ +failed=[1-9]",
        // Compilers and linkers.
        r"^[^ ]+\.[a-z]+\([0-9]+(?:, ?[0-9]+)?\):? (?:[Ee]rror|[Ff]atal(?: [Ee]rror)?): ",
        r"^[^ ]+\.[a-z]+:[0-9]+:[0-9]+: .*\b(?:[Uu]ndefined|unbound|undeclared|unresolved|unexpected|expected|not found|not defined|unknown|invalid|illegal|missing|mismatch|violation|duplicate|no such|cannot|unterminated|already defined|ambiguous|incompatible)\b",
        r"\.go:[0-9]+:[0-9]+: |^[^ ]+\.py:[0-9]+:[0-9]+: E9",
        r"undefined reference to|multiple definition of|unresolved external|^Undefined symbols|symbol\(s\) not found|library not found for|cannot find -l|in function (?:`|'|‘).*:$|being treated as errors|duplicate symbol",
        r"[A-Za-z] Error: [^ ]+:[0-9]+|: Fatal error: |^[A-Za-z-]+ configuration failed|^Configuring incomplete",
        r"^build stopped: |^\*\*\* (?:\[|No rule |Terminating |[a-z ]+ detected)|\.  Stop\.$",
        // Node's tools.
        r"^(?:ERR_[A-Z0-9_]+|ELIFECYCLE|ERESOLVE|E(?:ADDR|CONN|NO|ACCES|PERM|PIPE|TIME|HOST|NET|MFILE|EXIST|ISDIR)[A-Z]*)\b|^(?:npm|lerna) (?:ERR!|error) |^Module (?:not found|build failed|parse failed)|^Failed with errors",
        // Runtimes.
        r"^=(?:ERROR|CRASH|SUPERVISOR) REPORT=|^lua[0-9.]*: |: attempt to |^\(error\) |: #<[A-Za-z:]*(?:Error|Exception): ",
        // Servers and clusters.
        r"^Error response from daemon: |^Error from server|was refused - did you|^OCI runtime [a-z]+ failed|CrashLoopBackOff|ImagePullBackOff|ErrImagePull|\bOOMKilled\b|is unhealthy$|^Container [^ ]+ +Error$",
        r#"^\[5[0-9][0-9]\] [A-Z]+ |^"[A-Z]+ [^"]*" 5[0-9][0-9]\b|^Completed 5[0-9][0-9] |^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /[^ ]* 5[0-9][0-9] [0-9.]+ ?m?s"#,
        r"^fatal: |^! \[(?:remote )?rejected\]|^CONFLICT \(|^failed: \[",
        r"code=(?:exited|killed|dumped), status=[0-9]+/|^Failed with result|: Failed with result",
        r"^##\[error\]|^::error[ :]|^ssh: connect to host |^curl: \([0-9]+\)|^wget: ",
        r"^e: (?:file:|[/\[])",
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
        r"(?:^|with )[1-9][0-9]* warnings?(?: in | generated| emitted|$)",
    ])
});

/// `Pre-transform error: …`, `Uncaught exception: …`: some words, and then what it is.
static SENTENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"^((?:[A-Za-z][A-Za-z'()/.-]* ){0,4})(?i:fatal |parse )?(?i:(error|exception|errored)|(fatal))(?: (?:in|at) [^:]{1,60})?(?: [A-Z]{1,8}[0-9]+|\[[A-Za-z0-9_]+\])?:( .*)?$",
    )
});

/// The text ends with how it went, and it went well.
static WELL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"(?:[ .](?:ok|OK|passed|PASSED|skipped|succeeded)|PASSED +\[ *[0-9]+%\])$|^(?:PASS|PASSED|ok|OK|Passed)(?:[ :!]|$)|^[+$➜✓✔✅] |^(?:Compiling|Finished|Checking|Running|Building|Downloading|Downloaded|Updating|Installing|Blocking|Fresh|Adding|Locking|Started|Processing) ",
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
    r"attempt to|imagepull|oomkilled|unhealthy|unreachable=|rejected|conflict|not complete|requirements|^lua|curl: |wget: |",
    r#"ssh: |code=(?:exited|killed|dumped)|node:|went wrong|mismatch|uncaught|\.go:|\.rb:|#<|" 5[0-9][0-9]|completed 5| 5[0-9][0-9] [0-9.]|no module|⨯|✖|✘|✗|✕|×|❌|🚨|🛑|⛔|●|❯|⎯|"#,
    r"\[!\]|e: /|e: f|e: \[|(?-i:[EF](?:/[A-Za-z]|, \[|20[0-9]{2}[01]|[01][0-9][0-3][0-9] | \([0-9]|   )| [EF] |\[[EFC][\] ])|(?-i:::[A-Z][A-Za-z0-9]* \()|(?-i:E(?:ADDR|CONN|NO|ACCES|PERM|PIPE|TIME|HOST|NET|MFILE|EXIST|ISDIR))|",
    r#""(?:level|severity|lvl|loglevel|log\.level|levelname|@level|@l)"\s*:\s*[56]0|"s"\s*:\s*"[ef]"#,
);

static POSSIBLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(&format!("(?i){STEMS}|warn|deprecat|notice|w: ")));

/// What a text tells that names no level. A sentence that is indented goes on from the line above, or is in a list: it is
/// read for known failures only.
pub(super) fn of(text: &str, is_indented: bool) -> Option<Level> {
    if text.is_empty() || !POSSIBLE.as_ref()?.is_match(text) || is_well(text) {
        return None;
    }
    let text = text.trim_end();
    if let Some(level) = head(text) {
        return Some(level);
    }
    if clause::is_question(text) || text.starts_with("Nothing ") || text.starts_with('{') {
        return None;
    }
    // `   cannot be read` goes on from the line above.
    let goes_on = is_indented && text.starts_with(|letter: char| letter.is_ascii_lowercase());
    if is_any(&FAILURES, text) || is_any(&FAILURES_OF_TOOLS, text) || !goes_on && begins_badly(text) {
        return Some(Level::Error);
    }
    sentence(text)
        .or_else(|| is_any(&WARNINGS, text).then_some(Level::Warn))
        .or_else(|| (!is_indented && clause::tells_of_failure(text)).then_some(Level::Error))
}

/// The text is the first line of a failure that goes on below.
pub(super) fn head(text: &str) -> Option<Level> {
    let which = HEADS.as_ref()?.matches(text.trim_end().as_bytes()).iter().next()?;
    Some(if which < FATAL { Level::Fatal } else { Level::Error })
}

/// The text tells that all is well, or what is being done.
pub(super) fn is_well(text: &str) -> bool {
    WELL.as_ref().is_some_and(|well| well.is_match(text.trim())) && !have_some_failed(text)
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
    let found = SENTENCE.as_ref()?.captures(text)?;
    let before = found.get(1).map_or("", |words| words.as_str());
    let value = found.get(4).map_or("", |value| value.as_str());
    let is_figure = !value.trim().is_empty() && value.trim().parse::<f64>().is_ok();
    if before.split(' ').any(words::takes_back) || words::is_nothing(value) || is_figure && !before.is_empty() {
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
