//! The control plane put together: store, HTTP API, snapshots and xDS.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use cubegate_api::{AppState, Clock, Issuer, PublicGateway, Throttle};
use cubegate_domain::{ADMIN_GROUP, UserState};
use cubegate_filter_config::TokenKeys;
use cubegate_snapshot::{Endpoint, FilterModule, ListenerSettings};
use cubegate_store::{KEY_USES_INTERVAL, NewUser, Store};
use cubegate_token::{Hs256Secret, STRONG_HS256_SECRET_BYTES};
use cubegate_xds::XdsServer;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use crate::access_log::access_log;
use crate::args::GatewayArgs;
use crate::data_dir::DataDir;
use crate::discovery::{self, Known};
use crate::pki::{Ca, XDS_SERVER_NAME, serving_certificate};
use crate::publisher::{self, Fixed};
use crate::{commands, output};

/// The environment variable of Envoy that carries KubeCube's shared secret to
/// the filter. It is in no configuration dump there.
pub(crate) const HS256_SECRET_ENV: &str = "CUBEGATE_JWT_HS256_SECRET";

/// How long the first snapshot waits for what the clusters have. Envoys that come back
/// to a control plane which was started again would else be told of no resources.
const FIRST_DISCOVERY: Duration = Duration::from_secs(3);

/// The sockets of the control plane, bound before anything else is done, so
/// that a port in use is told at once.
pub(crate) struct Listeners {
    api: TcpListener,
    xds: TcpListener,
}

/// A running control plane.
pub(crate) struct ControlPlane {
    api_address: SocketAddr,
    xds_address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<anyhow::Result<()>>>,
    /// Ends after everything that records.
    audit_writer: (watch::Sender<bool>, JoinHandle<()>),
    store: Store,
}

// === impl Listeners ===

impl Listeners {
    pub(crate) async fn bind(api: SocketAddr, xds: SocketAddr) -> anyhow::Result<Self> {
        Self::bind_preferring((api, None), (xds, None)).await
    }

    /// Binds; where the address asks for any port, the preferred one is tried first.
    pub(crate) async fn bind_preferring(
        api: (SocketAddr, Option<SocketAddr>),
        xds: (SocketAddr, Option<SocketAddr>),
    ) -> anyhow::Result<Self> {
        Ok(Self {
            api: bind(api.0, api.1, "--api-listen").await?,
            xds: bind(xds.0, xds.1, "--xds-listen").await?,
        })
    }

    pub(crate) fn api_address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.api.local_addr()?)
    }
}

async fn bind(
    address: SocketAddr,
    preferred: Option<SocketAddr>,
    flag: &str,
) -> anyhow::Result<TcpListener> {
    if address.port() == 0
        && let Some(preferred) = preferred.filter(|preferred| preferred.ip() == address.ip())
        && let Ok(listener) = TcpListener::bind(preferred).await
    {
        return Ok(listener);
    }
    TcpListener::bind(address).await.map_err(|error| {
        anyhow!("cannot listen on {address}: {error}; stop what uses it or give another {flag}")
    })
}

// === impl ControlPlane ===

