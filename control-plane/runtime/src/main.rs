//! The cubegate binary.

fn main() {}
