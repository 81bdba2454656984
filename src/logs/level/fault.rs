//! How a sentence says that something failed: by which word, in which company.

use super::clause::Word;
use super::faults::{
    BE, BEFORE_ATTRIBUTE, BEGINNINGS, BEHIND_FAILED, COMPLAINTS, CONTACT, COULD, DENIED, DONE, FAILED, FAULTS,
    GIVING_UP, GOOD_TO_LACK, HANDLED, IN_STATE, KINDS, LACKING, MILD, NEGATIONS, NOT_DONE, OF_PROGRAMS, STATES, VERBS,
};
use super::words;

/// A subject has no more words: `The daemon of the shop could not …`.
const SUBJECT: usize = 9;

/// A sentence, and the word of it that is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sentence<'s, 'a> {
    pub(super) words: &'s [Word<'a>],
    /// Where the clause of the word begins.
    pub(super) clause: usize,
    pub(super) at: usize,
}

/// The word says so.
pub(super) fn is_told(sentence: &Sentence<'_, '_>) -> bool {
    let Some(word) = sentence.rest().first() else { return false };
    if word.is_thing || sentence.before().len() > SUBJECT {
        return false;
    }
    has_failed(word, sentence)
        .or_else(|| could_not(word, sentence))
        .or_else(|| cannot(word, sentence))
        .unwrap_or_else(|| is_in_bad_state(word, sentence) || is_given_up(word, sentence) || is_met(word, sentence))
}

impl<'s, 'a> Sentence<'s, 'a> {
    /// What the clause has before the word.
    fn before(&self) -> &'s [Word<'a>] {
        self.words.get(self.clause..self.at).unwrap_or_default()
    }

    /// The word, and what follows it.
    fn rest(&self) -> &'s [Word<'a>] {
        self.words.get(self.at..).unwrap_or_default()
    }

    fn last(&self) -> Option<&'s Word<'a>> {
        self.before().last()
    }

    fn next(&self) -> Option<&'s Word<'a>> {
        self.rest().get(1)
    }

    /// Its clause has a label before it.
    fn is_labelled(&self) -> bool {
        self.clause > 0
    }

    /// A clause ends behind the word.
    fn is_end(&self) -> bool {
        self.rest().first().is_none_or(|word| word.ends) || self.next().is_none()
    }

    /// One of these follows in the same clause.
    fn comes(&self, known: &[&str]) -> bool {
        self.rest().first().is_some_and(|word| !word.ends) && self.next().is_some_and(|next| next.is(known))
    }

    /// What is told ends with so many words from this one on.
    fn ends_behind(&self, count: usize) -> bool {
        const ON: &[&str] = &["in", "at", "for", "by", "on", "with", "under", "within", "from", "and", "or"];
        self.rest().get(count - 1).is_some_and(|last| last.ends)
            || self.rest().get(count).is_none_or(|next| next.is(ON))
    }

    /// There is none of it.
    fn is_none(&self) -> bool {
        const NONE: &[&str] = &["previous", "last", "earlier", "no", "none", "nothing"];
        self.before().iter().any(|word| word.text == "0" || word.is(NONE))
    }

    /// There is none of it, or it is an attribute, or counted.
    fn is_denied(&self) -> bool {
        let is_counted = |last: &Word<'_>| is_count(last) && !is_number_of(self.before());
        self.is_none() || self.last().is_some_and(|last| last.is(BEFORE_ATTRIBUTE) || is_counted(last))
    }
}

/// `The build failed`.
fn has_failed(word: &Word<'_>, sentence: &Sentence<'_, '_>) -> Option<bool> {
    if !word.is(FAILED) {
        return None;
    }
    let next = sentence.next();
    if sentence.last().is_none() {
        let goes_on = sentence.comes(&["to", "with", "at", "while", "during", "due", "because"]);
        return Some(goes_on || word.ends && !word.labels && next.is_some());
    }
    let is_verb = sentence.is_end()
        || next.is_some_and(|next| next.is(BEHIND_FAILED) || next.is_thing && !next.text.contains('='));
    Some(is_verb && !sentence.is_denied() && next.is_none_or(|next| next.text != "0"))
}