impl ControlPlane {
    /// Starts everything.
    pub(crate) async fn start(
        data: &DataDir,
        args: &GatewayArgs,
        listeners: Listeners,
        advertised: Endpoint,
        module: FilterModule,
    ) -> anyhow::Result<Self> {
        // `filter` and the data directory were read by the caller; the rest is all used here.
        let GatewayArgs {
            data: data_args,
            list,
            audit,
            oauth,
            throttle,
            clusters,
            listen,
            public_url,
            kubeconfig_lifetime,
            plain,
            tls_cert,
            tls_key,
            filter: _,
            token_lifetime,
            session_lifetime,
            issuer,
            jwt_hs256_secret,
            admin_password,
        } = args;
        let store = data.store(data_args.database()?).await?;
        make_first_admin(&store, admin_password.clone()).await?;

        let lifetime = Duration::from_secs(*token_lifetime);
        let (issuer, tokens) = token_keys(data, issuer, jwt_hs256_secret.as_deref(), lifetime)?;
        let certificate = if *plain {
            None
        } else {
            let given = tls_cert.as_deref().zip(tls_key.as_deref());
            Some(serving_certificate(data, given, listen.ip())?)
        };
        let fixed = Fixed {
            tokens,
            cors_origins: clusters.cors_origins(),
            limits: list.limits(),
            module,
            listener: ListenerSettings {
                host: listen.ip().to_string(),
                port: listen.port(),
                certificate,
            },
            control_plane: advertised,
        };

        let (stop, stopped) = watch::channel(false);
        let (learnt, mut known) = watch::channel(Known::default());
        let discovery = tokio::spawn({
            let keep = discovery::run(store.clone(), clusters.discovery_interval(), learnt);
            let stopped = stopped.clone();
            async move {
                tokio::select! {
                    () = keep => {}
                    () = wait(stopped) => {}
                }
            }
        });
        let complete = known.wait_for(|known| known.complete);
        // One that hangs must not hold up the others.
        let _ = tokio::time::timeout(FIRST_DISCOVERY, complete).await;
        let first = publisher::snapshot(&store, &known, &fixed).await?;
        let (publish, snapshots) = watch::channel(first);
        let publisher = tokio::spawn({
            let (store, stopped) = (store.clone(), stopped.clone());
            async move {
                tokio::select! {
                    () = publisher::run(store, known, fixed, publish) => {}
                    () = wait(stopped) => {}
                }
            }
        });

        let Listeners { api, xds } = listeners;
        let (api_address, xds_address) = (api.local_addr()?, xds.local_addr()?);
        let tls = xds_tls(data)?;
        let (recorder, records) = cubegate_audit::channel(cubegate_audit::CAPACITY);
        let (stop_writer, writer_stopped) = watch::channel(false);
        let writer = tokio::spawn(records.write_to(store.clone(), wait(writer_stopped)));
        let retention = tokio::spawn({
            let keep = audit.retention().keep(store.clone());
            let stopped = stopped.clone();
            async move {
                tokio::select! {
                    () = keep => {}
                    () = wait(stopped) => {}
                }
            }
        });
        let key_uses = tokio::spawn(note_key_uses(store.clone(), wait(stopped.clone())));
        let xds = XdsServer::new(snapshots)
            .with_access_log(access_log(recorder.clone()))
            .serve(xds, tls, wait(stopped.clone()));
        let state = AppState {
            store: store.clone(),
            audit: recorder,
            issuer: Arc::new(issuer),
            clock: Clock::system(),
            plain_http: *plain,
            session_lifetime: Duration::from_secs(*session_lifetime),
            public: Arc::new(PublicGateway {
                url: gateway_url(public_url.as_deref(), *listen, *plain)?,
                // With a certificate of the operator's, clients know its CA.
                ca_pem: (!*plain && tls_cert.is_none())
                    .then(|| Ca::gateway(data).map(|ca| ca.certificate_pem().to_owned()))
                    .transpose()?,
                kubeconfig_lifetime: Duration::from_secs(*kubeconfig_lifetime),
            }),
            oauth: Arc::new(oauth.settings()),
            throttle: Arc::new(Throttle::new(&throttle.settings())),
        };
        let router = cubegate_api::router(state);
        let api = axum::serve(
            api,
            router.into_make_service_with_connect_info::<SocketAddr>(),
        )
        .with_graceful_shutdown(wait(stopped));
        let tasks = vec![
            tokio::spawn(async move { xds.await.context("the xDS server failed") }),
            tokio::spawn(async move { api.await.context("the HTTP API failed") }),
            tokio::spawn(async move { publisher.await.context("the publisher failed") }),
            tokio::spawn(async move { discovery.await.context("the discovery failed") }),
            tokio::spawn(async move { retention.await.context("the audit retention failed") }),
            tokio::spawn(async move { key_uses.await.context("the noting of key uses failed") }),
        ];
        Ok(Self {
            api_address,
            xds_address,
            stop,
            tasks,
            audit_writer: (stop_writer, writer),
            store,
        })
    }

    pub(crate) fn api_address(&self) -> SocketAddr {
        self.api_address
    }

    pub(crate) fn xds_address(&self) -> SocketAddr {
        self.xds_address
    }

    /// Stops everything; requests under way are finished.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let Self {
            stop,
            tasks,
            audit_writer: (stop_writer, writer),
            store,
            api_address: _,
            xds_address: _,
        } = self;
        let _ = stop.send(true);
        for task in tasks {
            let abort = task.abort_handle();
            match tokio::time::timeout(Duration::from_secs(5), task).await {
                Ok(Ok(outcome)) => outcome?,
                Ok(Err(error)) if error.is_panic() => return Err(error.into()),
                // A stream of an Envoy elsewhere may still be open.
                Ok(Err(_)) | Err(_) => abort.abort(),
            }
        }
        let _ = stop_writer.send(true);
        // It bounds its last write itself.
        writer.await?;
        // Tokens were given until now.
        write_key_uses(&store).await;
        store.close().await;
        Ok(())
    }
}

