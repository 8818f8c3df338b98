//! Lists of custom resources, page by page.

use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kube::client::Body;
use serde::Deserialize;
use serde_json::Value;
use tokio::time;

use crate::kubecube::KubeCubeError;
use crate::probe::ProbeError;

/// Objects per page: a few hundred kilobytes, since an object holds a kubeconfig
/// at most.
const PAGE: usize = 100;

/// Longest answer. An object cannot be larger than 1.5 MiB (etcd's limit).
pub(super) const MAX_PAGE_BYTES: usize = 160 * 1024 * 1024;

/// Most objects of one kind, so that a server that always has one more page
/// cannot fill the memory.
const MAX_OBJECTS: usize = 100_000;

/// How long one page may take.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// What lists come from.
pub(super) struct Reader {
    client: kube::Client,
    server: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    items: Vec<Value>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(client: kube::Client, server: String) -> Self {
        Self { client, server }
    }

    /// Everything in a collection of version `v1`.
    pub(super) async fn list(
        &self,
        group: &str,
        plural: &str,
    ) -> Result<Vec<Value>, KubeCubeError> {
        let resource = format!("{plural}.{group}");
        let mut items = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("limit", &PAGE.to_string());
            if let Some(next) = &next {
                query.append_pair("continue", next);
            }
            let path = format!("/apis/{group}/v1/{plural}?{}", query.finish());
            let page = time::timeout(PAGE_TIMEOUT, self.page(&path, &resource))
                .await
                .map_err(|_| ProbeError::Connection {
                    server: self.server.clone(),
                    reason: format!("no answer within {} seconds", PAGE_TIMEOUT.as_secs()),
                })??;
            items.extend(page.items);
            if items.len() > MAX_OBJECTS {
                return Err(KubeCubeError::TooMany {
                    resource,
                    max: MAX_OBJECTS,
                });
            }
            match page.metadata.next.filter(|next| !next.is_empty()) {
                // The same place again would never end.
                Some(place) if next.as_ref() != Some(&place) => next = Some(place),
                Some(_) => return Err(self.no_list(&resource, "its pages do not end")),
                None => return Ok(items),
            }
        }
    }

    async fn page(&self, path: &str, resource: &str) -> Result<Page, KubeCubeError> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(path)
            .header(http::header::ACCEPT, "application/json")
            .body(Body::empty())
            .map_err(|error| self.no_list(resource, &error.to_string()))?;
        let answer = self
            .client
            .send(request)
            .await
            .map_err(|error| ProbeError::from_kube(&self.server, &error))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => {
                return Err(KubeCubeError::Server(ProbeError::Unauthorized {
                    server: self.server.clone(),
                }));
            }
            StatusCode::FORBIDDEN => {
                return Err(KubeCubeError::Forbidden {
                    server: self.server.clone(),
                    resource: resource.to_owned(),
                });
            }
            StatusCode::NOT_FOUND => {
                return Err(KubeCubeError::NoSuchResource {
                    server: self.server.clone(),
                    resource: resource.to_owned(),
                });
            }
            StatusCode::GONE => {
                return Err(KubeCubeError::Expired {
                    resource: resource.to_owned(),
                });
            }
            status => {
                let reason = format!("it gives {}", status.as_u16());
                return Err(self.no_list(resource, &reason));
            }
        }
        let body = Limited::new(answer.into_body(), MAX_PAGE_BYTES)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    self.no_list(resource, "the answer is too long")
                } else {
                    KubeCubeError::Server(ProbeError::Connection {
                        server: self.server.clone(),
                        reason: error.to_string(),
                    })
                }
            })?
            .to_bytes();
        // Serde's message could quote what it read, and objects hold secrets.
        serde_json::from_slice(&body)
            .map_err(|_| self.no_list(resource, "the answer has another form"))
    }

    fn no_list(&self, resource: &str, reason: &str) -> KubeCubeError {
        KubeCubeError::NoList {
            server: self.server.clone(),
            resource: resource.to_owned(),
            reason: reason.to_owned(),
        }
    }
}
