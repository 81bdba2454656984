//! What the first sentence of a text says, for the many tools that name no level: that something failed, could not be done,
//! does not exist. It is read once, word by word; what is quoted, a path, a name or a pair is a thing, whatever it is called.

use super::vocabulary::{
    BE, BEFORE_ATTRIBUTE, BEGINNINGS, BEHIND_FAILED, CONDITIONS, DONE, ENDINGS, FAILED, FAULTS, GOOD_TO_LACK, KINDS,
    NOT_SAID, OF_PROGRAMS, RECOVERED, VERBS,
};
use super::{beginning, words};

/// More than that nobody reads.
const BYTES: usize = 320;
/// A subject has no more words: `The daemon of the shop could not …`.
const SUBJECT: usize = 9;

/// A word of the text, in small letters.
#[derive(Clone, Copy, Debug)]
struct Word<'a> {
    /// As it is written, without what is around it.
    text: &'a str,
    /// It is a path, a name, a pair, or in quotes.
    is_thing: bool,
    /// A clause ends behind it.
    ends: bool,
    /// A colon, or a dash: another clause begins, and what was before it is its label.
    labels: bool,
}

impl Word<'_> {
    fn is(&self, known: &[&str]) -> bool {
        !self.is_thing && known.iter().any(|word| self.text.eq_ignore_ascii_case(word))
    }

    fn has_ending(&self, ending: &str) -> bool {
        !self.is_thing && self.text.len() > ending.len() + 2 && self.text.ends_with(ending)
    }
}

/// The text tells of a failure.
pub(super) fn tells_of_failure(text: &str) -> bool {
    let text = beginning(text.trim(), BYTES);
    if is_of_another_kind(text) {
        return false;
    }
    let words = first_sentence(text);
    let Some(first) = words.first() else { return false };
    if first.is(NOT_SAID)
        || is_order(first) && !words.get(1).is_some_and(|next| next.is(FAILED) || next.is(&["due", "because"]))
    {
        return false;
    }
    let tail = text.rsplit(": ").next().unwrap_or_default().trim_start_matches(['.', ' ']);
    let is_count = first.is(BEGINNINGS) && tail.parse::<f64>().is_ok();
    if tail.len() < text.len() && (words::is_nothing(tail) || is_count) {
        return false;
    }
    let recovered = (0..words.len()).rev().find(|at| goes_on_well(&words, *at)).unwrap_or(0);
    let mut clause = 0;
    let mut is_spoken_of = false;
    for at in 0..words.len() {
        let Some(rest) = words.get(at..) else { break };
        let before = words.get(clause..at).unwrap_or_default();
        if !is_spoken_of && recovered <= at && fails(before, rest, &words) {
            return true;
        }
        let Some(word) = rest.first() else { break };
        is_spoken_of |= word.is(CONDITIONS);
        if word.labels {
            clause = at + 1;
        }
    }
    false
}

/// It went on all the same: `; removing it`, `, using the default`.
fn goes_on_well(words: &[Word<'_>], at: usize) -> bool {
    let Some(word) = words.get(at) else { return false };
    let before = at.checked_sub(1).and_then(|at| words.get(at));
    let is_done = before.is_some_and(|before| before.ends && !before.labels)
        && word.has_ending("ing")
        && word.text.starts_with(|letter: char| letter.is_ascii_lowercase())
        && !word.is(ENDINGS);
    is_done || word.is(RECOVERED)
}

/// An option, a comment, SQL, a request: their words are of something else.
fn is_of_another_kind(text: &str) -> bool {
    const FIRST: &[&str] = &[
        "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "WITH", "BEGIN", "EXPLAIN", "GET", "POST",
        "PUT", "PATCH", "HEAD", "OPTIONS",
    ];
    text.starts_with(['-', '$', '#', '<', '>', '{', '='])
        || text.starts_with("//")
        || text.starts_with("+ ")
        || is_question(text)
        || {
            let first = text.split([' ', '\t']).next().unwrap_or_default();
            // `git log --oneline`.
            let is_commit = (7..=12).contains(&first.len())
                && first.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
                && first.bytes().any(|byte| byte.is_ascii_digit())
                && first.bytes().any(|byte| byte.is_ascii_lowercase());
            // `invalid     the value …` is a row of a table.
            let is_row = !first.ends_with(':') && text.get(first.len()..).is_some_and(|rest| rest.starts_with("   "));
            is_row || is_commit || FIRST.contains(&first)
        }
}

/// The first sentence asks.
pub(super) fn is_question(text: &str) -> bool {
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let is_end = matches!(bytes.peek(), None | Some(b' '));
        match byte {
            b'?' if is_end => return true,
            b'.' | b'!' | b':' if is_end => return false,
            b'-' if is_end && text.contains(" - ") => return false,
            _ => {}
        }
    }
    false
}

