//! What the system's terminfo entry says about a terminal, beyond the well-known names. Reads compiled entries, as
//! term(5) describes them.

use std::fs;
use std::path::{Path, PathBuf};

/// Where entries are if no variable says more: those of Debian, others, and what is installed by hand.
const FOLDERS: [&str; 4] = ["/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo", "/usr/local/share/terminfo"];

/// No entry is longer (ncurses' own bound).
const LONGEST: u64 = 32 * 1024;

/// Numbers of two bytes, and of four.
const MAGIC: [(u16, usize); 2] = [(0o432, 2), (0o1036, 4)];

/// The entry has one of these names among its extended capabilities. `variable`: where entries are looked for.
pub(super) fn has_extended(term: &str, names: &[&str], variable: impl Fn(&str) -> Option<String>) -> bool {
    let Some(first) = term.bytes().next().filter(|first| first.is_ascii_alphanumeric()) else { return false };
    if term.contains('/') {
        return false;
    }
    let named = variable("TERMINFO").map(PathBuf::from);
    let home = variable("HOME").map(|home| Path::new(&home).join(".terminfo"));
    let listed = variable("TERMINFO_DIRS").unwrap_or_default();
    let listed = listed.split(':').filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let folders = named.into_iter().chain(home).chain(listed).chain(FOLDERS.map(PathBuf::from));
    // The first entry counts. macOS has numbers for the letters.
    let places = folders.flat_map(|folder| {
        [folder.join(char::from(first).to_string()).join(term), folder.join(format!("{first:x}")).join(term)]
    });
    let is_entry = |place: &PathBuf| fs::metadata(place).is_ok_and(|file| file.is_file() && file.len() <= LONGEST);
    let entry = places.filter(is_entry).find_map(|place| fs::read(place).ok());
    entry.is_some_and(|entry| extended(&entry).is_some_and(|table| has_one(table, names)))
}

fn has_one(table: &[u8], names: &[&str]) -> bool {
    table.split(|byte| *byte == 0).any(|word| names.iter().any(|name| name.as_bytes() == word))
}

/// The texts of the extended capabilities, and their names.
fn extended(entry: &[u8]) -> Option<&[u8]> {
    let number = |place: usize| Some(u16::from_le_bytes(entry.get(place..place + 2)?.try_into().ok()?));
    let count = |place: usize| Some(usize::from(number(place)?));
    let even = |place: usize| place + place % 2;
    let (_, width) = MAGIC.into_iter().find(|(magic, _)| number(0) == Some(*magic))?;
    let numbers = even(12 + count(2)? + count(4)?);
    let texts = numbers + width * count(6)? + 2 * count(8)?;
    let begin = even(texts + count(10)?);
    let (flags, numbers, strings) = (count(begin)?, count(begin + 2)?, count(begin + 4)?);
    let names = flags + numbers + strings;
    let table = even(begin + 10 + flags) + width * numbers + 2 * (strings + names);
    entry.get(table..)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry with one usual capability of each kind, one extended flag, and one extended text.
    fn entry(magic: u16, width: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let shorts = |out: &mut Vec<u8>, numbers: &[u16]| numbers.iter().for_each(|n| out.extend(n.to_le_bytes()));
        shorts(&mut out, &[magic, 4, 1, 1, 1, 3]);
        out.extend(b"odd\0\x01\0");
        out.resize(out.len() + width, 1);
        shorts(&mut out, &[0]);
        out.extend(b"Su\0\0");
        shorts(&mut out, &[1, 1, 1, 4, 21]);
        out.extend(b"\x01\0");
        out.resize(out.len() + width, 1);
        shorts(&mut out, &[0, 0, 3, 6]);
        out.extend(b"\x1b[4:%p1%dm\0XT\0U8\0Smulx\0");
        out
    }

    #[test]
    fn extended_capabilities_are_found_by_name() {
        for (magic, width) in MAGIC {
            let entry = entry(magic, width);
            let has = |names: &[&str]| has_one(extended(&entry).expect("a table"), names);
            assert!(has(&["Su", "Smulx"]) && has(&["XT"]));
            assert!(!has(&["Su"]) && !has(&["mulx"]) && !has(&["[4:%p1%dm"]), "{:?}", extended(&entry));
            for length in 0..entry.len() {
                // Half an entry is none, and nothing worse.
                let _ = extended(&entry[..length]);
            }
        }
        assert_eq!(extended(b"\x1b[0m is no entry"), None);
    }

    #[test]
    fn entries_are_found_where_they_are_said_to_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("o");
        fs::create_dir(&place).and_then(|()| fs::write(place.join("odd"), entry(0o432, 2))).expect("an entry");
        let path = folder.path().to_string_lossy().into_owned();
        let has =
            |term: &str, name: &str| has_extended(term, &["Smulx"], |wanted| (wanted == name).then(|| path.clone()));
        assert!(has("odd", "TERMINFO") && has("odd", "TERMINFO_DIRS"));
        assert!(!has("odd", "HOME") && !has("other", "TERMINFO") && !has("o/odd", "TERMINFO") && !has("", "TERMINFO"));
        assert!(!has("../o/odd", "TERMINFO"));
    }
}
