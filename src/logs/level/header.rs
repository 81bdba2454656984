//! What a line says of itself before its text: times, names, places, labels, and among them how bad it is. A word of the
//! text is none of it, however it is written: `log level set to WARN` is no warning.

use std::sync::LazyLock;

use regex::Regex;

use super::{Level, beginning, captured, expression, words};
use crate::logs::structured::level_of_object;

/// More than that nobody writes before the text.
const TOKENS: usize = 32;
/// How far into a line a field `"level":"error"` is looked for: some writers put it last.
const FIELD_BYTES: usize = 4096;
/// The longest of what is in brackets, or of a place in a file.
const TOKEN_BYTES: usize = 200;

/// `"level":"error"`, `"severity": "ERROR"`, `"level":50` (pino and bunyan), `"s":"E"` (mongod).
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(concat!(
        r#""(?i:level|severity|severity_?text|lvl|loglevel|log\.level|levelname|@level|@l)"[ \t]*:[ \t]*(?:"?((?i)[a-z]+)(?-u:\b)|([0-9][0-9])(?-u:\b))"#,
        r#"|"s"[ \t]*:[ \t]*"([FEWID])[1-5]?""#,
    ))
});

/// `E/Tag( 12): …`, `E Tag: …`, `E (12) tag: …`, `E0501 12:00:00.1`, `E, [2024-…`, `E NETWORK  [conn1]`.
static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(concat!(
        r"^(?:([VDIWEF])/[A-Za-z0-9_.$-]+ *(?:\( *[0-9]+\))?:|([VDIWE]) \([0-9.:]+\) [A-Za-z0-9_.-]+:",
        r"|([IWEF])(?:[0-9]{2}|20[0-9]{2})?[01][0-9][0-3][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}|([DIWEF]), \[)",
    ))
});

/// The same where a time stands before it.
static LETTER_BEHIND_TIME: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(r"^([VDIWEF]) (?:[A-Za-z0-9_.$/:@-]+ *: |[A-Z]+ +\[|[A-Za-z0-9_.$-]+ *:$|\[)"));

/// What stands between a word such as `error` and its colon: `[E0308]`, ` TS2322`, `(gcc)`.
static CODE: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(r"^(?: ?\[[A-Za-z0-9_-]{1,40}\]| [A-Z]{1,8}[0-9]{1,6}| ?\([^)]{1,40}\))?[ \t]?:"));

/// What the beginning of a line says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a> {
    /// The level that it names.
    pub(super) level: Option<Level>,
    /// The level if its text tells of none: redis marks all that matters with `#`.
    pub(super) otherwise: Option<Level>,
    /// What follows times and what is in brackets.
    pub(super) text: &'a str,
    /// What follows names, places and labels besides.
    pub(super) behind: &'a str,
}

/// How far a header is read.
#[derive(Clone, Copy, Default)]
struct HeaderState<'a> {
    /// A time, or something in brackets, was there: this is a line of a log.
    anchored: bool,
    timed: bool,
    /// A pair `key=value` was there.
    paired: bool,
    labels: u8,
    /// Where names and labels begin: if no level comes, they may be of the text.
    text: Option<&'a str>,
    /// Plain words that were taken for names.
    bares: u8,
    otherwise: Option<Level>,
}

/// What stands at the front.
enum Token {
    Level(Level),
    /// So many bytes of the header.
    Part(usize),
    /// So many bytes of the header, or already of the text.
    Name(usize),
    /// The text begins here.
    Text,
    /// The rest tells of no level, whatever its words are.
    Nothing,
}

/// Reads the beginning of a line.
pub(super) fn read(line: &str) -> Header<'_> {
    let mut state = HeaderState::default();
    let mut rest = line;
    for _ in 0..TOKENS {
        rest = rest.trim_start_matches([' ', '\t']);
        match token(rest, &mut state) {
            Token::Level(level) => return Header { level: Some(level), otherwise: None, text: rest, behind: rest },
            Token::Part(length) => rest = rest.get(length..).unwrap_or_default(),
            Token::Name(length) => {
                state.text.get_or_insert(rest);
                rest = rest.get(length..).unwrap_or_default();
            }
            Token::Text => break,
            Token::Nothing => return Header { level: None, otherwise: state.otherwise, text: "", behind: "" },
        }
    }
    Header { level: None, otherwise: state.otherwise, text: state.text.unwrap_or(rest), behind: rest }
}