/// Somebody speaks of what people can do.
fn is_of_person(sentence: &Sentence<'_, '_>) -> bool {
    sentence.before().iter().any(|word| word.is(&["you", "we", "they", "users", "i", "it", "this", "these"]))
}

/// `The daemon could not start`, `unable to open`.
fn could_not(word: &Word<'_>, sentence: &Sentence<'_, '_>) -> Option<bool> {
    let is_past = word.is(&["couldn't"])
        || word.is(&["unable"]) && sentence.comes(&["to"])
        || word.is(&["could"]) && sentence.comes(&["not"]);
    if !is_past || word.ends || sentence.next().is_none() || sentence.last().is_some_and(|last| last.is(&["be"])) {
        return None;
    }
    let is_of_you = sentence.before().iter().any(|word| word.is(&["you"]));
    Some(!is_of_person(sentence) || word.is(COULD) && !is_of_you)
}

/// `cannot open`, `can not be found`.
fn cannot(word: &Word<'_>, sentence: &Sentence<'_, '_>) -> Option<bool> {
    if !word.is(&["cannot", "can't", "cant", "can"]) || is_of_person(sentence) {
        return None;
    }
    let rest = sentence.rest();
    let verb = if word.is(&["can"]) { rest.get(2).filter(|_| sentence.comes(&["not"])) } else { sentence.next() };
    let is_passive = verb.is_some_and(|verb| verb.is(&["be"]));
    let is_done = rest.iter().take(4).any(|word| word.is(DONE));
    Some(
        verb.is_some_and(|verb| verb.is(VERBS))
            && (!is_passive || is_done)
            && !rest.iter().any(|word| word.is(&["undone", "changed", "recovered", "disabled"])),
    )
}

/// `The file is missing`, `port already in use`, `request timed out`.
fn is_in_bad_state(word: &Word<'_>, sentence: &Sentence<'_, '_>) -> bool {
    if sentence.before().is_empty() || sentence.is_none() || sentence.words.iter().any(|word| word.text == "404") {
        return false;
    }
    let second = sentence.rest().get(2);
    let in_use = || second.is_some_and(|word| word.is(&["use"]));
    let is_after_be = || sentence.last().is_some_and(|last| last.is(BE));
    if word.is(NEGATIONS) {
        let is_not_one =
            sentence.comes(&["a", "an"]) && second.is_some_and(|word| word.is(&["valid", "known", "supported"]));
        return is_not_one || sentence.comes(NOT_DONE) && sentence.ends_behind(2);
    }
    word.is(STATES) && is_after_be() && sentence.ends_behind(1)
        || word.is(&["in"]) && is_after_be() && sentence.next().is_some_and(|next| next.is(&["use"]))
        || word.is(&["already"])
            && (sentence.comes(&["exists", "running", "defined", "declared"]) && sentence.ends_behind(2)
                || sentence.comes(&["in"]) && in_use())
        || word.is(&["timed"]) && sentence.comes(&["out"])
        || word.is(IN_STATE) && sentence.is_end() && !sentence.is_denied()
}

fn is_given_up(word: &Word<'_>, sentence: &Sentence<'_, '_>) -> bool {
    word.is(GIVING_UP) && sentence.comes(&["up"])
}

/// `An error occurred`, `finished with errors`, or a clause that begins with a complaint.
fn is_met(word: &Word<'_>, sentence: &Sentence<'_, '_>) -> bool {
    let (before, rest) = (sentence.before(), sentence.rest());
    if !word.is(FAULTS) || before.is_empty() {
        // `ENGINE-16004 Exception while …`.
        return before.iter().all(|word| word.is_thing && !is_count(word)) && begins_badly(word, sentence);
    }
    let is_told = sentence.comes(&["occurred", "occurs", "happened"])
        || sentence.comes(&["has", "was"])
            && rest.iter().take(5).any(|word| word.is(&["thrown", "raised", "encountered"]));
    let is_none = before.iter().any(|word| word.is(&["no", "not", "any"]));
    if is_told && !is_none {
        return true;
    }
    let next = sentence.next();
    if word.is(&["error"]) && next.is_none() && sentence.is_labelled() && before.len() <= 4 && !is_none {
        return true;
    }
    let is_figure = word.labels && next.is_some_and(|next| next.text.starts_with(|first: char| first.is_ascii_digit()));
    let is_of_kind = sentence.is_end()
        && !is_figure
        && word.is(&["error"])
        && sentence.last().is_some_and(|last| last.is(KINDS))
        && !sentence.words.iter().any(|word| word.is(&["no", "not"]));
    let goes_on = sentence.comes(&["in", "at", "while", "when", "during", "from", "on", "for", "and"]);
    is_of_kind || was_met(before) && (sentence.is_end() || goes_on)
}

