//! The pages of `devgroup help`.

use clap::CommandFactory;

use super::arguments::{Arguments, Topic};

/// The text of a page.
pub(super) fn page(topic: Option<Topic>) -> String {
    match topic {
        None => Arguments::command().render_long_help().to_string(),
        Some(Topic::Check) => match Arguments::command().find_subcommand_mut("check") {
            Some(check) => check.render_long_help().to_string(),
            None => page(None),
        },
        Some(Topic::Keys) => crate::tui::key_table_text(),
        Some(Topic::Config) => include_str!("../../assets/help/config.txt").into(),
        Some(Topic::Watch) => include_str!("../../assets/help/watch.txt").into(),
        Some(Topic::ExitCodes) => include_str!("../../assets/help/exit-codes.txt").into(),
    }
}
