//! "Did you mean …?": the known names that somebody may have meant.

/// Names that are compared with a word: a hundred words that are wrong would be compared with all of a long file.
const MOST: usize = 2000;

/// The names that are near to `word`, nearest first, at most three. Near means: at most a third of the letters differ
/// (by edits and swaps of neighbours, Damerau-Levenshtein, whatever the letter case), or one begins with the other.
///
/// Of very many names only the first are looked at.
pub fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    // Words that nobody types by mistake; and the distance costs the product of the lengths.
    if length == 0 || length > 200 {
        return Vec::new();
    }
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .filter(|candidate| candidate.len() <= 800)
        .take(MOST)
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&word, &lower);
            let longer = length.max(lower.chars().count());
            // Of four letters, two others make another word.
            let allowed = if longer <= 4 { 1 } else { longer.div_ceil(3).min(4) };
            let shorter = length.min(lower.chars().count());
            let prefix = shorter >= 3 && (lower.starts_with(&word) || word.starts_with(&lower));
            // Of one letter, any other would be near.
            (distance <= allowed && distance < shorter || prefix).then_some((distance, candidate))
        })
        .collect();
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

/// The names in backticks: "`a`", "`a` or `b`", "`a`, `b` or `c`". Empty for none.
pub fn any_of(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// A name of the user in a sentence: not longer than a line.
pub fn shown(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", name.get(..cut).unwrap_or(name)),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_near_and_other_words_are_not() {
        let keys = ["run", "watch", "restart", "ready", "env", "env_file", "depends_on", "dir"];
        assert_eq!(near("wacth", keys), ["watch"]);
        assert_eq!(near("Watch", keys), ["watch"]);
        assert_eq!(near("depends", keys), ["depends_on"]);
        assert_eq!(near("rnu", keys), ["run"]);
        assert!(near("frobnicate", keys).is_empty());
        assert!(near("x", ["m", "xy"]).is_empty() && near("mx", ["m"]).is_empty());
        assert_eq!(near("M", ["m"]), ["m"]);
        assert_eq!(near("bd", ["db", "m"]), ["db"]);
        assert!(near("nope", ["code"]).is_empty());
        assert_eq!(near("cdoe", ["code"]), ["code"]);
        assert!(near("", keys).is_empty());
        assert!(near(&"w".repeat(5000), keys).is_empty());
        let many = |first: usize| (0..first).map(|_| "other").chain(["watch"]).collect::<Vec<_>>();
        assert_eq!((near("wacth", many(1999)).len(), near("wacth", many(2000)).len()), (1, 0));
    }

    #[test]
    fn names_are_joined_as_people_do() {
        assert_eq!(any_of(&["a"]), "`a`");
        assert_eq!(any_of(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(any_of(&[] as &[&str]), "");
    }
}
