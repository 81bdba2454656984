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
            0 => String::from("everything that it matches is ignored"),
            1 => String::from("1 file matches and is ignored"),
            more => format!("{more} files match and are ignored"),
        };
        let message = format!("this pattern has no effect: its files are ignored by {}", shown(rule));
        let help = match let_in {
            Some(line) => format!("to watch them anyway, for {service}:   ignore = [\"{line}\"]"),
            None => String::from("to see which rule applies to a file:   devgroup why PATH"),
        };
        self.warn(service, index, "dead-watch", message, label, help);
    }

    /// No file matches a pattern.
    pub fn warn_unmatched(&mut self, service: &ServiceName, index: usize) {
        let help = "fine if such files come later; otherwise check for a typo: patterns are relative to the folder of this \
                    file, `*` stays in one folder, `**` goes deeper";
        let message = String::from("no file matches this pattern yet");
        self.warn(service, index, "unmatched-watch", message, "no match".into(), help.into());
    }

    /// There are too many patterns to look for files of each.
    pub fn warn_unlooked(&mut self, service: &ServiceName, index: usize, count: usize) {
        let message = format!("too many patterns: {count} of them were not checked against the files");
        let help = String::from("to see which rule applies to a file:   devgroup why PATH");
        self.warn(service, index, "unlooked-watch", message, "from here on".into(), help);
    }

    /// What a pattern names is a link, or is behind one.
    pub fn warn_link(&mut self, service: &ServiceName, index: usize, link: &str, target: Option<&str>) {
        let help = match target {
            Some(target) => format!("write its target:   {target}"),
            None => String::from("its target does not exist"),
        };
        let message = format!("{} is a symbolic link, and links are not followed", shown(link));
        self.warn(service, index, "linked-watch", message, "nothing is watched here".into(), help);
    }

    /// No file matches a pattern of `inputs`, or what it names is missing.
    pub fn warn_missing_input(&mut self, service: &ServiceName, index: usize) {
        let Some(span) = self.places.inputs.get(service).and_then(|places| places.get(index)).cloned() else { return };
        let message = format!("no file matches this pattern, so `{service}` runs at each start");
        let help = "fine if a run of it makes the file; otherwise check for a typo: patterns are relative to the folder of \
                    this file, and see nothing that git ignores unless it is named in full";
        self.warnings.add_once(Diagnostic::warning("missing-input", message).at(span, "no match").help(help));
    }

    /// Not all that `inputs` means can be read, and why.
    pub fn warn_unreadable_input(&mut self, service: &ServiceName, problem: &str) {
        let Some(span) = self.places.inputs.get(service).and_then(|places| places.first()).cloned() else { return };
        let message = format!("its inputs cannot be compared, so `{service}` runs at each start");
        self.warnings.add_once(Diagnostic::warning("unreadable-input", message).at(span, problem.to_owned()));
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
        let places = self.places.patterns.get(service);
        let Some(span) = places.and_then(|places| places.get(index)).cloned() else { return };
        // Several services may have it from `[defaults]`.
        self.warnings.add_once(Diagnostic::warning(code, message).at(span, label).help(help));
    }
}
