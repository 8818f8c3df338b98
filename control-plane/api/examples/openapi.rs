//! Prints the OpenAPI document of the control plane (`make generate`).

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    io::stdout().write_all(cubegate_api::openapi().as_bytes())
}
