//! The control plane put together: store, HTTP API, snapshots and xDS.

mod expiry;
mod first_admin;
mod key_uses;
mod listeners;
mod settings;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::serve::ListenerExt as _;
use cubegate_api::{AppState, Clock, Peer, PublicGateway, Throttle};
use cubegate_filter_config::Limits;
use cubegate_snapshot::{AccessLogTarget, FilterModule, ListenerSettings, Snapshot};
use cubegate_store::Store;
use cubegate_xds::XdsServer;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::first_admin::make_first_admin;
pub(crate) use self::listeners::Listeners;
pub(crate) use self::settings::HS256_SECRET_ENV;
use self::settings::{api_names, gateway_url, token_keys};
use crate::access_log::access_log;
use crate::args::GatewayArgs;
use crate::audit_sink::{self, Sink};
use crate::data_dir::{DataDir, Missing};
use crate::discovery::{self, Known};
use crate::envoy_reports;
use crate::node::{self, Nodes, Renewal};
use crate::pki::{Ca, serving_certificate};
use crate::publisher::{Fixed, Publisher};
use crate::system_ca::SystemCa;
use crate::tls::{Door, Identity, Peers, keep_fresh};

/// How long the first snapshot waits for what the clusters have. Envoys that come back
/// to a control plane which was started again would else be told of no resources.
const FIRST_DISCOVERY: Duration = Duration::from_secs(3);