/// The words of the first sentence.
fn first_sentence(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::with_capacity(24);
    let mut quote = None;
    for token in text.split([' ', '\t']).filter(|token| !token.is_empty()) {
        let end = token.trim_end_matches(['.', ',', ';', ':', '!', ')', ']']);
        if let Some(sign) = quote {
            if end.ends_with(sign) || sign == '`' && end.ends_with('\'') {
                quote = None;
            }
            if quote.is_none() {
                words.push(thing(token, end.len()));
            }
            continue;
        }
        let opening = token.chars().next().and_then(closing);
        if let Some(sign) = opening
            && !token.chars().skip(1).any(|next| next == sign || sign == '`' && next == '\'')
        {
            quote = Some(sign);
            continue;
        }
        let bare = end.trim_start_matches(['(', '[', '*', '…']).trim_end_matches(['*', '…']);
        if bare.is_empty() {
            // A dash or a bar between two clauses.
            if let Some(last) = words.last_mut() {
                last.ends = true;
                last.labels |= matches!(token, "-" | "–" | "—" | "|" | ":");
            }
            continue;
        }
        if matches!(bare, "-" | "–" | "—" | "|" | "=>" | "->" | "›" | ">") {
            if let Some(last) = words.last_mut() {
                last.ends = true;
                last.labels = true;
            }
            continue;
        }
        let is_name = bare.contains(['/', '\\', '.', '_', '=', ':', '@', '"', '`', '-', '+', '<', '>', '#', '&'])
            || opening.is_some()
            || !bare.contains(|letter: char| letter.is_alphabetic());
        let mut word = thing(token, end.len());
        word.text = bare;
        word.is_thing = is_name;
        // What is in brackets is beside the sentence.
        if token.starts_with(['(', '['])
            && let Some(last) = words.last_mut()
        {
            last.ends = true;
        }
        words.push(word);
        if token.ends_with(['.', '!']) && !is_name {
            break;
        }
    }
    words
}

fn thing(token: &str, length: usize) -> Word<'_> {
    let tail = token.get(length..).unwrap_or_default();
    Word { text: token, is_thing: true, ends: !tail.is_empty(), labels: tail.ends_with(':') }
}

fn closing(sign: char) -> Option<char> {
    match sign {
        '"' | '\'' | '`' => Some(sign),
        '‘' => Some('’'),
        '“' => Some('”'),
        _ => None,
    }
}

/// It says what is being done: `Retrying failed jobs`.
fn is_order(first: &Word<'_>) -> bool {
    const OTHERS: &[&str] = &["giving", "missing", "nothing", "something", "string", "thing"];
    first.has_ending("ing") && !first.is(OTHERS) && first.text.starts_with(|letter: char| letter.is_ascii_uppercase())
}

