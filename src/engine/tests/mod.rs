//! The machine as a whole: scenarios in virtual time, and properties under random input.

mod changes;
mod driver;
mod fixture;
mod properties;
mod reload;
mod retries;
mod shutdown;
mod starts;
mod stops;
