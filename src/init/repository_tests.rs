//! Repositories that nobody has seen: whatever their files say, what is proposed is TOML.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Note, Proposal, Repository, propose};

/// Files in one text, each below a line with its path: `-- Procfile --`.
struct Archive {
    paths: Vec<String>,
    texts: BTreeMap<String, String>,
}

impl Archive {
    fn read(text: &str) -> Self {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        let mut current = None;
        for line in text.split_inclusive('\n') {
            if let Some(path) = line.trim_end().strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
                current = Some(texts.entry(path.to_owned()).or_default());
            } else if let Some(text) = &mut current {
                text.push_str(line);
            }
        }
        Self { paths: texts.keys().cloned().collect(), texts }
    }
}

impl Repository for Archive {
    fn files(&self) -> &[String] {
        &self.paths
    }

    fn text(&self, path: &str) -> Result<String, String> {
        self.texts.get(path).cloned().ok_or_else(|| "it is gone".to_owned())
    }

    fn has_folder(&self, path: &str) -> bool {
        self.paths.iter().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }
}

#[test]
fn fuzz_of_repositories() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repositories");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "txtar"));
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(seeds.len() > 40, "the examples are found");
    let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
    crate::fuzz::run("repositories", 300, &seeds, |bytes| {
        let archive = Archive::read(&String::from_utf8_lossy(bytes));
        let Proposal { text, services, notes } = propose(&archive, None);
        let written = toml::from_str::<toml::Table>(&text);
        assert!(written.is_ok(), "what is written is TOML: {written:?}\n{text}");
        let sort = |note: &Note| std::mem::discriminant(&note.finding);
        (services.min(4), notes.iter().take(6).map(sort).collect::<Vec<_>>())
    });
}
