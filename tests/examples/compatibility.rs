//! Prints `docs/compatibility.md` (`make generate`).

use std::io::{self, Write as _};

fn main() -> anyhow::Result<()> {
    let page = cubegate_tests::compatibility::page()?;
    io::stdout().write_all(page.as_bytes())?;
    Ok(())
}
