//! The words by which a sentence says that something failed: see `fault`.

/// It has failed.
pub(super) const FAILED: &[&str] = &["failed", "errored", "crashed", "aborted", "panicked", "died", "fails"];

/// Behind `failed`, these leave it a verb.
pub(super) const BEHIND_FAILED: &[&str] = &[
    "with",
    "to",
    "in",
    "after",
    "at",
    "on",
    "for",
    "because",
    "due",
    "during",
    "while",
    "when",
    "by",
    "again",
    "and",
    "since",
    "as",
    "but",
    "unexpectedly",
    "validation",
    "permanently",
    "from",
    "too",
];

/// Before `failed`, these make it an attribute, or none at all.
pub(super) const BEFORE_ATTRIBUTE: &[&str] = &[
    "no", "not", "never", "any", "all", "some", "these", "those", "the", "a", "an", "of", "for", "from", "with", "and",
    "or", "last", "previous", "first", "as", "to", "on", "than", "is", "are", "none", "nothing", "zero", "only", "new",
    "be", "older", "recent", "per", "in", "into", "up",
];

/// Forms of `to be`.
pub(super) const BE: &[&str] = &["is", "are", "was", "were", "been", "be"];

/// What cannot be done, in programs.
pub(super) const VERBS: &[&str] = &[
    "find",
    "open",
    "load",
    "read",
    "write",
    "connect",
    "resolve",
    "create",
    "start",
    "parse",
    "locate",
    "access",
    "import",
    "compile",
    "determine",
    "bind",
    "allocate",
    "execute",
    "run",
    "continue",
    "convert",
    "assign",
    "infer",
    "unify",
    "decode",
    "encode",
    "fetch",
    "delete",
    "remove",
    "rename",
    "mount",
    "listen",
    "proceed",
    "launch",
    "reach",
    "get",
    "apply",
    "install",
    "build",
    "stat",
    "fork",
    "spawn",
    "attach",
    "initialize",
    "initialise",
    "satisfy",
    "verify",
    "perform",
    "call",
    "use",
    "set",
    "save",
    "join",
    "acquire",
    "obtain",
    "lock",
    "update",
    "send",
    "exec",
    "map",
    "process",
    "be",
];

/// A complaint begins with one of them.
pub(super) const BEGINNINGS: &[&str] = &[
    "invalid",
    "unknown",
    "unexpected",
    "unrecognized",
    "unrecognised",
    "illegal",
    "missing",
    "unsupported",
    "undefined",
    "unresolved",
    "duplicate",
    "malformed",
    "incorrect",
    "unauthorized",
    "unhandled",
    "uncaught",
    "insufficient",
    "ambiguous",
    "corrupted",
    "corrupt",
    "incompatible",
    "unterminated",
    "undeclared",
    "unbound",
    "unclosed",
    "mismatched",
    "wrong",
    "conflicting",
    "circular",
];

/// `cannot be …`, in programs.
pub(super) const DONE: &[&str] = &[
    "found",
    "opened",
    "read",
    "loaded",
    "resolved",
    "created",
    "started",
    "parsed",
    "reached",
    "written",
    "executed",
    "located",
    "determined",
    "applied",
    "converted",
    "assigned",
    "represented",
    "preloaded",
    "imported",
    "installed",
    "connected",
    "established",
    "used",
    "called",
    "null",
    "empty",
    "blank",
];

/// What is met.
pub(super) const FAULTS: &[&str] =
    &["error", "errors", "error(s", "exception", "exceptions", "failure", "failures", "panic"];

/// What programs miss, or find twice.
pub(super) const OF_PROGRAMS: &[&str] = &[
    "argument",
    "arguments",
    "option",
    "required",
    "environment",
    "variable",
    "key",
    "parameter",
    "parameters",
    "file",
    "value",
    "field",
    "token",
    "module",
    "dependency",
    "configuration",
    "operand",
    "operator",
    "identifier",
    "definition",
    "header",
    "reference",
];

