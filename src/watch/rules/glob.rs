//! The globs of git's ignore files, matched byte for byte as git does it, so that the answers are the same.
//!
//! The meaning is that of <https://git-scm.com/docs/gitignore> and of git's own matcher (`wildmatch`), its odd corners
//! included: `[` without an end and `\` at the end match nothing; `**` spans folders only where a slash, or the begin of
//! what follows the literal first part, is before it, and a slash or the end behind it; without regard to case only what is
//! not escaped and in no class is folded. No crate does this (the globs of `globset` know braces and no `[[:alpha:]]`, and
//! want text).

/// A glob, compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Glob {
    tokens: Vec<Token>,
    /// Nothing matches: it is not well formed.
    broken: bool,
    any_case: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// This byte; in lower case if case does not matter.
    Byte(u8),
    /// Any byte but a slash.
    One,
    /// A byte of the class, and no slash.
    Class(Class),
    /// Any number of bytes without a slash.
    Star,
    /// Any number of bytes.
    Deep,
    /// Nothing, or any number of bytes that end in a slash.
    Folders,
}

/// The characters that may stand in one place: `[a-z]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Class {
    negated: bool,
    /// From and to, both included.
    ranges: Vec<(u8, u8)>,
}

impl Glob {
    /// Compiles what of a pattern follows its literal first part.
    pub(super) fn new(pattern: &[u8], any_case: bool) -> Self {
        let mut glob = Self { tokens: Vec::with_capacity(pattern.len()), broken: false, any_case };
        let fold = |byte: u8| if any_case { byte.to_ascii_lowercase() } else { byte };
        let mut at = 0;
        while let Some(&byte) = pattern.get(at) {
            at += 1;
            let token = match byte {
                b'\\' => match pattern.get(at) {
                    Some(&escaped) => {
                        at += 1;
                        Token::Byte(escaped)
                    }
                    None => {
                        glob.broken = true;
                        break;
                    }
                },
                b'?' => Token::One,
                b'*' => {
                    let begin = at - 1;
                    while pattern.get(at) == Some(&b'*') {
                        at += 1;
                    }
                    let after_slash = begin == 0 || pattern.get(begin - 1) == Some(&b'/');
                    let rest = pattern.get(at..).unwrap_or_default();
                    if at - begin == 1 || !after_slash {
                        Token::Star
                    } else if rest.first() == Some(&b'/') {
                        at += 1;
                        Token::Folders
                    } else if rest.is_empty() || rest.starts_with(b"\\/") {
                        Token::Deep
                    } else {
                        Token::Star
                    }
                }
                b'[' => match Class::read(pattern, at, any_case) {
                    Some((class, after)) => {
                        at = after;
                        Token::Class(class)
                    }
                    None => {
                        glob.broken = true;
                        break;
                    }
                },
                other => Token::Byte(fold(other)),
            };
            glob.tokens.push(token);
        }
        glob
    }

    /// Whether all of the text matches. Linear for what people write; at worst the product of both lengths, because of
    /// each sort of star only the last one is ever tried again.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        if self.broken {
            return false;
        }
        let (mut token, mut at) = (0, 0);
        // Where to go on if it does not match: the token after the star, and the text after what the star took.
        let mut star: Option<(usize, usize)> = None;
        let mut deep: Option<(usize, usize)> = None;
        loop {
            match self.tokens.get(token) {
                Some(Token::Star) => {
                    token += 1;
                    star = Some((token, at));
                    continue;
                }
                Some(Token::Deep | Token::Folders) => {
                    token += 1;
                    (deep, star) = (Some((token, at)), None);
                    continue;
                }
                None if at == text.len() => return true,
                Some(one) if text.get(at).is_some_and(|byte| one.matches_byte(*byte, self.any_case)) => {
                    (token, at) = (token + 1, at + 1);
                    continue;
                }
                _ => {}
            }
            // The nearest star takes one byte more; if it cannot, the one that spans folders does.
            if let Some((next, taken)) = star
                && text.get(taken).is_some_and(|byte| *byte != b'/')
            {
                star = Some((next, taken + 1));
                (token, at) = (next, taken + 1);
                continue;
            }
            let Some((next, taken)) = deep else { return false };
            let rest = text.get(taken..).unwrap_or_default();
            let more = match self.tokens.get(next - 1) {
                Some(Token::Folders) => rest.iter().position(|byte| *byte == b'/').map(|slash| slash + 1),
                _ => (!rest.is_empty()).then_some(1),
            };
            let Some(more) = more else { return false };
            (deep, star) = (Some((next, taken + more)), None);
            (token, at) = (next, taken + more);
        }
    }
}

