//! Environment files: `KEY=value` lines as `.env` tools write them.
//!
//! `export` before a name is allowed; `#` begins a comment at the start of a line and after a blank behind a value
//! without quotes. In single quotes everything is itself; in double quotes `\n \r \t \\ \" \$` are escapes and
//! variables are put in; both may go over several lines. Without quotes variables are put in and blanks around the
//! value are dropped. CRLF and a byte order mark are fine.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::expand::malformed;
use crate::domain::{EnvFile, plain_error};
use crate::regular_file::read_regular;

/// Environment files above this are refused: nobody writes them by hand.
pub(super) const MAX_BYTES: u64 = 1 << 20;

/// One entry of an environment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Name of the variable, before the `=`.
    pub(super) name: String,
    /// Its value; unless `literal`, before variables are put in.
    pub(super) value: String,
    /// The value was in single quotes.
    pub(super) literal: bool,
    /// Line in the file, from 1.
    pub(super) line: usize,
}

/// Why an environment file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EnvFileError {
    /// The operating system says no.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It is not a text.
    #[error("line {line} is not UTF-8: save the file as UTF-8")]
    NotUtf8 {
        /// Line in the file, from 1.
        line: usize,
    },
    /// A line that is not understood. What stands in it is not shown: it may be a secret.
    #[error("line {line}: {reason}")]
    Malformed {
        /// Line in the file, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Reads a file; one that does not exist is empty. `None`: it is a pipe, which only a start reads (see `pipe`).
///
/// # Errors
/// All that is wrong with it, at least one thing.
pub(super) fn read(path: &Path) -> Result<Option<Vec<Entry>>, Vec<EnvFileError>> {
    let unreadable = |error: io::Error| vec![EnvFileError::Unreadable(plain_error(&error))];
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Vec::new())),
        Err(error) => return Err(unreadable(error)),
    };
    if metadata.file_type().is_fifo() {
        return Ok(None);
    }
    // A device may never end.
    if !metadata.is_file() {
        return Err(vec![EnvFileError::Unreadable("not a file".into())]);
    }
    if metadata.len() > MAX_BYTES {
        return Err(vec![EnvFileError::Unreadable("larger than 1 MiB".into())]);
    }
    of_bytes(&read_regular(path, MAX_BYTES).map_err(unreadable)?).map(Some)
}

/// The file that is read: where it is missing, the one of the main checkout that may take its place.
pub(super) fn in_use(file: &EnvFile) -> &Path {
    let is_missing = || fs::metadata(&file.path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    file.or.as_deref().filter(|_| is_missing()).unwrap_or(&file.path)
}

/// Reads the bytes of an environment file.
pub(super) fn of_bytes(bytes: &[u8]) -> Result<Vec<Entry>, Vec<EnvFileError>> {
    match str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Err(vec![EnvFileError::NotUtf8 { line: good.iter().filter(|byte| **byte == b'\n').count() + 1 }])
        }
    }
}

/// What is wrong, on one line: the first problem, and how many there are besides.
pub(super) fn summary(errors: &[EnvFileError]) -> String {
    match errors {
        [] => String::new(),
        [only] => only.to_string(),
        [first, others @ ..] => format!("{first} · and {} more", others.len()),
    }
}

/// Reads the text of an environment file.
///
/// # Errors
/// Every line that is not understood, at least one.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, Vec<EnvFileError>> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    let mut line = 1;
    while !rest.is_empty() {
        let whole = rest.split('\n').next().unwrap_or(rest);
        let trimmed = whole.trim();
        let mut used = whole.len() + 1;
        if !trimmed.is_empty() && !trimmed.starts_with('#') {
            match entry(rest, whole, line) {
                Ok((entry, length)) => {
                    used = length;
                    match misunderstood(&entry) {
                        None => entries.push(entry),
                        Some(reason) => errors.push(EnvFileError::Malformed { line, reason }),
                    }
                }
                Err(reason) => {
                    errors.push(EnvFileError::Malformed { line, reason });
                    // The value may be all that is left.
                    if reason == OPEN {
                        break;
                    }
                }
            }
        }
        line += rest.get(..used).map_or(1, |lines| lines.matches('\n').count());
        rest = rest.get(used..).unwrap_or("");
    }
    if errors.is_empty() { Ok(entries) } else { Err(errors) }
}

const OPEN: &str = "the quote is not closed: close it at the end of the value";

/// The entry that the text begins with, whose first line is `whole`, and its length with the line end.
fn entry(text: &str, whole: &str, line: usize) -> Result<(Entry, usize), &'static str> {
    let (left, right) = whole.split_once('=').ok_or("`=` is missing: write NAME=value")?;
    let name = left.trim();
    let name = name.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).unwrap_or(name).trim();
    if name.is_empty() {
        return Err("no name before `=`: write NAME=value");
    }
    if name.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '$')) {
        return Err("the name before `=` contains a space, a quote or `$`: use letters, digits and `_`");
    }
    let before_value = whole.len() - right.trim_start().len();
    let from_value = text.get(before_value..).unwrap_or("");
    let (value, literal, length) = match right.trim_start().chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let (value, length) = quoted(from_value, quote).ok_or(OPEN)?;
            let after = from_value.get(length..).unwrap_or("").split('\n').next().unwrap_or("");
            if !(after.trim().is_empty() || after.trim_start().starts_with('#')) {
                return Err("text after the closing quote: put the whole value in quotes");
            }
            (value, quote == '\'', before_value + length + after.len() + 1)
        }
        _ => (unquoted(right).to_owned(), false, whole.len() + 1),
    };
    Ok((Entry { name: name.to_owned(), value, literal, line }, length))
}

