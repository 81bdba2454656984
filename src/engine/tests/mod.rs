//! The machine as a whole: scenarios in virtual time, and properties under random input.

mod cascades;
mod changes;
mod comparisons;
mod dependents;
mod driver;
mod elsewhere;
mod eventual_content;
mod facts;
mod fixture;
mod git;
mod holds;
mod inputs;
mod limits;
mod liveness;
mod orders;
mod properties;
mod reload;
mod replacements;
mod retries;
mod shutdown;
mod starts;
mod stops;
mod validations;
