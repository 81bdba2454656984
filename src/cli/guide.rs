//! The pages of the guide, and the same pages as text for a terminal.
//!
//! A page is written once, in Markdown, for the web and for `devgroup help TOPIC`. Only what the pages use is known here:
//! headings, paragraphs, lists of one level, tables, code between fences, links, code and bold words.

use super::arguments::Topic;
use crate::display;

/// What is below a heading is indented by this.
const INDENT: &str = "  ";

/// The first column of a table is no wider than this. What is longer has a line of its own.
const FIRST_COLUMN: usize = 18;

/// A cell of a table that says nothing.
const NOTHING: &str = "–";

/// Code that is longer may go on in the next line.
const LONGEST_UNPARTED: usize = 30;

/// In the place of a blank that parts no words.
const NO_BREAK: &str = "\u{a0}";

impl Topic {
    /// The page, in Markdown.
    pub(super) fn page(self) -> &'static str {
        match self {
            Self::Keys => include_str!("../../assets/guide/keys.md"),
            Self::Config => include_str!("../../assets/guide/config.md"),
            Self::Instances => include_str!("../../assets/guide/instances.md"),
            Self::Jobs => include_str!("../../assets/guide/jobs.md"),
            Self::Workers => include_str!("../../assets/guide/workers.md"),
            Self::Files => include_str!("../../assets/guide/files.md"),
            Self::Watch => include_str!("../../assets/guide/watch.md"),
            Self::Schedules => include_str!("../../assets/guide/schedules.md"),
            Self::Terminals => include_str!("../../assets/guide/terminals.md"),
            Self::StructuredLogs => include_str!("../../assets/guide/structured-logs.md"),
            Self::Scripts => include_str!("../../assets/guide/scripts.md"),
            Self::Agents => include_str!("../../assets/guide/agents.md"),
            Self::Web => include_str!("../../assets/guide/web.md"),
            Self::Groups => include_str!("../../assets/guide/groups.md"),
            Self::Usage => include_str!("../../assets/guide/usage.md"),
            Self::History => include_str!("../../assets/guide/history.md"),
            Self::Alerts => include_str!("../../assets/guide/alerts.md"),
            Self::Metrics => include_str!("../../assets/guide/metrics.md"),
            Self::Export => include_str!("../../assets/guide/export.md"),
            Self::ExitCodes => include_str!("../../assets/guide/exit-codes.md"),
            Self::Ports => include_str!("../../assets/guide/ports.md"),
            Self::Troubleshooting => include_str!("../../assets/guide/troubleshooting.md"),
            Self::Benchmarks => include_str!("../../assets/guide/benchmarks.md"),
        }
    }
}

/// The paragraph for agents: what the page shows for an `AGENTS.md`, on a line for each sentence or two.
pub(super) fn for_agents() -> String {
    let text = blocks(Topic::Agents.page()).into_iter().filter_map(|block| match block {
        Block::Code(lines) => Some(lines.join("\n")),
        _ => None,
    });
    // The first block shows how the tools are added.
    text.skip(1).take(1).collect()
}

