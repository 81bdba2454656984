//! The texts of a process: templates of `vars` first, then variables, then a shell.

use crate::init::dollars::{has_variables, interpolated, literal, of_shell, quoted_for_shell};
use crate::init::draft::Run;
use crate::init::names::file_name;
use crate::init::yaml::Node;

/// How the texts of one process are to be read.
pub(super) struct Texts {
    /// `vars`, those of the process last; `None` if there are no templates.
    vars: Option<Vec<(String, String)>>,
    /// `$NAME` is put in when the file is read.
    expands: bool,
    /// Another shell than `sh`, with its options.
    shell: Option<Vec<String>>,
}

impl Texts {
    pub(super) fn of(file: &Node, entry: &Node) -> Self {
        let vars = |node: &Node| -> Vec<(String, String)> {
            let entries = node.get("vars").map(Node::entries).unwrap_or_default();
            entries.iter().filter_map(|(name, value)| Some((name.clone(), value.word()?))).collect()
        };
        let mut all = vec![("PC_REPLICA_NUM".to_owned(), "0".to_owned())];
        all.extend(vars(file));
        all.extend(vars(entry));
        let shell = file.get("shell").and_then(|shell| {
            let program = shell.text("shell_command")?;
            let option = shell.text("shell_argument").unwrap_or_else(|| "-c".into());
            let plain = file_name(&program) == "sh" && option == "-c";
            (!plain).then(|| vec![literal(&program), literal(&option)])
        });
        Self {
            vars: (!entry.is_true("is_template_disabled")).then_some(all),
            expands: !file.is_true("disable_env_expansion"),
            shell,
        }
    }

    /// Variables are put in when the file is read.
    pub(super) fn expands(&self) -> bool {
        self.expands
    }

    /// The process with `{{.NAME}}` put in, where `vars` has it.
    pub(super) fn rendered(&self, entry: &Node) -> Node {
        match &self.vars {
            Some(vars) => entry.map_texts(&|text| render(text, vars)),
            None => entry.clone(),
        }
    }

    /// Whether a template is left.
    pub(super) fn has_templates(&self, entry: &Node) -> bool {
        self.vars.is_some() && self.mentions(entry, "{{")
    }

    /// Whether a word stands in what the process runs, or in its variables.
    pub(super) fn mentions(&self, entry: &Node, word: &str) -> bool {
        const KEYS: [&str; 7] =
            ["command", "entrypoint", "environment", "working_dir", "readiness_probe", "liveness_probe", "shutdown"];
        let here = std::cell::Cell::new(false);
        for key in KEYS {
            if let Some(value) = entry.get(key) {
                value.map_texts(&|text| {
                    here.set(here.get() || text.contains(word));
                    String::new()
                });
            }
        }
        here.get()
    }

    /// A word of a list, or a value of `env`.
    pub(super) fn value(&self, text: &str) -> String {
        if self.expands { interpolated(text) } else { literal(text) }
    }

    /// The command, through the shell that is said. Without a word that is bash, and what only bash knows needs it.
    pub(super) fn command(&self, line: &str) -> Run {
        const ONLY_BASH: [&str; 6] = ["[[ ", "<(", "<<<", "source ", "pipefail", "shopt "];
        let line = self.shell_line(line);
        let bash = || ONLY_BASH.iter().any(|sign| line.contains(sign)).then(|| vec!["bash".into(), "-c".into()]);
        match self.shell.clone().or_else(bash) {
            None => Run::Shell(line),
            Some(mut words) => {
                words.push(literal(&line));
                Run::Argv(words)
            }
        }
    }

    fn shell_line(&self, line: &str) -> String {
        if self.expands { of_shell(line) } else { line.to_owned() }
    }

    /// A command as a line for the shell.
    pub(super) fn line(&self, run: &Run) -> String {
        match run {
            Run::Shell(line) => line.clone(),
            Run::Argv(words) => words.iter().map(|word| quoted_for_shell(word)).collect::<Vec<_>>().join(" "),
        }
    }

    /// Whether a text is the same at each start.
    pub(super) fn is_known(&self, text: &str) -> bool {
        !self.expands || !has_variables(text)
    }

    /// A line that runs in a folder which is only known at the start.
    pub(super) fn in_folder(&self, folder: &str, line: &str) -> String {
        format!("cd {} || exit 1; {line}", quoted_for_shell(folder))
    }

    /// A line that runs where the process runs: a check, or what stops it.
    pub(super) fn beside(&self, entry: &Node, line: &str) -> String {
        let line = self.line(&self.command(line.trim()));
        match entry.text("working_dir").filter(|folder| !self.is_known(folder)) {
            Some(folder) => self.in_folder(&folder, &line),
            None => line,
        }
    }
}

/// Puts in `{{.NAME}}` and `{{ .NAME }}`. What else a template can be stays.
fn render(text: &str, vars: &[(String, String)]) -> String {
    let Some((before, rest)) = text.split_once("{{") else { return text.to_owned() };
    let Some((inside, after)) = rest.split_once("}}") else { return text.to_owned() };
    let value = inside.trim().strip_prefix('.').and_then(|name| vars.iter().rev().find(|(known, _)| known == name));
    match value {
        Some((_, value)) => format!("{before}{value}{}", render(after, vars)),
        None => format!("{before}{{{{{inside}}}}}{}", render(after, vars)),
    }
}
