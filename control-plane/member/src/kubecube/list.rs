//! Lists of custom resources, page by page.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::api::ListParams;
use kube::client::Body;
use kube::core::Request;
use serde::Deserialize;
use serde_json::Value;
use tokio::time;

use crate::client;
use crate::kubecube::KubeCubeError;
use crate::probe::ProbeError;

/// Objects per page: a few hundred kilobytes, since an object holds a kubeconfig
/// at most.
const PAGE: u32 = 100;

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
struct ListChunk {
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
        let path = format!("/apis/{group}/v1/{plural}");
        let mut params = ListParams::default().limit(PAGE);
        let mut items = Vec::new();
        loop {
            let page = time::timeout(PAGE_TIMEOUT, self.page(&path, &params, &resource))
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
                Some(place) if params.continue_token.as_ref() != Some(&place) => {
                    params.continue_token = Some(place);
                }
                Some(_) => return Err(self.no_list(&resource, "its pages do not end")),
                None => return Ok(items),
            }
        }
    }

    async fn page(
        &self,
        path: &str,
        params: &ListParams,
        resource: &str,
    ) -> Result<ListChunk, KubeCubeError> {
        let mut request = Request::new(path)
            .list(params)
            .map_err(|error| self.no_list(resource, &error.to_string()))?;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::ACCEPT, json);
        let answer = self
            .client
            .send(request.map(Body::from))
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
        let body = answer.into_body().collect().await;
        let body = body.map_err(|error| self.no_list(resource, &client::innermost(&error)))?;
        // Serde's message could quote what it read, and objects hold secrets.
        serde_json::from_slice(&body.to_bytes())
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
