//! Where a member's answer sends a client: back to the gateway, to the same cluster by the
//! same form of path, and never to an address of the member's own.
//!
//! API servers redirect by themselves (`…/proxy` to `…/proxy/`) and rewrite what
//! applications behind them say (`k8s.io/apimachinery/pkg/util/proxy`), both for
//! clients that reach them directly.

use cubegate_filter_config::ClusterEntry;

/// The response headers that hold a reference to a place.
pub(crate) const REFERENCES: [&str; 2] = ["location", "content-location"];

/// A cluster as its client asked for it, and as its API server knows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    form: Form,
    authority: String,
    path_prefix: String,
}

/// The form of path that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Everything is below this; nothing for the host cluster.
    Below(String),
    /// The cluster stands behind the root of the API: this behind `/api` or `/apis`.
    Behind(String),
}

// === impl Place ===

impl Place {
    /// The place of a request: `asked` is the path that the client sent, `path` what of it
    /// is the API server's.
    pub(crate) fn of(cluster: &ClusterEntry, asked: &str, path: &str) -> Option<Self> {
        let form = match asked.strip_suffix(path) {
            Some(before) => Form::Below(before.to_owned()),
            None => {
                let (root, rest) = rooted(path)?;
                let between = asked.strip_prefix(root)?.strip_suffix(rest)?;
                Form::Behind(between.to_owned())
            }
        };
        Some(Self {
            form,
            authority: cluster.authority.clone(),
            path_prefix: cluster.path_prefix.clone(),
        })
    }

    /// Returns the reference for the client: nothing where it leads to the API server and no
    /// path of the gateway does.
    pub(crate) fn reference(&self, reference: &str) -> Option<String> {
        let absolute = match reference.split_once("//") {
            Some(("" | "http:" | "https:", rest)) => {
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                let (authority, rest) = rest.split_at(end);
                if !is_same_server(authority, &self.authority) {
                    // Another server, whose address the application gives.
                    return Some(reference.to_owned());
                }
                rest
            }
            _ if reference.starts_with('/') => reference,
            // Relative to what was asked.
            _ => return Some(reference.to_owned()),
        };
        let path = absolute
            .strip_prefix(&self.path_prefix)
            .filter(|path| path.is_empty() || path.starts_with(['/', '?', '#']))?;
        match &self.form {
            Form::Below(before) if path.is_empty() => Some(format!("{before}/")),
            Form::Below(before) => Some(format!("{before}{path}")),
            Form::Behind(between) => match rooted(path) {
                Some((root, rest)) => Some(format!("{root}{between}{rest}")),
                None => Some(format!("{between}{path}")),
            },
        }
    }
}

/// Compares `host[:port]`, of which one may leave out the port of its scheme.
fn is_same_server(one: &str, other: &str) -> bool {
    let host = |authority: &str| {
        let host = [":443", ":80"].into_iter();
        let mut host = host.filter_map(|port| authority.strip_suffix(port).map(str::to_owned));
        host.next().unwrap_or_else(|| authority.to_owned())
    };
    host(one).eq_ignore_ascii_case(&host(other))
}

/// Parts the root of an API from what is behind it.
fn rooted(path: &str) -> Option<(&'static str, &str)> {
    ["/apis", "/api"].into_iter().find_map(|root| {
        let rest = path.strip_prefix(root)?;
        rest.starts_with('/').then_some((root, rest))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const PROXY: &str = "/api/v1/namespaces/shop/services/web:80/proxy";

    fn place(asked: &str, path: &str, path_prefix: &str) -> Place {
        let cluster = ClusterEntry {
            upstream: "m".to_owned(),
            upgrade_upstream: None,
            authority: "10.0.0.1:6443".to_owned(),
            path_prefix: path_prefix.to_owned(),
            any_path: false,
            resources: BTreeMap::default(),
        };
        Place::of(&cluster, asked, path).unwrap()
    }

    #[test]
    fn a_redirect_leads_back_by_the_form_of_path_that_was_asked() {
        for (asked, back) in [
            (
                format!("/clusters/m{PROXY}"),
                format!("/clusters/m{PROXY}/login"),
            ),
            (
                format!("/api/v1/cube/proxy/clusters/m{PROXY}"),
                format!("/api/v1/cube/proxy/clusters/m{PROXY}/login"),
            ),
            (
                PROXY.replace("/api/", "/api/clusters/m/"),
                format!("{}/login", PROXY.replace("/api/", "/api/clusters/m/")),
            ),
            (PROXY.to_owned(), format!("{PROXY}/login")),
        ] {
            let place = place(&asked, PROXY, "");
            for reference in [
                format!("{PROXY}/login"),
                format!("https://10.0.0.1:6443{PROXY}/login"),
                format!("http://10.0.0.1:6443{PROXY}/login"),
                format!("//10.0.0.1:6443{PROXY}/login"),
            ] {
                assert_eq!(place.reference(&reference), Some(back.clone()), "{asked}");
            }
        }
    }

    #[test]
    fn what_leads_elsewhere_or_is_relative_stays() {
        let place = place(&format!("/clusters/m{PROXY}"), PROXY, "");
        for reference in [
            "login",
            "?page=2",
            "./",
            "https://login.example.org/authorize?next=/api//v1",
            "https://10.0.0.1:6443.example.org/",
            "mailto:a@example.org",
            "",
        ] {
            assert_eq!(place.reference(reference).as_deref(), Some(reference));
        }
        let root = place.reference("https://10.0.0.1:6443");
        assert_eq!(root.as_deref(), Some("/clusters/m/"));
        let query = place.reference("https://10.0.0.1:6443?a=b");
        assert_eq!(query.as_deref(), Some("/clusters/m?a=b"));
    }

    #[test]
    fn a_servers_own_prefix_is_not_the_clients() {
        let place = place(&format!("/clusters/m{PROXY}"), PROXY, "/k8s/c-1");
        let back = place.reference(&format!("/k8s/c-1{PROXY}/"));
        assert_eq!(back, Some(format!("/clusters/m{PROXY}/")));
        // Nothing of the gateway leads there.
        assert_eq!(place.reference("/login"), None);
        assert_eq!(place.reference("/k8s/c-10/api"), None);
        assert!(is_same_server("A.example.org:443", "a.example.org"));
        assert!(!is_same_server("a.example.org:8443", "a.example.org"));
    }
}