/// Why the value of an entry cannot be used, whatever the variables are.
fn misunderstood(entry: &Entry) -> Option<&'static str> {
    if entry.value.contains('\0') {
        return Some("the value contains a NUL character: remove it");
    }
    (!entry.literal && malformed(&entry.value).is_some()).then_some(
        "`${` starts neither `${NAME}` nor `${NAME:-default}`: write `$$` for a plain dollar, or put the value in single \
         quotes",
    )
}

/// The value in quotes that the text begins with, and its length with both quotes.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((value, at + c.len_utf8())),
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                // Stays an escaped dollar for the step that puts variables in.
                '$' => value.push_str("$$"),
                c @ ('\\' | '"') => value.push(c),
                c => value.extend(['\\', c]),
            },
            '\r' if text.get(at + 1..).is_some_and(|rest| rest.starts_with('\n')) => {}
            c => value.push(c),
        }
    }
    None
}

fn unquoted(text: &str) -> &str {
    let comment = text.char_indices().find(|&(at, c)| {
        c == '#' && text.get(..at).is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']))
    });
    comment.and_then(|(at, _)| text.get(..at)).unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|entry| (entry.name, entry.value)).collect()
    }

    #[test]
    fn lines_of_every_usual_form() {
        let text = "\u{feff}# comment\r\nA=1\r\nexport B = two words  # comment\nC='a # $x ${Y}\\n'\n\
                    D=\"a\\n\\\"b\\\" \\$X # no\" # yes\nE=\nF=a#b\nG=\"two\nlines\"\nH=x=y\n  I=ü🦀\nexport=1\nJ='1'";
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "a # $x ${Y}\\n"),
            ("D", "a\n\"b\" $$X # no"),
            ("E", ""),
            ("F", "a#b"),
            ("G", "two\nlines"),
            ("H", "x=y"),
            ("I", "ü🦀"),
            ("export", "1"),
            ("J", "1"),
        ];
        assert_eq!(pairs(text), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(pairs("").is_empty());
        assert!(parse("A='x'\nB=\"x\"").unwrap().iter().map(|entry| entry.literal).eq([true, false]));
        assert!(parse("A='x\ny'\nB=1").unwrap().iter().map(|entry| entry.line).eq([1, 3]));
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        let cases: [(&str, &[usize]); 9] = [
            ("A=1\nnonsense\n", &[2]),
            ("=x", &[1]),
            ("A=1\n\nB=\"open\n\nnonsense", &[3]),
            ("A='x' y", &[1]),
            ("A B=1", &[1]),
            ("A=${B-x}\nC='${B'\nD=\"${B\"\nE=$${B", &[1, 3]),
            ("nonsense\nA=1\n=\nB=\"x\ny\" z\nC=1\nD D=1", &[1, 3, 4, 5, 7]),
            ("A=\0", &[1]),
            ("A=\"x\ny\"\nnonsense", &[3]),
        ];
        for (text, expected) in cases {
            let lines: Vec<usize> = parse(text)
                .unwrap_err()
                .iter()
                .map(|error| match error {
                    EnvFileError::Malformed { line, .. } => *line,
                    other => panic!("{text:?}: {other:?}"),
                })
                .collect();
            assert_eq!(lines, expected, "{text:?}");
        }
        let secret = parse("PW=s3cr${t").unwrap_err();
        assert!(!summary(&secret).contains("s3cr"), "a value is never shown");
        assert!(summary(&parse("a\nb\nc").unwrap_err()).ends_with("write NAME=value · and 2 more"));
    }

    #[test]
    fn what_is_no_text_file_is_refused_and_a_missing_file_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("missing")), Ok(Some(Vec::new())));
        assert!(matches!(read(folder.path()).unwrap_err().as_slice(), [EnvFileError::Unreadable(_)]));
        let latin1 = folder.path().join("latin1");
        fs::write(&latin1, b"A=1\nB=\xfc\n").unwrap();
        assert_eq!(read(&latin1), Err(vec![EnvFileError::NotUtf8 { line: 2 }]));
    }

    #[test]
    fn fuzz_of_environment_files() {
        const SEEDS: [&[u8]; 5] = [
            "\u{feff}# comment\r\nA=1\r\nexport B = two words  # comment\nC='a # $x ${Y}\\n'\n".as_bytes(),
            b"D=\"a\\n\\\"b\\\" \\$X # no\" # yes\nE=\nF=a#b\nG=\"two\nlines\"\nH=x=y\n",
            b"A=${B-x}\nC='${B'\nD=\"${B\"\nE=$${B\nF=${G:-h}\n",
            b"A=\"open\n\nnonsense\n=x\nA B=1\nA='x' y\n",
            b"A=\0\xff\n",
        ];
        crate::fuzz::run("env-files", 3_000, &SEEDS, |bytes| match of_bytes(bytes) {
            Ok(entries) => {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
                assert!(entries.iter().all(|entry| !entry.name.is_empty() && (1..=lines).contains(&entry.line)));
                (entries.len().min(6), entries.iter().any(|entry| entry.literal), String::new())
            }
            Err(errors) => {
                assert!(!errors.is_empty());
                let told = summary(&errors).replace(|c: char| c.is_ascii_digit(), "");
                (usize::MAX, false, told)
            }
        });
    }
}
