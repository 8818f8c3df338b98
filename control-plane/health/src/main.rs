//! `cubegate-health [URL]`: exits with 0 when the URL is answered with 200, else with 1 and a
//! sentence. Without an argument `CUBEGATE_HEALTH_URL` says what is asked, and without that it is
//! the filter at the gateway's listener.
//!
//! `cubegate-health drain SECONDS [ADMIN]`: asks the clients of the Envoy with this admin page
//! (127.0.0.1:9901) to go elsewhere, and waits at most so long until they have gone.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use cubegate_health::{ADMIN, TIMEOUT, Url, UrlError, ask, drain};

/// What the filter answers by itself: an Envoy that has lost its filter does not live.
const DEFAULT_URL: &str = "https://127.0.0.1:30443/livez/filter";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    let asked = match first.as_deref() {
        Some("drain") => drained(arguments.next(), arguments.next()),
        _ => healthy(first),
    };
    match asked {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            let _ = writeln!(io::stderr(), "cubegate-health: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn drained(seconds: Option<String>, admin: Option<String>) -> Result<(), String> {
    let usage =
        "say for how many seconds, and perhaps where the admin page is: drain 30 127.0.0.1:9901";
    let seconds: u64 = seconds.and_then(|given| given.parse().ok()).ok_or(usage)?;
    let admin: SocketAddr = match admin {
        Some(given) => given.parse().map_err(|_| usage)?,
        None => ADMIN,
    };
    drain(admin, Duration::from_secs(seconds)).map_err(|error| error.to_string())
}

fn healthy(given: Option<String>) -> Result<(), String> {
    let url = given
        .or_else(|| std::env::var("CUBEGATE_HEALTH_URL").ok())
        .unwrap_or_else(|| DEFAULT_URL.to_owned());
    let url: Url = url.parse().map_err(|error: UrlError| error.to_string())?;
    ask(&url, TIMEOUT).map_err(|error| error.to_string())
}
