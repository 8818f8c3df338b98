//! What a reader wants to see, as the page's query says it and as the gateway is asked.

use super::kinds::Kind;
use crate::form::Fields;
use crate::link::{segment, with_query};
use crate::paging::Paging;

/// The parameters of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) cluster: String,
    pub(super) namespace: String,
    /// [`Kind::name`].
    pub(super) resource: String,
    /// Part of the name.
    pub(super) search: String,
    /// The gateway's own `sort`; empty is by name.
    pub(super) sort: String,
    pub(super) paging: Paging,
}

// === impl Query ===

impl Query {
    pub(super) fn parse(fields: &Fields) -> Self {
        Self {
            cluster: fields.get("cluster").to_owned(),
            namespace: fields.get("namespace").to_owned(),
            resource: fields.get("resource").to_owned(),
            search: fields.get("search").to_owned(),
            sort: fields.get("sort").to_owned(),
            paging: Paging::of(fields),
        }
    }

    /// Returns the URL of this page.
    pub(super) fn url(&self) -> String {
        let (page, size) = self.paging.words();
        let parameters = [
            ("cluster", self.cluster.as_str()),
            ("namespace", &self.namespace),
            ("resource", &self.resource),
            ("search", &self.search),
            ("sort", &self.sort),
            ("size", &size),
            ("page", &page),
        ];
        with_query("/console/resources", &parameters)
    }

    /// Returns the URL of another page of the same list.
    pub(super) fn on_page(&self, page: u64) -> String {
        let mut other = self.clone();
        other.paging.number = page;
        other.url()
    }

    /// Returns the URL of the same list in another order, from its first page.
    pub(super) fn sorted(&self, sort: &str) -> String {
        let mut other = self.clone();
        sort.clone_into(&mut other.sort);
        other.paging.number = 1;
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
                ("pageSize", &self.paging.size.to_string()),
                ("pageNum", &self.paging.number.to_string()),
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
        assert_eq!((query.paging.size, query.paging.number), (20, 1));
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
