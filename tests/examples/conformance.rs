//! Prints `docs/conformance.md` (`make generate`).

use std::io::{self, Write as _};

fn main() -> anyhow::Result<()> {
    let page = cubegate_tests::conformance::page()?;
    io::stdout().write_all(page.as_bytes())?;
    Ok(())
}
