//! Scenarios in virtual time, and properties under random input.

mod arrivals;
mod asks;
mod dependencies;
mod fixture;
mod lives;
mod model;
mod properties;
mod retries;
mod server;
mod stops;
