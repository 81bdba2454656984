//! Whose the dollars of a source are, and how `procgroup.toml` writes them: a text is the shell's; in a list and in a value
//! of `env`, `${NAME}` and `${NAME:-default}` are put in and `$$` is a dollar.

use super::names::is_variable;

/// A word of a list or a value of a file that puts nothing in.
pub(super) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// The same of a file that puts `$NAME` and `${NAME}` in and writes a dollar as `$$`, as process-compose does. What is not
/// set is empty there.
pub(super) fn interpolated(text: &str) -> String {
    let pieces = pieces(text).map(|piece| match piece {
        Piece::Text(text) => text.replace('$', "$$"),
        Piece::Dollar => "$$".into(),
        Piece::Variable(inside) => {
            let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, rest)| (name, Some(rest)));
            match default {
                _ if !is_variable(name) => literal(&format!("${{{inside}}}")),
                Some(default) => format!("${{{name}:-{}}}", interpolated(default)),
                None => format!("${{{name}:-}}"),
            }
        }
    });
    pieces.collect()
}

/// A line of such a file that a shell reads afterwards: the shell puts the same in.
pub(super) fn of_shell(text: &str) -> String {
    text.replace("$$", "$")
}

/// A word of such a file for a shell that is to pass it on as it is, with the variables put in before.
pub(super) fn quoted_for_shell(text: &str) -> String {
    let (mut word, mut open) = (String::new(), String::new());
    let close = |open: &mut String, word: &mut String| {
        if !open.is_empty() {
            *word += &format!("'{}'", std::mem::take(open).replace('\'', "'\\''"));
        }
    };
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => open += text,
            Piece::Dollar => open.push('$'),
            Piece::Variable(inside) => {
                close(&mut open, &mut word);
                word += &format!("\"${{{inside}}}\"");
            }
        }
    }
    close(&mut open, &mut word);
    if word.is_empty() { "''".into() } else { word }
}

/// Whether such a file puts something in.
pub(super) fn has_variables(text: &str) -> bool {
    pieces(text).any(|piece| matches!(piece, Piece::Variable(_)))
}

/// Whether such a file puts this variable in.
pub(super) fn puts_in(text: &str, variable: &str) -> bool {
    let named = |inside: &str| inside.split_once(":-").map_or(inside, |(name, _)| name) == variable;
    pieces(text).any(|piece| matches!(piece, Piece::Variable(inside) if named(inside)))
}

enum Piece<'t> {
    Text(&'t str),
    Dollar,
    /// What stands between the braces, or would.
    Variable(&'t str),
}

fn pieces(mut text: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let (piece, length) = first(text);
        text = text.get(length..).unwrap_or_default();
        Some(piece)
    })
}

fn first(text: &str) -> (Piece<'_>, usize) {
    if text.starts_with("$$") {
        return (Piece::Dollar, 2);
    }
    if let Some(inside) = braces(text) {
        return (Piece::Variable(inside), inside.len() + 3);
    }
    if let Some(rest) = text.strip_prefix('$') {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        if is_variable(name) {
            return (Piece::Variable(name), 1 + name.len());
        }
    }
    let end = text.char_indices().skip(1).find(|(_, c)| *c == '$').map_or(text.len(), |(at, _)| at);
    (Piece::Text(text.get(..end).unwrap_or(text)), end)
}

/// What stands in the `${…}` that the text begins with, with those inside of it counted.
fn braces(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("${")?;
    let (mut depth, mut before) = (1_usize, ' ');
    for (at, c) in inside.char_indices() {
        match c {
            '{' if before == '$' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return inside.get(..at);
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_mean_what_they_meant() {
        let text = "a ${B} ${C:-d} $E $$ $${F} ${f%x} 5$ $1";
        assert_eq!(literal("$1 ${B} $$"), "$$1 $${B} $$$$");
        assert_eq!(interpolated(text), "a ${B:-} ${C:-d} ${E:-} $$ $${F} $${f%x} 5$$ $$1");
        assert_eq!(interpolated("${B:-${f%x}$C} ${B:-${C}"), "${B:-$${f%x}${C:-}} $${B:-${C:-}");
        assert_eq!(of_shell(text), "a ${B} ${C:-d} $E $ ${F} ${f%x} 5$ $1");
        assert_eq!(quoted_for_shell("it's ${B:-x}$C/$$D"), r#"'it'\''s '"${B:-x}""${C}"'/$D'"#);
        assert_eq!(quoted_for_shell("a'\"b"), r#"'a'\''"b'"#);
        assert_eq!(quoted_for_shell("$B"), "\"${B}\"");
        assert!(puts_in("a ${B:-1}", "B") && puts_in("$B", "B") && !puts_in("$$B ${C}", "B"));
        assert!(has_variables("$B") && has_variables("${B}") && !has_variables("$$B 5$"));
    }
}
