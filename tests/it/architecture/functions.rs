//! No function is longer than a reader can hold.

use super::files;
use super::source::{Kind, pieces};

/// The lines that no function exceeds, from `fn` to its last bracket.
const LONGEST: usize = 70;

#[test]
fn no_function_is_longer_than_a_reader_can_hold() {
    let of = |folder: &str| files(folder).into_iter().map(|(path, text)| (format!("{folder}/{path}"), text)).collect();
    let all: [Vec<_>; 2] = ["src", "tests"].map(of);
    let complaints: Vec<_> = all.iter().flatten().flat_map(|(path, text)| too_long(path, text)).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The functions of a file that are too long, each as a sentence.
fn too_long(path: &str, text: &str) -> Vec<String> {
    let sentence = |Function { name, line, lines }: Function<'_>| {
        format!("`{path}:{line}`: `{name}` has {lines} lines: split it by meaning, {LONGEST} are the most")
    };
    functions(text).into_iter().filter(|function| function.lines > LONGEST).map(sentence).collect()
}

/// A function that has a body.
#[derive(Debug, PartialEq)]
struct Function<'a> {
    name: &'a str,
    /// Where it begins, from 1.
    line: usize,
    lines: usize,
}

/// The functions of a file, those inside of others too.
fn functions(text: &str) -> Vec<Function<'_>> {
    let mut line = 1;
    let mut tokens = Vec::new();
    for (kind, piece) in pieces(text) {
        if matches!(kind, Kind::Name | Kind::Sign) {
            tokens.push((piece, kind, line));
        }
        line += piece.matches('\n').count();
    }
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        // `fn(u8)` is a type and has no name.
        if let [("fn", _, line), (name, Kind::Name, _), rest @ ..] = &tokens[at..]
            && let Some(last) = last_line(rest)
        {
            found.push(Function { name, line: *line, lines: last - line + 1 });
        }
    }
    found
}

/// The line where a function ends, by what stands behind its name; `None` if it has no body.
fn last_line(tokens: &[(&str, Kind, usize)]) -> Option<usize> {
    let mut open = 0;
    for (token, _, line) in tokens {
        match *token {
            "(" | "[" | "{" => open += 1,
            ")" | "]" | "}" => open -= 1,
            _ => {}
        }
        match *token {
            "}" if open == 0 => return Some(*line),
            ";" if open == 0 => return None,
            _ => {}
        }
    }
    None
}

#[test]
fn functions_are_counted_with_their_body_and_nothing_else() {
    let text = "trait A {\n fn a(x: [u8; 2]);\n}\n\nfn b<T>(f: fn(u8) -> [u8; 2])\nwhere\n T: B,\n{\n // }\n '}'; \"}\";\n fn c() {}\n}\n";
    assert_eq!(
        functions(text),
        [Function { name: "b", line: 5, lines: 8 }, Function { name: "c", line: 11, lines: 1 }]
    );
    let of = |lines: usize| format!("fn a() {{{}}}", "\n".repeat(lines - 1));
    assert_eq!(too_long("x.rs", &of(LONGEST)), Vec::<String>::new());
    let expected = "`x.rs:1`: `a` has 71 lines: split it by meaning, 70 are the most";
    assert_eq!(too_long("x.rs", &of(LONGEST + 1)), [expected]);
}
