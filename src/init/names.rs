//! Names and paths: what a service may be called, and where a file lies.

use crate::domain::fitting_service_name;

/// A name that a service may have, as near to the text as it can be.
pub(super) fn service_name(text: &str) -> String {
    let plain = fitting_service_name(text);
    match plain.strip_prefix("x-") {
        // A name that begins so is a note.
        Some(rest) => format!("x_{rest}"),
        None if plain.is_empty() => "service".into(),
        None => plain,
    }
}

/// A name of a variable that `${…}` can hold.
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// First words of the names of what runs to its end.
const ENDING: &[&str] = &[
    "all",
    "analyze",
    "audit",
    "bench",
    "benchmark",
    "bootstrap",
    "build",
    "bump",
    "check",
    "ci",
    "clean",
    "codegen",
    "commit",
    "compile",
    "coverage",
    "create",
    "cover",
    "db",
    "default",
    "deploy",
    "deps",
    "dist",
    "distclean",
    "docs",
    "doc",
    "down",
    "e2e",
    "eject",
    "export",
    "fix",
    "fmt",
    "format",
    "gen",
    "generate",
    "help",
    "image",
    "init",
    "install",
    "lint",
    "logs",
    "migrate",
    "migrations",
    "pack",
    "package",
    "prepare",
    "prettier",
    "prepublish",
    "prisma",
    "publish",
    "push",
    "pull",
    "release",
    "reset",
    "seed",
    "setup",
    "stop",
    "sync",
    "test",
    "tests",
    "tidy",
    "tsc",
    "type",
    "typecheck",
    "types",
    "uninstall",
    "update",
    "upgrade",
    "validate",
    "vendor",
    "verify",
    "version",
    "prepack",
    "postinstall",
    "preinstall",
    "prebuild",
    "postbuild",
    "pretest",
    "posttest",
    "prepublishOnly",
];

/// Whether what is called so runs to its end, by the first word of its name: `build`, `test:unit`, `db-migrate`.
pub(super) fn comes_to_an_end(name: &str) -> bool {
    let first = name.split([':', '-', '_', '.', '/']).next().unwrap_or(name);
    ENDING.contains(&first)
}

/// The folder of a path; empty for the root.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Two paths put together and made plain: `a/./b/../c` is `a/c`. `None` for what leads out of the root or is absolute.
pub(super) fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A path below a folder, as a pattern or for reading.
pub(super) fn below(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// The folders that a list of workspace members means: `packages/*`, `apps/**`, `tools/cli`, and without those of `!`.
pub(super) fn matching_folders<'a>(
    patterns: &[String],
    base: &str,
    folders: impl Iterator<Item = &'a str>,
) -> Vec<&'a str> {
    let glob = |pattern: &str| {
        let pattern = below(base, pattern.trim_start_matches("./").trim_end_matches('/'));
        globset::GlobBuilder::new(&pattern).literal_separator(true).build().ok().map(|glob| glob.compile_matcher())
    };
    let (not, yes): (Vec<&String>, Vec<&String>) = patterns.iter().partition(|pattern| pattern.starts_with('!'));
    let yes: Vec<_> = yes.iter().filter_map(|pattern| glob(pattern)).collect();
    let not: Vec<_> = not.iter().filter_map(|pattern| glob(pattern.trim_start_matches('!'))).collect();
    folders
        .filter(|folder| yes.iter().any(|glob| glob.is_match(folder)) && !not.iter().any(|glob| glob.is_match(folder)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_name() {
        let cases = [
            ("web", "web"),
            ("@shop/web", "shop-web"),
            ("x-y", "x_y"),
            ("-a b,", "a-b"),
            ("", "service"),
            ("dev:css", "dev:css"),
            ("python3.11 x", "python3.11-x"),
            ("node.18", "node-18"),
            ("x-@", "x_"),
        ];
        for (text, name) in cases {
            assert_eq!(service_name(text), name, "{text}");
        }
    }

    #[test]
    fn what_runs_is_told_from_what_ends() {
        assert!(["build", "test:unit", "db-migrate", "lint"].into_iter().all(comes_to_an_end));
        assert!(!["worker", "api:dev", "storybook", "tester"].into_iter().any(comes_to_an_end));
    }

    #[test]
    fn paths_are_made_plain_and_do_not_lead_out() {
        assert_eq!(join("a", "./b/../c"), Some("a/c".into()));
        assert_eq!(join("", "."), Some(String::new()));
        assert_eq!(join("a", "../.."), None);
        assert_eq!(join("a", "/etc"), None);
    }
}
