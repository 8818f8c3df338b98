//! What is asked of a cluster before a caller may be somebody else there.

use cubegate_kube::ResourceInfo;
use serde::{Deserialize, Serialize};

use super::Impersonation;
use crate::call::CallAnswer;

/// The verb in the cluster's rules.
const IMPERSONATE: &str = "impersonate";

/// The group of `uids` and `userextras`.
const AUTHENTICATION: (&str, &str) = ("authentication.k8s.io", "v1");

/// What the name of a service account's user begins with; its namespace and its own name follow.
const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// Longest namespace (RFC 1123 label) and longest name of a service account (subdomain).
const MAX_LABEL_BYTES: usize = 63;
const MAX_SUBDOMAIN_BYTES: usize = 253;

/// Longest reason of an API server that is repeated, in characters.
const MAX_REASON_CHARS: usize = 512;

/// What an API server says to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    /// With the reason that it gives, which may be empty.
    Denied(String),
    /// It does not say.
    Unknown,
}

#[derive(Serialize)]
struct Review<'a> {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    spec: Spec<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    resource_attributes: Attributes<'a>,
}

#[derive(Serialize)]
struct Attributes<'a> {
    verb: &'a str,
    group: &'a str,
    version: &'a str,
    resource: &'a str,
    subresource: &'a str,
    namespace: &'a str,
    name: &'a str,
}

#[derive(Deserialize)]
struct Reviewed {
    kind: String,
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    allowed: bool,
    #[serde(default)]
    denied: bool,
    #[serde(default)]
    reason: Option<String>,
}

// === impl Impersonation ===

impl Impersonation {
    /// Returns what the caller must be allowed to do, in the order in which it is asked.
    pub(crate) fn questions(&self) -> Vec<ResourceInfo> {
        let user = match service_account(&self.user) {
            Some((namespace, name)) => ResourceInfo {
                namespace: namespace.to_owned(),
                ..named("serviceaccounts", name)
            },
            None => named("users", &self.user),
        };
        let groups = self.groups.iter().map(|group| named("groups", group));
        let extras = self.extras.iter().map(|extra| ResourceInfo {
            subresource: extra.key.clone(),
            ..of_authentication("userextras", &extra.value)
        });
        let uid = self.uid.iter().map(|uid| of_authentication("uids", uid));
        let mut questions = vec![user];
        questions.extend(groups.chain(extras).chain(uid));
        questions
    }
}

/// Returns the body of the review that asks this for whoever sends it.
pub(crate) fn review(question: &ResourceInfo) -> Vec<u8> {
    let review = Review {
        kind: "SelfSubjectAccessReview",
        api_version: "authorization.k8s.io/v1",
        spec: Spec {
            resource_attributes: Attributes {
                verb: question.verb,
                group: &question.group,
                version: &question.version,
                resource: &question.resource,
                subresource: &question.subresource,
                namespace: &question.namespace,
                name: &question.name,
            },
        },
    };
    // Plain strings always serialise.
    serde_json::to_vec(&review).unwrap_or_default()
}

/// Returns what the answer to a review says.
pub(crate) fn verdict(answer: &CallAnswer) -> Verdict {
    if !matches!(answer.status, Some(200 | 201)) {
        return Verdict::Unknown;
    }
    let Ok(Reviewed { kind, status }) = serde_json::from_slice(&answer.body) else {
        return Verdict::Unknown;
    };
    match status {
        _ if kind != "SelfSubjectAccessReview" => Verdict::Unknown,
        Status {
            allowed: true,
            denied: false,
            ..
        } => Verdict::Allowed,
        Status { reason, .. } => {
            let reason = reason.unwrap_or_default();
            Verdict::Denied(reason.chars().take(MAX_REASON_CHARS).collect())
        }
    }
}

fn named(resource: &str, name: &str) -> ResourceInfo {
    ResourceInfo {
        verb: IMPERSONATE,
        resource: resource.to_owned(),
        name: name.to_owned(),
        ..ResourceInfo::default()
    }
}

