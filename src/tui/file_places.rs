//! Places in files, as programs name them in what they print: `src/main.rs:41:18`, `src/x.ts(3,5)`, `File "app.py", line 12`.
//! Whether there is such a file, only the disk knows; a time (`14:02:11`) looks much the same.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};

/// Places of a line that are looked for on the disk.
const PLACES: usize = 32;
/// Bytes of a line that are looked at.
const LONGEST: usize = 16 << 10;
/// Digits of a line number.
const DIGITS: usize = 7;
/// Folders of code that others have written.
const LIBRARIES: [&str; 3] = ["node_modules", "site-packages", "dist-packages"];

/// What may be a place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilePlace {
    /// Where it stands in the text.
    pub(super) bytes: Range<usize>,
    /// As it is written.
    path: String,
    /// Its number in the file, from 1.
    line: u64,
}

/// What is to be opened, if it is there: the first that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// In the order in which they are wanted.
    pub(super) places: Vec<FilePlace>,
    /// Where relative paths may begin.
    pub(super) folders: Vec<PathBuf>,
}

impl Wanted {
    /// The file and its line. Of a trace, code of others (libraries, and what is outside of the folders) counts only if there
    /// is no other. Reads the disk.
    pub(super) fn find(&self) -> Option<(PathBuf, u64)> {
        let existing = self.places.iter().filter_map(|place| {
            let written = Path::new(&place.path);
            // An absolute path replaces the folder.
            let mut paths = self.folders.iter().map(|folder| folder.join(written).components().collect::<PathBuf>());
            let path = paths.find(|path| path.is_absolute() && path.is_file())?;
            Some((path, place.line))
        });
        let existing: Vec<_> = existing.collect();
        let is_library = |part: Component<'_>| LIBRARIES.iter().any(|name| part.as_os_str() == *name);
        let is_own = |path: &Path| !path.components().any(is_library);
        let is_here = |path: &Path| self.folders.iter().any(|folder| path.starts_with(folder));
        let here = existing.iter().find(|(path, _)| is_own(path) && is_here(path));
        here.or_else(|| existing.iter().find(|(path, _)| is_own(path))).or(existing.first()).cloned()
    }
}

/// The places that a text may name, in its order. Of one place there may be several readings, the longest first.
pub(super) fn file_places(text: &str) -> Vec<FilePlace> {
    let text = text.get(..super::text::floor(text, LONGEST)).unwrap_or_default();
    let mut places = Vec::new();
    for (start, word) in words(text) {
        if let Some((path, after)) = before_line(word) {
            add(&mut places, (start, path), word.get(after..).unwrap_or_default(), start + after);
        } else if let Some((path, rest)) = python(text, start, word) {
            let at = text.len() - rest.len();
            add(&mut places, (start, path), rest, at);
        }
    }
    places.truncate(PLACES);
    places
}

/// The parts of a text between blanks and quotes.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`');
    let parts = text.split(ends).map(move |part| (part.as_ptr() as usize - text.as_ptr() as usize, part));
    parts.filter(|(_, part)| !part.is_empty())
}

/// The path before `:12`, `(12)` or `(12,5)`, and where the number begins.
fn before_line(word: &str) -> Option<(&str, usize)> {
    word.char_indices().filter(|(_, c)| matches!(c, ':' | '(')).find_map(|(at, sign)| {
        let (path, rest) = (word.get(..at)?, word.get(at + 1..)?);
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let next = rest.get(digits..)?.chars().next();
        let is_end = match sign {
            '(' => matches!(next, Some(',' | ')')),
            _ => next.is_none_or(|next| !next.is_alphanumeric() && next != '_'),
        };
        let is_path = path.contains(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '(' | '['));
        (is_end && is_path && (1..=DIGITS).contains(&digits)).then_some((path, at + 1))
    })
}

/// The path in `File "app.py", line 12`, if that word stands in it, and the text from the number on.
fn python<'a>(text: &'a str, start: usize, word: &'a str) -> Option<(&'a str, &'a str)> {
    text.get(..start)?.strip_suffix('"')?.ends_with("File ").then_some(())?;
    let (path, rest) = text.get(start..)?.split_once('"')?;
    // A path with blanks is several words; the first one stands for all.
    path.starts_with(word).then_some((path, rest.strip_prefix(", line ")?))
}