fn token(rest: &str, state: &mut HeaderState<'_>) -> Token {
    let Some(first) = rest.bytes().next() else { return Token::Text };
    match first {
        b'{' if rest.starts_with("{\"") || rest.starts_with("{ \"") => json(rest),
        b'[' => bracket(rest, ']', state),
        b'(' => bracket(rest, ')', state),
        b'<' => priority(rest, state).unwrap_or_else(|| bracket(rest, '>', state)),
        b'+' | b'-' if state.timed && is_offset(plain(rest)) => Token::Part(plain(rest).len()),
        b'{' if state.anchored => bracket(rest, '}', state),
        b'0'..=b'9' => number(rest, state),
        // Redis marks what only helps to look for something.
        b'.' if state.timed && rest.starts_with(". ") => Token::Level(Level::Debug),
        b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'.' | b'@' | b'_' => word(rest, state),
        b'|' if rest.starts_with("|-") => Token::Part(2),
        b'|' if state.anchored && rest.as_bytes().get(1).is_some_and(u8::is_ascii_uppercase) => Token::Part(1),
        b'%' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_uppercase) => Token::Part(1),
        b'=' if rest.starts_with("==") => process(rest),
        b'|' | b':' | b'-' | b',' | b';' => separator(rest, first),
        b'*' if rest.starts_with("** ") && rest.as_bytes().get(3).is_some_and(u8::is_ascii_alphabetic) => {
            Token::Part(2)
        }
        b'*' if state.anchored && rest.starts_with("* ") => Token::Part(1),
        b'#' if state.timed && rest.starts_with("# ") => {
            state.otherwise = Some(Level::Warn);
            Token::Part(1)
        }
        b'#' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => Token::Part(plain(rest).len()),
        0x80.. => glyph(rest),
        _ => Token::Text,
    }
}

/// Up to the next space.
fn plain(rest: &str) -> &str {
    rest.split([' ', '\t']).next().unwrap_or(rest)
}

fn json(rest: &str) -> Token {
    let level = match level_of_object(rest) {
        Some(level) => level,
        // It is cut off, or too long, or there is more than an object.
        None => {
            captured(&FIELD, beginning(rest, FIELD_BYTES)).and_then(|word| words::level(word).or(words::letter(word)))
        }
    };
    level.map_or(Token::Nothing, Token::Level)
}

/// `==1234== …`, as valgrind and the sanitizers write the number of the process.
fn process(rest: &str) -> Token {
    let digits = rest.bytes().skip(2).take_while(u8::is_ascii_digit).count();
    let is_process = digits > 0 && rest.get(2 + digits..).is_some_and(|behind| behind.starts_with("=="));
    if is_process { Token::Part(digits + 4) } else { Token::Text }
}

fn separator(rest: &str, sign: u8) -> Token {
    let length = rest.bytes().take_while(|byte| *byte == sign).count();
    let is_alone = rest.as_bytes().get(length).is_none_or(|byte| b" \t|[".contains(byte));
    if is_alone { Token::Part(length) } else { Token::Text }
}

fn glyph(rest: &str) -> Token {
    let Some(sign) = rest.chars().next() else { return Token::Text };
    match sign {
        '✖' | '✘' | '✗' | '✕' | '×' | '⨯' | '❌' | '🚨' | '🛑' | '⛔' => {
            let is_mild = ["(0 errors", " 0 errors"].iter().any(|none| rest.contains(none));
            Token::Level(if is_mild { Level::Warn } else { Level::Error })
        }
        '⚠' => Token::Level(Level::Warn),
        '✓' | '✔' | '✅' => Token::Nothing,
        '─' | '━' | '│' | '┃' | '›' | '»' | '➤' | '▲' | '·' | '•' | '→' | '➜' => {
            Token::Part(sign.len_utf8())
        }
        // A picture, as tools put it before each of their lines.
        '\u{1f300}'..='\u{1faff}' if rest.get(sign.len_utf8()..).is_some_and(|behind| behind.starts_with(' ')) => {
            Token::Part(sign.len_utf8())
        }
        _ => Token::Text,
    }
}

/// `[error]`, `[core:error]`, `[2024-05-01 12:00:00,123: ERROR/MainProcess]`, `[E 240501 12:00:00 web:1]`.
fn bracket(rest: &str, close: char, state: &mut HeaderState<'_>) -> Token {
    let Some(end) = beginning(rest, TOKEN_BYTES).find(close) else { return Token::Text };
    let content = rest.get(1..end).unwrap_or_default().trim();
    let level = if state.anchored || !matches!(close, '>' | '}') { level_in(content) } else { None };
    if let Some(level) = level {
        return Token::Level(level);
    }
    let is_marked = matches!(content, "✗" | "✘" | "✖" | "×");
    // Xorg.
    if close == ')' && matches!(content, "EE" | "WW" | "II") {
        return content.get(1..).and_then(words::letter).map_or(Token::Text, Token::Level);
    }
    if (content == "!" || is_marked) && close == ']' {
        return Token::Level(Level::Error);
    }
    if matches!(content, "OK" | "PASS" | "PASSED" | "RUN") {
        return Token::Nothing;
    }
    if matches!(content, "FAIL" | "FAILED") {
        return Token::Level(Level::Error);
    }
    // Node puts a whole sentence there.
    if content.starts_with("Unhandled") {
        return Token::Text;
    }
    state.anchored = true;
    state.timed |= content.starts_with(|first: char| first.is_ascii_digit()) && content.contains(':');
    Token::Part(end + 1)
}

