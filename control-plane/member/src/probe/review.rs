//! Whether the gateway's credential may act as its users, and as nobody else.

use std::collections::BTreeSet;

use k8s_openapi::api::authorization::v1 as k8s;
use kube::api::{Api, PostParams};
use tokio::time;

use super::rights::{Names, Rights};
use crate::AccessQuestion;
use crate::probe::PROBE_TIMEOUT;

/// Whose members are administrators of every cluster, whatever its roles say.
const MASTERS_GROUP: &str = "system:masters";

/// Any namespace will do: what is looked for holds in all of them.
const NAMESPACE: &str = "default";

/// How many names a warning tells, and how many groups are asked for one by one where the
/// API server does not tell all of its rules.
const MOST_NAMES: usize = 16;

const MANIFEST: &str = "the role that `cubegate cluster manifest` prints";

/// Warnings about what the credential may not do although the gateway needs it, and about
/// what it may do beyond. `groups` are those that users of the gateway are in.
pub(super) async fn credential(client: kube::Client, groups: &BTreeSet<String>) -> Vec<String> {
    match time::timeout(PROBE_TIMEOUT, warnings(&client, groups)).await {
        Ok(Ok(warnings)) => warnings,
        Ok(Err(_)) | Err(_) => vec![
            "the API server does not say whether the credential may impersonate users and groups, which the gateway needs"
                .to_owned(),
        ],
    }
}

async fn warnings(
    client: &kube::Client,
    groups: &BTreeSet<String>,
) -> Result<Vec<String>, kube::Error> {
    let mut rights = rights(client).await?;
    if !rights.complete {
        complete(client, groups, &mut rights).await?;
    }
    let mut warnings = Vec::new();
    let lacking: Vec<&str> = [("users", &rights.users), ("groups", &rights.groups)]
        .into_iter()
        .filter(|(_, names)| names.is_none())
        .map(|(resource, _)| resource)
        .collect();
    if !lacking.is_empty() {
        warnings.push(format!(
            "the credential may not impersonate {}, so requests through the gateway will be refused; bind its user to {MANIFEST}",
            lacking.join(" and ")
        ));
    } else if let Some(missing) = rights.groups.missing(groups) {
        warnings.push(format!(
            "the credential may not impersonate the {} {}, so requests of their members will be refused; name them with --group of `cubegate cluster manifest`",
            if missing.len() == 1 { "group" } else { "groups" },
            some(missing.iter().map(String::as_str))
        ));
    }
    if rights.groups.holds(MASTERS_GROUP) {
        warnings.push(format!(
            "the credential may impersonate the group {MASTERS_GROUP}, so whoever gets hold of it is an administrator of the cluster; {MANIFEST} names the groups that the gateway needs"
        ));
    }
    if !rights.more.is_empty() {
        warnings.push(format!(
            "the credential has rights of its own ({}), which the gateway does not need and whoever gets hold of it has; give it {MANIFEST} and nothing else",
            some(rights.more.iter().map(String::as_str))
        ));
    }
    Ok(warnings)
}

/// Everything that the API server's authorizers tell of the credential.
async fn rights(client: &kube::Client) -> Result<Rights, kube::Error> {
    let review = k8s::SelfSubjectRulesReview {
        spec: k8s::SelfSubjectRulesReviewSpec {
            namespace: Some(NAMESPACE.to_owned()),
        },
        ..Default::default()
    };
    let api: Api<k8s::SelfSubjectRulesReview> = Api::all(client.clone());
    let answer = api.create(&PostParams::default(), &review).await?;
    Ok(answer.status.as_ref().map(Rights::of).unwrap_or_default())
}

/// An authorizer that cannot tell its rules (a webhook) can still be asked.
async fn complete(
    client: &kube::Client,
    groups: &BTreeSet<String>,
    rights: &mut Rights,
) -> Result<(), kube::Error> {
    let may = async |verb: &str, group: &str, resource: &str, name: &str| {
        let question = AccessQuestion {
            verb: verb.to_owned(),
            api_group: group.to_owned(),
            resource: resource.to_owned(),
            name: name.to_owned(),
            ..AccessQuestion::default()
        };
        question.ask(client).await
    };
    if may("impersonate", "", "users", "").await? {
        rights.users = Names::All;
    }
    if may("impersonate", "", "groups", "").await? {
        rights.groups = Names::All;
    } else {
        let asked = groups.iter().map(String::as_str).take(MOST_NAMES);
        for group in asked.chain([MASTERS_GROUP]) {
            if !rights.groups.holds(group) && may("impersonate", "", "groups", group).await? {
                rights.groups.add(group);
            }
        }
    }
    for (verb, group, resource) in [("*", "*", "*"), ("get", "", "secrets")] {
        if may(verb, group, resource, "").await? {
            rights.more.insert(format!("{verb} {resource}"));
        }
    }
    Ok(())
}

/// Returns the first of them, and how many more there are.
fn some<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let mut text = names.take(MOST_NAMES).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
