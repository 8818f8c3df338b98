//! Whether the gateway's credential may act as its users.

use k8s_openapi::api::authorization::v1 as k8s;
use kube::api::{Api, PostParams};
use tokio::time;

use crate::probe::PROBE_TIMEOUT;

/// Warnings about what the credential may not do; empty when it may impersonate
/// every user and group. (A role limited by `resourceNames` looks like one that
/// may not: an API server can only be asked about all names or one.)
pub(super) async fn impersonation(client: kube::Client) -> Vec<String> {
    let answers = time::timeout(PROBE_TIMEOUT, async {
        let mut denied = Vec::new();
        for resource in ["users", "groups"] {
            if !may_impersonate(&client, resource).await? {
                denied.push(resource);
            }
        }
        Ok::<_, kube::Error>(denied)
    })
    .await;
    match answers {
        Ok(Ok(denied)) if denied.is_empty() => Vec::new(),
        Ok(Ok(denied)) => vec![format!(
            "the credential may not impersonate {}, so requests through the gateway will be refused; bind its user to a ClusterRole with the verb impersonate on users and groups",
            denied.join(" and ")
        )],
        Ok(Err(_)) | Err(_) => vec![
            "the API server does not say whether the credential may impersonate users and groups, which the gateway needs"
                .to_owned(),
        ],
    }
}

async fn may_impersonate(client: &kube::Client, resource: &str) -> Result<bool, kube::Error> {
    let review = k8s::SelfSubjectAccessReview {
        spec: k8s::SelfSubjectAccessReviewSpec {
            resource_attributes: Some(k8s::ResourceAttributes {
                verb: Some("impersonate".to_owned()),
                resource: Some(resource.to_owned()),
                ..k8s::ResourceAttributes::default()
            }),
            ..k8s::SelfSubjectAccessReviewSpec::default()
        },
        ..k8s::SelfSubjectAccessReview::default()
    };
    let api: Api<k8s::SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = api.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
