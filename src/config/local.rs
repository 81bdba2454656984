//! The warnings about files around a group: local files that others would get, and files that may include it.

use std::path::Path;

use super::diagnostic::Diagnostic;
use super::load::Loaded;
use super::trust::Foreign;
use crate::group_files::local_of;

impl Loaded {
    /// Warns of local files that git would hand on to others. `is_ignored`: `None` outside of a repository.
    pub fn warn_local(&mut self, is_ignored: &dyn Fn(&Path) -> Option<bool>) {
        let files = &self.spec.files;
        let local = files.iter().filter(|file| files.iter().any(|other| local_of(other) == **file));
        let warnings = local.filter(|file| is_ignored(file) == Some(false)).map(|file| {
            let name = self.warnings.file_name(file);
            let pattern = Path::new(file.file_name().unwrap_or_default()).display().to_string();
            let problem = format!("git does not ignore `{name}`, which is only for you");
            let help = format!("add a line to .gitignore: {pattern}");
            Diagnostic { file: Some(file.clone()), ..Diagnostic::warning("local-file", problem).help(help) }
        });
        let warnings = warnings.collect();
        self.warnings.extend(warnings);
    }

    /// Warns of files further up that were not read because they are another user's.
    pub fn warn_unread(&mut self, unread: &[Foreign]) {
        let warnings = unread.iter().map(|foreign| {
            let problem = format!("{foreign}: it is not read, and may include this file");
            Diagnostic::warning("foreign", problem).help("if it is the group's file, name it with -f")
        });
        let warnings = warnings.collect();
        self.warnings.extend(warnings);
    }
}
