//! The globs of a `watch` list, matched together: a regular expression for each would take seconds to compile for a long
//! list, and as long to ask.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use globset::{Candidate, Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use super::below;

/// Globs that are compiled into one automaton: its size has a limit.
const TOGETHER: usize = 256;

/// A glob that is compiled when it is first asked. Of most only the set that they are in is.
#[derive(Debug)]
pub(super) struct LazyGlob {
    glob: Glob,
    matcher: OnceLock<GlobMatcher>,
}

impl LazyGlob {
    pub(super) fn new(glob: &str) -> Result<Self, globset::Error> {
        let glob = GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build()?;
        Ok(Self { glob, matcher: OnceLock::new() })
    }

    pub(super) fn is_match(&self, path: impl AsRef<Path>) -> bool {
        self.matcher.get_or_init(|| self.glob.compile_matcher()).is_match(path)
    }
}

/// Some globs that are relative to one folder.
#[derive(Debug)]
struct Together {
    base: PathBuf,
    set: GlobSet,
    /// The place in the list of what each glob of the set is of.
    places: Vec<usize>,
}

/// Which places of a list match a path.
#[derive(Clone, Debug)]
pub(super) struct WatchList(Arc<[Together]>);

/// Lists that were compiled already: many services have the same one, by `[defaults]`.
pub(super) type Compiled = HashMap<Vec<(PathBuf, String)>, WatchList>;

impl WatchList {
    /// Each glob with its folder and its place in the list. `None` if they are too large to be asked together.
    pub(super) fn new<'g>(
        globs: impl Iterator<Item = (usize, &'g Path, &'g LazyGlob)>,
        compiled: &mut Compiled,
    ) -> Option<Self> {
        let globs: Vec<_> = globs.collect();
        let key = |(_, base, lazy): &(usize, &Path, &LazyGlob)| (base.to_path_buf(), lazy.glob.glob().to_owned());
        let key: Vec<_> = globs.iter().map(key).collect();
        if let Some(known) = compiled.get(&key) {
            return Some(known.clone());
        }
        let mut all = Vec::new();
        for same_base in globs.chunk_by(|(_, one, _), (_, other, _)| one == other) {
            for part in same_base.chunks(TOGETHER) {
                let Some((_, base, _)) = part.first() else { continue };
                let mut builder = GlobSetBuilder::new();
                for (_, _, lazy) in part {
                    builder.add(lazy.glob.clone());
                }
                let set =
                    builder.build().inspect_err(|error| log::info!("patterns are matched one by one: {error}")).ok()?;
                let places = part.iter().map(|(place, ..)| *place).collect();
                all.push(Together { base: base.to_path_buf(), set, places });
            }
        }
        let list = Self(all.into());
        compiled.insert(key, list.clone());
        Some(list)
    }

    /// The places that match, in no order.
    pub(super) fn hits(&self, path: &Path) -> Vec<usize> {
        let (mut hits, mut found) = (Vec::new(), Vec::new());
        for Together { base, set, places } in self.0.iter() {
            if let Some(relative) = below(path, base) {
                set.matches_candidate_into(&Candidate::new(relative), &mut found);
                hits.extend(found.iter().filter_map(|at| places.get(*at)));
            }
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzz_of_watch_lists() {
        // A list of globs, and after a NUL the path.
        const SEEDS: [&[u8]; 7] = [
            b"src/**/*.{rs,toml}\n!src/old/**\0src/a/b.rs",
            b"**/a\n*.c\na*b?[!x-z]\0x/a",
            b"{a,{b,c}/d}/**\n{a\n[\n\\\0a/x",
            b"**/a/**/a/**/a\n**/*a*/**/b\0a/a/a/a/a/a/b",
            b"*a*a*a*a*a*b\0aaaaaaaaaaaaaaaaaaaaaaaa",
            b"{{{{{{{{a}}}}}}}}{a,b}{a,b}{a,b}{a,b}{a,b}\0aab",
            "é*/[à-ü]?\0étc/ö1".as_bytes(),
        ];
        crate::fuzz::run("watch-lists", 200, &SEEDS, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let (globs, path) = text.split_once('\0').unwrap_or((&text, ""));
            // What the file does not let through (`config/values.rs`).
            let is_bounded = |glob: &&str| glob.len() <= 4095 && glob.matches("**").count() <= 16;
            let globs = globs.lines().filter(is_bounded).take(20).filter_map(|glob| LazyGlob::new(glob).ok());
            let globs: Vec<LazyGlob> = globs.collect();
            let base = Path::new("/base");
            let places = globs.iter().enumerate().map(|(place, glob)| (place, base, glob));
            let list = WatchList::new(places, &mut Compiled::new()).expect("what is bounded can be compiled");
            let mut hits = list.hits(&base.join(path));
            hits.sort_unstable();
            if let Some(relative) = below(&base.join(path), base) {
                let one_by_one = globs.iter().enumerate().filter(|(_, glob)| glob.is_match(relative));
                assert_eq!(hits, one_by_one.map(|(place, _)| place).collect::<Vec<_>>());
            }
            (hits, globs.len())
        });
    }

    #[test]
    fn services_with_the_same_list_share_it() {
        let glob = LazyGlob::new("**/a").unwrap();
        let mut compiled = Compiled::new();
        let mut list = |base: &str| WatchList::new([(0, Path::new(base), &glob)].into_iter(), &mut compiled).unwrap();
        let (one, same, other) = (list("/x"), list("/x"), list("/y"));
        assert!(Arc::ptr_eq(&one.0, &same.0) && !Arc::ptr_eq(&one.0, &other.0));
        assert_eq!(one.hits(Path::new("/x/b/a")), [0]);
        assert!(one.hits(Path::new("/y/a")).is_empty() && other.hits(Path::new("/y/b")).is_empty());
    }
}
