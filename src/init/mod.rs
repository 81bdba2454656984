//! A first `procgroup.toml` from what a repository says already: Procfiles, compose files, package scripts, and what the
//! frameworks of each language are known to start.
//!
//! The way: `sources` read one kind of file each and make `draft`s of services and notes; `merge` takes out what is there
//! twice and what could not run; `render` writes the text. Only [`Disk`] looks at files; all else is handed a
//! [`Repository`].

mod build;
mod command;
mod devcontainer;
mod dollars;
mod draft;
mod merge;
mod names;
mod render;
mod repository;
mod sources;
mod yaml;

pub use draft::{Finding, Note};
pub use repository::{Disk, Repository};
pub use sources::{Kind, kinds};

/// What was made of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The text of a `procgroup.toml`.
    pub text: String,
    /// How many services are in it; without any, the text is a template to be edited.
    pub services: usize,
    /// What was found, guessed and skipped, and why.
    pub notes: Vec<Note>,
}

/// Reads what a repository says, or only one kind of source or one file of it.
pub fn propose(repository: &dyn Repository, only: Option<&Only>) -> Proposal {
    let found = sources::read(repository, only);
    let (mut drafts, mut notes) = merge::merge(found, repository);
    let remarks = match only {
        None => devcontainer::read(repository, &mut drafts, &mut notes),
        Some(_) => Vec::new(),
    };
    Proposal { text: render::text(&drafts, &remarks), services: drafts.len(), notes }
}

/// What `--from` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Only {
    /// All files of a kind.
    Kind(Kind),
    /// One file, relative to the root.
    File(String),
}

impl Only {
    /// A kind by its word, or a file that is there and of a known kind.
    ///
    /// # Errors
    /// A sentence about what it could be.
    pub fn parse(text: &str, repository: &dyn Repository) -> Result<Self, String> {
        if let Some(kind) = Kind::from_word(text) {
            if !repository.files().iter().any(|file| Kind::of_file(file) == Some(kind)) {
                return Err(format!("no file of the kind `{text}` here"));
            }
            return Ok(Self::Kind(kind));
        }
        let path = text.strip_prefix("./").unwrap_or(text);
        if !repository.files().iter().any(|file| file == path) {
            return Err(format!("`{text}` is neither a kind of file nor a file here\n  help: kinds: {}", kinds()));
        }
        match Kind::of_file(path) {
            Some(_) => Ok(Self::File(path.to_owned())),
            None => Err(format!("`{text}` is of no known kind\n  help: kinds: {}", kinds())),
        }
    }
}

#[cfg(test)]
mod repository_tests;