/// `<3>…` or `<131>…`: the kernel, systemd and syslog write how bad it is as the last of eight. `<warn>  [17…`:
/// NetworkManager.
fn priority(rest: &str, state: &HeaderState<'_>) -> Option<Token> {
    let (content, behind) = beginning(rest, TOKEN_BYTES).strip_prefix('<')?.split_once('>')?;
    if state.anchored || behind.is_empty() {
        return None;
    }
    if behind.starts_with("  [") {
        return words::level(content).filter(|_| !content.starts_with(|c: char| c.is_ascii_digit())).map(Token::Level);
    }
    let is_number = !content.is_empty() && content.bytes().all(|byte| byte.is_ascii_digit());
    let number = content.parse::<u8>().ok().filter(|number| is_number && *number < 192)?;
    let is_prefix = behind.starts_with(|next: char| next.is_ascii_alphanumeric() || matches!(next, '[' | '/' | '_'));
    is_prefix.then_some(match number % 8 {
        0..3 => Token::Level(Level::Fatal),
        3 => Token::Level(Level::Error),
        4 => Token::Level(Level::Warn),
        5 | 6 => Token::Level(Level::Info),
        _ => Token::Level(Level::Debug),
    })
}

/// `+0000`, `-07:00`: a time zone.
fn is_offset(token: &str) -> bool {
    let digits = token.get(1..).unwrap_or_default();
    matches!(digits.len(), 4 | 5)
        && digits.bytes().enumerate().all(|(at, byte)| byte.is_ascii_digit() || at == 2 && byte == b':')
}

fn level_in(content: &str) -> Option<Level> {
    let known = words::level(content).or_else(|| words::letter(content).filter(|_| content != "N" && content != "T"));
    if known.is_some() && !content.starts_with(|first: char| first.is_ascii_digit()) {
        return known;
    }
    if let Some((name, word)) = content.rsplit_once(':')
        && !name.contains(' ')
        && let Some(level) = words::level(word)
        && !word.starts_with(|first: char| first.is_ascii_digit())
    {
        return Some(level);
    }
    let mut parts = content.split([' ', '\t', ':', '/']).filter(|part| !part.is_empty());
    let first = parts.next()?;
    let next = parts.next()?;
    if first.len() == 1 && next.starts_with(|digit: char| digit.is_ascii_digit()) {
        return words::letter(first);
    }
    // `[ERROR 1/2 Kind]`: which of how many.
    if next.starts_with(|digit: char| digit.is_ascii_digit()) && is_capital(first) {
        return words::level(first);
    }
    let capitals = |word: &str| words::level(word).filter(|_| word.bytes().all(|byte| byte.is_ascii_uppercase()));
    if content.get(first.len()..).is_some_and(|rest| rest.starts_with(':'))
        && let Some(level) = capitals(first).filter(|_| !first.starts_with(|digit: char| digit.is_ascii_digit()))
    {
        return Some(level);
    }
    // `[Server thread/ERROR]`, `[libprotobuf WARNING a.cc:3]`.
    if let Some(level) = content
        .rsplit_once('/')
        .and_then(|(_, word)| capitals(word))
        .or_else(|| capitals(next).filter(|_| first.len() > 1 && first.bytes().all(|byte| byte.is_ascii_lowercase())))
    {
        return Some(level);
    }
    // A time, and then the level.
    if first.starts_with(|digit: char| digit.is_ascii_digit()) {
        return std::iter::once(next)
            .chain(parts)
            .find(|part| part.starts_with(|letter: char| letter.is_ascii_alphabetic()) && !is_zone(part))
            .and_then(|part| capitals(part).or_else(|| words::letter(part)));
    }
    None
}

/// Whether a word may be a time zone or half of a day: `UTC`, `PM`.
fn is_zone(word: &str) -> bool {
    (2..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase()) && words::level(word).is_none()
}