/// From this word on it says so; `before` is what its clause has before it.
fn fails(before: &[Word<'_>], rest: &[Word<'_>], all: &[Word<'_>]) -> bool {
    let Some(word) = rest.first() else { return false };
    if word.is_thing || before.len() > SUBJECT {
        return false;
    }
    let next = rest.get(1);
    let is_end = word.ends || next.is_none();
    let last = before.last();
    let comes = |known: &[&str]| !word.ends && next.is_some_and(|next| next.is(known));
    let is_none = before
        .iter()
        .any(|word| word.text == "0" || word.is(&["previous", "last", "earlier", "no", "none", "nothing"]));
    let is_denied =
        is_none || last.is_some_and(|last| last.is(BEFORE_ATTRIBUTE) || is_count(last) && !is_number_of(before));
    let ends_behind = |count: usize| {
        rest.get(count - 1).is_some_and(|last| last.ends)
            || rest.get(count).is_none_or(|next| {
                next.is(&["in", "at", "for", "by", "on", "with", "under", "within", "from", "and", "or"])
            })
    };
    if word.is(FAILED) {
        let is_verb =
            is_end || next.is_some_and(|next| next.is(BEHIND_FAILED) || next.is_thing && !next.text.contains('='));
        let is_first = last.is_none();
        return if is_first {
            comes(&["to", "with", "at", "while", "during", "due", "because"])
                || word.ends && !word.labels && next.is_some()
        } else {
            is_verb && !is_denied && next.is_none_or(|next| next.text != "0")
        };
    }
    // What could not be done.
    let person = before.iter().any(|word| word.is(&["you", "we", "they", "users", "i", "it", "this", "these"]));
    let is_past =
        word.is(&["couldn't"]) || word.is(&["unable"]) && comes(&["to"]) || word.is(&["could"]) && comes(&["not"]);
    if is_past && !word.ends && next.is_some() && !last.is_some_and(|last| last.is(&["be"])) {
        return !person || word.is(&["could", "couldn't"]) && !before.iter().any(|word| word.is(&["you"]));
    }
    if word.is(&["cannot", "can't", "cant", "can"]) && !person {
        let verb = if word.is(&["can"]) { if comes(&["not"]) { rest.get(2) } else { None } } else { next };
        let is_passive = verb.is_some_and(|verb| verb.is(&["be"]));
        let is_done = rest.iter().take(4).any(|word| word.is(DONE));
        return verb.is_some_and(|verb| verb.is(VERBS))
            && (!is_passive || is_done)
            && !rest.iter().any(|word| word.is(&["undone", "changed", "recovered", "disabled"]));
    }
    // How something is.
    if !before.is_empty() && !is_none && !all.iter().any(|word| word.text == "404") {
        const NOT: &[&str] = &[
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
        let negates = word.is(&["not", "doesn't", "don't", "didn't", "isn't", "wasn't", "aren't"]);
        if negates && comes(NOT) && ends_behind(2) {
            return true;
        }
        if negates && comes(&["a", "an"]) && rest.get(2).is_some_and(|word| word.is(&["valid", "known", "supported"])) {
            return true;
        }
        if last.is_some_and(|last| last.is(BE))
            && word.is(&[
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
            ])
            && ends_behind(1)
        {
            return true;
        }
        if last.is_some_and(|last| last.is(BE)) && word.is(&["in"]) && rest.get(1).is_some_and(|word| word.is(&["use"]))
        {
            return true;
        }
        if word.is(&["already"])
            && (comes(&["exists", "running", "defined", "declared"]) && ends_behind(2)
                || comes(&["in"]) && rest.get(2).is_some_and(|word| word.is(&["use"])))
        {
            return true;
        }
        if word.is(&["timed"]) && comes(&["out"])
            || word.is(&[
                "denied",
                "refused",
                "violation",
                "mismatch",
                "unreachable",
                "unavailable",
                "exceeded",
                "exhausted",
                "invalid",
            ]) && is_end
                && !is_denied
        {
            return true;
        }
    }
    if word.is(&["giving", "gave"]) && comes(&["up"]) {
        return true;
    }
    if word.is(FAULTS) && !before.is_empty() {
        let is_told = comes(&["occurred", "occurs", "happened"])
            || comes(&["has", "was"]) && rest.iter().take(5).any(|word| word.is(&["thrown", "raised", "encountered"]));
        let is_none = before.iter().any(|word| word.is(&["no", "not", "any"]));
        if is_told && !is_none {
            return true;
        }
        let is_labelled = all.len() > rest.len() + before.len();
        if word.is(&["error"]) && next.is_none() && is_labelled && before.len() <= 4 && !is_none {
            return true;
        }
        let is_figure =
            word.labels && next.is_some_and(|next| next.text.starts_with(|first: char| first.is_ascii_digit()));
        let is_of_kind = is_end
            && !is_figure
            && word.is(&["error"])
            && last.is_some_and(|last| last.is(KINDS))
            && !all.iter().any(|word| word.is(&["no", "not"]));
        return is_of_kind
            || is_met(before)
                && (is_end || comes(&["in", "at", "while", "when", "during", "from", "on", "for", "and"]));
    }
    // `ENGINE-16004 Exception while …`.
    if before.iter().any(|word| !word.is_thing || is_count(word)) {
        return false;
    }
    begins_badly(word, next, rest, all.len() > rest.len())
}

/// A clause begins like that.
fn begins_badly(word: &Word<'_>, next: Option<&Word<'_>>, rest: &[Word<'_>], is_labelled: bool) -> bool {
    let Some(next) = next.filter(|_| !word.ends) else { return false };
    if word.is(&["no"]) {
        const LACKING: &[&str] = &[
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
        return next.is(&["such", "matching", "suitable", "rule", "declaration", "module"])
            || !next.is(GOOD_TO_LACK) && rest.iter().take(4).any(|word| word.is(LACKING));
    }
    if word.is(&["there"]) {
        let met = rest.iter().take(6).any(|word| word.is(FAULTS) || word.is(&["problem", "problems"]));
        let none = rest.iter().take(4).any(|word| word.is(&["no", "not"]));
        return next.is(&["was", "were"]) && met && !none
            || next.is(&["is"])
                && rest.get(2).is_some_and(|word| word.is(&["no"]))
                && rest.get(3).is_some_and(|word| !word.is(GOOD_TO_LACK));
    }
    if word.is(&["bad"]) {
        return is_labelled && next.text.starts_with(|letter: char| letter.is_ascii_lowercase());
    }
    if word.is(&["too"]) {
        return next.is(&["many", "few"]);
    }
    if word.is(&["not"]) {
        return next.is(&["enough", "a", "an", "authorized", "logged"])
            || next.is(&["found"])
                && (next.ends || rest.len() == 2)
                // Django says `Not Found: /page` of what nginx says with 404.
                && rest.get(2).is_none_or(|word| !word.text.starts_with('/'));
    }
    if word.is(&["permission", "access", "authentication"]) {
        return next.is(&["denied", "failure", "required"]);
    }
    if word.is(&["connection", "broken"]) {
        return next.is(&["refused", "reset", "lost", "closed", "pipe", "timed"]) && !next.is(&["closed"]);
    }
    let goes_on = |known: &[&str]| rest.iter().any(|word| word.is(known));
    if word.is(&["error", "failure", "problem", "problems", "trouble", "exception"]) {
        let is_what = next.has_ending("ing") && !words::is_thing(next.text);
        return (is_what
            || word.is(&["exception"]) && next.is_thing
            || next.is(&["while", "when", "during", "occurred", "with", "on", "at", "connecting"]))
            && !goes_on(BE);
    }
    if word.is(&["lost"]) {
        return next.is(&["connection", "contact"]);
    }
    // `Missing images get a placeholder` is no complaint.
    let is_mild =
        word.is(&["missing", "wrong", "duplicate", "incorrect", "corrupt", "corrupted", "conflicting", "circular"]);
    let is_of_program = next.is_thing || rest.iter().take(4).any(|word| word.labels || word.is(OF_PROGRAMS));
    word.is(BEGINNINGS)
        && (!is_mild || is_labelled || is_of_program)
        && !goes_on(&[
            "are", "is", "will", "can", "may", "should", "ignored", "skipped", "rendered", "shown", "sent", "removed",
            "purged", "served", "logged",
        ])
        && (next.is_thing || next.text.starts_with(|letter: char| letter.is_ascii_lowercase()))
}

/// `job 81`: the number is a name.
fn is_number_of(before: &[Word<'_>]) -> bool {
    let Some((number, before)) = before.split_last() else { return false };
    number.text != "0" && before.last().is_some_and(|name| !name.ends && !name.is_thing && !name.is(BEFORE_ATTRIBUTE))
}

/// `0`, `12`: others look at counts.
fn is_count(word: &Word<'_>) -> bool {
    word.is_thing && word.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'/')
}

/// `with errors`, `because of an unexpected error`, `encountered 3 errors`.
fn is_met(before: &[Word<'_>]) -> bool {
    for word in before.iter().rev() {
        if word.is(&["no", "not", "zero", "any", "without", "on"]) || word.text == "0" {
            return false;
        }
        if word.is(&["with", "due", "encountered", "caught", "raised", "threw", "hit", "had"]) {
            return before.len() > 1 || !word.is(&["with", "due"]);
        }
        let is_between = word.is(&[
            "an",
            "a",
            "the",
            "some",
            "several",
            "unexpected",
            "fatal",
            "internal",
            "unhandled",
            "of",
            "to",
            "many",
            "following",
            "critical",
            "network",
            "unknown",
            "compile",
            "build",
            "compilation",
            "syntax",
            "type",
            "validation",
        ]) || word.is_thing && is_count(word);
        let is_cause = word.is(&["because"]);
        if is_cause {
            return true;
        }
        if !is_between {
            return false;
        }
    }
    false
}