/// A clause begins like that.
fn begins_badly(word: &Word<'_>, sentence: &Sentence<'_, '_>) -> bool {
    let rest = sentence.rest();
    let Some(next) = sentence.next().filter(|_| !word.ends) else { return false };
    if word.is(&["no"]) {
        return next.is(&["such", "matching", "suitable", "rule", "declaration", "module"])
            || !next.is(GOOD_TO_LACK) && rest.iter().take(4).any(|word| word.is(LACKING));
    }
    if word.is(&["there"]) {
        return there_is(next, rest);
    }
    if word.is(&["bad"]) {
        return sentence.at > 0 && next.text.starts_with(|letter: char| letter.is_ascii_lowercase());
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
    if word.is(DENIED) {
        return next.is(&["denied", "failure", "required"]);
    }
    if word.is(CONTACT) {
        return next.is(&["refused", "reset", "lost", "pipe", "timed"]);
    }
    if word.is(COMPLAINTS) {
        return complains(word, next, rest);
    }
    if word.is(&["lost"]) {
        return next.is(&["connection", "contact"]);
    }
    is_unfit(word, next, sentence)
}

/// `There is no …`, `There was an error`.
fn there_is(next: &Word<'_>, rest: &[Word<'_>]) -> bool {
    let met = rest.iter().take(6).any(|word| word.is(FAULTS) || word.is(&["problem", "problems"]));
    let none = rest.iter().take(4).any(|word| word.is(&["no", "not"]));
    next.is(&["was", "were"]) && met && !none
        || next.is(&["is"])
            && rest.get(2).is_some_and(|word| word.is(&["no"]))
            && rest.get(3).is_some_and(|word| !word.is(GOOD_TO_LACK))
}

/// `Error starting the server`, `Problem with the queue`, `Exception while …`.
fn complains(word: &Word<'_>, next: &Word<'_>, rest: &[Word<'_>]) -> bool {
    // `Error handling request` is one, `Error handling middleware` is the name of a thing.
    let is_handled = next.is(&["handling"]) && rest.get(2).is_some_and(|word| word.is(HANDLED));
    let is_what = next.has_ending("ing") && (is_handled || !words::is_thing(next.text));
    let is_such = next.is(&["while", "when", "during", "occurred", "with", "on", "at", "connecting"]);
    let end = rest.iter().position(|word| word.labels).unwrap_or(rest.len());
    let is_spoken_of = rest.iter().take(end).any(|word| word.is(BE));
    (is_what || is_such || word.is(&["exception"]) && next.is_thing) && !is_spoken_of
}

/// `Unknown option`, `missing argument`.
fn is_unfit(word: &Word<'_>, next: &Word<'_>, sentence: &Sentence<'_, '_>) -> bool {
    let rest = sentence.rest();
    let goes_on = |known: &[&str]| rest.iter().any(|word| word.is(known));
    // `Missing images get a placeholder` is no complaint.
    let is_of_program = next.is_thing || rest.iter().take(4).any(|word| word.labels || word.is(OF_PROGRAMS));
    word.is(BEGINNINGS)
        && (!word.is(MILD) || sentence.at > 0 || is_of_program)
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
fn was_met(before: &[Word<'_>]) -> bool {
    const BETWEEN: &[&str] = &[
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
    ];
    for word in before.iter().rev() {
        if word.is(&["no", "not", "zero", "any", "without", "on"]) || word.text == "0" {
            return false;
        }
        if word.is(&["with", "due", "encountered", "caught", "raised", "threw", "thrown", "hit", "had"]) {
            return before.len() > 1 || !word.is(&["with", "due"]);
        }
        if word.is(&["because"]) {
            return true;
        }
        if !word.is(BETWEEN) && !is_count(word) {
            return false;
        }
    }
    false
}
