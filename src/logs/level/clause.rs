//! What the first sentence of a text says, for the many tools that name no level: that something failed, could not be done,
//! does not exist. It is read once, word by word; what is quoted, a path, a name or a pair is a thing, whatever it is called.

use super::fault::{self, Sentence};
use super::faults::{BEGINNINGS, FAILED};
use super::vocabulary::{ENDINGS, NOT_SAID, Roles};
use super::{beginning, words};

/// More than that nobody reads.
const BYTES: usize = 320;

/// A word of the text, in small letters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    /// As it is written, without what is around it.
    pub(super) text: &'a str,
    /// It is a path, a name, a pair, or in quotes.
    pub(super) is_thing: bool,
    /// A clause ends behind it.
    pub(super) ends: bool,
    /// A colon, or a dash: another clause begins, and what was before it is its label.
    pub(super) labels: bool,
    pub(super) roles: Roles,
}

impl Word<'_> {
    pub(super) fn is(&self, known: &[&str]) -> bool {
        !self.is_thing && known.iter().any(|word| self.text.eq_ignore_ascii_case(word))
    }

    pub(super) fn has_ending(&self, ending: &str) -> bool {
        !self.is_thing && self.text.len() > ending.len() + 2 && self.text.ends_with(ending)
    }
}

/// The text tells of a failure. It asks nothing.
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
    // Most sentences have no such word, and this is cheaper.
    if !words.iter().any(|word| word.roles.can_tell) {
        return false;
    }
    let recovered = (0..words.len()).rev().find(|at| goes_on_well(&words, *at)).unwrap_or(0);
    let mut clause = 0;
    for (at, word) in words.iter().enumerate() {
        if word.roles.can_tell && recovered <= at && fault::is_told(&Sentence { words: &words, clause, at }) {
            return true;
        }
        if word.roles.is_condition {
            return false;
        }
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
    is_done || word.roles.recovers
}

/// An option, a comment, SQL, a request: their words are of something else.
fn is_of_another_kind(text: &str) -> bool {
    const FIRST: &[&str] = &[
        "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "WITH", "BEGIN", "EXPLAIN", "GET", "POST",
        "PUT", "PATCH", "HEAD", "OPTIONS",
    ];
    text.starts_with(['-', '$', '#', '<', '>', '{', '=']) || text.starts_with("//") || text.starts_with("+ ") || {
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
        let is_sign = |byte| {
            matches!(
                byte,
                b'/' | b'\\' | b'.' | b'_' | b'=' | b':' | b'@' | b'"' | b'`' | b'-' | b'+' | b'<' | b'>' | b'#' | b'&'
            )
        };
        let is_name =
            bare.bytes().any(is_sign) || opening.is_some() || !bare.contains(|letter: char| letter.is_alphabetic());
        let mut word = thing(token, end.len());
        word.text = bare;
        word.is_thing = is_name;
        if !is_name {
            word.roles = Roles::of(bare);
        }
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
    Word { text: token, is_thing: true, ends: !tail.is_empty(), labels: tail.ends_with(':'), roles: Roles::default() }
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
