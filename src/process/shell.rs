//! A command of the shell as the leader of a terminal's session.
//!
//! When such a leader ends, the kernel sends HUP to all that use the terminal (`disassociate_ctty`). A shell that waits for
//! its child and is sent TERM together with it ends at once, and so takes from the child the time to end well. Some shells
//! (bash) give their place to the last command by themselves, others (dash, the `sh` of Debian and Ubuntu) do not.

use crate::domain::Signal;
use crate::process_tree;

/// Words that are no programs, or not the same as the program of that name: reserved words and what sh, dash and bash carry
/// out themselves (POSIX 2024, XCU 2.4, 2.9.1, 2.15; dash(1); bash(1)).
const OF_THE_SHELL: &[&str] = &[
    ".",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "case",
    "cd",
    "command",
    "compgen",
    "complete",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "fi",
    "for",
    "function",
    "getopts",
    "hash",
    "help",
    "history",
    "if",
    "in",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "until",
    "wait",
    "while",
];

/// The text so that whoever it runs has the time to end well when all of the run are sent `stop`: a single program takes
/// the shell's place; otherwise nobody hears of it when the shell ends. (A shell that stays until its children have ended
/// would have to catch the signal, and loses it when it becomes another program, or makes one, at that moment.)
///
/// `told_by`: the signal that tells the service of changes. If that is HUP, nothing may ignore it: what is ignored when a
/// shell begins, it cannot trap. So there, when the shell ends at a stop, the hang-up reaches those that are still ending:
/// who handles HUP reloads once more while it ends, who does not is ended by it. Where signals cannot be sent to those
/// alone that handle them, the shell in front handles it too, by doing nothing; its children have it as they always do.
pub(super) fn leading(text: &str, (stop, told_by): (Signal, Option<Signal>)) -> String {
    if is_one_program(text) {
        format!("exec {}", text.trim_start())
    } else if stop == Signal::Hup || told_by == Some(Signal::Hup) && process_tree::is_proc_ours() {
        text.to_owned()
    } else if told_by == Some(Signal::Hup) {
        format!("trap : HUP; {text}")
    } else {
        // On the first line, so that the shell's messages name the right ones.
        format!("trap '' HUP; {text}")
    }
}

/// Whether the text is surely nothing but one program with its words. It may be one in spite of a no.
fn is_one_program(text: &str) -> bool {
    let text = text.trim();
    let name = text.split([' ', '\t']).next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '+' | '-');
    let is_program =
        name.chars().all(plain) && !name.is_empty() && !name.starts_with('-') && !OF_THE_SHELL.contains(&name);
    is_program && !text.contains(['`', '\n', '\r']) && !text.contains("$(") && has_no_operator(text)
}

/// All quotes are closed, and outside of them is nothing that ends, joins or redirects commands.
fn has_no_operator(text: &str) -> bool {
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None | Some('"'), '\\') if chars.next().is_some() => {}
            (None | Some('"'), '\\') => return false,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None, ';' | '&' | '|' | '<' | '>' | '(' | ')' | '#') => return false,
            _ => {}
        }
    }
    quote.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_program_takes_the_place_of_the_shell() {
        let single = [
            "node server.js",
            "  npm run dev",
            "./bin/x -c 'a; b' \"c & $D\" e\\;f",
            "python3 -m http.server $PORT",
            "cargo run -p api -- --x={a,b} *.txt ~/y",
            "x",
        ];
        for text in single {
            assert_eq!(leading(text, (Signal::Term, None)), format!("exec {}", text.trim_start()));
        }
        let others = [
            "",
            " ",
            "cd api && npm run dev",
            "a; b",
            "a | b",
            "a &",
            "a > b",
            "A=1 node x",
            "$CMD x",
            "\"my program\" x",
            "a 'b",
            "a \\",
            "a\nb",
            "if true",
            "echo a",
            "a $(b)",
            "a `b`",
            "a # b",
            "{ a",
            "! a",
            "(a)",
            "-x",
            "exec a",
            ". a",
            "[ a ]",
        ];
        for text in others {
            assert_eq!(leading(text, (Signal::Hup, None)), text);
            for told_by in [None, Some(Signal::Usr1)] {
                assert_eq!(leading(text, (Signal::Term, told_by)), format!("trap '' HUP; {text}"));
            }
            let told = leading(text, (Signal::Term, Some(Signal::Hup)));
            assert_eq!(
                told,
                if process_tree::is_proc_ours() { text.to_owned() } else { format!("trap : HUP; {text}") }
            );
        }
    }
}