/// A time, an address, a place in a file, the number of a process.
fn number(rest: &str, state: &mut HeaderState<'_>) -> Token {
    let token = plain(rest);
    let behind = rest.get(token.len()..).unwrap_or_default().trim_start();
    // Jetty: `2024-05-01 12:00:00.123:WARN :…`.
    if let Some((_, word)) = token.rsplit_once(':')
        && is_capital(word)
        && let Some(level) = words::level(word)
    {
        return Token::Level(level);
    }
    let is_plain = token.bytes().all(|byte| byte.is_ascii_digit());
    if token.len() > TOKEN_BYTES || token.contains(['"', '\'', '=', '(']) {
        return Token::Text;
    }
    if is_plain {
        // `[GIN] 2026/03/02 - 09:14:11 | 500 |      1.4ms |`: what a server has answered, and how long it took.
        if state.anchored && token.len() == 3 && token.starts_with('5') && is_duration(behind) {
            return Token::Level(Level::Error);
        }
        let next = plain(behind);
        // `907 ERROR GET /`: the number of a line, or of a process.
        let is_before_level = is_capital(next) && words::level(next).is_some();
        let is_part = state.anchored || behind.starts_with('[') || words::is_of_calendar(next) || is_before_level;
        return if is_part { Token::Part(token.len()) } else { Token::Text };
    }
    let is_figure = token.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',');
    if is_figure || token.contains([':', '/', '-', '#']) {
        state.anchored = true;
        state.timed |= token.contains([':', '-', '/']);
        return Token::Part(token.len());
    }
    Token::Text
}

/// `|   1.402ms |`.
fn is_duration(column: &str) -> bool {
    let Some(value) = column.strip_prefix('|').map(|value| plain(value.trim_start())) else { return false };
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    unit.len() < value.len() && matches!(unit, "ns" | "us" | "µs" | "μs" | "ms" | "s")
}

fn word(rest: &str, state: &mut HeaderState<'_>) -> Token {
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let name = rest.get(..letters).unwrap_or_default();
    let behind = rest.get(letters..).unwrap_or_default();
    if name.len() == 1
        && let Some(word) =
            captured(&LETTER, rest).or_else(|| if state.timed { captured(&LETTER_BEHIND_TIME, rest) } else { None })
    {
        return words::letter(word).map_or(Token::Text, Token::Level);
    }
    if let Some(level) = words::level(name).filter(|_| is_boundary(behind)) {
        return named(name, level, behind, state);
    }
    if matches!(name, "STATEMENT" | "DETAIL" | "HINT" | "CONTEXT" | "note" | "help" | "hint") && behind.starts_with(':')
    {
        return Token::Nothing;
    }
    if name == "LOG" && (behind.starts_with(':') || state.timed && behind.starts_with(' ')) {
        return Token::Level(Level::Info);
    }
    name_or_text(rest, name, state)
}

/// The word ends here, and is no part of a name.
fn is_boundary(behind: &str) -> bool {
    let next = behind.as_bytes();
    match next.first() {
        None => true,
        Some(b':') => next.get(1).is_none_or(|byte| !byte.is_ascii_digit()),
        Some(byte) => b" \t[](|,;!".contains(byte),
    }
}

/// A word that names a level: it is the level, or what the text is about.
fn named(name: &str, level: Level, behind: &str, state: &HeaderState<'_>) -> Token {
    let behind = if level == Level::Fatal { behind.strip_prefix(" error").unwrap_or(behind) } else { behind };
    let next = behind.trim_start_matches([' ', '\t']);
    let follower = next.split([' ', '\t', ':', ',']).next().unwrap_or_default();
    let is_apart = behind.starts_with("  ") || behind.starts_with('\t');
    if let Some(colon) = CODE.as_ref().and_then(|code| code.find(behind)) {
        let value = behind.get(colon.end()..).unwrap_or_default();
        return if words::is_nothing(value) || state.paired && !state.timed && !is_capital(name) {
            Token::Nothing
        } else {
            Token::Level(level)
        };
    }
    let is_column = is_apart || next.starts_with(['|', '[', '(']) || next.starts_with("- ") || next.starts_with("--");
    let is_level = if is_capital(name) {
        if state.bares > 0 {
            is_column || !words::joins(follower) && !next.is_empty()
        } else {
            state.anchored || !words::is_thing(follower)
        }
    } else if name.bytes().all(|byte| byte.is_ascii_lowercase()) {
        let is_start = next.starts_with(|first: char| first.is_ascii_uppercase() || first == '"' || first == '\'');
        let is_package = plain(next).contains(['@', '/']) || plain(next).trim_end_matches(['.', ':']).contains('.');
        // `fail   …` is a command of a help text.
        state.bares == 0
            && !next.is_empty()
            && (name != "fail" || state.anchored)
            && (is_apart || is_start || is_package || state.timed && !words::is_thing(follower))
    } else {
        // `Error  x` is prose.
        false
    };
    if is_level { Token::Level(level) } else { Token::Text }
}

