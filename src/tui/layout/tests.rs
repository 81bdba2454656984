//! The table of sizes, tried over all sizes.
