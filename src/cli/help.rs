//! The pages of `devgroup help`.

use std::io;

use clap::ValueEnum;

use super::arguments::{Arguments, Topic};
use super::exit_code::Failure;
use super::guide;
use crate::app;
use crate::display::OutputStyle;
use crate::domain::visible;

/// Lines that are longer are hard to read.
const WIDEST: usize = 100;

/// The text of a page: of a topic, of a command (`task`, or `task add`), or of all.
pub(super) fn page(words: &[String]) -> Result<String, Failure> {
    let mut command = Arguments::grammar();
    // So that what is global is told of each command.
    command.build();
    let Some(name) = words.first() else { return Ok(command.render_long_help().to_string()) };
    if let (1, Ok(topic)) = (words.len(), Topic::from_str(name, false)) {
        // A command of the same name is explained behind the page.
        let of_command = command.find_subcommand_mut(name).map(|command| format!("\n{}", command.render_long_help()));
        return Ok(page_of(topic) + &of_command.unwrap_or_default());
    }
    let found = words.iter().try_fold(&mut command, |above, word| above.find_subcommand_mut(word));
    found.map(|command| command.render_long_help().to_string()).ok_or_else(|| {
        let topics = Topic::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let topics = topics.map(|topic| topic.get_name().to_owned()).collect::<Vec<_>>().join(", ");
        Failure::Usage(format!("no help on `{}`\n  help: {topics}, or a command", visible(&words.join(" "))))
    })
}

/// The page of a topic.
fn page_of(topic: Topic) -> String {
    let page = topic.page();
    let width = OutputStyle::of(&io::stdout()).columns.map_or(WIDEST, |columns| WIDEST.min(columns.into()));
    // The page has the keys as they are for everybody; here are those that this user has.
    let table = page.find("\n|").zip(page.rfind("|\n")).filter(|_| matches!(topic, Topic::Keys));
    let Some((before, after)) = table else { return guide::render(page, width) };
    if let (_, Some(problems)) = app::apply_preferences() {
        super::print_message(problems.render(super::style()).trim_end());
    }
    let (before, after) = (guide::render(&page[..before], width), guide::render(&page[after + 1..], width));
    format!("{before}\n{}\n{after}", app::key_table_text())
}
