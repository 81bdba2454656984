//! Numbers with their nouns.

use std::fmt::Display;

/// A number of things, in plain English: `1 change`, `2 changes`, `3 crashes`, `4 directories`.
pub fn count<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    if number == N::from(1) { format!("1 {noun}") } else { format!("{number} {}", plural(noun)) }
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if noun.ends_with("sh") || noun.ends_with("ch") || noun.ends_with(['s', 'x']) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn numbers_agree_with_their_nouns() {
        let cases = [(0, "change"), (1, "change"), (2, "crash"), (1, "directory"), (3, "directory"), (2, "key")];
        let expected = ["0 changes", "1 change", "2 crashes", "1 directory", "3 directories", "2 keys"];
        assert_eq!(cases.map(|(number, noun)| count(number, noun)), expected);
    }
}
