//! The last step of the request's half: what goes to the API server, and what its
//! answer will be taken for.

use std::sync::Arc;

use cubegate_filter_config::{Class, ClusterEntry};
use cubegate_kube::{ApiPath, Family};
use cubegate_list::kubesphere::{parse, service_name};
use cubegate_list::{ListQuery, ListRequest};

use crate::accept::{self, Form, TableVersion};
use crate::call::{self, Origin};
use crate::exchange::admission::{Admission, Look};
use crate::exchange::editing::KubeSphereRequest;
use crate::exchange::reviewing::RulesEdit;
use crate::exchange::{Asked, Exchange, PageRequest, Sent, State, looking};
use crate::impersonation::Impersonation;
use crate::kubesphere::{self, ResourceRequest};
use crate::list;
use crate::location::Place;
use crate::misplaced::{Misplaced, Placed};
use crate::pushdown::{self, Question, Way};
use crate::scope::Bounds;
use crate::upstream::{Rewrite, Upstream};
use crate::upstream_path::class;
use crate::verify::Caller;
use crate::{Gateway, Headers, Reply, RequestHead};

/// A request that may go to a cluster.
pub(super) struct Sending<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) family: Family,
    pub(super) head: &'a RequestHead,
    /// The cluster's name.
    pub(super) name: &'a str,
    pub(super) cluster: &'a ClusterEntry,
    pub(super) path: ApiPath<'a>,
    /// The query that the client sent, as far as it counts.
    pub(super) query: Option<&'a str>,
    pub(super) upgrade: bool,
    pub(super) caller: &'a Caller,
    /// Whom it is made for, if that is somebody else.
    pub(super) acting: Option<&'a Impersonation>,
    pub(super) bounds: Bounds,
    /// How the rules that it asks for are cut.
    pub(super) rules: Option<Box<RulesEdit>>,
}

/// A list that becomes a page.
struct WantedPage {
    query: ListQuery,
    upstream_query: String,
    table: Option<TableVersion>,
    /// KubeCube's page of ten, of which the query says nothing.
    is_by_default: bool,
}

// === impl Sending ===

impl Sending<'_> {
    /// Returns the user that the API server is asked as.
    fn user(&self) -> &str {
        let claims = self.caller.claims();
        self.acting.map_or(&claims.user, Impersonation::user)
    }
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
        let mut request = ListRequest::parse(sending.query.unwrap_or_default());
        let form = Form::of(&headers);
        let any_path = sending.cluster.any_path;
        let list = !upgrade && list::wants_page(head, form, family, path, any_path, &request);
        let misplaced = Misplaced::find(&Placed {
            family,
            head,
            path,
            request: &request,
            is_page: list,
        });
        if let Some(why) = misplaced {
            return Err(Reply::parameter_misplaced(family, &why));
        }
        // What another server makes of `limit` is its own.
        if list && path.is_of_api_server() {
            request = request.about_the_whole_list();
        }
        let class = class(path, head, request.streaming, upgrade);
        let page = match request.query {
            Err(error) if list => return Err(Reply::query_invalid(family, &error)),
            Ok(query) if list => Some(WantedPage {
                query,
                upstream_query: request.upstream_query,
                table: match form {
                    Form::Table(version) => Some(version),
                    _ => None,
                },
                is_by_default: family == Family::KubeCube && !request.is_paged,
            }),
            _ => None,
        };
        self.sent(sending, headers, class, page, None)
    }

    /// A request for a list or an object on KubeSphere's own paths.
    pub(super) fn send_kubesphere(
        &self,
        sending: Sending<'_>,
        headers: Headers,
        request: ResourceRequest,
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
                let service = service_name(&resource, raw_query);
                let services = self.known.services.as_deref();
                if let (Some(service), None) = (service, services) {
                    return self.look_for(&sending, headers, &service);
                }
                let request = parse(&resource, raw_query, services.unwrap_or_default());
                let mut query = request
                    .query
                    .map_err(|error| Reply::parameter_invalid(&error))?;
                query.projection = projection.clone();
                Some(WantedPage {
                    query,
                    upstream_query: request.upstream_query,
                    table: None,
                    is_by_default: false,
                })
            }
        };
        let kubesphere = Box::new(KubeSphereRequest {
            caller: sending.caller.claims().user.clone(),
            user: sending.user().to_owned(),
            asked,
            kind,
            name,
            projection,
            takes_gzip: accept::takes_gzip(&headers),
        });
        self.sent(sending, headers, Class::Unary, page, Some(kubesphere))
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
            family,
            cluster,
            path,
            caller,
            acting,
            ref bounds,
            ..
        } = *sending;
        let ask = kubesphere::ask_services(path.0, service).ok_or_else(Reply::page_not_found)?;
        bounds
            .check(&ask.asked())
            .map_err(|why| Reply::out_of_scope(family, &why))?;
        let origin = Origin::asking_for(cluster, caller, acting, headers);
        Ok(Admission::Look(Look {
            caller: caller.claims().user.clone(),
            call: origin.call(&ask, looking::TIMEOUT),
        }))
    }

    fn sent(
        &self,
        sending: Sending<'_>,
        headers: Headers,
        class: Class,
        page: Option<WantedPage>,
        kubesphere: Option<Box<KubeSphereRequest>>,
    ) -> Result<Admission, Reply> {
        let Sending {
            gateway,
            family,
            head,
            name,
            cluster,
            path,
            query,
            upgrade,
            caller,
            acting,
            bounds,
            rules,
        } = sending;
        let takes_gzip = page.is_some() && accept::takes_gzip(&headers);
        let origin = Origin::of(cluster);
        let way = match &page {
            Some(page) if page.table.is_none() => self.way(&origin, path.0, page),
            _ => Way::Plain,
        };
        let page_query = page
            .as_ref()
            .map(|page| way.upstream_query(&page.upstream_query));
        let read_as = match &page {
            Some(WantedPage {
                table: Some(version),
                ..
            }) => Some(version.accept()),
            Some(_) if way == Way::Keys => Some(call::METADATA_LIST),
            Some(_) => Some(call::JSON),
            None if rules.is_some() || kubesphere.is_some() => Some(call::JSON),
            None => None,
        };
        let upstream = Upstream {
            cluster,
            acting,
            original_path: &head.path,
            path: path.0,
            query: page_query.as_deref().or(query),
            class,
            upgrade,
            read_as,
            pass: gateway.pass(),
        };
        // What another server refers to is its own, as in KubeCube.
        let place = match &kubesphere {
            None if path.is_of_api_server() => Place::of(cluster, &head.path, path.0),
            _ => None,
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
                is_by_default: page.is_by_default,
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
            member: name.to_owned(),
            accept_encoding,
            page,
            kubesphere,
            rules,
            is_proxied: path.is_proxy_subresource(),
            place,
            long: (class == Class::Stream).then(|| caller.clone()),
        });
        Ok(Admission::Ready(rewrite, state))
    }

    fn way(&self, origin: &Origin, path: &str, page: &WantedPage) -> Way {
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
