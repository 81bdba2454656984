//! Where the links lead that a service prints (OSC 8).
//!
//! A terminal keeps the latest targets, each once, and its cells know them by number. The oldest go first when they are
//! too many: the text of such a link stays, and leads nowhere.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;

/// The longest target in bytes. Terminals that know links have the same limit (VTE, iTerm2).
const LONGEST: usize = 2083;
/// Bytes of targets that are kept for a terminal.
const MEMORY: usize = 512 << 10;
/// What a target costs beside its text.
const OVERHEAD: usize = 96;
/// Schemes that may be opened. Others can start programs.
const SCHEMES: [&str; 3] = ["http://", "https://", "file://"];

/// The number of a target. None is used for another one later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkId(NonZeroU32);

impl LinkId {
    /// As a number above 0.
    pub(super) fn number(self) -> u32 {
        self.0.get()
    }

    /// That of a number, if it is one.
    pub(super) fn from_number(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }
}

/// The address, if a terminal may be told it: of a known scheme, printable ASCII without blanks, and not too long. No byte
/// of it can end the sequence that it is told in.
pub fn link_target(address: &str) -> Option<&str> {
    let has = |scheme: &&str| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let scheme = SCHEMES.iter().find(|scheme| has(scheme))?;
    let fits = address.len() <= LONGEST && address.len() > scheme.len();
    (fits && address.bytes().all(|byte| byte.is_ascii_graphic())).then_some(address)
}

/// The latest targets.
#[derive(Debug, Default)]
pub(super) struct Links {
    targets: VecDeque<Arc<str>>,
    ids: HashMap<Arc<str>, LinkId>,
    /// How many have gone.
    gone: u32,
    bytes: usize,
}

impl Links {
    /// What of the parameters of an OSC 8 (`id=x;address`) the text behind it is a part of. Nothing also for an address
    /// that nobody is to open: the link before it is over all the same.
    pub(super) fn begin(&mut self, parameters: &[u8]) -> Option<LinkId> {
        let (_, address) = std::str::from_utf8(parameters).ok()?.split_once(';')?;
        let address = link_target(address)?;
        if let Some(id) = self.ids.get(address) {
            return Some(*id);
        }
        let place = u32::try_from(self.targets.len()).ok()?;
        let id = LinkId::from_number(self.gone.checked_add(place)?.checked_add(1)?)?;
        let target: Arc<str> = address.into();
        self.bytes += cost(&target);
        self.ids.insert(Arc::clone(&target), id);
        self.targets.push_back(target);
        while self.bytes > MEMORY
            && let Some(oldest) = self.targets.pop_front()
        {
            self.bytes -= cost(&oldest);
            self.ids.remove(&oldest);
            self.gone += 1;
        }
        Some(id)
    }

    /// Where a link leads; nothing if its target has gone.
    pub(super) fn target(&self, id: LinkId) -> Option<&Arc<str>> {
        let place = id.number().checked_sub(self.gone)?.checked_sub(1)?;
        self.targets.get(usize::try_from(place).ok()?)
    }

    /// Memory that they take up.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn cost(target: &str) -> usize {
    target.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::logs::{LineId, LogStore};

    #[test]
    fn only_what_may_be_opened_is_a_target() {
        for good in ["http://x", "https://x.org/a?b=c&d=%20#e;f", "HTTP://x", "file:///home/me/a.rs", "file://host/a"] {
            assert_eq!(link_target(good), Some(good));
        }
        let long = format!("http://{}", "x".repeat(LONGEST));
        for bad in [
            "",
            "http://",
            "http:x",
            "javascript:alert(1)",
            "ssh://host",
            "x-man-page://ls",
            "http://a b",
            "http://a\u{7}b",
            "http://a\u{1b}\\b",
            "http://a\u{9c}b",
            "http://é",
            " http://x",
            &long,
        ] {
            assert_eq!(link_target(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_target_is_kept_once_and_the_oldest_go_first() {
        let mut links = Links::default();
        let first = links.begin(b";http://x/0").unwrap();
        assert_eq!(links.begin(b"id=7;http://x/0"), Some(first));
        assert_eq!(links.target(first).map(|target| &**target), Some("http://x/0"));
        let mut last = first;
        for number in 0..20_000 {
            last = links.begin(format!(";http://x/{number}").as_bytes()).unwrap();
        }
        assert!(links.bytes() <= MEMORY);
        assert_eq!(links.target(first), None, "it leads nowhere, and never to another target");
        assert_eq!(links.target(last).map(|target| &**target), Some("http://x/19999"));
        assert_ne!(links.begin(b";http://x/0"), Some(first));
        for end in [&b";"[..], b"", b";javascript:x", b";\xff", b"http://x"] {
            assert_eq!(links.begin(end), None, "{end:?}");
        }
    }

    /// The links of the first line: text and target.
    fn printed(output: &str) -> Vec<(String, String)> {
        let document = LogStore::new(Clock::start()).open(&"api".into(), 1 << 20);
        document.resize(80, 2);
        // The line leaves the screen, and its block is read.
        document.feed(format!("{output}\r\n\r\n\r\n").as_bytes());
        let mut reader = document.read();
        let line = reader.line(LineId(0)).unwrap();
        let linked = line.content.runs.iter().filter_map(|run| {
            let text = line.content.text.get(run.start as usize..run.end as usize)?;
            Some((text.to_owned(), reader.link(run.style.link?)?.to_string()))
        });
        linked.collect()
    }

    #[test]
    fn the_text_of_a_link_knows_where_it_leads_until_the_link_ends() {
        let link = |target: &str, text: &str| format!("\x1b]8;;{target}\x1b\\{text}\x1b]8;;\x1b\\");
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(text, target)| ((*text).to_owned(), (*target).to_owned())).collect::<Vec<_>>()
        };
        let x = ("here", "http://x/");
        assert_eq!(printed(&format!("go {} now", link("http://x/", "here"))), pairs(&[x]));
        // An SGR 0 resets looks, and no link.
        assert_eq!(printed(&link("http://x/", "\x1b[31mhe\x1b[0mre")), pairs(&[("he", x.1), ("re", x.1)]));
        assert_eq!(printed(&link("http://x/", "\x1b[1;0mhere")), pairs(&[x]));
        assert_eq!(
            printed(&format!("{}{}", link("http://x/", "here"), link("https://y", "漢"))),
            pairs(&[x, ("漢", "https://y")])
        );
        // Ended by BEL, and another one begun without an end of the first.
        let nested = "\x1b]8;id=1;http://x/\x07here\x1b]8;;javascript:x\x07there";
        assert_eq!(printed(nested), pairs(&[x]));
        let long = format!("\x1b]8;;http://x/\x07here\x1b]8;{};http://y\x07there", "i".repeat(5000));
        assert_eq!(printed(&long), pairs(&[x]), "one that is too long is cut nowhere");
    }
}