fn of_authentication(resource: &str, name: &str) -> ResourceInfo {
    let (group, version) = AUTHENTICATION;
    ResourceInfo {
        group: group.to_owned(),
        version: version.to_owned(),
        ..named(resource, name)
    }
}

/// Returns namespace and name of the service account whose user this is
/// (`SplitUsername` in `k8s.io/apiserver/pkg/authentication/serviceaccount`).
fn service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    let is_namespace = namespace.len() <= MAX_LABEL_BYTES && is_label(namespace);
    let is_name = name.len() <= MAX_SUBDOMAIN_BYTES && name.split('.').all(is_label);
    (is_namespace && is_name).then_some((namespace, name))
}

/// Returns whether it is a label of RFC 1123, in lower case and of any length.
fn is_label(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = text.bytes().next().zip(text.bytes().last());
    ends.is_some_and(|(first, last)| is_plain(first) && is_plain(last))
        && text.bytes().all(|byte| is_plain(byte) || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Headers;

    fn asked(pairs: &[(&str, &str)]) -> Vec<String> {
        let found = Impersonation::find(&Headers::of(pairs)).unwrap().unwrap();
        let told = |question: ResourceInfo| {
            assert_eq!(question.verb, "impersonate");
            let ResourceInfo {
                group,
                version,
                namespace,
                resource,
                subresource,
                name,
                ..
            } = question;
            format!("{group}/{version} {namespace} {resource}/{subresource} {name}")
        };
        found.questions().into_iter().map(told).collect()
    }

    #[test]
    fn each_name_is_a_question() {
        assert_eq!(
            asked(&[
                ("impersonate-uid", "7"),
                ("impersonate-extra-acme.com%2fproject", "x"),
                ("impersonate-group", "a"),
                ("impersonate-user", "bob"),
                ("impersonate-group", "b"),
            ]),
            [
                "/  users/ bob",
                "/  groups/ a",
                "/  groups/ b",
                "authentication.k8s.io/v1  userextras/acme.com/project x",
                "authentication.k8s.io/v1  uids/ 7",
            ]
        );
    }

    #[test]
    fn a_service_account_is_asked_in_its_namespace() {
        let asked = |user: &str| asked(&[("impersonate-user", user)]);
        assert_eq!(
            asked("system:serviceaccount:shop:web.1"),
            ["/ shop serviceaccounts/ web.1"]
        );
        for user in [
            "system:serviceaccount:shop",
            "system:serviceaccount:shop:web:x",
            "system:serviceaccount::web",
            "system:serviceaccount:Shop:web",
            "system:serviceaccount:a.b:web",
            "system:serviceaccount:shop:-web",
            "system:serviceaccount:shop:web..x",
            "System:serviceaccount:shop:web",
        ] {
            assert_eq!(asked(user), [format!("/  users/ {user}")]);
        }
    }

    #[test]
    fn only_a_review_that_allows_allows() {
        let said = |status: u16, body: &str| {
            verdict(&CallAnswer {
                status: Some(status),
                headers: Headers::default(),
                body: body.as_bytes().to_vec(),
            })
        };
        let review = |status: &str| {
            format!(r#"{{"kind":"SelfSubjectAccessReview","apiVersion":"x","status":{status}}}"#)
        };
        let yes = review(r#"{"allowed":true}"#);
        assert_eq!(said(201, &yes), Verdict::Allowed);
        assert_eq!(said(500, &yes), Verdict::Unknown);
        let denied = |reason: &str| Verdict::Denied(reason.to_owned());
        assert_eq!(
            said(201, &review(r#"{"allowed":false,"reason":"no"}"#)),
            denied("no")
        );
        assert_eq!(
            said(201, &review(r#"{"allowed":true,"denied":true}"#)),
            denied("")
        );
        for body in [
            r#"{"kind":"PodList","items":[],"status":{"allowed":true}}"#,
            r#"{"kind":"SelfSubjectAccessReview"}"#,
            r#"{"kind":"SelfSubjectAccessReview","status":{}}"#,
            r#"{"kind":"SelfSubjectAccessReview","status":{"allowed":false,"allowed":true}}"#,
            "",
        ] {
            assert_eq!(said(201, body), Verdict::Unknown, "{body}");
        }
    }
}
