//! The rows of the URL table, and what is done with them.
//!
//! Method, path and parameters of an endpoint stand at its handler (`#[utoipa::path]`); its
//! row ([`crate::routes`]) says what of it is recorded. The router, the OpenAPI document, the audit log and the
//! check of parameters all follow from the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use cubegate_api_types::kubesphere;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::parameters::{Others, Parameters};
use super::slash;
use crate::audit::Audit;
use crate::openapi::operations;
use crate::routes::not_found;
use crate::{AppState, respond};

/// A part of the API, built row by row.
pub(crate) struct Endpoints {
    slash: Slash,
    router: OpenApiRouter<AppState>,
    rows: Rows,
}

/// What a slash too many, or too few, at the end of a path makes of it, and what becomes of
/// HEAD and other methods that the path does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slash {
    /// Another path. HEAD is answered as GET.
    Counts,
    /// A redirect. HEAD is no operation: answered by the GET handler, it would create keys.
    IsRedirected,
    /// The same path. HEAD is no operation: the GET of a logout changes something.
    IsIgnored,
}

/// What is to be known of an endpoint while a request for it is handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// What is recorded.
    pub(crate) audit: Audit,
    /// The query parameters that there are.
    pub(super) parameters: Parameters,
}

/// The endpoints by path and method.
#[derive(Debug, Default)]
pub(crate) struct Rows(BTreeMap<String, Vec<(Method, Arc<Endpoint>)>>);

// === impl Endpoints ===

impl Endpoints {
    /// Begins a part whose paths are taken literally.
    pub(crate) fn exact() -> Self {
        Self::new(Slash::Counts)
    }

    /// Begins a part whose paths are of KubeCube's form.
    pub(crate) fn kubecube() -> Self {
        Self::new(Slash::IsRedirected)
    }

    /// Begins a part whose paths are of KubeSphere's form.
    pub(crate) fn kubesphere() -> Self {
        Self::new(Slash::IsIgnored)
    }

    fn new(slash: Slash) -> Self {
        Self {
            slash,
            router: OpenApiRouter::default(),
            rows: Rows::default(),
        }
    }

    /// Adds the endpoint that `routes!` makes of a handler.
    pub(crate) fn add(self, endpoint: UtoipaMethodRouter<AppState>, audit: Audit) -> Self {
        self.add_row(endpoint, |operation| Endpoint {
            audit,
            parameters: Parameters::of(operation, Others::Ignored),
        })
    }

    /// Adds an endpoint that neither KubeCube nor KubeSphere has: a query parameter that its
    /// description does not name is refused.
    pub(crate) fn add_own(self, endpoint: UtoipaMethodRouter<AppState>, audit: Audit) -> Self {
        self.add_row(endpoint, |operation| Endpoint {
            audit,
            parameters: Parameters::of(operation, Others::Refused),
        })
    }

    /// Adds what answers at a path and is described to nobody.
    pub(crate) fn add_hidden<H, T>(self, path: &str, methods: &[Method], handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let handlers = self.complete(methods, of_methods(methods, handler));
        self.route_other_form(path, methods, handlers.clone())
            .map(|router| router.route(path, handlers))
    }

    /// Takes another part in.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        for (path, endpoints) in other.rows.0 {
            self.rows.0.entry(path).or_default().extend(endpoints);
        }
        self.map(|router| router.merge(other.router))
    }

    /// Changes the router, for example with a layer around what is there.
    pub(crate) fn map(
        mut self,
        change: impl FnOnce(OpenApiRouter<AppState>) -> OpenApiRouter<AppState>,
    ) -> Self {
        self.router = change(self.router);
        self
    }

    /// Returns what serves the endpoints, and what is known of them.
    pub(super) fn into_parts(self) -> (Router<AppState>, Rows) {
        (self.router.into(), self.rows)
    }

    /// Returns the descriptions of the endpoints.
    pub(crate) fn into_openapi(self) -> OpenApi {
        self.router.into_openapi()
    }

    fn add_row(
        mut self,
        (schemas, mut paths, mut handlers): UtoipaMethodRouter<AppState>,
        describe: impl Fn(&Operation) -> Endpoint,
    ) -> Self {
        for (path, item) in &mut paths.paths {
            let mut methods = Vec::new();
            for (method, operation) in operations(item) {
                let endpoint = Arc::new(describe(operation));
                if self.slash == Slash::IsIgnored {
                    let other = slash::other_form(path);
                    self.rows.add(other, method.clone(), Arc::clone(&endpoint));
                }
                self.rows.add(path.clone(), method.clone(), endpoint);
                methods.push(method);
            }
            handlers = self.complete(&methods, handlers);
            self = self.route_other_form(path, &methods, handlers.clone());
        }
        self.map(|router| router.routes((schemas, paths, handlers)))
    }

    /// Adds what is answered to HEAD, and to methods that the path does not have.
    fn complete(
        &self,
        methods: &[Method],
        handlers: MethodRouter<AppState>,
    ) -> MethodRouter<AppState> {
        match self.slash {
            Slash::IsRedirected if methods.contains(&Method::GET) => {
                handlers.on(MethodFilter::HEAD, not_found::handler)
            }
            Slash::Counts | Slash::IsRedirected => handlers,
            Slash::IsIgnored => handlers
                .on(MethodFilter::HEAD, method_not_allowed)
                .fallback(method_not_allowed),
        }
    }

    /// Routes the path with a slash more, or less, at its end, if that is anything.
    fn route_other_form(
        self,
        path: &str,
        methods: &[Method],
        handlers: MethodRouter<AppState>,
    ) -> Self {
        let handlers = match self.slash {
            Slash::Counts => return self,
            Slash::IsRedirected => self.complete(methods, of_methods(methods, slash::redirect)),
            Slash::IsIgnored => handlers,
        };
        self.map(|router| router.route(&slash::other_form(path), handlers))
    }
}

fn of_methods<H, T>(methods: &[Method], handler: H) -> MethodRouter<AppState>
where
    H: Handler<T, AppState>,
    T: 'static,
{
    let methods = methods
        .iter()
        .filter_map(|method| MethodFilter::try_from(method.clone()).ok());
    match methods.reduce(MethodFilter::or) {
        Some(methods) => on(methods, handler),
        None => MethodRouter::new(),
    }
}

async fn method_not_allowed() -> Response {
    respond::text(
        StatusCode::METHOD_NOT_ALLOWED,
        kubesphere::METHOD_NOT_ALLOWED,
    )
}

// === impl Rows ===

impl Rows {
    fn add(&mut self, path: String, method: Method, endpoint: Arc<Endpoint>) {
        self.0.entry(path).or_default().push((method, endpoint));
    }

    /// Returns the endpoint of a path with its `{variables}`.
    pub(super) fn find(&self, path: &str, method: &Method) -> Option<&Arc<Endpoint>> {
        let endpoints = self.0.get(path)?;
        let (_, endpoint) = endpoints.iter().find(|(have, _)| have == method)?;
        Some(endpoint)
    }
}

/// Tells everything behind it which [`Endpoint`] a request is for, if any.
pub(super) async fn find(
    State(rows): State<Arc<Rows>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let endpoint = path.and_then(|path| rows.find(path.as_str(), request.method()));
    if let Some(endpoint) = endpoint.cloned() {
        request.extensions_mut().insert(endpoint);
    }
    next.run(request).await
}
