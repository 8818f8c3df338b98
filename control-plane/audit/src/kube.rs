//! What a request to an API server asks for, by Kubernetes' own rules
//! (`k8s.io/apiserver/pkg/endpoints/request/requestinfo.go`).

use percent_encoding::percent_decode_str;

/// Verb and resource of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestInfo {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`,
    /// `deletecollection`; for what is no resource the method in lower case.
    pub verb: String,
    /// Empty for the core group.
    pub group: String,
    /// Empty when there is none.
    pub namespace: String,
    /// Empty for what is no resource: `/version`, `/apis`, `/metrics`.
    pub resource: String,
    /// Empty when there is none.
    pub subresource: String,
    /// Empty when there is none.
    pub name: String,
}

// === impl RequestInfo ===

impl RequestInfo {
    /// Reads the method and the path at the API server. `query` is the raw query;
    /// nothing but `watch` is looked at.
    pub fn of(method: &str, path: &str, query: &str) -> Self {
        let plain = Self {
            verb: method.to_ascii_lowercase(),
            ..Self::default()
        };
        let mut segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned());
        let group = match segments.next().as_deref() {
            Some("api") => String::new(),
            // KubeSphere's own APIs have the form of Kubernetes'.
            Some("apis" | "kapis") => match segments.next() {
                Some(group) => group,
                None => return plain,
            },
            _ => return plain,
        };
        let mut rest: Vec<String> = segments.skip(1).collect();
        // `…/watch/…` and `…/proxy/…` are the old forms.
        let old_verb = rest
            .first()
            .filter(|first| matches!(first.as_str(), "watch" | "proxy"))
            .cloned();
        if old_verb.is_some() {
            rest.remove(0);
        }
        let mut rest = rest.into_iter().peekable();
        let mut info = Self {
            group,
            ..Self::default()
        };
        if rest.peek().map(String::as_str) == Some("namespaces") {
            let namespaces = rest.next().unwrap_or_default();
            info.namespace = rest.next().unwrap_or_default();
            // A namespace's own sub-resources are no resources in it.
            if !matches!(
                rest.peek().map(String::as_str),
                None | Some("status" | "finalize")
            ) {
                info.resource = rest.next().unwrap_or_default();
                info.name = rest.next().unwrap_or_default();
            } else {
                info.resource = namespaces;
                info.name.clone_from(&info.namespace);
            }
        } else {
            info.resource = rest.next().unwrap_or_default();
            info.name = rest.next().unwrap_or_default();
        }
        info.subresource = rest.next().unwrap_or_default();
        if info.resource.is_empty() {
            return plain;
        }
        info.verb = match (old_verb, method) {
            (Some(verb), _) => verb,
            (None, "POST") => "create".to_owned(),
            (None, "PUT") => "update".to_owned(),
            (None, "PATCH") => "patch".to_owned(),
            (None, "DELETE") if info.name.is_empty() => "deletecollection".to_owned(),
            (None, "DELETE") => "delete".to_owned(),
            (None, "GET" | "HEAD") if is_watch(query) => "watch".to_owned(),
            (None, "GET" | "HEAD") if info.name.is_empty() => "list".to_owned(),
            (None, "GET" | "HEAD") => "get".to_owned(),
            (None, _) => plain.verb,
        };
        info
    }
}

/// How Kubernetes reads the parameter: `?watch` alone is true.
fn is_watch(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "watch")
        .is_some_and(|(_, value)| value != "0" && !value.eq_ignore_ascii_case("false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Verb, group, namespace, resource, sub-resource, name.
    fn of(method: &str, path: &str) -> [String; 6] {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let info = RequestInfo::of(method, path, query);
        [
            info.verb,
            info.group,
            info.namespace,
            info.resource,
            info.subresource,
            info.name,
        ]
    }

    #[test]
    fn resources_are_read_as_kubernetes_does() {
        for (method, path, expected) in [
            ("GET", "/api/v1/pods", ["list", "", "", "pods", "", ""]),
            (
                "GET",
                "/api/v1/namespaces/a/pods",
                ["list", "", "a", "pods", "", ""],
            ),
            (
                "HEAD",
                "/api/v1/namespaces/a/pods/p",
                ["get", "", "a", "pods", "", "p"],
            ),
            (
                "GET",
                "/api/v1/namespaces/a/pods/p/log",
                ["get", "", "a", "pods", "log", "p"],
            ),
            (
                "POST",
                "/api/v1/namespaces/a/pods/p/exec",
                ["create", "", "a", "pods", "exec", "p"],
            ),
            (
                "GET",
                "/api/v1/namespaces",
                ["list", "", "", "namespaces", "", ""],
            ),
            (
                "GET",
                "/api/v1/namespaces/a",
                ["get", "", "a", "namespaces", "", "a"],
            ),
            (
                "PUT",
                "/api/v1/namespaces/a/finalize",
                ["update", "", "a", "namespaces", "finalize", "a"],
            ),
            (
                "DELETE",
                "/apis/apps/v1/namespaces/a/deployments",
                ["deletecollection", "apps", "a", "deployments", "", ""],
            ),
            (
                "DELETE",
                "/apis/apps/v1/namespaces/a/deployments/d",
                ["delete", "apps", "a", "deployments", "", "d"],
            ),
            (
                "PATCH",
                "/apis/apps/v1/namespaces/a/deployments/d/scale",
                ["patch", "apps", "a", "deployments", "scale", "d"],
            ),
            (
                "GET",
                "/api/v1/pods?watch=true",
                ["watch", "", "", "pods", "", ""],
            ),
            (
                "GET",
                "/api/v1/pods?watch",
                ["watch", "", "", "pods", "", ""],
            ),
            (
                "GET",
                "/api/v1/pods?watch=false&watch=1",
                ["list", "", "", "pods", "", ""],
            ),
            (
                "GET",
                "/api/v1/watch/namespaces/a/pods",
                ["watch", "", "a", "pods", "", ""],
            ),
            (
                "GET",
                "/kapis/resources.kubesphere.io/v1alpha3/namespaces/a/pods",
                ["list", "resources.kubesphere.io", "a", "pods", "", ""],
            ),
            (
                "GET",
                "/api/v1/namespaces/%61/pods",
                ["list", "", "a", "pods", "", ""],
            ),
        ] {
            assert_eq!(of(method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn everything_else_is_told_by_its_method() {
        for (method, path) in [
            ("GET", "/"),
            ("GET", "/version"),
            ("GET", "/api"),
            ("GET", "/api/v1"),
            ("GET", "/apis"),
            ("GET", "/apis/apps/v1"),
            ("POST", "/healthz"),
        ] {
            let verb = method.to_ascii_lowercase();
            assert_eq!(
                of(method, path),
                [&*verb, "", "", "", "", ""],
                "{method} {path}"
            );
        }
    }
}