/// What depends on where Envoys run.
pub(crate) struct EnvoyParts {
    /// The filter's code.
    pub(crate) module: FilterModule,
    /// Where they write a line a request.
    pub(crate) access_log: AccessLogTarget,
    /// The `node.cluster` that is told nothing yet, if there may be one.
    pub(crate) held: Option<watch::Receiver<Option<String>>>,
    /// Their admin pages, as far as they are known.
    pub(crate) admins: Vec<SocketAddr>,
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

// === impl ControlPlane ===

impl ControlPlane {
    /// Starts everything.
    pub(crate) async fn start(
        data: &DataDir,
        args: &GatewayArgs,
        listeners: Listeners,
        envoys: EnvoyParts,
    ) -> anyhow::Result<Self> {
        // `filter` and the data directory were read by the caller; the rest is all used here.
        let GatewayArgs {
            data: data_args,
            list,
            audit,
            oauth,
            throttle,
            clusters,
            callers,
            connections,
            nodes: nodes_args,
            api_names: given_names,
            listen,
            public_url,
            kubeconfig_lifetime,
            max_stream_duration,
            route_pass_period,
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
        let limits = list.limits()?;
        let (webhook, syslog) = (audit.webhook()?, audit.syslog());
        let store = data.store(data_args.database()?, Missing::Make).await?;
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
            limits: Limits {
                callers: callers.limits(),
                max_stream_seconds: *max_stream_duration,
                send_timeout_seconds: connections.send_timeout,
                ..limits
            },
            pass_period: Duration::from_secs(*route_pass_period),
            module: envoys.module,
            listener: ListenerSettings {
                host: listen.ip().to_string(),
                port: listen.port(),
                certificate,
                times: connections.times(),
                trusted_hops: connections.trusted_hops,
                proxy_protocol: connections.proxy_protocol.clone(),
                access_log: envoys.access_log,
            },
        };

        let mut system_ca = SystemCa::find(connections.system_ca.system_ca.as_deref())?;
        let (bundles, bundle) = watch::channel(system_ca.read());
        let (stop, stopped) = watch::channel(false);
        let system_ca = until(stopped.clone(), system_ca.follow(bundles));
        let (learnt, mut known) = watch::channel(Known::default());
        let discovery = until(
            stopped.clone(),
            discovery::run(store.clone(), clusters.discovery_interval(), learnt),
        );
        let complete = known.wait_for(|known| known.complete);
        // One that hangs must not hold up the others.
        let _ = tokio::time::timeout(FIRST_DISCOVERY, complete).await;
        let mut publisher = Publisher::new(store.clone(), known, bundle, fixed).await?;
        let first = publisher.snapshot(&Snapshot::default());
        let documents = publisher.sizes();
        let (publish, snapshots) = watch::channel(Arc::new(first));
        let (published, revision) = watch::channel(0);
        let publisher = until(stopped.clone(), publisher.run(publish, published));

        let Listeners {
            api,
            xds: xds_listener,
        } = listeners;
        let (api_address, xds_address) = (api.local_addr()?, xds_listener.local_addr()?);
        let mut own = vec![api_address, xds_address, *listen];
        own.extend(envoys.admins);
        let ca = Ca::xds(data)?;
        let lifetime = nodes_args.lifetime();
        let names = api_names(api_address, given_names);
        let identity = Identity::new(ca.clone(), names, lifetime)?;
        let (nodes, keeper) = Nodes::new(store.clone()).await?;
        let peers = Arc::new(Peers::default());
        let door = |protocol: &[u8], envoys_only| -> anyhow::Result<Door> {
            let lock = identity.server_config(envoys_only, protocol)?;
            Ok(Door::new(
                lock,
                nodes.clone(),
                Arc::clone(&peers),
                envoys_only,
            ))
        };
        let (xds_door, api_door) = (door(b"h2", true)?, door(b"http/1.1", false)?);
        let renewal = Renewal {
            store: store.clone(),
            ca: ca.clone(),
            lifetime,
        };
        let (recorder, records) = cubegate_audit::channel(cubegate_audit::CAPACITY);
        let (stop_writer, writer_stopped) = watch::channel(false);
        let writer = tokio::spawn(records.write_to(store.clone(), wait(writer_stopped)));
        let retention = until(stopped.clone(), audit.retention().keep(store.clone()));
        let sinks = [
            webhook.map(|sink| send_audit(&store, sink, &stopped)),
            syslog.map(|sink| send_audit(&store, sink, &stopped)),
        ];
        let key_uses = tokio::spawn(key_uses::keep(store.clone(), wait(stopped.clone())));
        let expiry = until(stopped.clone(), expiry::keep(store.clone()));
        let mut server = XdsServer::new(snapshots.clone())
            .with_access_log(access_log(recorder.clone()))
            .with_routes(renewal.routes());
        if let Some(held) = envoys.held {
            server = server.holding(held);
        }
        let sources = envoy_reports::Sources {
            envoys: server.envoys(),
            revision,
            snapshots,
        };
        let reports = tokio::spawn(envoy_reports::keep(
            store.clone(),
            sources,
            wait(stopped.clone()),
        ));
        let nodes = until(stopped.clone(), node::keep(keeper, server.envoys(), ca));
        let fresh = until(stopped.clone(), keep_fresh(identity));
        let xds = server.serve(
            xds_door.open(xds_listener)?.into_stream(),
            wait(stopped.clone()),
        );
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
            cors_origins: Arc::new(clusters.cors_origins()),
            cluster_addresses: Arc::new(clusters.address_policy(own)),
            documents,
        };
        store.note_lifetimes(state.lifetimes()).await?;
        let router = cubegate_api::router(state);
        // A tap hands the peer to the requests.
        let incoming = api_door.open(api)?.tap_io(|_| {});
        let api = axum::serve(
            incoming,
            router.into_make_service_with_connect_info::<Peer>(),
        )
        .with_graceful_shutdown(wait(stopped));
        let mut tasks = vec![
            tokio::spawn(async move { xds.await.context("the xDS server failed") }),
            tokio::spawn(async move { api.await.context("the HTTP API failed") }),
            tokio::spawn(async move { publisher.await.context("the publisher failed") }),
            tokio::spawn(async move { discovery.await.context("the discovery failed") }),
            tokio::spawn(async move { system_ca.await.context("the reading of CAs failed") }),
            tokio::spawn(async move { retention.await.context("the audit retention failed") }),
            tokio::spawn(async move {
                expiry
                    .await
                    .context("the taking out of what has expired failed")
            }),
            tokio::spawn(async move { reports.await.context("the reports of Envoys failed") }),
            tokio::spawn(async move { key_uses.await.context("the noting of key uses failed") }),
            tokio::spawn(async move { nodes.await.context("the watch over Envoys failed") }),
            tokio::spawn(async move { fresh.await.context("the renewal of certificates failed") }),
        ];
        tasks.extend(sinks.into_iter().flatten());
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

    /// Its database.
    pub(crate) fn store(&self) -> &Store {
        &self.store
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
        key_uses::write(&store).await;
        store.close().await;
        Ok(())
    }
}

/// Sends audit records there until everything is stopped.
fn send_audit(
    store: &Store,
    sink: impl Sink + 'static,
    stopped: &watch::Receiver<bool>,
) -> JoinHandle<anyhow::Result<()>> {
    let sending = audit_sink::run(store.clone(), sink, wait(stopped.clone()));
    tokio::spawn(async move {
        sending.await;
        Ok(())
    })
}

/// Runs this until everything is stopped.
fn until(
    stopped: watch::Receiver<bool>,
    work: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::select! {
            () = work => {}
            () = wait(stopped) => {}
        }
    })
}

async fn wait(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Waits for SIGTERM or SIGINT. They are heard from the call on, also before it is waited.
pub(crate) fn shutdown_signal() -> impl Future<Output = anyhow::Result<()>> {
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    async move {
        let (mut terminate, mut interrupt) = (signals.0?, signals.1?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        Ok(())
    }
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
