//! Tasks from a file or from stdin: a JSON object, an array of them, or one after the other, as in JSON Lines.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::value::RawValue;

use super::super::exit_code::Failure;
use crate::domain::{plain_error, visible_path};

/// No more is read: what is added at once is held in memory.
const LIMIT: u64 = 256 << 20;

/// A task as it stands in the input.
#[derive(Debug, PartialEq)]
pub(super) struct Found<'t> {
    /// Where it begins.
    pub(super) line: usize,
    pub(super) text: &'t str,
}

/// What cannot be read, and where.
#[derive(Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) line: usize,
    pub(super) message: String,
}

/// The name of the input, for people.
pub(super) fn name(file: &Path) -> String {
    if is_stdin(file) { "stdin".into() } else { visible_path(file).into_owned() }
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// All of a file, or of stdin (`-`).
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = match is_stdin(file) {
        true => io::stdin().lock().take(LIMIT + 1).read_to_end(&mut bytes),
        // Named by the user: also a pipe, as of `<(…)`.
        false => File::open(file).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes)),
    };
    let name = name(file);
    read.map_err(|error| Failure::Usage(format!("cannot read {name}: {}", plain_error(&error))))?;
    if bytes.len() as u64 > LIMIT {
        return Err(Failure::Usage(format!("{name} is above 256 MiB\n  help: add its tasks in parts")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = line_of(error.as_bytes(), error.utf8_error().valid_up_to());
        Failure::Usage(format!("{name}:{line}: not UTF-8"))
    })
}

/// The tasks of a text, in their order. Whether each of them is a good task is for others to say.
pub(super) fn tasks(text: &str) -> Result<Vec<Found<'_>>, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut found = Vec::new();
    while let Some(value) = stream.next() {
        let value = value.map_err(problem)?.get();
        let line = line_of(text.as_bytes(), stream.byte_offset() - value.len());
        match value.as_bytes().first() {
            Some(b'{') => found.push(Found { line, text: value }),
            Some(b'[') => {
                for element in serde_json::from_str::<Vec<&RawValue>>(value).map_err(problem)? {
                    let element = element.get();
                    let line = line + line_of(value.as_bytes(), offset(value, element)) - 1;
                    if !element.starts_with('{') {
                        return Err(no_object(line));
                    }
                    found.push(Found { line, text: element });
                }
            }
            _ => return Err(no_object(line)),
        }
    }
    Ok(found)
}

fn no_object(line: usize) -> Problem {
    Problem { line, message: "a task is a JSON object, such as {\"description\": \"Fix it\"}".into() }
}

fn problem(error: serde_json::Error) -> Problem {
    let text = error.to_string();
    // The line stands in front already.
    let message = text.split_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    Problem { line: error.line(), message: format!("not JSON: {message}") }
}

/// Where a part of a text begins in it.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

fn line_of(text: &[u8], offset: usize) -> usize {
    memchr::memchr_iter(b'\n', text.get(..offset).unwrap_or_default()).count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, &str)> {
        tasks(text).unwrap().into_iter().map(|found| (found.line, found.text)).collect()
    }

    #[test]
    fn an_object_an_array_and_lines_are_tasks_as_they_stand() {
        assert_eq!(found("{\"a\": 1}"), [(1, "{\"a\": 1}")]);
        assert_eq!(found("\u{feff}{\n \"a\": 1 }\n\n{}\n"), [(1, "{\n \"a\": 1 }"), (4, "{}")]);
        assert_eq!(found("[\n{\"a\":[1]},\n  {}\n]\n"), [(2, "{\"a\":[1]}"), (3, "{}")]);
        assert_eq!(found(" \n[]"), []);
        assert_eq!(found(""), []);
    }

    #[test]
    fn what_is_no_task_is_told_with_its_line() {
        let problem = |text| {
            let problem = tasks(text).unwrap_err();
            format!("{}: {}", problem.line, problem.message)
        };
        assert_eq!(problem("{}\n{\"a\": x}"), "2: not JSON: expected value");
        assert!(problem("{}\n\"text\"").starts_with("2: a task is a JSON object"));
        assert!(problem("[{},\n 7]").starts_with("2: a task is a JSON object"));
        assert!(problem("Fix it").starts_with("1: not JSON"));
        assert!(problem("{\"a\":").starts_with("1: not JSON: EOF"));
    }

    #[test]
    fn fuzz_of_tasks_to_add() {
        const SEEDS: [&[u8]; 5] = [
            b"\xef\xbb\xbf{\n \"a\": 1 }\n\n{}\n",
            b"[\n{\"a\":[1]},\n  {}\n]\n{\"description\":\"\\u0000\"}",
            b"[{},\n 7]",
            b"{}\n\"text\"",
            b"[[[[[[{}]]]]]]",
        ];
        crate::fuzz::run("tasks-to-add", 3_000, &SEEDS, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let lines = text.lines().count() + 1;
            match tasks(&text) {
                Ok(found) => {
                    assert!(found.iter().all(|task| task.text.starts_with('{') && (1..=lines).contains(&task.line)));
                    Ok(found.len().min(4))
                }
                Err(problem) => {
                    assert!(problem.line <= lines, "{problem:?}");
                    Err(problem.message.chars().filter(|c| !c.is_ascii_digit()).take(20).collect::<String>())
                }
            }
        });
    }
}
