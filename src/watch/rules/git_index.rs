//! Reading the index of a repository: the names of what git tracks.
//!
//! Format: <https://git-scm.com/docs/index-format>, versions 2, 3 and 4, with a shared index (`core.splitIndex`). Of a sparse
//! index, what is folded into a folder is not in the tree, and passed over. `gix-index` reads the same and brings some forty
//! crates along; only names are needed here.

use std::io;
use std::path::Path;

use crate::regular_file::read_regular;

/// Larger ones are not read: three million files.
const LARGEST: u64 = 256 << 20;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) kind: EntryKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EntryKind {
    File,
    Module,
    /// A folder of a sparse index.
    Folder,
}

/// A file of the index.
pub(super) struct Index {
    /// In order. Those of a split index that stand for one of the shared index have no name.
    pub(super) entries: Vec<Entry>,
    /// The shared index, and which of its entries are gone.
    pub(super) shared: Option<(Vec<u8>, Vec<u8>)>,
}

impl Index {
    pub(super) fn open(file: &Path, sha256: bool) -> io::Result<Self> {
        let bytes = read_regular(file, LARGEST)?;
        Self::parse(&bytes, if sha256 { 32 } else { 20 }).ok_or_else(|| broken("malformed"))
    }

    /// With the entries of the shared index, if there is one.
    pub(super) fn complete(mut self, git_dir: &Path, sha256: bool) -> io::Result<Self> {
        use std::fmt::Write;
        if let Some((hash, gone)) = self.shared.take() {
            let mut name = String::from("sharedindex.");
            hash.iter().for_each(|byte| {
                // Writing to a text cannot fail.
                let _ = write!(name, "{byte:02x}");
            });
            let shared = Self::open(&git_dir.join(name), sha256)?;
            let gone =
                bits(&gone, shared.entries.len()).ok_or_else(|| broken("its list of removed entries is malformed"))?;
            let kept = shared.entries.into_iter().enumerate();
            let kept = kept.filter(|(place, _)| gone.binary_search(place).is_err()).map(|(_, entry)| entry);
            self.entries.extend(kept);
        }
        self.entries.retain(|entry| !entry.name.is_empty() && entry.kind != EntryKind::Folder);
        Ok(self)
    }

    /// `hash` is the number of bytes of a hash.
    fn parse(bytes: &[u8], hash: usize) -> Option<Self> {
        // Both times, device, inode, mode, user, group, size.
        const STAT: usize = 40;
        const MODE: usize = 24;
        const EXTENDED: u16 = 0x4000;
        let version = number(bytes.strip_prefix(b"DIRC")?)?;
        let count = number(bytes.get(8..)?)?;
        if !(2..=4).contains(&version) {
            return None;
        }
        let mut entries = Vec::with_capacity(usize::try_from(count).ok()?.min(bytes.len() / STAT));
        let mut at = 12;
        let mut name: Vec<u8> = Vec::new();
        for _ in 0..count {
            let begin = at;
            let mode = number(bytes.get(at + MODE..)?)?;
            at += STAT + hash;
            let flags = u16::from_be_bytes(bytes.get(at..)?.first_chunk().copied()?);
            at += if version >= 3 && flags & EXTENDED != 0 { 4 } else { 2 };
            if version == 4 {
                let (cut, after) = offset(bytes, at)?;
                at = after;
                name.truncate(name.len().checked_sub(cut)?);
            } else {
                name.clear();
            }
            let rest = bytes.get(at..)?;
            let length = memchr::memchr(0, rest)?;
            name.extend(rest.get(..length)?);
            at += length + 1;
            if version < 4 {
                // Padded with NULs to a multiple of eight.
                at = begin + (at - begin).next_multiple_of(8);
            }
            let kind = match mode & 0o170_000 {
                0o160_000 => EntryKind::Module,
                0o040_000 => EntryKind::Folder,
                _ => EntryKind::File,
            };
            entries.push(Entry { name: name.clone(), kind });
        }
        let mut shared = None;
        // Extensions follow, then a hash.
        while at + 8 + hash <= bytes.len() {
            let length = usize::try_from(number(bytes.get(at + 4..)?)?).ok()?;
            let data = bytes.get(at + 8..(at + 8).checked_add(length)?)?;
            if bytes.get(at..at + 4)? == b"link" {
                let (name, gone) = data.split_at_checked(hash)?;
                // Zeros: nothing is shared.
                if name.iter().any(|byte| *byte != 0) {
                    shared = Some((name.to_vec(), gone.to_vec()));
                }
            }
            at += 8 + length;
        }
        Some(Self { entries, shared })
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().copied().map(u32::from_be_bytes)
}

/// A number of seven bits a byte, as in pack files: each byte that is followed by another counts one more.
fn offset(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut value: usize = 0;
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        value = value.checked_shl(7)? | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
        value = value.checked_add(1)?;
    }
}

