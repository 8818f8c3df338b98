//! A refusal in Kubernetes' words (`NewForbidden` in
//! `k8s.io/apiserver/pkg/endpoints/handlers/responsewriters`), which clients show
//! and some read.

use crate::{Details, RequestInfo, ResourceInfo, Status};

/// The user that asks without a credential.
pub const ANONYMOUS: &str = "system:anonymous";

/// Refuses a request to a user.
pub fn status(user: &str, asked: &RequestInfo) -> Status {
    match asked {
        RequestInfo::Resource(resource) => of_resource(user, resource),
        RequestInfo::NonResource { verb, path } => of_path(user, verb, path),
    }
}

/// Refuses a path that is of no resource to a user.
pub fn of_path(user: &str, method: &str, path: &str) -> Status {
    let message = format!(
        "forbidden: User \"{user}\" cannot {} path \"{path}\"",
        method.to_ascii_uppercase()
    );
    Status::failure(403, message).about(Details::default())
}

/// Refuses what is asked of a resource to a user.
pub fn of_resource(user: &str, asked: &ResourceInfo) -> Status {
    let ResourceInfo {
        verb,
        group,
        version: _,
        namespace,
        resource,
        subresource,
        name,
    } = asked;
    let mut what = resource.clone();
    if !group.is_empty() {
        what = format!("{what}.{group}");
    }
    if !name.is_empty() {
        what = format!("{what} \"{name}\"");
    }
    let whole = if subresource.is_empty() {
        resource.clone()
    } else {
        format!("{resource}/{subresource}")
    };
    // A Namespace is, for an authorizer, in itself.
    let namespace = match resource.as_str() {
        "namespaces" if namespace.is_empty() => name,
        _ => namespace,
    };
    let place = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{namespace}\"")
    };
    let message = format!(
        "{what} is forbidden: User \"{user}\" cannot {verb} resource \"{whole}\" in API group \"{group}\" {place}"
    );
    Status::failure(403, message).about(Details {
        name: name.clone(),
        group: group.clone(),
        kind: resource.clone(),
        retry_after_seconds: None,
    })
}

/// Returns whether an API server's answer refuses this very user, by its words: a refusal of
/// the gateway, which may not act for the user say, names another one.
pub fn is_of_user(body: &[u8], user: &str) -> bool {
    serde_json::from_slice::<Status>(body)
        .is_ok_and(|status| status.message.contains(&format!("User \"{user}\" cannot ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(method: &str, path: &str) -> String {
        let asked = RequestInfo::of(method, path, None).unwrap();
        status("jeff", &asked).message
    }

    #[test]
    fn the_words_are_kubernetes_own() {
        for (method, path, expected) in [
            (
                "GET",
                "/api/v1/nodes",
                r#"nodes is forbidden: User "jeff" cannot list resource "nodes" in API group "" at the cluster scope"#,
            ),
            (
                "DELETE",
                "/apis/apps/v1/namespaces/demo/deployments/web",
                r#"deployments.apps "web" is forbidden: User "jeff" cannot delete resource "deployments" in API group "apps" in the namespace "demo""#,
            ),
            (
                "GET",
                "/api/v1/namespaces/demo/pods/p/log",
                r#"pods "p" is forbidden: User "jeff" cannot get resource "pods/log" in API group "" in the namespace "demo""#,
            ),
            (
                "GET",
                "/api/v1/namespaces/demo",
                r#"namespaces "demo" is forbidden: User "jeff" cannot get resource "namespaces" in API group "" in the namespace "demo""#,
            ),
            (
                "GET",
                "/healthz",
                r#"forbidden: User "jeff" cannot GET path "/healthz""#,
            ),
        ] {
            assert_eq!(message(method, path), expected);
        }
    }

    #[test]
    fn details_say_what_it_is_about() {
        let asked = RequestInfo::of("GET", "/apis/apps/v1/x/y", None).unwrap();
        let details = status("jeff", &asked).details.unwrap();
        assert_eq!(
            (details.name, details.group, details.kind),
            ("y".to_owned(), "apps".to_owned(), "x".to_owned())
        );
    }

    #[test]
    fn a_refusal_of_the_gateway_is_none_of_the_users() {
        let body = |message: &str| {
            let status = Status::failure(403, message);
            serde_json::to_vec(&status).unwrap()
        };
        let own = body(r#"nodes is forbidden: User "jeff" cannot list resource "nodes""#);
        assert!(is_of_user(&own, "jeff"));
        assert!(!is_of_user(&own, "jef"));
        let other = body(
            r#"users "jeff" is forbidden: User "system:serviceaccount:a:b" cannot impersonate resource "users""#,
        );
        assert!(!is_of_user(&other, "jeff"));
        assert!(!is_of_user(b"{", "jeff"));
    }
}
