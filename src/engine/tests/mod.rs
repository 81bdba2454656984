//! The machine as a whole: scenarios in virtual time, and properties under random input.

mod cascades;
mod changes;
mod comparisons;
mod dependents;
mod driver;
mod eventual_content;
mod facts;
mod fixture;
mod git;
mod held_file;
mod holds;
mod limits;
mod liveness;
mod memory;
mod orders;
mod places;
mod ports;
mod properties;
mod reload;
mod replacements;
mod retries;
mod schedules;
mod shutdown;
mod starts;
mod stops;
mod validations;
