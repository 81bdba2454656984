//! The machine as a whole: scenarios in virtual time, and properties under random input.

mod changes;
mod driver;
mod fixture;
mod lifecycle;
mod properties;
mod reload;
mod shutdown;