/// A part of a page.
#[derive(Debug, PartialEq)]
enum Block<'p> {
    Heading(&'p str),
    Code(Vec<&'p str>),
    /// The rows, the header first.
    Table(Vec<Vec<String>>),
    /// `- ` or `1. `, and the text.
    Item(&'p str, String),
    Paragraph(String),
}

/// A page as text of this width. Code is not cut and may be wider.
pub(super) fn render(page: &str, width: usize) -> String {
    let mut out = String::new();
    let mut in_list = false;
    for block in blocks(page) {
        let is_item = matches!(block, Block::Item(..));
        let stands_apart = !(in_list && is_item);
        if stands_apart && !out.is_empty() {
            out.push('\n');
        }
        in_list = is_item;
        match block {
            Block::Heading(text) => write_words(&mut out, "", "", &inline(text), width),
            Block::Code(lines) => {
                for line in lines {
                    out += format!("{INDENT}{INDENT}{line}").trim_end();
                    out.push('\n');
                }
            }
            Block::Table(rows) => write_table(&mut out, &rows, width),
            Block::Item(mark, text) => {
                let below = format!("{INDENT}{}", " ".repeat(mark.len()));
                write_words(&mut out, &format!("{INDENT}{mark}"), &below, &inline(&text), width);
            }
            Block::Paragraph(text) => write_words(&mut out, INDENT, INDENT, &inline(&text), width),
        }
    }
    out.replace(NO_BREAK, " ")
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            blocks.push(Block::Code(lines.by_ref().take_while(|line| !line.starts_with("```")).collect()));
        } else if line.starts_with('#') {
            blocks.push(Block::Heading(line.trim_start_matches('#').trim()));
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            // The line below the header only parts it from the rows.
            lines.next_if(|line| line.starts_with("|--"));
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(cells(row));
            }
            blocks.push(Block::Table(rows));
        } else if !line.is_empty() {
            let (mark, text) = item(line);
            let mut text = text.to_owned();
            while let Some(more) = lines.next_if(|line| continues(line)) {
                text.push(' ');
                text += more.trim();
            }
            blocks.push(if mark.is_empty() { Block::Paragraph(text) } else { Block::Item(mark, text) });
        }
    }
    blocks
}

/// The mark of a list item, empty if the line is none, and the text behind it.
fn item(line: &str) -> (&str, &str) {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let mark = match digits {
        0 if line.starts_with("- ") => 2,
        1.. if line[digits..].starts_with(". ") => digits + 2,
        _ => 0,
    };
    line.split_at(mark)
}

/// Whether the paragraph or the list item above goes on in this line.
fn continues(line: &str) -> bool {
    !line.is_empty() && !line.starts_with(['#', '|']) && !line.starts_with("```") && item(line).0.is_empty()
}

