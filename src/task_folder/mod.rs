//! The folders of tasks: all that touches `tasks/ triggers/ results/ heartbeats/ dlq/ orchestrator.json`. They are the queue
//! and the state, everything can be rebuilt from them, and everything in them can be moved and read by hand.
//!
//! Nothing is decided here: who claims, tries and buries what is up to `engine::tasks`. What is promised here is that each
//! step is whole or has not happened, that a claim, a result and a move overwrite nothing, and that what changes a queue
//! needs [`Owned`], which is had with the lock.
//!
//! A folder that the file names may be a link, since that is a choice of place; `.work` is ours and may not. Files that are
//! links, pipes or folders are passed over.

mod adding;
mod batches;
mod burials;
mod check;
mod claims;
mod details;
mod ended;
mod events;
mod folder;
mod generations;
mod hall;
mod layout;
mod leases;
mod letters;
mod listing;
mod named_letters;
mod names;
mod outcomes;
mod outside;
mod owned;
mod owner;
mod ownership;
mod predecessor;
mod requests;
mod table;
#[cfg(test)]
mod tests;
mod trouble;

pub use adding::Adder;
pub use batches::{EndedFiles, batches_of};
pub use check::check;
pub use details::details;
pub use ended::{Ended, Open, can_be_read, ended, is_worked_off, open_task};
pub use events::{FolderEvents, FolderNews};
pub use folder::{Contents, Moved};
pub use generations::Retried;
pub use hall::Hall;
pub use letters::EndTold;
pub use listing::{LARGEST_TASK, Pieces, Seen};
pub use named_letters::{NamedLetter, drop_letter, letter_named, retry_letter};
pub use outcomes::Outcome;
pub use outside::{
    FileCounts, aggregate, count_files, count_letters, dependency, has_queue, heartbeat_of, published,
    queues_of_nobody, workers_with_folders, workers_with_heartbeats,
};
pub use owned::{Claim, Owned, Renewed, letter_name};
pub use owner::Owner;
pub use ownership::{Access, Askers, Ownership, take_for_a_moment};
pub use requests::{Answers, Order, Request, ask_owner};
pub use table::{Listed, list};
pub use trouble::Trouble;
