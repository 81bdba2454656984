//! Scenarios in virtual time, and properties under random input.

mod fixture;
mod lives;
