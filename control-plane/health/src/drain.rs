//! The end of an Envoy that others still send to: Kubernetes' `preStop`.
//!
//! SIGTERM ends an Envoy at once, with all requests that are under way, and a pod that ends is
//! sent new ones until everybody has heard of it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Error;

/// Envoy's admin page, where `cubegate bootstrap` puts it.
pub const ADMIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9901);

/// As long as balancers may go on sending new connections. They are taken meanwhile.
const UNHEARD: Duration = Duration::from_secs(5);

const PAUSE: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_secs(2);
const MAX_ANSWER: u64 = 64 << 10;

/// The requests under way at the gateway's listener.
const UNDER_WAY: &str = "http.gateway.downstream_rq_active: ";

/// Asks clients to go elsewhere (`Connection: close`, GOAWAY), goes on serving them, and returns
/// when no request is under way any more and nobody new is to be expected, or after `patience`.
///
/// # Errors
/// An Envoy that does not answer.
pub fn drain(admin: SocketAddr, patience: Duration) -> Result<(), Error> {
    let began = Instant::now();
    post(admin, "POST", "/drain_listeners?graceful&skip_exit")?;
    while began.elapsed() < patience {
        if began.elapsed() >= UNHEARD.min(patience) {
            let stats = post(
                admin,
                "GET",
                "/stats?filter=^http.gateway.downstream_rq_active$",
            )?;
            let active = stats.lines().find_map(|line| line.strip_prefix(UNDER_WAY));
            if active.is_none_or(|active| active.trim() == "0") {
                return Ok(());
            }
        }
        sleep(PAUSE);
    }
    Ok(())
}

fn post(admin: SocketAddr, method: &str, path: &str) -> Result<String, Error> {
    let url = || format!("http://{admin}{path}");
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&admin, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = ask().map_err(|cause| Error::NoAnswer { url: url(), cause })?;
    match answer.split(' ').nth(1) {
        Some("200") => Ok(answer),
        status => Err(Error::Status {
            url: url(),
            status: status.unwrap_or("nothing").to_owned(),
        }),
    }
}