impl Token {
    fn matches_byte(&self, byte: u8, any_case: bool) -> bool {
        let folded = if any_case { byte.to_ascii_lowercase() } else { byte };
        match self {
            Self::Byte(own) => *own == folded,
            Self::One => byte != b'/',
            Self::Class(class) => byte != b'/' && class.holds(folded) != class.negated,
            Self::Star | Self::Deep | Self::Folders => false,
        }
    }
}

impl Class {
    /// Reads a class of which the bracket has been read. The answer is the class and where the pattern goes on; `None` if
    /// it does not end, or names a class that does not exist.
    fn read(pattern: &[u8], mut at: usize, any_case: bool) -> Option<(Self, usize)> {
        let mut class = Self::default();
        if matches!(pattern.get(at), Some(b'!' | b'^')) {
            class.negated = true;
            at += 1;
        }
        // The byte that a `-` would begin at.
        let mut before: Option<u8> = None;
        let mut first = true;
        loop {
            let byte = *pattern.get(at)?;
            at += 1;
            let next = pattern.get(at).copied();
            before = match byte {
                b']' if !first => return Some((class, at)),
                b'\\' => {
                    let escaped = next?;
                    at += 1;
                    class.ranges.push((escaped, escaped));
                    Some(escaped)
                }
                b'-' if before.is_some() && next.is_some_and(|next| next != b']') => {
                    let mut to = next?;
                    at += 1;
                    if to == b'\\' {
                        to = *pattern.get(at)?;
                        at += 1;
                    }
                    class.ranges.push((before?, to));
                    if any_case {
                        // A lower-case letter is also looked for by its upper case, but only in ranges.
                        class.add_lower_of(before?, to);
                    }
                    None
                }
                b'[' if next == Some(b':') => {
                    let begin = at + 1;
                    let rest = pattern.get(begin..)?;
                    let length = rest.iter().position(|byte| *byte == b']')?;
                    match length.checked_sub(1).filter(|last| rest.get(*last) == Some(&b':')) {
                        Some(end) => {
                            class.ranges.extend(named(rest.get(..end)?, any_case)?);
                            at = begin + length + 1;
                            None
                        }
                        None => {
                            class.ranges.push((b'[', b'['));
                            Some(b'[')
                        }
                    }
                }
                other => {
                    class.ranges.push((other, other));
                    Some(other)
                }
            };
            first = false;
        }
    }

    fn add_lower_of(&mut self, from: u8, to: u8) {
        let (from, to) = (from.max(b'A'), to.min(b'Z'));
        if from <= to {
            self.ranges.push((from.to_ascii_lowercase(), to.to_ascii_lowercase()));
        }
    }

    fn holds(&self, byte: u8) -> bool {
        self.ranges.iter().any(|(from, to)| (from..=to).contains(&&byte))
    }
}

