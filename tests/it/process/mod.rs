//! The process adapter with real processes: starting, ending, signals, output, readiness.

#[cfg(test)]
mod attempts;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod input;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod liveness;
#[cfg(test)]
mod output;
#[cfg(test)]
mod readiness;
#[cfg(test)]
mod run_lifecycle;
#[cfg(test)]
mod signals;