/// `compilation error`, at the end.
pub(super) const KINDS: &[&str] = &[
    "compilation",
    "syntax",
    "parse",
    "parser",
    "lexical",
    "type",
    "runtime",
    "fatal",
    "internal",
    "linker",
    "link",
    "network",
    "protocol",
    "read",
    "write",
    "validation",
    "assertion",
    "database",
    "connection",
    "configuration",
    "config",
    "server",
    "permission",
    "authentication",
    "usage",
    "unexpected",
    "unknown",
    "critical",
    "system",
    "input/output",
    "bus",
];

/// What it is good to have none of.
pub(super) const GOOD_TO_LACK: &[&str] = &[
    "error",
    "errors",
    "failure",
    "failures",
    "warning",
    "warnings",
    "issue",
    "issues",
    "problem",
    "problems",
    "change",
    "changes",
    "conflict",
    "conflicts",
    "difference",
    "differences",
    "need",
    "update",
    "updates",
    "limit",
    "new",
    "more",
    "further",
    "other",
    "vulnerabilities",
    "leaks",
    "offenses",
    "violations",
    "known",
    "data",
    "reason",
    "downtime",
];

/// What could not be done.
pub(super) const COULD: &[&str] = &["could", "couldn't"];

/// What follows is not so.
pub(super) const NEGATIONS: &[&str] = &["not", "doesn't", "don't", "didn't", "isn't", "wasn't", "aren't"];

/// Behind a negation, these are a failure.
pub(super) const NOT_DONE: &[&str] = &[
    "found",
    "exist",
    "defined",
    "recognized",
    "recognised",
    "installed",
    "known",
    "valid",
    "accessible",
    "readable",
    "writable",
    "reachable",
    "permitted",
    "allowed",
    "match",
    "executable",
    "authorized",
    "loaded",
    "declared",
    "understood",
    "satisfied",
    "located",
    "responding",
    "compile",
    "resolve",
    "implemented",
    "configured",
    "supported",
    "available",
    "matched",
    "answer",
    "respond",
    "complete",
    "finish",
    "start",
    "succeed",
    "converge",
];

/// Behind `is`, these are a failure.
pub(super) const STATES: &[&str] = &[
    "missing",
    "invalid",
    "undefined",
    "unavailable",
    "unreachable",
    "denied",
    "refused",
    "corrupt",
    "corrupted",
    "ambiguous",
    "unknown",
    "required",
    "unsupported",
    "malformed",
    "exhausted",
    "wrong",
    "busy",
];

/// At the end of a clause, these are a failure.
pub(super) const IN_STATE: &[&str] =
    &["denied", "refused", "violation", "mismatch", "unreachable", "unavailable", "exceeded", "exhausted", "invalid"];

/// With `up` behind them, they tell of an end.
pub(super) const GIVING_UP: &[&str] = &["giving", "gave"];

/// Behind `no`, they say what a program lacks.
pub(super) const LACKING: &[&str] = &[
    "running",
    "defined",
    "specified",
    "provided",
    "given",
    "supplied",
    "matches",
    "declaration",
    "set",
    "available",
    "match",
];

/// What is denied to somebody.
pub(super) const DENIED: &[&str] = &["permission", "access", "authentication"];

/// What can be lost.
pub(super) const CONTACT: &[&str] = &["connection", "broken"];

/// `Error starting …`, `Problem with …`.
pub(super) const COMPLAINTS: &[&str] = &["error", "failure", "problem", "problems", "trouble", "exception"];

/// What a server handles one of after another.
pub(super) const HANDLED: &[&str] =
    &["request", "message", "event", "connection", "command", "response", "client", "task", "job", "packet"];

/// Of the words that begin a complaint, those that may also tell of something else.
pub(super) const MILD: &[&str] =
    &["missing", "wrong", "duplicate", "incorrect", "corrupt", "corrupted", "conflicting", "circular"];

/// Each word by which a sentence can say that something failed.
pub(super) const TELLING: &[&[&str]] = &[
    FAILED,
    COULD,
    &["unable", "cannot", "can't", "cant", "can"],
    NEGATIONS,
    STATES,
    IN_STATE,
    &["in", "already", "timed"],
    GIVING_UP,
    FAULTS,
    &["no", "there", "bad", "too", "lost"],
    DENIED,
    CONTACT,
    COMPLAINTS,
    BEGINNINGS,
];