/// The cells of a row, in Markdown. `\|` is a `|` inside of a cell.
fn cells(row: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let row = row.trim().strip_prefix('|').unwrap_or(row);
    let mut rest = row.strip_suffix('|').unwrap_or(row).chars().peekable();
    let mut cell = String::new();
    while let Some(c) = rest.next() {
        match c {
            '|' => cells.push(std::mem::take(&mut cell)),
            '\\' => cell.push(rest.next_if_eq(&'|').unwrap_or(c)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// A table of two columns as a list of names with their texts. Of more columns, each row is a small list of its own.
fn write_table(out: &mut String, rows: &[Vec<String>], width: usize) {
    let [header, rows @ ..] = rows else { return };
    let name_of = |row: &Vec<String>| row.first().map(|name| inline(name).replace('`', "")).unwrap_or_default();
    let names = rows.iter().map(|row| display::width(&name_of(row)));
    let column = names.filter(|width| *width <= FIRST_COLUMN).max().unwrap_or(0);
    let below = format!("{INDENT}{}{INDENT}", " ".repeat(column));
    for row in rows {
        let name = name_of(row);
        match &row[1.min(row.len())..] {
            [text] if display::width(&name) <= column => {
                let pad = " ".repeat(column - display::width(&name));
                write_words(out, &format!("{INDENT}{name}{pad}{INDENT}"), &below, &inline(text), width);
            }
            [text] => {
                write_words(out, INDENT, INDENT, &name, width);
                write_words(out, &below, &below, &inline(text), width);
            }
            cells => {
                write_words(out, INDENT, INDENT, &name, width);
                let below = INDENT.repeat(3);
                for (title, cell) in header.iter().skip(1).zip(cells).filter(|(_, cell)| *cell != NOTHING) {
                    write_words(out, &INDENT.repeat(2), &below, &inline(&format!("{title}: {cell}")), width);
                }
            }
        }
    }
}

/// Words as lines of this width: what stands before the first line, and before those below it.
fn write_words(out: &mut String, first: &str, below: &str, text: &str, width: usize) {
    let mut line = first.to_owned();
    let mut is_begun = false;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if is_begun && display::width(&line) + 1 + display::width(word) > width {
            *out += line.trim_end();
            out.push('\n');
            line = below.to_owned();
        } else if is_begun {
            line.push(' ');
        }
        line += word;
        is_begun = true;
    }
    *out += line.trim_end();
    out.push('\n');
}

/// Short code stays on one line: blanks in it are no place to part words.
fn unparted(code: &str) -> String {
    if display::width(code) > LONGEST_UNPARTED { code.to_owned() } else { code.replace(' ', NO_BREAK) }
}

/// The text without the signs of Markdown. Code keeps its marks; a link to a page becomes the command that shows it.
fn inline(markdown: &str) -> String {
    let mut out = String::new();
    let mut rest = markdown;
    while let Some(at) = rest.find(['`', '*', '[']) {
        let (before, here) = rest.split_at(at);
        out += before;
        rest = if let Some(code) = here.strip_prefix('`')
            && let Some((code, after)) = code.split_once('`')
        {
            out += &format!("`{}`", unparted(code));
            after
        } else if let Some(after) = here.strip_prefix("**") {
            after
        } else if let Some((text, after)) = here.strip_prefix('[').and_then(|link| link.split_once("]("))
            && let Some((target, after)) = after.split_once(')')
        {
            out += text;
            if let Some((page, _)) = target.split_once(".md") {
                out += &format!(" ({})", unparted(&format!("`devgroup help {page}`")));
            } else if target.starts_with("http") {
                out += &format!(" ({target})");
            }
            after
        } else {
            out += &here[..1];
            &here[1..]
        };
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::cli::arguments::COMMANDS;
    use crate::cli::help;

    #[test]
    fn a_page_is_laid_out_as_text() {
        let page = "# What `a` does\n\nA **bold** word, `**/code` and\n[the rules](watch.md#the-rules) of [b](../b).\n\n\
                    - one item that is\n  longer\n- two\n\n1. first\n\n```sh\nrun --this   # as it is\n```\n\n\
                    | key | value |\n|---|---|\n| | **more** |\n| `a` | short |\n| `b`, `c` | `x \\| y` and some more words |\n| `a_name_of_twenty_cells` | t |\n\n\
                    | what | this | that |\n|---|---|---|\n| speed | 1 | 2 |\n";
        let expected = "What `a` does\n\n  A bold word, `**/code` and the rules\n  (`devgroup help watch`) of b.\n\n  \
                        - one item that is longer\n  - two\n  1. first\n\n    run --this   # as it is\n\n        more\n  \
                        a     short\n  b, c  `x | y` and some more words\n  a_name_of_twenty_cells\n        t\n\n  \
                        speed\n    this: 1\n    that: 2\n";
        assert_eq!(render(page, 40), expected);
    }

    #[test]
    fn each_page_is_wholly_text_and_fits_the_width() {
        for topic in Topic::value_variants() {
            for width in [40, 80, 200] {
                let text = render(topic.page(), width);
                assert!(!text.contains("](") && !text.contains("|--"), "{topic:?}: {text}");
                for line in text.lines().filter(|line| !line.starts_with("    ") && line.contains(' ')) {
                    let is_one_word = line.split_whitespace().count() == 1;
                    assert!(is_one_word || display::width(line) <= width, "{topic:?}: {line}");
                }
            }
        }
    }

    #[test]
    fn no_topic_hides_the_help_of_a_command() {
        for topic in Topic::value_variants().iter().filter_map(ValueEnum::to_possible_value) {
            let name = topic.get_name();
            let text = help::page(&[name.to_owned()]).unwrap();
            assert_eq!(text.contains("Usage: devgroup "), COMMANDS.contains(&name), "{name}: {text}");
        }
    }
}
