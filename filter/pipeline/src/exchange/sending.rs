//! The last step of the request's half: what goes to the API server, and what its
//! answer will be taken for.

use std::sync::Arc;

use cubegate_filter_config::{Class, ClusterEntry};
use cubegate_list::kubesphere::{self, Service};
use cubegate_list::{ListQuery, ListRequest};

use crate::accept::{self, Form, TableVersion};
use crate::call::{self, Origin};
use crate::exchange::admission::{Admission, Look};
use crate::exchange::editing::Kapis;
use crate::exchange::{Asked, Exchange, PageRequest, Sent, State, looking};
use crate::kapis::{self, ResourceRequest};
use crate::list;
use crate::pushdown::{self, Question, Way};
use crate::reply::Family;
use crate::scope::Bounds;
use crate::upstream::{Rewrite, Upstream};
use crate::upstream_path::UpstreamPath;
use crate::verify::Caller;
use crate::{Gateway, Headers, Reply, RequestHead};

/// A request that may go to a cluster.
pub(super) struct Sending<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) family: Family,
    pub(super) head: &'a RequestHead,
    pub(super) cluster: &'a ClusterEntry,
    pub(super) path: UpstreamPath<'a>,
    /// The query that the client sent, as far as it counts.
    pub(super) query: Option<&'a str>,
    pub(super) upgrade: bool,
    pub(super) caller: &'a Caller,
    pub(super) bounds: Bounds,
}

/// A list that becomes a page.
struct Page {
    query: ListQuery,
    upstream_query: String,
    table: Option<TableVersion>,
}

// === impl Exchange ===

impl Exchange {
    /// A request on a path of an API server, KubeCube's or Kubernetes'.
    pub(super) fn send(&self, sending: Sending<'_>, headers: Headers) -> Result<Admission, Reply> {
        let Sending {
            family,
            head,
            path,
            upgrade,
            ..
        } = sending;
        let request = ListRequest::parse(sending.query.unwrap_or_default());
        if let Some(asked) = request.asked
            && !request.is_filter_off
            && path.is_watch(head)
        {
            return Err(Reply::watch_unfiltered(family, asked));
        }
        let form = Form::of(&headers);
        let list = !upgrade && list::wants_page(head, form, family, path, &request);
        let class = path.class(head, request.streaming, upgrade);
        let page = match request.query {
            Err(error) if list => return Err(Reply::query_invalid(family, &error)),
            Ok(query) if list => Some(Page {
                query,
                upstream_query: request.upstream_query,
                table: match form {
                    Form::Table(version) => Some(version),
                    _ => None,
                },
            }),
            _ => None,
        };
        self.sent(sending, headers, class, page, None)
    }

    /// A request for a list or an object on KubeSphere's own paths.
    pub(super) fn send_kapis(
        &self,
        sending: Sending<'_>,
        headers: Headers,
        request: ResourceRequest,
        services: Option<Vec<Service>>,
    ) -> Result<Admission, Reply> {
        let ResourceRequest {
            asked,
            resource,
            kind,
            name,
            projection,
            ..
        } = request;
        let page = match name {
            Some(_) => None,
            None => {
                let raw_query = sending.query.unwrap_or_default();
                let service = kubesphere::service_name(&resource, raw_query);
                if let (Some(service), None) = (service, &services) {
                    return self.look_for(&sending, headers, &service);
                }
                let services = services.unwrap_or_default();
                let request = kubesphere::parse(&resource, raw_query, &services);
                let mut query = request
                    .query
                    .map_err(|error| Reply::parameter_invalid(&error))?;
                query.projection = projection.clone();
                Some(Page {
                    query,
                    upstream_query: request.upstream_query,
                    table: None,
                })
            }
        };
        let kapis = Box::new(Kapis {
            user: sending.caller.claims().user.clone(),
            asked,
            kind,
            name,
            projection,
            takes_gzip: accept::takes_gzip(&headers),
        });
        self.sent(sending, headers, Class::Unary, page, Some(kapis))
    }

