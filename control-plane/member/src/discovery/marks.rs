//! Whether a cluster has something else than at the last reading: one small request that says
//! so, in the place of all documents.
//!
//! ```text
//! all in two documents (1.26 on) ─> /apis, now and then /api: If-None-Match ─> 304
//! one document a version         ─> /openapi/v2: If-None-Match, and one byte of it ─> 304
//!                                   and in turns /apis, where groups of other servers stand
//! neither gives an ETag          ─> /apis: that it has the same groups, at least
//! ```
//!
//! The old servers' OpenAPI document has all resources of the server and its own ETag, and
//! follows a new resource within two seconds. It is megabytes long and never read.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use tokio::time::{self, Instant};

use super::{CORE, Discoverer, GROUPS, Look, MAX_DOCUMENT_BYTES, USER_AGENT, document};
use crate::probe::{PROBE_TIMEOUT, ProbeError};

/// Where old servers tell everything at once.
const OPENAPI: &str = "/openapi/v2";

/// Of so many checks of a new server one asks for the core, which an upgrade alone changes, and
/// one for the version.
const ROUND: u32 = 10;

/// Longest ETag that is kept. Kubernetes' have 130 bytes.
const MAX_TAG_BYTES: usize = 256;

/// For digests that no server can foresee.
static DIGESTS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What a reading was of, for the next question whether it is still so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(Kind);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Kind {
    /// Nothing tells; that it is there is all that is asked.
    #[default]
    None,
    /// A digest of the list of groups, which tells of some changes.
    Groups(u64),
    /// The ETags of both documents.
    Whole {
        core: HeaderValue,
        groups: HeaderValue,
    },
    /// The OpenAPI document's ETag, and a digest of the list of groups.
    ByVersion { openapi: HeaderValue, groups: u64 },
}

/// What one check has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// How long the answer took.
    pub latency: Duration,
    /// Its version, if this check has asked for it.
    pub version: Option<String>,
    /// Whether it has something else, or does not answer as it did: it is to be read.
    pub changed: bool,
}

// === impl Marks ===

impl Marks {
    /// Returns whether a check tells of each change. Else only a reading does.
    pub fn tell(&self) -> bool {
        matches!(self.0, Kind::Whole { .. } | Kind::ByVersion { .. })
    }

    /// Of a server that tells all in two documents.
    pub(super) fn whole(core: Option<HeaderValue>, groups: Option<HeaderValue>) -> Self {
        let tags = core.zip(groups);
        tags.map_or_else(Self::default, |(core, groups)| {
            Self(Kind::Whole { core, groups })
        })
    }

    /// Of one that tells each version by itself.
    pub(super) fn by_version(openapi: Option<HeaderValue>, groups: u64) -> Self {
        Self(match openapi {
            Some(openapi) => Kind::ByVersion { openapi, groups },
            None => Kind::Groups(groups),
        })
    }
}

// === impl Discoverer ===

impl Discoverer {
    /// Asks whether it still has what it had at the reading that these marks are of. `turn`
    /// counts the checks since, which are not all about the same.
    ///
    /// # Errors
    /// As [`Self::look`], which it takes the place of.
    pub async fn check(&self, marks: &Marks, turn: u32) -> Result<Check, ProbeError> {
        let began = Instant::now();
        let ask = async {
            match &marks.0 {
                Kind::Whole { core, groups } => match turn % ROUND {
                    5 => self.is_still(CORE, document::ACCEPT_ROOT, core).await,
                    9 => Ok(None),
                    _ => self.is_still(GROUPS, document::ACCEPT_ROOT, groups).await,
                },
                Kind::ByVersion { openapi, groups } => match turn % 2 {
                    0 => self.is_still(OPENAPI, "*/*", openapi).await,
                    _ => self.has_groups(*groups).await,
                },
                Kind::Groups(groups) => self.has_groups(*groups).await,
                Kind::None => Ok(None),
            }
        };
        let asked = time::timeout(PROBE_TIMEOUT, ask).await;
        let latency = began.elapsed();
        let same = match asked {
            Ok(Ok(same)) => same,
            Ok(Err(error)) => return Err(self.said_better(error).await),
            Err(_) => {
                return Err(ProbeError::TimedOut {
                    server: self.server.to_string(),
                });
            }
        };
        let Some(same) = same else {
            let Look { version, latency } = self.look().await?;
            return Ok(Check {
                latency,
                // It has told one, or something else.
                changed: version.is_empty(),
                version: Some(version),
            });
        };
        Ok(Check {
            latency,
            version: None,
            changed: !same,
        })
    }

    /// The ETag of the OpenAPI document, if there is one; whatever fails, a reading does not
    /// need it.
    pub(super) async fn openapi(&self) -> Option<HeaderValue> {
        let asked = time::timeout(PROBE_TIMEOUT, self.ask(OPENAPI, "*/*", None));
        let answer = asked.await.ok()?.ok()?;
        let good = matches!(
            answer.status(),
            StatusCode::OK | StatusCode::PARTIAL_CONTENT
        );
        tag_of(answer.headers()).filter(|_| good)
    }

    async fn is_still(
        &self,
        path: &str,
        accept: &str,
        tag: &HeaderValue,
    ) -> Result<Option<bool>, ProbeError> {
        let answer = self.ask(path, accept, Some(tag)).await?;
        Ok(match answer.status() {
            StatusCode::NOT_MODIFIED => Some(true),
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => {
                Some(tag_of(answer.headers()).as_ref() == Some(tag))
            }
            _ => Some(false),
        })
    }

    async fn has_groups(&self, digest: u64) -> Result<Option<bool>, ProbeError> {
        let answer = self.ask(GROUPS, document::ACCEPT_ROOT, None).await?;
        if answer.status() != StatusCode::OK {
            return Ok(Some(false));
        }
        let body = http_body_util::Limited::new(answer.into_body(), MAX_DOCUMENT_BYTES);
        let body = body
            .collect()
            .await
            .map_err(|error| ProbeError::Connection {
                server: self.server.to_string(),
                reason: error.to_string(),
            })?;
        Ok(Some(digest_of(&body.to_bytes()) == digest))
    }

    /// Asks for what differs from the tag, and of a long document for one byte.
    async fn ask(
        &self,
        path: &str,
        accept: &str,
        tag: Option<&HeaderValue>,
    ) -> Result<http::Response<Body>, ProbeError> {
        let server = || self.server.to_string();
        let mut request = Request::get(path)
            .header(header::ACCEPT, accept)
            .header(header::USER_AGENT, USER_AGENT);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        if path == OPENAPI {
            request = request.header(header::RANGE, "bytes=0-0");
        }
        let request = request
            .body(Body::empty())
            .map_err(|error| ProbeError::Configuration {
                server: server(),
                reason: error.to_string(),
            })?;
        let answer = self.connection.client().send(request).await;
        let answer = answer.map_err(|error| ProbeError::from_kube(&server(), &error))?;
        match answer.status() {
            StatusCode::UNAUTHORIZED => Err(ProbeError::Unauthorized { server: server() }),
            _ => Ok(answer),
        }
    }
}

/// The ETag of an answer, if it can be sent back.
pub(super) fn tag_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let tag = headers.get(header::ETAG)?;
    (tag.len() <= MAX_TAG_BYTES && tag.len() > 2).then(|| tag.clone())
}

/// The same for the same bytes, in this process.
pub(super) fn digest_of(bytes: &[u8]) -> u64 {
    DIGESTS.hash_one(bytes)
}
