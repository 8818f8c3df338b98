//! What a reader wants to see, as the page's query says it and as the gateway is asked.

use super::kinds::Kind;
use crate::form::Fields;
use crate::link::{segment, with_query};

/// How many rows a page may have.
pub(super) const SIZES: [u64; 4] = [20, 50, 100, 200];

/// No list has more pages.
const LAST_PAGE: u64 = 1_000_000_000;

/// The parameters of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) cluster: String,
    pub(super) namespace: String,
    /// [`Kind::name`].
    pub(super) resource: String,
    /// Part of the name.
    pub(super) search: String,
    /// The gateway's own `sort`; empty is by name.
    pub(super) sort: String,
    /// From 1.
    pub(super) page: u64,
    pub(super) size: u64,
}

// === impl Query ===

impl Query {
    pub(super) fn parse(fields: &Fields) -> Self {
        let size = fields.get("size").parse().unwrap_or(0);
        Self {
            cluster: fields.get("cluster").to_owned(),
            namespace: fields.get("namespace").to_owned(),
            resource: fields.get("resource").to_owned(),
            search: fields.get("search").to_owned(),
            sort: fields.get("sort").to_owned(),
            page: fields.get("page").parse().unwrap_or(1).clamp(1, LAST_PAGE),
            size: if SIZES.contains(&size) {
                size
            } else {
                SIZES[0]
            },
        }
    }

    /// Returns the URL of this page.
    pub(super) fn url(&self) -> String {
        let but = |value: u64, default: u64| {
            let said = (value != default).then(|| value.to_string());
            said.unwrap_or_default()
        };
        let parameters = [
            ("cluster", self.cluster.as_str()),
            ("namespace", &self.namespace),
            ("resource", &self.resource),
            ("search", &self.search),
            ("sort", &self.sort),
            ("size", &but(self.size, SIZES[0])),
            ("page", &but(self.page, 1)),
        ];
        with_query("/console/resources", &parameters)
    }

    /// Returns the URL of another page of the same list.
    pub(super) fn on_page(&self, page: u64) -> String {
        let other = Self {
            page,
            ..self.clone()
        };
        other.url()
    }

    /// Returns the URL of the same list in another order, from its first page.
    pub(super) fn sorted(&self, sort: &str) -> String {
        let other = Self {
            sort: sort.to_owned(),
            page: 1,
            ..self.clone()
        };
        other.url()
    }

    /// Returns the path and query by which the gateway is asked.
    pub(super) fn asked(&self, kind: &Kind) -> String {
        let filter = match self.search.as_str() {
            "" => String::new(),
            search => format!("metadata.name~{}", serde_json::Value::from(search)),
        };
        with_query(
            &format!("{}{}", proxy(&self.cluster), kind.path(&self.namespace)),
            &[
                ("pageSize", &self.size.to_string()),
                ("pageNum", &self.page.to_string()),
                ("sort", &self.sort),
                ("filter", &filter),
            ],
        )
    }

    /// Returns the URL of the page of one object of the list.
    pub(super) fn object(&self, namespace: &str, name: &str) -> String {
        let parameters = [
            ("cluster", self.cluster.as_str()),
            ("resource", &self.resource),
            ("namespace", namespace),
            ("name", name),
        ];
        with_query("/console/resources/object", &parameters)
    }
}

/// Returns where the gateway has the paths of a cluster.
pub(super) fn proxy(cluster: &str) -> String {
    format!("/api/v1/cube/proxy/clusters/{}", segment(cluster))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_cannot_become_another_filter() {
        let fields = Fields::parse(b"cluster=m&resource=pods.v1&search=a%22%7C%7Cb&sort=-%5BNominated+Node%5D&size=7&page=0");
        let query = Query::parse(&fields);
        assert_eq!((query.size, query.page), (20, 1));
        let resources = [(
            "pods".to_owned(),
            vec![cubegate_filter_config::ResourceEntry {
                path: "/api/v1".to_owned(),
                kind: "Pod".to_owned(),
                namespaced: true,
            }],
        )];
        let kind = &Kind::all(&resources.into_iter().collect())[0];
        assert_eq!(
            query.asked(kind),
            "/api/v1/cube/proxy/clusters/m/api/v1/pods?pageSize=20&pageNum=1\
             &sort=-%5BNominated%20Node%5D&filter=metadata.name~%22a%5C%22%7C%7Cb%22"
        );
    }

    #[test]
    fn links_keep_what_was_chosen() {
        let query = Query::parse(&Fields::parse(
            b"cluster=m&resource=pods.v1&size=50&page=3&search=x",
        ));
        assert_eq!(
            query.on_page(4),
            "/console/resources?cluster=m&resource=pods.v1&search=x&size=50&page=4"
        );
        assert_eq!(
            query.sorted("-Age"),
            "/console/resources?cluster=m&resource=pods.v1&search=x&sort=-Age&size=50"
        );
        assert_eq!(
            Query::parse(&Fields::parse(b"")).url(),
            "/console/resources"
        );
    }
}