fn is_capital(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A name of what speaks, a place in a file, a pair `key=value`, or the first word of the text.
fn name_or_text(rest: &str, name: &str, state: &mut HeaderState<'_>) -> Token {
    let token = plain(rest);
    if token.len() > TOKEN_BYTES || token.contains(['"', '\'', '`']) && !token.contains('=') {
        return Token::Text;
    }
    if let Some((key, _)) = token.split_once('=') {
        return pair(rest, key, state);
    }
    if let Some(label) = token.strip_suffix(':') {
        return self::label(token, label, state);
    }
    let next = rest.get(token.len()..).unwrap_or_default().trim_start_matches([' ', '\t']);
    let is_date = words::is_of_calendar(token)
        && next.starts_with(|first: char| first.is_ascii_digit() || words::is_of_calendar(plain(next)));
    if is_date || state.timed && state.bares == 0 && is_zone(token) && words::letter(token).is_none() {
        state.anchored = true;
        return Token::Part(token.len());
    }
    if is_type(token) {
        return Token::Text;
    }
    // `Zigbee2MQTT:debug 2023-01-29 …`.
    if next.starts_with("20")
        && let Some((_, word)) = token.rsplit_once(':')
        && let Some(level) = words::level(word)
    {
        return Token::Level(level);
    }
    // GLib: `Gtk-WARNING **: …`.
    if next.starts_with("**")
        && let Some(level) = words::level(token.rsplit('-').next().unwrap_or_default())
    {
        return Token::Level(level);
    }
    let is_name =
        token.contains(['.', '_', '/', '-', '$', '[', ':', '#']) || token.bytes().any(|byte| byte.is_ascii_digit());
    let is_cell = next.starts_with("| ") || next.starts_with("- ") || next.starts_with(": ");
    let is_end = token.ends_with([',', '.', '?', '!', ')']);
    let is_in_place = is_cell || state.anchored || token.contains(['.', ':', '_']);
    if is_name && !is_end && is_in_place || is_cell && state.bares == 0 && !is_end {
        return Token::Name(token.len());
    }
    if state.anchored && state.bares == 0 && name.len() == token.len() && !words::takes_back(token) {
        state.bares += 1;
        return Token::Name(token.len());
    }
    Token::Text
}

/// The type of what was thrown.
fn is_type(name: &str) -> bool {
    name.ends_with("Error") || name.ends_with("Exception")
}

fn label(token: &str, label: &str, state: &mut HeaderState<'_>) -> Token {
    // Monolog: `local.ERROR: …`.
    if let Some((_, word)) = label.rsplit_once('.')
        && (is_capital(word) || label.starts_with("console."))
        && let Some(level) = words::level(word)
    {
        return Token::Level(level);
    }
    let lower = label.to_ascii_lowercase();
    if lower.contains("level") || lower.starts_with("rust_log") {
        return Token::Nothing;
    }
    let is_failure = ["fail", "error", "abort", "exception", "caused"].iter().any(|word| lower.starts_with(word));
    if is_failure || is_type(label) || state.labels > 4 || words::takes_back(label) {
        return Token::Text;
    }
    state.labels += 1;
    // `host app[12]: …`, as syslog writes it.
    if state.anchored && label.ends_with(']') {
        state.text = None;
        state.bares = 0;
        return Token::Part(token.len());
    }
    Token::Name(token.len())
}

/// A pair of logfmt. What a sentence or an option says is not how bad the line is.
fn pair(rest: &str, key: &str, state: &mut HeaderState<'_>) -> Token {
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.@-".contains(&byte));
    if !is_key || state.bares > 0 && !state.timed {
        return Token::Text;
    }
    let value = rest.get(key.len() + 1..).unwrap_or_default();
    if ["level", "lvl", "severity"].iter().any(|known| key.eq_ignore_ascii_case(known)) {
        let word = value.trim_start_matches(['"', '\'']);
        let end = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        return word.get(..end).and_then(words::level).map_or(Token::Nothing, Token::Level);
    }
    state.paired = true;
    let length = match value.bytes().next() {
        Some(b'"') => quoted(value),
        _ => plain(value).len(),
    };
    Token::Name(key.len() + 1 + length)
}

/// The bytes of a text in quotes.
fn quoted(value: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in value.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return at + 1,
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    value.len()
}
