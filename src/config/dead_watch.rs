//! The warnings about patterns of `watch` that restart nobody. Whoever knows the tree finds them; here they get their place
//! in the text, and words.

use super::diagnostic::Diagnostic;
use super::load::Loaded;
use super::problems::shown;
use crate::domain::ServiceName;

impl Loaded {
    /// All that a pattern matches is ignored by a rule. `files` match now; `let_in` is a line that helps.
    pub fn warn_ignored(
        &mut self,
        service: &ServiceName,
        index: usize,
        rule: &str,
        files: usize,
        let_in: Option<&str>,
    ) {
        let label = match files {
            0 => String::from("whatever it matches is ignored"),
            1 => String::from("1 file matches, and is ignored"),
            more => format!("{more} files match, all are ignored"),
        };
        let message = format!("this pattern can never match: the files are ignored by {}", shown(rule));
        let help = match let_in {
            Some(line) => format!("to watch them in spite of that, for {service}:   ignore = [\"{line}\"]"),
            None => String::from("which rule decides about a file:   devgroup why PATH"),
        };
        self.warn(service, index, "dead-watch", message, label, help);
    }

    /// No file matches a pattern.
    pub fn warn_unmatched(&mut self, service: &ServiceName, index: usize) {
        let help = "fine if such files come later; otherwise look for a slip: patterns are relative to the folder of this \
                    file, `*` stays in one folder, `**` goes deeper";
        let message = String::from("no file matches this pattern yet");
        self.warn(service, index, "unmatched-watch", message, "nothing here".into(), help.into());
    }

    /// What a pattern names is a link, or is behind one.
    pub fn warn_link(&mut self, service: &ServiceName, index: usize, link: &str, target: Option<&str>) {
        let help = match target {
            Some(target) => format!("write what it leads to:   {target}"),
            None => String::from("it leads nowhere"),
        };
        let message = format!("{} is a symbolic link, and links are not followed", shown(link));
        self.warn(service, index, "linked-watch", message, "nothing is watched here".into(), help);
    }

    fn warn(
        &mut self,
        service: &ServiceName,
        index: usize,
        code: &'static str,
        message: String,
        label: String,
        help: String,
    ) {
        let Some(span) = self.patterns.get(service).and_then(|places| places.get(index)).cloned() else { return };
        let known =
            |item: &Diagnostic| item.code == code && item.labels.first().is_some_and(|label| label.span == span);
        // Said once where several services have it from `[defaults]`.
        if !self.warnings.items.iter().any(known) {
            self.warnings.add(Diagnostic::warning(code, message).at(span, label).help(help));
        }
    }
}
