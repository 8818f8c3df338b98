//! What somebody may do there, as the API server's own authorizer says.

use k8s_openapi::api::authorization::v1 as k8s;
use kube::api::{Api, PostParams};

use super::{MemberClient, ReadError, within};

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

// === impl MemberClient ===

impl MemberClient {
    /// Returns whether the reader may do that.
    ///
    /// # Errors
    /// [`ReadError`] when the API server gives no answer.
    pub async fn may(&self, question: &AccessQuestion) -> Result<bool, ReadError> {
        let answer = question.ask(&self.client);
        within(async { answer.await.map_err(ReadError::from_kube) }).await
    }
}

// === impl AccessQuestion ===

impl AccessQuestion {
    /// Asks the API server's authorizer about whoever the client is.
    pub(crate) async fn ask(&self, client: &kube::Client) -> Result<bool, kube::Error> {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let verb = given(&self.verb);
        let mut review = k8s::SelfSubjectAccessReview::default();
        if let Some(path) = &self.path {
            review.spec.non_resource_attributes = Some(k8s::NonResourceAttributes {
                path: given(path),
                verb,
            });
        } else {
            review.spec.resource_attributes = Some(k8s::ResourceAttributes {
                verb,
                namespace: given(&self.namespace),
                group: given(&self.api_group),
                version: given(&self.api_version),
                resource: given(&self.resource),
                subresource: given(&self.subresource),
                name: given(&self.name),
                ..Default::default()
            });
        }
        let api: Api<k8s::SelfSubjectAccessReview> = Api::all(client.clone());
        let answer = api.create(&PostParams::default(), &review).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}