/// Writes when keys were last used, until it is stopped. The last time is when
/// everything has stopped.
async fn note_key_uses(store: Store, stopped: impl Future<Output = ()>) {
    let mut stopped = pin!(stopped);
    loop {
        tokio::select! {
            () = tokio::time::sleep(KEY_USES_INTERVAL) => {}
            () = &mut stopped => return,
        }
        write_key_uses(&store).await;
    }
}

async fn write_key_uses(store: &Store) {
    if let Err(error) = store.write_key_uses().await {
        // Whatever else needs the database says more.
        tracing::warn!(%error, "the uses of keys could not be written; they stay noted");
    }
}

async fn wait(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Waits for SIGTERM or SIGINT.
pub(crate) async fn shutdown_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    Ok(())
}

/// Reads the filter module.
pub(crate) fn read_module(path: &Path) -> anyhow::Result<Vec<u8>> {
    let module = std::fs::read(path).map_err(|error| {
        anyhow!(
            "the filter module {} cannot be read: {error}; give its path with --filter (`make build` makes it)",
            path.display()
        )
    })?;
    if !module.starts_with(b"\0asm") {
        return Err(anyhow!("{} is no wasm module", path.display()));
    }
    Ok(module)
}

/// How clients reach the gateway: as the operator says, or where Envoy listens.
fn gateway_url(given: Option<&str>, listen: SocketAddr, plain: bool) -> anyhow::Result<String> {
    let scheme = if plain { "http" } else { "https" };
    let Some(given) = given else {
        return Ok(format!("{scheme}://{listen}"));
    };
    let given = given.trim_end_matches('/');
    let host = given
        .strip_prefix("https://")
        .or_else(|| given.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !given.contains(['?', '#', '@', ' ']) => {
            Ok(given.to_owned())
        }
        _ => Err(anyhow!(
            "--public-url must be an http or https URL without query, as https://gateway.example:30443"
        )),
    }
}

/// The user `admin`, when nobody manages the gateway yet. A generated password is
/// shown once.
async fn make_first_admin(store: &Store, given: Option<String>) -> anyhow::Result<()> {
    let users = store.list_users().await?;
    if users
        .iter()
        .any(|user| user.name == "admin" || user.is_admin())
    {
        return Ok(());
    }
    let generated = given.is_none();
    let password = given.unwrap_or_else(commands::generate_password);
    let admin = NewUser {
        name: "admin".to_owned(),
        display_name: None,
        password: password.clone(),
        state: UserState::Normal,
        groups: vec![ADMIN_GROUP.to_owned()],
    };
    store.create_user(admin, OffsetDateTime::now_utc()).await?;
    if generated {
        output::line(&format!(
            "user admin is made; its password, shown only now: {password}"
        ));
    }
    Ok(())
}

/// What tokens are made with here, and checked against in the filter.
fn token_keys(
    data: &DataDir,
    issuer: &str,
    hs256_secret: Option<&str>,
    lifetime: Duration,
) -> anyhow::Result<(Issuer, TokenKeys)> {
    if let Some(secret) = hs256_secret {
        let secret = Hs256Secret::new(secret)
            .context("the secret given with --jwt-hs256-secret cannot be used")?;
        if secret.is_weak() {
            tracing::warn!(
                "the HS256 secret is shorter than {STRONG_HS256_SECRET_BYTES} bytes; whoever guesses it can be anybody"
            );
        }
        let keys = TokenKeys::Hs256 {
            secret_env: HS256_SECRET_ENV.to_owned(),
        };
        return Ok((Issuer::hs256(secret, lifetime), keys));
    }
    let signer = data.signing_key(issuer)?;
    let hex = signer
        .public_key_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect::<String>();
    let keys = TokenKeys::Ed25519 {
        issuer: issuer.to_owned(),
        keys: [(signer.kid().to_owned(), hex)].into(),
    };
    Ok((Issuer::ed25519(signer, lifetime)?, keys))
}

fn xds_tls(data: &DataDir) -> anyhow::Result<ServerTlsConfig> {
    let ca = Ca::xds(data)?;
    let server = ca.server(XDS_SERVER_NAME, vec![XDS_SERVER_NAME.to_owned()])?;
    Ok(ServerTlsConfig::new()
        .identity(Identity::from_pem(server.certificate_pem, server.key_pem))
        .client_ca_root(Certificate::from_pem(ca.certificate_pem())))
}
