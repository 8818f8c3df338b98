//! What somebody may do there, as the API server's own authorizer says.

use k8s_openapi::api::authorization::v1 as k8s;

use super::{ReadError, Reader, within};

/// What somebody may want to do, in KubeCube's terms. Empty text is "not given".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessQuestion {
    /// As `get` or `list`; `*` is all.
    pub verb: String,
    /// Empty: in all of them.
    pub namespace: String,
    /// Empty: the core group.
    pub api_group: String,
    /// Empty: any.
    pub api_version: String,
    /// As `pods`.
    pub resource: String,
    /// As `log`.
    pub subresource: String,
    /// Empty: any of them.
    pub name: String,
    /// The path of a request that is for no resource; then the rest but the verb does
    /// not count.
    pub path: Option<String>,
}

// === impl Reader ===

impl Reader {
    /// Whether the reader may do that.
    ///
    /// # Errors
    /// [`ReadError`] when the API server gives no answer.
    pub async fn may(&self, question: &AccessQuestion) -> Result<bool, ReadError> {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let verb = given(&question.verb);
        let spec = match &question.path {
            Some(path) => k8s::SelfSubjectAccessReviewSpec {
                non_resource_attributes: Some(k8s::NonResourceAttributes {
                    path: given(path),
                    verb,
                }),
                ..Default::default()
            },
            None => k8s::SelfSubjectAccessReviewSpec {
                resource_attributes: Some(k8s::ResourceAttributes {
                    verb,
                    namespace: given(&question.namespace),
                    group: given(&question.api_group),
                    version: given(&question.api_version),
                    resource: given(&question.resource),
                    subresource: given(&question.subresource),
                    name: given(&question.name),
                    ..Default::default()
                }),
                ..Default::default()
            },
        };
        let review = k8s::SelfSubjectAccessReview {
            spec,
            ..Default::default()
        };
        let body =
            serde_json::to_vec(&review).map_err(|error| ReadError::Failed(error.to_string()))?;
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer: k8s::SelfSubjectAccessReview = within(self.send("POST", path, body)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}
