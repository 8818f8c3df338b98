//! How long clients' connections may take, and who says where clients are.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, value_parser};
use cubegate_filter_config::{MAX_REQUEST_HEAD_KIB, SEND_TIMEOUT_SECONDS};
use cubegate_snapshot::{AddressRange, ConnectionTimes};

/// Times of connections, and the proxies before the gateway.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connections")]
pub(crate) struct ConnectionArgs {
    /// How long a connection may be without a request, and a bounded request without a byte, in seconds
    #[arg(
        long, env = "CUBEGATE_IDLE_TIMEOUT", value_name = "SECONDS", default_value_t = 300,
        value_parser = value_parser!(u64).range(5..=86_400)
    )]
    pub(crate) idle_timeout: u64,

    /// How long a request may take from its first byte to its last, in seconds; 0 is for ever
    #[arg(
        long, env = "CUBEGATE_REQUEST_TIMEOUT", value_name = "SECONDS", default_value_t = 300,
        value_parser = value_parser!(u64).range(0..=86_400)
    )]
    pub(crate) request_timeout: u64,

    /// How long a client may take nothing of its answer, in seconds; then its connection is closed
    #[arg(
        long, env = "CUBEGATE_SEND_TIMEOUT", value_name = "SECONDS",
        default_value_t = SEND_TIMEOUT_SECONDS, value_parser = value_parser!(u64).range(5..=3_600)
    )]
    pub(crate) send_timeout: u64,

    /// How long the request line and the headers of a request may be together, in KiB
    #[arg(
        long, env = "CUBEGATE_MAX_REQUEST_HEAD", value_name = "KIB",
        default_value_t = MAX_REQUEST_HEAD_KIB as u64, value_parser = value_parser!(u64).range(8..=448)
    )]
    pub(crate) max_request_head: u64,

    /// How old a connection may become, in seconds; then it ends with the last of its requests and watches
    #[arg(
        long, env = "CUBEGATE_CONNECTION_LIFETIME", value_name = "SECONDS", default_value_t = 3_600,
        value_parser = value_parser!(u64).range(10..=31_536_000)
    )]
    pub(crate) connection_lifetime: u64,

    /// How many proxies before the gateway are believed in X-Forwarded-For; 0 when clients connect by themselves
    #[arg(
        long, env = "CUBEGATE_TRUSTED_HOPS", value_name = "NUMBER", default_value_t = 0,
        value_parser = value_parser!(u32).range(0..=16)
    )]
    pub(crate) trusted_hops: u32,

    /// From where load balancers connect that speak the PROXY protocol (10.0.0.0/8), may be given several times; nobody else can connect then
    #[arg(
        long,
        env = "CUBEGATE_PROXY_PROTOCOL",
        value_name = "RANGE",
        value_delimiter = ','
    )]
    pub(crate) proxy_protocol: Vec<AddressRange>,

    #[command(flatten)]
    pub(crate) system_ca: SystemCaArgs,
}

/// Whom the system trusts.
#[derive(Debug, Clone, Args)]
pub(crate) struct SystemCaArgs {
    /// The CA bundle for clusters whose kubeconfig has none, PEM; the system's own when absent
    #[arg(long, env = "CUBEGATE_SYSTEM_CA", value_name = "FILE")]
    pub(crate) system_ca: Option<PathBuf>,
}

// === impl ConnectionArgs ===

impl ConnectionArgs {
    /// Returns how long the head of a request may be, in bytes.
    pub(crate) fn max_request_head_bytes(&self) -> usize {
        usize::try_from(self.max_request_head << 10).unwrap_or(usize::MAX)
    }

    /// Returns how long what may take.
    pub(crate) fn times(&self) -> ConnectionTimes {
        ConnectionTimes {
            idle: Duration::from_secs(self.idle_timeout),
            request: Duration::from_secs(self.request_timeout),
            send: Duration::from_secs(self.send_timeout),
            lifetime: Duration::from_secs(self.connection_lifetime),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        connections: ConnectionArgs,
    }

    fn parse(line: &[&str]) -> Result<ConnectionArgs, String> {
        Line::try_parse_from(std::iter::once(&"test").chain(line))
            .map(|line| line.connections)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_said_is_the_default_of_the_listener_and_clients_by_themselves() {
        let args = parse(&[]).unwrap();
        assert_eq!(args.times(), ConnectionTimes::default());
        assert_eq!((args.trusted_hops, args.proxy_protocol.len()), (0, 0));
    }

    #[test]
    fn ranges_are_listed_and_what_is_none_is_refused_in_words() {
        let args = parse(&[
            "--proxy-protocol=10.0.0.0/8,192.0.2.1",
            "--proxy-protocol=::1",
        ]);
        assert_eq!(args.unwrap().proxy_protocol.len(), 3);
        let error = parse(&["--proxy-protocol=everybody"]).unwrap_err();
        assert!(error.contains("is no range of addresses"), "{error}");
    }
}
