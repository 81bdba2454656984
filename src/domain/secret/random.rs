//! Words that a machine has made: nobody mixes letters, capitals and digits so. Tokens of makers that no list knows.

/// Shorter ones are names that people have made up, or parts of names of files.
const SHORTEST: usize = 20;

/// Bytes of the beginning of a token that say what it is (`glrt-`), and are kept.
const PREFIX: usize = 10;

/// The place of a token that the text begins with: bytes that are kept, and bytes that are hidden.
pub(super) fn token(rest: &str) -> Option<(usize, usize)> {
    let word = run(rest, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~'));
    if is_mixed(word, 5) {
        let prefix = word.find(['_', '-', '.']).map_or(0, |at| at + 1);
        let kept = if prefix <= PREFIX && is_mixed(word.get(prefix..)?, 5) { prefix } else { 0 };
        return Some((kept, word.len() - kept));
    }
    // In base64 the word may be broken by what also divides paths, so more is asked of it.
    let word = run(rest, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    (word.len() >= 40 && !word.starts_with('/') && is_mixed(word, 4)).then_some((0, word.len()))
}

/// Whether a text may hold one, at a glance.
pub(super) fn may_be_in(text: &str) -> bool {
    let (mut length, mut digit, mut capital) = (0, false, false);
    text.bytes().any(|byte| {
        match byte {
            b'0'..=b'9' => digit = true,
            b'A'..=b'Z' => capital = true,
            b'a'..=b'z' | b'_' | b'-' | b'.' | b'~' | b'+' | b'/' => {}
            _ => (length, digit, capital) = (0, false, false),
        }
        length += 1;
        length > SHORTEST && digit && capital
    })
}

fn run(text: &str, holds: impl Fn(u8) -> bool) -> &str {
    let end = text.bytes().position(|byte| !holds(byte)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Small letters, capitals and digits, of which every so many-th follows one of another kind. That a word begins with a
/// capital does not count, as people write: `MyLongName2`.
fn is_mixed(word: &str, every: usize) -> bool {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Kind {
        Small,
        Capital,
        Digit,
    }
    let kind = |byte: u8| match byte {
        b'a'..=b'z' => Some(Kind::Small),
        b'A'..=b'Z' => Some(Kind::Capital),
        b'0'..=b'9' => Some(Kind::Digit),
        _ => None,
    };
    let (mut length, mut switches, mut before) = (0, 0, None);
    let mut seen = [false; 3];
    let bytes = word.as_bytes();
    for (byte, next) in bytes.iter().zip(bytes.iter().skip(1).map(Some).chain([None])) {
        let Some(now) = kind(*byte) else {
            before = None;
            continue;
        };
        seen = [seen[0] || now == Kind::Small, seen[1] || now == Kind::Capital, seen[2] || now == Kind::Digit];
        let next_is_small = next.is_some_and(|next| kind(*next) == Some(Kind::Small));
        let begins_word = match (before, now) {
            (Some(Kind::Capital), Kind::Small) => true,
            (Some(Kind::Small), Kind::Capital) => next_is_small,
            _ => false,
        };
        switches += usize::from(before.is_some_and(|before| before != now) && !begins_word);
        length += 1;
        before = Some(now);
    }
    length >= SHORTEST && seen == [true; 3] && switches * every >= length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_machines_are_told_from_words_of_people() {
        // Put together here, so that none stands in the source.
        let made = ["aB3dE5fG7h", "J9kL1mN2pQ4r"].concat();
        assert_eq!(token(&made), Some((0, 22)));
        assert_eq!(token(&format!("new_{made} x")), Some((4, 22)));
        assert_eq!(token(&format!("{made}.aB3.{made}")), Some((0, 49)));
        assert_eq!(token(&format!("{made}+{made}/")), Some((0, 22)), "what stands behind it is the next word");
        assert_eq!(token(&format!("w+{made}/{made}")), Some((0, 47)));
        for plain in [
            "short1A",
            "MyProjectTests2WithManyLongWordsV3",
            "com.example.shop.OrderServiceV2IntegrationTest",
            "d2bfc9d60ae474e0d2bfc9d60ae474e0",
            "9B1DEB4D-3B7D-4BAD-9BDD-2B0D7B3DCB6D",
            "release-2026-11-22T14-02-23Z-Linux-x86_64",
            "/usr/lib/x86_64-linux-gnu/libQt5Core.so.5.15.3",
            "src/Components/Buttons2/PrimaryButton.test.tsx",
            "node_modules/.pnpm/@babel+core@7.22.5/node_modules/@babel/core",
        ] {
            assert_eq!(token(plain), None, "{plain}");
        }
        assert!(may_be_in(&made) && may_be_in(&format!("run --with={made}")) && !may_be_in("cargo run -p api -- --A1"));
    }
}
