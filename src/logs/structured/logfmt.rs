//! logfmt: `level=info msg="listening" port=4000`.
//!
//! Nothing in a line says that it is logfmt. So it is only if all of it is: pairs of a name and a value, and either one
//! of them is the level, or there are two or more. A sentence with `a=b` in it stays a sentence.

use serde_json::{Number, Value};

use super::fields::Fields;
use super::{LEVELS, level_of_value};

/// Reads a line. `None` if any of it is no pair.
pub(super) fn read(line: &str) -> Option<Fields> {
    // Most lines are sentences: their first word tells it.
    name_of(line)?;
    let mut fields = Fields::default();
    let mut rest = line;
    while !rest.is_empty() {
        let name = name_of(rest)?;
        let (value, length) = value(rest.get(name.len() + 1..)?)?;
        fields.push(name.to_owned(), value);
        let behind = rest.get(name.len() + 1 + length..)?;
        if !behind.is_empty() && !behind.starts_with(' ') {
            return None;
        }
        rest = behind.trim_start_matches(' ');
    }
    let names_level =
        || LEVELS.iter().any(|name| fields.get(name).is_some_and(|value| level_of_value(value).is_some()));
    (fields.len() > 1 || names_level()).then_some(fields)
}

/// The name that the text begins with, if `=` is behind it.
fn name_of(text: &str) -> Option<&str> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-@".contains(byte);
    let length = text.bytes().take_while(is_plain).count();
    let begins_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '_' | '@'));
    (begins_well && text.as_bytes().get(length) == Some(&b'=')).then(|| text.get(..length)).flatten()
}

/// The value that the text begins with, and its length there.
fn value(text: &str) -> Option<(Value, usize)> {
    match text.bytes().next() {
        Some(b'"') => quoted(text),
        Some(b'\'') => apostrophes(text),
        _ => {
            let plain = text.split(' ').next().unwrap_or_default();
            (!plain.contains('"')).then(|| (scalar(plain), plain.len()))
        }
    }
}

/// A number or a truth value, if JSON would print it just so: `007` and `1.10` are texts.
fn scalar(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if text.len() <= 24 && text.starts_with(|first: char| first.is_ascii_digit() || first == '-') => {
            let number = text.parse::<Number>().ok().filter(|number| number.to_string() == text);
            number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
        }
        _ => Value::String(text.to_owned()),
    }
}

/// `"a \"b\"\n"`, as Go writes it: with the escapes of JSON, and those of a byte and of a character by its number.
fn quoted(text: &str) -> Option<(Value, usize)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    loop {
        match chars.next()? {
            (at, '"') => return Some((Value::String(out), at + 1)),
            (_, '\\') => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'a' => out.push('\u{7}'),
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                'v' => out.push('\u{b}'),
                digits @ ('x' | 'u' | 'U') => {
                    let length = if digits == 'x' {
                        2
                    } else if digits == 'u' {
                        4
                    } else {
                        8
                    };
                    let code: String = chars.by_ref().take(length).map(|(_, c)| c).collect();
                    let c = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                    out.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                other => out.push(other),
            },
            (_, c) => out.push(c),
        }
    }
}

/// `'…'`, as lograge writes an error, with apostrophes in it: the last one before a blank and a name, or at the end.
fn apostrophes(text: &str) -> Option<(Value, usize)> {
    let ends = text.match_indices('\'').skip(1).find(|(at, _)| {
        let behind = text.get(at + 1..).unwrap_or_default();
        behind.is_empty() || behind.strip_prefix(' ').is_some_and(|next| name_of(next).is_some())
    });
    let (end, _) = ends?;
    Some((Value::String(text.get(1..end)?.to_owned()), end + 1))
}