/// The bytes of `[:name:]`; what is not ASCII is in none.
fn named(name: &[u8], any_case: bool) -> Option<Vec<(u8, u8)>> {
    const DIGIT: (u8, u8) = (b'0', b'9');
    const UPPER: (u8, u8) = (b'A', b'Z');
    const LOWER: (u8, u8) = (b'a', b'z');
    Some(match name {
        b"alnum" => vec![DIGIT, UPPER, LOWER],
        b"alpha" => vec![UPPER, LOWER],
        b"blank" => vec![(b' ', b' '), (b'\t', b'\t')],
        b"cntrl" => vec![(0, 0x1f), (0x7f, 0x7f)],
        b"digit" => vec![DIGIT],
        b"graph" => vec![(b'!', b'~')],
        b"lower" => vec![LOWER],
        b"print" => vec![(b' ', b'~')],
        b"punct" => vec![(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        // Git's own: neither vertical tab nor form feed.
        b"space" => vec![(b' ', b' '), (b'\t', b'\n'), (b'\r', b'\r')],
        b"upper" if any_case => vec![UPPER, LOWER],
        b"upper" => vec![UPPER],
        b"xdigit" => vec![DIGIT, (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, text: &str) -> bool {
        Glob::new(glob.as_bytes(), false).is_match(text.as_bytes())
    }

    #[test]
    fn stars_stay_in_their_folder_and_two_of_them_do_not() {
        for (glob, text) in [
            ("*", "a"),
            ("*", ""),
            ("a*b*c", "axbxbxc"),
            ("a/*/c", "a/b/c"),
            ("**/c", "c"),
            ("**/c", "a/b/c"),
            ("a/**/c", "a/c"),
            ("a/**/c", "a/x/y/c"),
            ("a/**/b/**/c", "a/x/b/b/y/c"),
            ("**/a*/b", "x/ay/az/b"),
            ("a/**", "a/b/c"),
            ("a/**\\/b", "a/x/b"),
            ("a**b", "axb"),
        ] {
            assert!(matches(glob, text), "{glob} {text}");
        }
        for (glob, text) in [
            ("*", "a/b"),
            ("a*c", "a/c"),
            ("**/c", "ac"),
            ("a/**/c", "a/bc"),
            ("a**b", "a/b"),
            ("a/**\\/b", "a/b"),
            ("?", "/"),
            ("[^x]", "/"),
            ("a", "ab"),
        ] {
            assert!(!matches(glob, text), "{glob} {text}");
        }
    }

    #[test]
    fn classes_are_read_to_their_end() {
        for (glob, text) in [
            ("[]-]x", "]x"),
            ("[a-]x", "-x"),
            ("[!a-c]", "d"),
            ("[[:digit:]x]", "x"),
            ("[\\]]", "]"),
            ("[[:]", ":"),
            ("[a\\-z]", "-"),
        ] {
            assert!(matches(glob, text), "{glob} {text}");
        }
        for (glob, text) in [("[a", "a"), ("a\\", "a"), ("[[:none:]a]", "a"), ("[a\\-z]", "b"), ("[]", "]")] {
            assert!(!matches(glob, text), "{glob} {text}");
        }
    }

    #[test]
    fn a_hostile_glob_is_not_slow() {
        let glob = format!("{}b", "**/*a*/".repeat(30));
        assert!(!matches(&glob, &"aaaaaaaaaaaaaaa/".repeat(200)));
    }

    #[test]
    fn fuzz_of_the_globs() {
        // The pattern, and after a NUL the text.
        const SEEDS: [&[u8]; 8] = [
            b"a/**/c\0a/x/y/c",
            b"**/*a*/**/b\0aaa/aaa/b",
            b"[[:alpha:]-z]?\\*\0x/",
            b"**/a/**/a/**/a\0a/a/a/a/b",
            b"*a*a*a*a*b\0aaaaaaaaaaaa",
            b"[!a-c]\0d",
            b"[]-]x\0]x",
            b"a/**\\/b\0a/x/b",
        ];
        crate::fuzz::run("globs", 3_000, &SEEDS, |bytes| {
            let mut parts = bytes.splitn(2, |byte| *byte == 0);
            let (pattern, text) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let found = [false, true].map(|any_case| Glob::new(pattern, any_case).is_match(text));
            // What is escaped stands for itself.
            let literal: Vec<u8> = text.iter().flat_map(|byte| [b'\\', *byte]).collect();
            assert!(Glob::new(&literal, false).is_match(text));
            assert!(Glob::new(b"**", false).is_match(text));
            let glob = Glob::new(pattern, false);
            (found, glob.broken, glob.tokens.iter().map(std::mem::discriminant).take(12).collect::<Vec<_>>())
        });
    }
}
