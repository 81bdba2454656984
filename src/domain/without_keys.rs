//! What says which key of the dashboard to press, for those who have no dashboard before them.

/// What keys do, and the commands that do it. `{}` is the service.
const WAYS: [(&str, &str); 10] = [
    ("start it with s, or devgroup start {}", "start it with devgroup start {}"),
    (" or press s", ", or run devgroup start {}"),
    (" and press s", ", then run devgroup start {}"),
    (" · press s", " · start it with devgroup start {}"),
    (" or press r", ", or run devgroup restart {}"),
    (" and press r", ", then run devgroup restart {}"),
    ("r starts it now", "devgroup start {} starts it now"),
    ("r restarts now", "devgroup restart {} restarts it now"),
    ("r restarts", "devgroup restart {} restarts it"),
    ("r runs it", "devgroup restart {} runs it"),
];

/// The same sentence with a command in place of each key: `save a file, or run devgroup start api`.
pub fn without_keys(said: &str, service: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(said.len()), said);
    // Each part by itself: a word that ends with an `r` is no key.
    while let Some((place, key, command)) = first(rest, service) {
        let (before, behind) = rest.split_at(place);
        text.push_str(before);
        text.push_str(&command);
        rest = behind.get(key.len()..).unwrap_or_default();
    }
    text + rest
}

/// The first of the ways that is named: where, in which words, and the command in its place.
fn first(text: &str, service: &str) -> Option<(usize, String, String)> {
    let found = WAYS.iter().filter_map(|(key, command)| {
        let key = key.replace("{}", service);
        let place = text.match_indices(&key).map(|(place, _)| place).find(|place| is_whole(text, *place, key.len()))?;
        Some((place, key, command.replace("{}", service)))
    });
    // Of two at one place, the longer one is meant.
    found.min_by_key(|(place, key, _)| (*place, std::cmp::Reverse(key.len())))
}

/// No letter stands right before or behind these words.
fn is_whole(text: &str, place: usize, length: usize) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let begins_with_blank = text.get(place..).is_some_and(|rest| rest.starts_with(' '));
    let before = text.get(..place).and_then(|before| before.chars().next_back());
    let behind = text.get(place + length..).and_then(|behind| behind.chars().next());
    (begins_with_blank || ends(before)) && ends(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_becomes_the_command_that_does_the_same() {
        for (said, shell) in [
            (
                "── not started · autostart = false · press s ──",
                "── not started · autostart = false · start it with devgroup start api ──",
            ),
            (
                "gave up · 5 crashes in 60s · save a file or press s (or wait 2m)",
                "gave up · 5 crashes in 60s · save a file, or run devgroup start api (or wait 2m)",
            ),
            ("exited · code 1 · fix it and press s", "exited · code 1 · fix it, then run devgroup start api"),
            ("stale · exit 1 · save a file or press r", "stale · exit 1 · save a file, or run devgroup restart api"),
            (
                "waiting for a change to a.rs · r restarts",
                "waiting for a change to a.rs · devgroup restart api restarts it",
            ),
            ("SIGHUP in 4s · r restarts now", "SIGHUP in 4s · devgroup restart api restarts it now"),
            ("done · unchanged; r runs it", "done · unchanged; devgroup restart api runs it"),
            (
                "no such file · start it with s, or devgroup start api",
                "no such file · start it with devgroup start api",
            ),
            ("worker restarts 3 times · or restarts", "worker restarts 3 times · or restarts"),
            ("exited · code 1", "exited · code 1"),
        ] {
            assert_eq!(without_keys(said, "api"), shell);
        }
    }
}
