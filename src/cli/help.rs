//! The pages of `devgroup help`.

use clap::ValueEnum;

use super::arguments::{Arguments, Topic};
use super::exit_code::Failure;
use crate::app;
use crate::domain::visible;

/// The text of a page: of a topic, of a command, or of all.
pub(super) fn page(topic: Option<&str>) -> Result<String, Failure> {
    let mut command = Arguments::grammar();
    // So that what is global is told of each command.
    command.build();
    let Some(name) = topic else { return Ok(command.render_long_help().to_string()) };
    if let Ok(topic) = Topic::from_str(name, false) {
        return Ok(match topic {
            Topic::Keys => {
                if let (_, Some(problems)) = app::apply_preferences() {
                    super::print_message(problems.render(super::style()).trim_end());
                }
                app::key_table_text()
            }
            Topic::Config => include_str!("../../assets/help/config.txt").into(),
            Topic::Watch => include_str!("../../assets/help/watch.txt").into(),
            Topic::ExitCodes => include_str!("../../assets/help/exit-codes.txt").into(),
        });
    }
    match command.find_subcommand_mut(name) {
        Some(command) => Ok(command.render_long_help().to_string()),
        None => {
            let topics = Topic::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            let topics = topics.map(|topic| topic.get_name().to_owned()).collect::<Vec<_>>().join(", ");
            Err(Failure::Usage(format!("no help on `{}`\n  help: {topics}, or a command", visible(name))))
        }
    }
}
