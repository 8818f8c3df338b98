//! Syslog (RFC 5424) over UDP (RFC 5426), TCP (RFC 6587, counted octets) or a socket of
//! this machine.
//!
//! Syslog has no answers: what a server loses, or a network on the way to it, is not
//! heard of here. A webhook that answers is the surer way.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use cubegate_store::Unsent;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};
use tokio::time::timeout;

use super::{Failure, Sink};
use crate::bootstrap::split_host_port;

/// How long connecting and sending a batch may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Facility 13, log audit, and severity 6, informational.
const PRIORITY: u8 = 13 * 8 + 6;

/// Where a syslog server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SyslogAddress {
    /// `udp://HOST:PORT`
    Udp(String, u16),
    /// `tcp://HOST:PORT`
    Tcp(String, u16),
    /// `unix://PATH`, a socket of datagrams as `/dev/log` is.
    Unix(PathBuf),
}

/// Sends a message for each record.
pub(crate) struct Syslog {
    address: SyslogAddress,
    host_name: String,
    connection: Option<Connection>,
}

enum Connection {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Unix(UnixDatagram),
}

// === impl SyslogAddress ===

impl FromStr for SyslogAddress {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            anyhow!(
                "write udp://HOST:PORT, tcp://HOST:PORT or unix://PATH, as udp://log.example:514"
            )
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        match scheme {
            "udp" | "tcp" => {
                let (host, port) = split_host_port(rest).map_err(|_| wrong())?;
                Ok(if scheme == "udp" {
                    Self::Udp(host, port)
                } else {
                    Self::Tcp(host, port)
                })
            }
            "unix" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            _ => Err(wrong()),
        }
    }
}

// === impl Syslog ===

impl Syslog {
    pub(crate) fn new(address: SyslogAddress) -> Self {
        let host_name = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Self {
            address,
            host_name: printable(&host_name),
            connection: None,
        }
    }

    async fn write(&mut self, records: &[Unsent]) -> anyhow::Result<()> {
        let messages = records
            .iter()
            .map(|record| message(record, &self.host_name));
        let messages: Vec<String> = messages.collect();
        let mut connection = match self.connection.take().filter(Connection::is_open) {
            Some(connection) => connection,
            None => connect(&self.address).await?,
        };
        match &mut connection {
            Connection::Tcp(stream) => {
                let mut bytes = String::new();
                for message in &messages {
                    write!(bytes, "{} {message}", message.len())?;
                }
                stream.write_all(bytes.as_bytes()).await?;
                stream.flush().await?;
            }
            Connection::Udp(socket) => {
                for message in &messages {
                    socket.send(message.as_bytes()).await?;
                }
            }
            Connection::Unix(socket) => {
                for message in &messages {
                    socket.send(message.as_bytes()).await?;
                }
            }
        }
        // One that has failed is made anew.
        self.connection = Some(connection);
        Ok(())
    }
}

impl Sink for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    async fn send(&mut self, records: &[Unsent]) -> Result<(), Failure> {
        match timeout(TIMEOUT, self.write(records)).await {
            Ok(sent) => sent.map_err(Failure::Away),
            Err(_) => Err(Failure::Away(anyhow!(
                "the syslog server takes nothing for {} s",
                TIMEOUT.as_secs()
            ))),
        }
    }
}

// === impl Connection ===

impl Connection {
    /// Returns whether the other side has not closed it: what is written then is lost without
    /// an error.
    fn is_open(&self) -> bool {
        match self {
            Self::Tcp(stream) => match stream.try_read(&mut [0; 64]) {
                Ok(read) => read > 0,
                Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
            },
            Self::Udp(_) | Self::Unix(_) => true,
        }
    }
}

async fn connect(address: &SyslogAddress) -> anyhow::Result<Connection> {
    let unreachable = "the syslog server cannot be reached";
    Ok(match address {
        SyslogAddress::Tcp(host, port) => Connection::Tcp(
            TcpStream::connect((host.as_str(), *port))
                .await
                .context(unreachable)?,
        ),
        SyslogAddress::Udp(host, port) => {
            let server = tokio::net::lookup_host((host.as_str(), *port))
                .await
                .context(unreachable)?
                .next()
                .context(unreachable)?;
            let any = if server.is_ipv6() {
                "[::]:0"
            } else {
                "0.0.0.0:0"
            };
            let socket = UdpSocket::bind(any).await?;
            socket.connect(server).await.context(unreachable)?;
            Connection::Udp(socket)
        }
        SyslogAddress::Unix(path) => Connection::Unix(unix(path).context(unreachable)?),
    })
}

fn unix(path: &Path) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    Ok(socket)
}

/// Returns the record's own time, and the whole record as the message.
fn message(record: &Unsent, host_name: &str) -> String {
    #[derive(Deserialize)]
    struct Timed {
        time: String,
    }
    let time =
        serde_json::from_str(&record.record).map_or_else(|_| "-".to_owned(), |Timed { time }| time);
    let process = std::process::id();
    format!(
        "<{PRIORITY}>1 {time} {host_name} cubegate {process} audit - \u{feff}{}",
        record.record
    )
}

/// Returns what may stand in a header of syslog; `-` for nothing.
fn printable(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(char::is_ascii_graphic)
        .take(255)
        .collect();
    if kept.is_empty() {
        "-".to_owned()
    } else {
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_the_way_and_the_place() {
        let parse = |text: &str| text.parse::<SyslogAddress>();
        assert_eq!(
            parse("udp://log.example:514").unwrap(),
            SyslogAddress::Udp("log.example".to_owned(), 514)
        );
        assert_eq!(
            parse("tcp://[::1]:601").unwrap(),
            SyslogAddress::Tcp("::1".to_owned(), 601)
        );
        assert_eq!(
            parse("unix:///dev/log").unwrap(),
            SyslogAddress::Unix("/dev/log".into())
        );
        for wrong in [
            "",
            "log:514",
            "udp://log",
            "http://log:1",
            "unix://log",
            "tls://a:1",
        ] {
            let said = parse(wrong).unwrap_err().to_string();
            assert!(said.contains("udp://HOST:PORT"), "{wrong}: {said}");
        }
    }

    #[test]
    fn a_message_has_the_records_time_and_holds_it_whole() {
        let record = Unsent {
            id: "1".to_owned(),
            record: r#"{"id":"1","time":"2026-11-25T06:10:11.123Z","verb":"get"}"#.to_owned(),
        };
        let process = std::process::id();
        assert_eq!(
            message(&record, "host"),
            format!(
                "<110>1 2026-11-25T06:10:11.123Z host cubegate {process} audit - \u{feff}{}",
                record.record
            )
        );
        assert_eq!(printable("a b\u{e4}"), "ab");
        assert_eq!(printable(""), "-");
    }
}