/// The places of the bits that are set in a compressed bitmap (EWAH, <https://git-scm.com/docs/bitmap-format>): a word
/// says how many words of equal bits follow, and how many literal ones. No more than there is something for: whoever wrote it
/// may claim milliards.
fn bits(bitmap: &[u8], most: usize) -> Option<Vec<usize>> {
    if bitmap.is_empty() {
        return Some(Vec::new());
    }
    let size = usize::try_from(number(bitmap)?).ok()?.min(most);
    let count = usize::try_from(number(bitmap.get(4..)?)?).ok()?;
    let mut words = bitmap.get(8..8 + count.checked_mul(8)?)?.chunks_exact(8);
    let mut next = || words.next()?.first_chunk().copied().map(u64::from_be_bytes);
    let mut set = Vec::new();
    let mut place: usize = 0;
    while let Some(marker) = next() {
        let run = usize::try_from(marker >> 1 & 0xffff_ffff).ok()?.checked_mul(64)?;
        let end = place.checked_add(run)?;
        if marker & 1 == 1 {
            set.extend(place..end.min(size));
        }
        place = end;
        for _ in 0..marker >> 33 {
            let literal = next()?;
            let after = place.checked_add(64)?;
            set.extend((place..after.min(size)).filter(|at| literal >> (at - place) & 1 == 1));
            place = after;
        }
    }
    Some(set)
}

fn broken(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::super::tracked::Tracked;
    use super::*;

    #[test]
    fn a_compressed_bitmap_is_read() {
        // One word of ones, then one literal with the bits 0 and 63.
        let marker: u64 = 1 | 1 << 1 | 1 << 33;
        let mut bitmap = Vec::new();
        bitmap.extend(128u32.to_be_bytes());
        bitmap.extend(2u32.to_be_bytes());
        bitmap.extend(marker.to_be_bytes());
        bitmap.extend((1u64 << 63 | 1).to_be_bytes());
        bitmap.extend(0u32.to_be_bytes());
        let expected: Vec<usize> = (0..65).chain([127]).collect();
        assert_eq!(bits(&bitmap, 1000), Some(expected));
        assert_eq!(bits(&[], 1000), Some(Vec::new()));
        assert_eq!(bits(&[0, 0], 1000), None);
    }

    #[test]
    fn whatever_the_file_holds_is_survived() {
        for bytes in [
            &b""[..],
            b"DIRC",
            b"DIRC\0\0\0\x02\0\0\0\x09",
            b"DIRC\0\0\0\x09\0\0\0\0",
            b"DIRC\0\0\0\x04\xff\xff\xff\xff",
        ] {
            assert!(Index::parse(bytes, 20).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn a_list_that_claims_more_than_there_is_costs_nothing() {
        // Four milliards of ones.
        let marker: u64 = 1 | 0xffff_ffff << 1;
        let mut bitmap = Vec::new();
        bitmap.extend(u32::MAX.to_be_bytes());
        bitmap.extend(1u32.to_be_bytes());
        bitmap.extend(marker.to_be_bytes());
        assert_eq!(bits(&bitmap, 3), Some(vec![0, 1, 2]));
    }

    /// An index as git writes it, of this version: two files, a submodule, and the hash of a shared index.
    fn written(version: u32) -> Vec<u8> {
        let mut bytes = [&b"DIRC"[..], &version.to_be_bytes(), &3u32.to_be_bytes()].concat();
        let mut before: &[u8] = b"";
        for (name, mode) in [(&b"a/b"[..], 0o100_644_u32), (b"a/c", 0o100_644), (b"lib", 0o160_000)] {
            let begin = bytes.len();
            bytes.extend([0; 24]);
            bytes.extend(mode.to_be_bytes());
            bytes.extend([0; 12 + 20]);
            bytes.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
            if version == 4 {
                bytes.push(u8::try_from(before.len()).unwrap());
                before = name;
            }
            bytes.extend(name);
            bytes.push(0);
            while version < 4 && (bytes.len() - begin) % 8 != 0 {
                bytes.push(0);
            }
        }
        bytes.extend([&b"link"[..], &36u32.to_be_bytes(), &[7; 20]].concat());
        bytes.extend([&9u32.to_be_bytes()[..], &1u32.to_be_bytes(), &(1_u64 | 3 << 1).to_be_bytes()].concat());
        bytes.extend([0; 20]);
        bytes
    }

    #[test]
    fn fuzz_of_the_index() {
        let seeds = [2, 3, 4].map(written);
        for seed in &seeds {
            let index = Index::parse(seed, 20).unwrap();
            let (hash, gone) = index.shared.unwrap();
            assert_eq!((index.entries.len(), hash.len(), bits(&gone, 3)), (3, 20, Some(vec![0, 1, 2])));
        }
        crate::fuzz::run("index", 3_000, &seeds.each_ref().map(Vec::as_slice), |bytes| {
            let index = [20, 32].map(|hash| Index::parse(bytes, hash));
            let gone = bits(bytes, 1000).map(|gone| gone.len());
            assert!(gone.is_none_or(|gone| gone <= 1000));
            let mut shape = Vec::new();
            for index in index.into_iter().flatten() {
                let gone =
                    index.shared.as_ref().map(|(_, gone)| bits(gone, index.entries.len()).map(|gone| gone.len()));
                shape.push((index.entries.len(), gone));
                assert!(index.entries.len() <= bytes.len() / 40);
                let names: Vec<Vec<u8>> = index.entries.iter().take(20).map(|entry| entry.name.clone()).collect();
                let tracked = Tracked::from(index);
                for name in names {
                    let _ = (tracked.has(&name, false), tracked.has(&name, true), tracked.has_below(&name));
                }
            }
            (shape, gone.is_some())
        });
    }
}
