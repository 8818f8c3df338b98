//! Asks a server of this machine whether it lives: the health check of the images, which have
//! neither a shell nor curl.
//!
//! ```text
//! HEALTHCHECK ─> cubegate health    ─┐
//!             ─> cubegate-health    ─┴─> GET https://127.0.0.1:PORT/livez ─> 200, or a sentence
//! ```
//!
//! The first is the control plane's, a subcommand of its binary; the second a program of its own
//! for Envoy's image, which has no other one of ours.
//!
//! Only loopback addresses are asked, and certificates are not verified there, as kubelet does
//! not verify them either: nothing secret is sent, whoever can listen there is in the container
//! already, and the name in a listener's certificate is the clients' business. Who asks an Envoy
//! otherwise, as the control plane does, takes the way to TLS from here ([`client_config`]).

mod drain;
mod tls;
mod url;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use thiserror::Error;

pub use self::drain::{ADMIN, drain};
pub use self::tls::client_config;
pub use self::url::{Url, UrlError};

/// How long a question may take unless said otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(3);

/// More of a status line is nobody's.
const MAX_STATUS_LINE: usize = 256;

/// Why a server does not live, as far as can be seen.
#[derive(Debug, Error)]
pub enum Error {
    /// Nobody there, or somebody who does not talk.
    #[error("{url} does not answer: {cause}; see the log of what should listen there")]
    NoAnswer {
        /// What was asked.
        url: String,
        /// What the connection said.
        cause: io::Error,
    },
    /// Another status than 200.
    #[error("{url} answers {status}, not 200; see the log of what listens there")]
    Status {
        /// What was asked.
        url: String,
        /// What came.
        status: String,
    },
}

/// Sends a GET, and returns when the answer is a 200. The whole takes no longer than about
/// `timeout` for each of connection, handshake and answer.
///
/// # Errors
/// No answer within the time, or another one.
pub fn ask(url: &Url, timeout: Duration) -> Result<(), Error> {
    let status = status(url, timeout).map_err(|cause| Error::NoAnswer {
        url: url.to_string(),
        cause,
    })?;
    if status == "200" {
        Ok(())
    } else {
        Err(Error::Status {
            url: url.to_string(),
            status,
        })
    }
}

fn status(url: &Url, timeout: Duration) -> io::Result<String> {
    let deadline = Instant::now() + timeout;
    let stream = TcpStream::connect_timeout(&url.address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    if url.is_tls {
        exchange(url, tls::client(url.address.ip(), stream)?, deadline)
    } else {
        exchange(url, stream, deadline)
    }
}

/// Sends the request and returns the three digits of the answer.
fn exchange(url: &Url, mut stream: impl Read + Write, deadline: Instant) -> io::Result<String> {
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: cubegate-health\r\nConnection: close\r\n\r\n",
        url.path
    );
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < MAX_STATUS_LINE && !line.ends_with(b"\r\n") {
        if Instant::now() > deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if stream.read(&mut byte)? == 0 {
            break;
        }
        line.extend(byte);
    }
    let line = String::from_utf8_lossy(&line);
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1))
        .map(str::trim_end);
    status
        .filter(|status| status.len() == 3)
        .map(str::to_owned)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer"))
}

#[cfg(test)]
mod tests;
