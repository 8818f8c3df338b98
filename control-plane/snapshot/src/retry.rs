//! Which requests are sent a second time when their server did not answer.
//!
//! An API server that restarts, or that closes a connection as a request is on its
//! way, is no failure of the client's. What was never sent is sent again, whatever it
//! is; what may have arrived is repeated only where a repetition changes nothing.

use envoy_types::pb::envoy::config::route::v3 as rds;
use envoy_types::pb::envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate;
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher, string_matcher};

use crate::proto;

/// Nothing of the request has reached the server: no connection, a stream that it
/// refused (also behind its GOAWAY), or a connection that ended before anything was
/// written to it.
const UNSENT: &str = "reset-before-request,connect-failure,refused-stream";

/// The server has not answered a word.
const UNANSWERED: &str = "reset,reset-before-request,connect-failure,refused-stream";

/// How much of a request's body is kept for that, in bytes. A longer one goes through
/// as always, and is not sent again.
const KEPT_BODY_BYTES: u32 = 64 << 10;

/// Most requests to one cluster that wait for their second try at the same time; all
/// others of a server that is down fail at once.
pub(crate) const MAX_RETRIES: u32 = 1024;

/// Whether a request may be repeated although it may have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// A reading.
    Harmless,
    /// Everything else. Upgrades too, whatever their method: an exec runs a command.
    Unsafe,
}

// === impl Repeat ===

impl Repeat {
    pub(crate) const ALL: [Self; 2] = [Self::Harmless, Self::Unsafe];

    /// Returns what requests of a route of this kind have in common; `Unsafe` takes those that
    /// are left.
    pub(crate) fn matchers(self) -> Vec<rds::HeaderMatcher> {
        use rds::header_matcher::HeaderMatchSpecifier as Specifier;
        match self {
            Self::Unsafe => Vec::new(),
            Self::Harmless => vec![
                rds::HeaderMatcher {
                    name: ":method".to_owned(),
                    header_match_specifier: Some(Specifier::StringMatch(StringMatcher {
                        match_pattern: Some(string_matcher::MatchPattern::SafeRegex(
                            RegexMatcher {
                                regex: "GET|HEAD".to_owned(),
                                ..Default::default()
                            },
                        )),
                        ..Default::default()
                    })),
                    ..Default::default()
                },
                rds::HeaderMatcher {
                    name: "upgrade".to_owned(),
                    header_match_specifier: Some(Specifier::PresentMatch(true)),
                    invert_match: true,
                    ..Default::default()
                },
            ],
        }
    }

    pub(crate) fn policy(self) -> rds::RetryPolicy {
        let retry_on = match self {
            Self::Harmless => UNANSWERED,
            Self::Unsafe => UNSENT,
        };
        rds::RetryPolicy {
            retry_on: retry_on.to_owned(),
            num_retries: proto::number(1),
            // There may be several control planes.
            retry_host_predicate: vec![rds::retry_policy::RetryHostPredicate {
                name: "envoy.retry_host_predicates.previous_hosts".to_owned(),
                config_type: Some(
                    rds::retry_policy::retry_host_predicate::ConfigType::TypedConfig(
                        proto::pack_any(PreviousHostsPredicate::default()),
                    ),
                ),
            }],
            host_selection_retry_max_attempts: 3,
            ..Default::default()
        }
    }
}

/// See [`KEPT_BODY_BYTES`].
pub(crate) fn kept_body() -> Option<proto::UInt64Value> {
    Some(proto::UInt64Value {
        value: u64::from(KEPT_BODY_BYTES),
    })
}