    /// Reads the services of this name first, as the same caller and within the same
    /// bounds.
    fn look_for(
        &self,
        sending: &Sending<'_>,
        headers: Headers,
        service: &str,
    ) -> Result<Admission, Reply> {
        let Sending {
            gateway,
            family,
            head,
            cluster,
            path,
            caller,
            ref bounds,
            ..
        } = *sending;
        let ask = kapis::ask_services(path.0, service).ok_or_else(Reply::page_not_found)?;
        bounds
            .check(&ask.asked())
            .map_err(|why| Reply::out_of_scope(family, &why))?;
        let upstream = Upstream {
            cluster,
            original_path: &head.path,
            path: path.0,
            query: None,
            class: Class::Unary,
            upgrade: false,
            read_as: Some(call::JSON),
            pass: gateway.pass(),
        };
        let rewrite = Rewrite::to_member(headers, caller, &upstream);
        let origin = Origin::of(cluster).asking_as(rewrite.headers());
        Ok(Admission::Look(Look {
            user: caller.claims().user.clone(),
            call: origin.call(&ask, looking::TIMEOUT),
        }))
    }

    fn sent(
        &self,
        sending: Sending<'_>,
        headers: Headers,
        class: Class,
        page: Option<Page>,
        kapis: Option<Box<Kapis>>,
    ) -> Result<Admission, Reply> {
        let Sending {
            gateway,
            family,
            head,
            cluster,
            path,
            query,
            upgrade,
            caller,
            bounds,
        } = sending;
        let takes_gzip = accept::takes_gzip(&headers);
        let origin = Origin::of(cluster);
        let way = match &page {
            Some(page) if page.table.is_none() => self.way(&origin, path.0, page),
            _ => Way::Plain,
        };
        let page_query = page
            .as_ref()
            .map(|page| way.upstream_query(&page.upstream_query));
        let read_as = match &page {
            Some(Page {
                table: Some(version),
                ..
            }) => Some(version.accept()),
            Some(_) if way == Way::Keys => Some(call::METADATA_LIST),
            Some(_) => Some(call::JSON),
            None => kapis.as_ref().map(|_| call::JSON),
        };
        let upstream = Upstream {
            cluster,
            original_path: &head.path,
            path: path.0,
            query: page_query.as_deref().or(query),
            class,
            upgrade,
            read_as,
            pass: gateway.pass(),
        };
        let rewrite = Rewrite::to_member(headers, caller, &upstream);
        let accept_encoding = rewrite
            .headers()
            .get_str("accept-encoding")
            .map(str::to_owned);
        let page = page.map(|page| {
            let request = Box::new(PageRequest {
                family,
                query: Arc::new(page.query),
                way,
                table: page.table,
                takes_gzip,
                path: path.0.to_owned(),
                upstream_query: page.upstream_query,
                origin: origin.asking_as(rewrite.headers()),
                bounds,
            });
            let mut share = self.answers.share(&caller.claims().user);
            share
                .set(request.held_bytes())
                .map_err(|full| Reply::memory_full(family, full))?;
            Ok(Asked { request, share })
        });
        let page = page.transpose()?;
        let state = State::Sent(Sent {
            family,
            accept_encoding,
            page,
            kapis,
            is_proxied: path.is_proxy_subresource(),
            long: (class == Class::Stream).then(|| caller.clone()),
        });
        Ok(Admission::Ready(rewrite, state))
    }

    fn way(&self, origin: &Origin, path: &str, page: &Page) -> Way {
        let list = origin.list_name(path, &page.upstream_query);
        pushdown::way(&Question {
            path,
            upstream_query: &page.upstream_query,
            query: &page.query,
            lesson: self.answers.learned.of(&list),
            metadata_first_bytes: self.answers.limits.metadata_first_bytes,
        })
    }
}
