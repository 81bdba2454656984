//! As much of Rust as the architecture's rules need: code without comments and texts, its tokens, and what stands
//! under `#[cfg(test)]`.

/// The tokens of a file: names, `::`, and single signs. Comments are gone, texts and characters are empty.
#[derive(Clone)]
pub(crate) struct Source {
    tokens: Vec<String>,
}

impl Source {
    /// Reads a file.
    pub(crate) fn of(text: &str) -> Self {
        let mut tokens = Vec::new();
        for (kind, piece) in pieces(text) {
            match kind {
                Kind::Comment | Kind::Blank => {}
                Kind::Literal => tokens.push("\"\"".to_owned()),
                Kind::Name | Kind::Sign => tokens.push(piece.to_owned()),
            }
        }
        Self { tokens }
    }

    /// The first segments of all paths that begin at the root of the crate: `crate::a`, `crate::{a, b::c}`,
    /// `devgroup::a`, and `super::` as often as it takes to get there.
    pub(crate) fn imports(&self, depth: usize) -> Vec<String> {
        let mut found = Vec::new();
        let mut supers = 0;
        for (at, token) in self.tokens.iter().enumerate() {
            let begins = at == 0 || self.tokens[at - 1] != "::";
            supers = match token.as_str() {
                "super" => supers + 1,
                "::" => supers,
                _ => 0,
            };
            let at_root = (begins && (token == "crate" || token == "devgroup")) || (supers > 0 && supers == depth);
            if at_root && token != "::" && self.token(at + 1) == "::" {
                found.extend(self.first_segments(at + 2));
            }
        }
        found
    }

    /// The first segment of a path at a token, or those of a group.
    fn first_segments(&self, at: usize) -> Vec<String> {
        if self.token(at) != "{" {
            return vec![self.token(at).to_owned()];
        }
        let end = self.end_of_block(at);
        let mut depth = 0;
        let mut segments = Vec::new();
        for at in at..end {
            match self.token(at) {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ if depth == 1 && matches!(self.token(at - 1), "{" | ",") => segments.push(self.token(at).to_owned()),
                _ => {}
            }
        }
        segments
    }

    /// Whether a path such as `Instant::now` or `std::fs` is written out here.
    pub(crate) fn names(&self, path: &str) -> bool {
        let path = Self::of(path).tokens;
        self.tokens.windows(path.len()).any(|window| window == path)
    }

    /// The same without the items under `#[cfg(test)]`.
    pub(crate) fn without_tests(&self) -> Self {
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if self.is_for_tests(at) {
                at = self.end_of_item(at + 7);
            } else {
                tokens.push(self.tokens[at].clone());
                at += 1;
            }
        }
        Self { tokens }
    }

    /// Whether `#[cfg(test)] mod name;` stands here.
    pub(crate) fn declares_for_tests(&self, name: &str) -> bool {
        let declares = |at| self.token(at) == "mod" && self.token(at + 1) == name && self.token(at + 2) == ";";
        (0..self.tokens.len()).any(|at| self.is_for_tests(at) && declares(at + 7))
    }

    fn is_for_tests(&self, at: usize) -> bool {
        ["#", "[", "cfg", "(", "test", ")", "]"].iter().enumerate().all(|(n, sign)| self.token(at + n) == *sign)
    }

    /// Behind the item that begins at a token: behind its first `;` or its first block.
    fn end_of_item(&self, mut at: usize) -> usize {
        while at < self.tokens.len() {
            match self.token(at) {
                ";" => return at + 1,
                "{" => return self.end_of_block(at),
                _ => at += 1,
            }
        }
        at
    }

    /// Behind the block that is opened at a token.
    fn end_of_block(&self, at: usize) -> usize {
        let mut depth = 0;
        for at in at..self.tokens.len() {
            match self.token(at) {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return at + 1;
            }
        }
        self.tokens.len()
    }

    fn token(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", String::as_str)
    }
}

/// What a piece of a file is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Comment,
    /// A text or a character, with its quotes.
    Literal,
    Name,
    /// `::`, or a single character.
    Sign,
    Blank,
}

/// Takes a file apart. Together the pieces are the file.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = (Kind, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (kind, length) = if rest.starts_with("//") {
            (Kind::Comment, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (Kind::Comment, comment(rest))
        } else if let Some(length) = text_literal(rest) {
            (Kind::Literal, length)
        } else if is_name(first) {
            (Kind::Name, rest.find(|c| !is_name(c)).unwrap_or(rest.len()))
        } else if rest.starts_with("::") {
            (Kind::Sign, 2)
        } else {
            (if first.is_whitespace() { Kind::Blank } else { Kind::Sign }, first.len_utf8())
        };
        let (piece, others) = rest.split_at(length);
        rest = others;
        Some((kind, piece))
    })
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a block comment, which may hold others.
fn comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The length of the text or character that begins here, if one does. A lifetime is none.
fn text_literal(text: &str) -> Option<usize> {
    let prefixless = text.trim_start_matches(['b', 'c', 'r']);
    let prefix = text.len() - prefixless.len();
    let hashes = prefixless.len() - prefixless.trim_start_matches('#').len();
    let raw = prefix > 0 && text[..prefix].ends_with('r');
    if raw && prefix <= 2 && prefixless[hashes..].starts_with('"') {
        let close = format!("\"{}", "#".repeat(hashes));
        let inside = &prefixless[hashes + 1..];
        return Some(prefix + hashes + 1 + inside.find(&close).map_or(inside.len(), |at| at + close.len()));
    }
    if prefix > 1 {
        return None;
    }
    match prefixless.chars().next()? {
        '"' => Some(prefix + quoted(prefixless, '"')),
        '\'' => {
            let inside = &prefixless[1..];
            let first = inside.chars().next()?;
            let is_character = first == '\\' || inside[first.len_utf8()..].starts_with('\'');
            is_character.then(|| prefix + quoted(prefixless, '\''))
        }
        _ => None,
    }
}

/// The length of a quoted text with backslashes, with both quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}
