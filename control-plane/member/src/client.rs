//! A short-lived Kubernetes client for one cluster. Every body that it reads is bounded.

mod bounded;

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_domain::{ApiServer, ClusterCredential, ClusterTls, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ClientBuilder, ConfigExt as _, DynBody};
use kube::config::AuthInfo;
use rustls::client::Resumption;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tower::util::{BoxCloneSyncService, MapResponseLayer};
use tower::{BoxError, ServiceBuilder};

use self::bounded::{Bounded, Budgets};
use crate::{KubeconfigError, MemberSpec, system_ca};

/// Longest answer of an API server, unless whoever asks says otherwise. A piece of a list
/// has some 2 MiB, a discovery document with a thousand custom resources some 1.5 MB.
pub(crate) const MAX_BODY_BYTES: usize = 8 << 20;

/// How long a connection is kept that nothing goes over. API servers close theirs after 90 s.
const IDLE: Duration = Duration::from_secs(85);

/// How much is read at a time from a connection that is kept. Nearly all answers are heads.
const READ_BYTES: usize = 2 << 10;

/// How much of all answers may be on its way at a time. A member has a quarter of it: one
/// that sends slowly must not keep the others from being read.
static BUDGETS: LazyLock<Budgets> = LazyLock::new(|| Budgets::new(256 << 20));

/// A client whose answers are not longer than that.
pub(crate) fn connect(config: kube::Config, longest: usize) -> Result<kube::Client, String> {
    let budget = BUDGETS.of(&config.cluster_url.to_string());
    let bound = MapResponseLayer::new(move |answer: Response<Box<DynBody>>| {
        answer.map(|body| Bounded::new(body, longest, budget.clone()))
    });
    let builder = ClientBuilder::try_from(config).map_err(|error| innermost(&error))?;
    Ok(builder.with_layer(&bound).build())
}

/// One who asks a little again and again: it keeps one connection, with little room, and closes it
/// when that was not used for [`IDLE`].
#[derive(Clone)]
pub(crate) struct Kept {
    service: BoxCloneSyncService<Request<Body>, Response<Bounded<Incoming>>, BoxError>,
    namespace: String,
}

// === impl Kept ===

impl Kept {
    /// A client over that connection. It has a queue of 20 kB, a third of what a cluster costs at
    /// rest if it is kept; so make one for each question.
    pub(crate) fn client(&self) -> kube::Client {
        kube::Client::new(self.service.clone(), &self.namespace)
    }
}

/// Prepares one.
pub(crate) fn kept(config: &kube::Config, longest: usize) -> Result<Kept, String> {
    let told = |error: kube::Error| innermost(&error);
    let budget = BUDGETS.of(&config.cluster_url.to_string());
    let bound = MapResponseLayer::new(move |answer: Response<Incoming>| {
        answer.map(|body| Bounded::new(body, longest, budget.clone()))
    });
    let mut tls = config.rustls_client_config().map_err(told)?;
    // It would remember more than the connection has.
    tls.resumption = Resumption::disabled();
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let mut builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = ServerName::try_from(name.clone()).map_err(|error| error.to_string())?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let client = legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(1)
        // A buffer that grew with one document would stay as large.
        .http1_read_buf_exact_size(READ_BYTES)
        .build::<_, Body>(builder.enable_http1().wrap_connector(tcp));
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(told)?)
        .layer(bound)
        .map_err(BoxError::from)
        .service(client);
    Ok(Kept {
        service: BoxCloneSyncService::new(service),
        namespace: config.default_namespace.clone(),
    })
}

/// Returns the client's configuration: the given CA, the given credential, no retries, and
/// no time limits beside those of whoever uses it.
pub(crate) fn config(
    server: &ApiServer,
    tls: &ClusterTls,
    credential: &ClusterCredential,
) -> Result<kube::Config, String> {
    let url: Uri = server
        .to_string()
        .parse()
        .map_err(|error| format!("{error}"))?;
    let mut config = kube::Config::new(url);
    config.root_cert = match &tls.ca_pem {
        Some(pem) => Some(
            CertificateDer::pem_slice_iter(pem.as_bytes())
                .map(|certificate| certificate.map(|certificate| certificate.to_vec()))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| error.to_string())?,
        ),
        // Of plain HTTP none is asked, and those of the system take long to be read.
        None if server.scheme == Scheme::Http => Some(Vec::new()),
        None => system_ca::roots()?,
    };
    config.tls_server_name.clone_from(&tls.server_name);
    config.auth_info = match credential {
        ClusterCredential::None => AuthInfo::default(),
        ClusterCredential::ClientCertificate {
            certificate_pem,
            key_pem,
        } => AuthInfo {
            client_certificate_data: Some(STANDARD.encode(certificate_pem)),
            client_key_data: Some(STANDARD.encode(key_pem).into()),
            ..AuthInfo::default()
        },
        ClusterCredential::BearerToken(token) | ClusterCredential::TokenFile { token, .. } => {
            AuthInfo {
                token: Some(token.clone().into()),
                ..AuthInfo::default()
            }
        }
    };
    config.connect_timeout = None;
    config.read_timeout = None;
    config.write_timeout = None;
    config.default_retry = false;
    Ok(config)
}

/// Whether the TLS library takes the certificates and the key.
pub(crate) fn check_tls(spec: &MemberSpec) -> Result<(), KubeconfigError> {
    if spec.server.scheme == Scheme::Http {
        return Ok(());
    }
    let wrong = |reason: String| KubeconfigError::Tls { reason };
    let config = config(&spec.server, &spec.tls, &spec.credential).map_err(wrong)?;
    config
        .rustls_client_config()
        .map(|_| ())
        .map_err(|error| wrong(innermost(&error)))
}

/// Returns the text of the error that caused it all.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
