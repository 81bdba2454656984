//! The command that builds what another one builds and runs: what does not compile then replaces nothing that runs.

use super::draft::Run;

/// Options of `cargo run` that have a value behind them.
const CARGO: &[&str] = &[
    "-p",
    "--package",
    "--bin",
    "--example",
    "-F",
    "--features",
    "--profile",
    "--target",
    "--target-dir",
    "--manifest-path",
    "-j",
    "--jobs",
    "-Z",
    "--config",
    "--color",
];

/// The same of `go run`.
const GO: &[&str] = &["-C", "-exec", "-gcflags", "-ldflags", "-mod", "-modfile", "-overlay", "-p", "-pkgdir", "-tags"];

/// The line that builds, if the command is nothing but one program that is built and run by `cargo run` or `go run`.
pub(super) fn of(run: &Run) -> Option<String> {
    let words: Vec<&str> = match run {
        Run::Shell(line) if line.contains([';', '&', '|', '<', '>', '(', ')', '`', '\n']) => return None,
        Run::Shell(line) => line.split_whitespace().collect(),
        Run::Argv(words) => words.iter().map(String::as_str).collect(),
    };
    let program = words.iter().position(|word| !is_assignment(word))?;
    let (variables, rest) = words.split_at(program);
    let built = match rest {
        ["cargo", "run" | "r", options @ ..] => {
            let mut built = vec!["cargo", "build"];
            built.extend(options_of(options, CARGO).0);
            built
        }
        ["go", "run", options @ ..] => {
            let (options, behind) = options_of(options, GO);
            let files = behind.iter().take_while(|word| word.ends_with(".go")).count();
            let mut built = vec!["go", "build", "-o", "/dev/null"];
            built.extend(options.iter().filter(|option| !option.starts_with("-exec")));
            built.extend(behind.get(..files.max(1))?);
            built
        }
        _ => return None,
    };
    let words: Vec<&str> = variables.iter().copied().chain(built).collect();
    let plain =
        |word: &&str| !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "'\"\\$*?#{}".contains(c));
    words.iter().all(plain).then(|| words.join(" "))
}

/// `NAME=value` in front of a program.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| super::names::is_variable(name))
}

/// The options that stand in front, and what is behind them, without `--`.
fn options_of<'w>(words: &'w [&'w str], with_value: &[&str]) -> (&'w [&'w str], &'w [&'w str]) {
    let mut end = 0;
    while let Some(word) = words.get(end).filter(|word| word.starts_with('-') && **word != "--") {
        end += if with_value.contains(word) { 2 } else { 1 };
    }
    let (options, behind) = words.split_at(end.min(words.len()));
    (options, behind.strip_prefix(&["--"]).unwrap_or(behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_and_run_is_built_in_the_same_way() {
        let cases = [
            ("cargo run", Some("cargo build")),
            (
                "RUST_LOG=info cargo run -p api --bin x --release -- --port $PORT 'a b'",
                Some("RUST_LOG=info cargo build -p api --bin x --release"),
            ),
            ("cargo r serve", Some("cargo build")),
            ("go run .", Some("go build -o /dev/null .")),
            ("go run -race -tags dev ./cmd/api -port 1", Some("go build -o /dev/null -race -tags dev ./cmd/api")),
            ("go run a.go b.go c", Some("go build -o /dev/null a.go b.go")),
            ("go run", None),
            ("cd api && cargo run", None),
            ("cargo run -p $NAME", None),
            ("cargo +nightly run", None),
            ("cargo test", None),
            ("node x.js", None),
        ];
        for (line, expected) in cases {
            assert_eq!(of(&Run::Shell(line.into())).as_deref(), expected, "{line}");
        }
        let words = ["cargo", "run", "--", "a; b"].map(str::to_owned).to_vec();
        assert_eq!(of(&Run::Argv(words)).as_deref(), Some("cargo build"));
    }
}