/// Adds a path, and what remains of it without what stands before it in a sentence. `rest` begins with the number, at a
/// byte of the text.
fn add(places: &mut Vec<FilePlace>, (start, path): (usize, &str), rest: &str, at: usize) {
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let Some(line) = rest.get(..digits).and_then(|number| number.parse::<u64>().ok()).filter(|line| *line > 0) else {
        return;
    };
    // The column belongs to it too.
    let column = rest.get(digits..).and_then(|rest| rest.strip_prefix([':', ',']));
    let column = column.map_or(0, |rest| rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len());
    let end = at + digits + if column > 0 { column + 1 } else { 0 };
    let begins = |c: char| matches!(c, '(' | '[' | '{' | '<' | '=' | ',' | '|' | ';' | '@');
    let starts = std::iter::once(0).chain(path.match_indices(begins).map(|(at, sign)| at + sign.len()));
    for skipped in starts {
        let Some(path) = path.get(skipped..).filter(|path| !path.is_empty()) else { continue };
        let path = match path.strip_prefix("file://") {
            Some(path) => decoded(path),
            None if path.contains("://") => continue,
            None => path.to_owned(),
        };
        places.push(FilePlace { bytes: start + skipped..end, path, line });
    }
}

/// The path in an address: `%20` is a blank.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let value = digit(0).zip(digit(1)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        match value.filter(|_| *first == b'%') {
            Some(value) => {
                bytes.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The readings of a line: text, path and line.
    fn read(text: &str) -> Vec<(&str, String, u64)> {
        file_places(text).into_iter().map(|place| (&text[place.bytes], place.path, place.line)).collect()
    }

    #[test]
    fn a_place_is_read_as_programs_write_it() {
        for (text, place, path, line) in [
            ("see src/main.rs:41:18, x", "src/main.rs:41:18", "src/main.rs", 41),
            ("  --> src/main.rs:7", "src/main.rs:7", "src/main.rs", 7),
            ("thread 'main' panicked at src/a.rs:3:5:", "src/a.rs:3:5", "src/a.rs", 3),
            ("src/x.ts(3,5): error TS2304", "src/x.ts(3,5", "src/x.ts", 3),
            ("  File \"mysite/views.py\", line 12, in order", "mysite/views.py\", line 12", "mysite/views.py", 12),
            ("  File \"/a b/c.py\", line 3", "/a b/c.py\", line 3", "/a b/c.py", 3),
            ("app/x.rb:12:in 'foo'", "app/x.rb:12", "app/x.rb", 12),
            ("\t/app/main.go:12 +0x1d", "/app/main.go:12", "/app/main.go", 12),
            ("at file:///app/a%20b.mjs:10:5", "file:///app/a%20b.mjs:10:5", "/app/a b.mjs", 10),
            ("Makefile:3: *** missing separator", "Makefile:3", "Makefile", 3),
            ("→ ä/ö.rs:9", "ä/ö.rs:9", "ä/ö.rs", 9),
        ] {
            assert_eq!(read(text).first(), Some(&(place, path.to_owned(), line)), "{text}");
        }
        // What stands before it, and a folder that has the same signs.
        let paths = |text| read(text).into_iter().map(|(_, path, _)| path).collect::<Vec<_>>();
        assert!(paths("at run (/app/src/x.js:10:5)").contains(&"/app/src/x.js".to_owned()));
        assert!(paths("err=app/[id]/page.tsx:10").contains(&"app/[id]/page.tsx".to_owned()));
        for none in
            ["14:02:11 GET /", "[12:30:05]", "http://127.0.0.1:8101/", "x:0", "a.rs:12345678", "a.rs:1x", "a:b", ":3"]
        {
            assert_eq!(read(none), [], "{none}");
        }
    }

    #[test]
    fn the_first_that_is_there_is_opened_and_own_code_first() {
        let root = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let (main, library) = (file("api/src/main.rs"), file("node_modules/x/y.js"));
        let folders = vec![root.path().join("api"), root.path().to_owned()];
        let find = |text: &str| Wanted { places: file_places(text), folders: folders.clone() }.find();
        assert_eq!(find("no/such.rs:1 ./src/main.rs:2:3"), Some((main.clone(), 2)));
        assert_eq!(find("api/src/main.rs:4"), Some((main.clone(), 4)), "from the folder of the file");
        assert_eq!(find(&format!("(node_modules/x/y.js:1) ({}:9)", main.display())), Some((main, 9)));
        assert_eq!(find("node_modules/x/y.js:1"), Some((library, 1)));
        let elsewhere = tempfile::tempdir().unwrap();
        let standard = elsewhere.path().join("socketserver.py");
        std::fs::write(&standard, "").unwrap();
        let trace = format!("{}:472 ./src/main.rs:3", standard.display());
        assert_eq!(find(&trace), Some((root.path().join("api/src/main.rs"), 3)), "the standard library is not ours");
        assert_eq!(find(&format!("{}:472", standard.display())), Some((standard, 472)));
        assert_eq!(find("api/src:1 localhost:8080 12:30"), None, "a folder is none");
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(File \"|\", line |[a:(/\"%.é 0-9,)\\[]){0,60}") {
            for place in file_places(&text) {
                prop_assert!(text.get(place.bytes).is_some());
            }
        }
    }
}
