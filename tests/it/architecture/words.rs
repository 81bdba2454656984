//! The words of the code are the field's: those of its former idiom do not come back, neither in names nor in comments.

use std::fs;
use std::path::Path;

use super::files;
use super::source::{Kind, pieces};

/// Words that the code does not use any more, each with the word that it uses.
const FORMER: [(&str, &str); 34] = [
    ("aside", "change command, or background"),
    ("asides", "change commands"),
    ("borne", "allowed"),
    ("canvas", "frame writer"),
    ("census", "state counts"),
    ("checkup", "liveness probe"),
    ("chronicle", "event recorder"),
    ("deed", "palette action"),
    ("deeds", "palette actions"),
    ("diary", "logger"),
    ("door", "bound socket"),
    ("doors", "bound sockets"),
    ("errand", "background task, foreground command, or follow-up"),
    ("errands", "background tasks, or follow-ups"),
    ("handout", "copy request"),
    ("happening", "event"),
    ("happenings", "events"),
    ("kin", "members of a run"),
    ("learnt", "loaded"),
    ("logbook", "log store"),
    ("lookout", "watch loop, or error counter"),
    ("pulse", "status file, or upkeep"),
    ("pulses", "writes of the status file"),
    ("seat", "attachment"),
    ("seats", "attachments"),
    ("shelf", "visible lines"),
    ("shelves", "visible lines"),
    ("strays", "orphans"),
    ("tally", "match count"),
    ("tether", "guard pipe"),
    ("trail", "lineage of a run"),
    ("vain", "without effect"),
    ("wish", "layout request, or goal of a wait"),
    ("wishes", "layout requests, or goals of waits"),
];

#[test]
fn no_name_and_no_comment_uses_a_word_of_the_former_idiom() {
    let mut complaints = Vec::new();
    for (folder, (path, text)) in ["src", "tests"].iter().flat_map(|f| files(f).into_iter().map(move |file| (f, file)))
    {
        complaints.extend(former_words(&format!("{folder}/{path}"), pieces(&text)));
    }
    for page in ["src/ARCHITECTURE.md", "src/decisions.md"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        complaints.extend(former_words(page, [(Kind::Comment, text.as_str())]));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The places of former words in names and comments, each as a sentence. What the program prints is not looked at.
fn former_words<'t>(path: &str, pieces: impl IntoIterator<Item = (Kind, &'t str)>) -> Vec<String> {
    let mut line = 1;
    let mut found = Vec::new();
    for (kind, piece) in pieces {
        for (below, text) in piece.split('\n').enumerate().filter(|_| matches!(kind, Kind::Name | Kind::Comment)) {
            let words = words_of(text);
            let former = FORMER.iter().filter(|(word, _)| words.iter().any(|other| other == word));
            found.extend(former.map(|(word, now)| format!("`{path}:{}` says `{word}`: say {now}", line + below)));
        }
        line += piece.matches('\n').count();
    }
    found
}

/// The words of a text in small letters; `LogStore` and `log_store` have two.
fn words_of(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in text.chars() {
        if !c.is_alphabetic() || (c.is_uppercase() && was_small) {
            words.push(String::new());
        }
        if c.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase();
    }
    words
}

#[test]
fn former_words_are_found_in_names_and_comments_and_not_in_texts() {
    let found = |text| former_words("a.rs", pieces(text)).len();
    for text in ["fn the_lookout_sees()", "struct MyTally;", "// The door\n", "/* a\n * wish */", "//! `errand`"] {
        assert_eq!(found(text), 1, "{text}");
    }
    for text in ["fn outlookout()", "let x = \"the lookout\";", "// indoors, tallying", "let c = r#\"a \"door\"\"#;"] {
        assert_eq!(found(text), 0, "{text}");
    }
    let second = former_words("a.rs", pieces("let a = \"\n\n\";\n// a seat"));
    assert_eq!(second, ["`a.rs:4` says `seat`: say attachment"]);
}
