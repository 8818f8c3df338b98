//! The control plane put together: store, HTTP API, snapshots and xDS.

mod expiry;
mod first_admin;
mod key_uses;
mod listeners;
mod live;
mod module;
mod settings;
mod shutdown;
mod tasks;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use cubegate_api::{AppState, Clock, Peer, PublicGateway, Throttle};
use cubegate_filter_config::FilterLimits;
use cubegate_snapshot::{AccessLog, AccessLogTarget, FilterModule, ListenerSettings, Snapshot};
use cubegate_store::Store;
use cubegate_xds::XdsServer;
use tokio::sync::watch;

use self::first_admin::FirstAdmin;
pub(crate) use self::listeners::Listeners;
use self::live::Files;
pub(crate) use self::live::Live;
pub(crate) use self::module::read_module;
pub(crate) use self::settings::HS256_SECRET_ENV;
use self::settings::{api_names, gateway_url, public_host, token_keys};
pub(crate) use self::shutdown::shutdown_signal;
use self::tasks::Tasks;
use crate::access_log::{Uses, access_log};
use crate::args::GatewayArgs;
use crate::audit_sink;
use crate::checks::{Answers, Checker, Listener, Said};
use crate::cluster_reports;
use crate::console::{Gateways, console};
use crate::data_dir::{DataDir, Missing};
use crate::discovery;
use crate::envoy_reports;
use crate::metrics::{self, Counted, Metrics};
use crate::node::{self, Nodes, Renewal};
use crate::pki::{Ca, listener_ca, serving_certificate};
use crate::publisher::{Fixed, Publisher};
use crate::system_ca::SystemCa;
use crate::tls::{Door, Identity, Peers, keep_fresh};
use crate::traces;

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
    /// Their admin pages and metrics, as far as they are known.
    pub(crate) admins: Vec<SocketAddr>,
    /// Whether the start ends with that of an Envoy, which may fail yet.
    pub(crate) follows: bool,
}

/// A running control plane.
pub(crate) struct ControlPlane {
    api_address: SocketAddr,
    xds_address: SocketAddr,
    metrics_address: SocketAddr,
    authority: watch::Receiver<Ca>,
    tasks: Tasks,
    /// Ends after everything that records.
    audit_writer: Tasks,
    store: Store,
    first_admin: Option<FirstAdmin>,
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
        // `filter`, the data directory and the files of secrets were read by the caller; the rest is all used here.
        let GatewayArgs {
            data: data_args,
            log,
            traces: trace_args,
            list,
            audit,
            oauth,
            throttle,
            clusters,
            callers,
            connections,
            nodes: nodes_args,
            silence,
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
            jwt_hs256_secret_file: _,
            admin_password,
            admin_password_file: _,
        } = args;
        let limits = silence.bound(list.limits()?);
        let (webhook, syslog) = (audit.webhook()?, audit.syslog());
        let store = data.store(data_args.database()?, Missing::Make).await?;
        let first_admin = FirstAdmin::if_needed(&store, admin_password.clone()).await?;

        let lifetime = Duration::from_secs(*token_lifetime);
        let (api_metrics, xds_metrics) = Default::default();
        let (issuer, tokens) = token_keys(data, issuer, jwt_hs256_secret.as_deref(), lifetime)?;
        let issuer = issuer.counting(cubegate_api::Metrics::clone(&api_metrics));
        let certificate = if *plain {
            None
        } else {
            let given = tls_cert.as_deref().zip(tls_key.as_deref());
            let public = public_url.as_deref().and_then(public_host);
            Some(serving_certificate(data, given, listen.ip(), public)?)
        };
        let of = |serving| listener_ca(data.keys(), serving, tls_cert.is_some());
        let ca_pem = certificate.as_ref().map(of).transpose()?.flatten();
        let fixed = Fixed {
            tokens,
            cors_origins: clusters.cors_origins(),
            no_impersonation: clusters.no_impersonation,
            no_host_paths: clusters.no_host_paths,
            limits: FilterLimits {
                callers: callers.limits(),
                max_stream_seconds: *max_stream_duration,
                max_request_head_bytes: connections.max_request_head_bytes(),
                send_timeout_seconds: connections.send_timeout,
                ..limits
            },
            pass_period: Duration::from_secs(*route_pass_period),
            clock: silence.clock(),
            module: envoys.module,
            listener: ListenerSettings {
                host: listen.ip().to_string(),
                port: listen.port(),
                certificate,
                times: connections.times(),
                trusted_hops: connections.trusted_hops,
                proxy_protocol: connections.proxy_protocol.clone(),
                access_log: AccessLog {
                    target: envoys.access_log,
                    format: log.log_format.into(),
                },
                traces: trace_args.settings()?,
            },
        };
        let listener = Listener::new(*listen, &fixed.listener)?;
        let gateways = Gateways::new(listener.clone());
        let issuer = Arc::new(issuer);
        let (lives, live) = watch::channel(Live {
            tokens: fixed.tokens.clone(),
            certificate: fixed.listener.certificate.clone(),
        });
        let live_certificates = live.clone();
        let given = tls_cert.clone().zip(tls_key.clone()).filter(|_| !*plain);
        let keys = jwt_hs256_secret.is_none().then(|| data.keys());
        let files = Files::new(keys, data.keys(), Arc::clone(&issuer), given);
        let (authorities, authority) = watch::channel(Ca::xds(data.keys())?);
        let mut system_ca = SystemCa::find(connections.system_ca.system_ca.as_deref())?;
        let (bundles, bundle) = watch::channel(system_ca.read());
        let mut tasks = Tasks::default();
        tasks.until_stopped(Arc::clone(&gateways).follow(live.clone()));
        tasks.until_stopped(system_ca.follow(bundles));
        tasks.until_stopped(files.follow(lives, authorities.clone()));
        let (found, discovering) = discovery::begin(&store, clusters.discovery_interval());
        tasks.until_stopped(discovering);
        let mut known = found.known;
        let console_known = known.clone();
        let complete = known.wait_for(|known| known.complete);
        // One that hangs must not hold up the others.
        let _ = tokio::time::timeout(FIRST_DISCOVERY, complete).await;
        let mut publisher =
            Publisher::new(store.clone(), known, bundle, live.clone(), fixed).await?;
        let first = publisher.snapshot(&Snapshot::default());
        let documents = publisher.sizes();
        let (publish, snapshots) = watch::channel(Arc::new(first));
        let (published, revision) = watch::channel(0);
        tasks.until_stopped(publisher.run(publish, published));

        let Listeners {
            api,
            xds: xds_listener,
            metrics: metrics_listener,
        } = listeners;
        let (api_address, xds_address) = (api.local_addr()?, xds_listener.local_addr()?);
        let metrics_address = metrics_listener.local_addr()?;
        let mut own = vec![api_address, xds_address, metrics_address, *listen];
        own.extend(envoys.admins);
        let lifetime = nodes_args.lifetime();
        let names = api_names(api_address, given_names);
        let identity = Identity::new(authority.clone(), names, lifetime)?;
        let (nodes, keeper) = Nodes::new(store.clone()).await?;
        let peers = Arc::new(Peers::default());
        let door = |envoys_only| Door::new(&identity, &nodes, &peers, envoys_only);
        let (xds_door, api_door) = (door(true), door(false));
        let renewal = Renewal {
            store: store.clone(),
            keys: data.keys().clone(),
            authority: authorities,
            lifetime,
        };
        let (recorder, records) = cubegate_audit::channel(cubegate_audit::CAPACITY);
        let mut audit_writer = Tasks::default();
        audit_writer.spawn(records.write_to(store.clone(), audit_writer.stopped()));
        tasks.until_stopped(audit.retention().keep(store.clone()));
        if let Some(sink) = webhook {
            tasks.spawn(audit_sink::run(store.clone(), sink, tasks.stopped()));
        }
        if let Some(sink) = syslog {
            tasks.spawn(audit_sink::run(store.clone(), sink, tasks.stopped()));
        }
        tasks.spawn(key_uses::keep(store.clone(), tasks.stopped()));
        tasks.until_stopped(expiry::keep(store.clone()));
        let reported = cluster_reports::keep(store.clone(), found.states.clone(), tasks.stopped());
        tasks.spawn(reported);
        let said = Said::default();
        let uses = Uses {
            store: store.clone(),
            clusters: found.states.clone(),
        };
        let log = access_log(recorder.clone(), uses, said.clone(), found.nudges);
        let mut server = XdsServer::new(snapshots.clone())
            .counting(cubegate_xds::Metrics::clone(&xds_metrics))
            .with_access_log(log)
            .with_routes(renewal.routes());
        if let Some(held) = envoys.held {
            server = server.holding(held);
        }
        let (answers, answered) = watch::channel(Answers::default());
        let sources = envoy_reports::Sources {
            envoys: server.envoys(),
            revision,
            snapshots: snapshots.clone(),
            answers: answered,
        };
        let checker = Checker {
            store: store.clone(),
            sources: sources.clone(),
            listener,
            live,
            issuer: Arc::clone(&issuer),
            said,
            answers,
        };
        tasks.until_stopped(checker.run());
        tasks.spawn(envoy_reports::keep(store.clone(), sources, tasks.stopped()));
        let told = metrics::Live {
            store: store.clone(),
            recorder: recorder.clone(),
            envoys: server.envoys(),
            snapshots,
            documents: documents.clone(),
            clusters: found.states.clone(),
            identity: Arc::clone(&identity),
            live: live_certificates,
            authority: authority.clone(),
        };
        let (counts, counted) = watch::channel(None);
        tasks.until_stopped(metrics::count(store.clone(), counts));
        let told = Metrics::new(&api_metrics, &xds_metrics, told, Counted(counted));
        tasks.until_stopped(node::keep(keeper, server.envoys(), authority.clone()));
        tasks.until_stopped(keep_fresh(identity));
        let xds = server.serve(xds_door.open(xds_listener)?.into_stream(), tasks.stopped());
        tasks.try_spawn(async move { xds.await.context("the xDS server failed") });
        let state = AppState {
            metrics: api_metrics,
            store: store.clone(),
            audit: recorder,
            issuer,
            clock: Clock::system(),
            plain_http: *plain,
            session_lifetime: Duration::from_secs(*session_lifetime),
            public: Arc::new(PublicGateway {
                url: gateway_url(public_url.as_deref(), *listen, *plain)?,
                // Of a certificate of the operator's, clients know the CA.
                ca_pem,
                kubeconfig_lifetime: Duration::from_secs(*kubeconfig_lifetime),
            }),
            oauth: Arc::new(oauth.settings()),
            throttle: Arc::new(Throttle::new(&throttle.settings())),
            cors_origins: Arc::new(clusters.cors_origins()),
            cluster_addresses: Arc::new(clusters.address_policy(own)),
            documents,
            clusters: found.states,
        };
        store.note_lifetimes(state.lifetimes()).await?;
        tasks.until_stopped(crate::sources::follow(&clusters.sources, &state));
        let probes = cubegate_api::probes(state.clone());
        tasks.spawn(metrics::serve(
            metrics_listener,
            told,
            probes,
            tasks.stopped(),
        ));
        let pages = cubegate_console::router(console(&state, &gateways, console_known));
        let router =
            cubegate_api::router(state, pages).layer(axum::middleware::from_fn(traces::span));
        let mut first_admin = first_admin;
        if !envoys.follows
            && let Some(admin) = first_admin.take()
        {
            admin.make(&store).await?;
        }
        // A tap hands the peer to the requests.
        let incoming = api_door.open(api)?.tap_io(|_| {});
        let api = axum::serve(
            incoming,
            router.into_make_service_with_connect_info::<Peer>(),
        )
        .with_graceful_shutdown(tasks.stopped());
        tasks.try_spawn(async move { api.await.context("the HTTP API failed") });
        Ok(Self {
            api_address,
            xds_address,
            metrics_address,
            authority,
            tasks,
            audit_writer,
            store,
            first_admin,
        })
    }

    /// Makes the user `admin` where nobody manages the gateway yet, and shows its password. For
    /// the end of a start that goes on after the control plane's.
    pub(crate) async fn make_first_admin(&mut self) -> anyhow::Result<()> {
        match self.first_admin.take() {
            Some(admin) => admin.make(&self.store).await,
            None => Ok(()),
        }
    }

    pub(crate) fn api_address(&self) -> SocketAddr {
        self.api_address
    }

    /// The CA of xDS, also after it was replaced.
    pub(crate) fn authority(&self) -> watch::Receiver<Ca> {
        self.authority.clone()
    }

    /// Its database.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn xds_address(&self) -> SocketAddr {
        self.xds_address
    }

    /// Where metrics are read.
    pub(crate) fn metrics_address(&self) -> SocketAddr {
        self.metrics_address
    }

    /// Stops everything; requests under way are finished.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let Self {
            tasks,
            audit_writer,
            store,
            api_address: _,
            xds_address: _,
            first_admin: _,
            metrics_address: _,
            authority: _,
        } = self;
        tasks.stop().await?;
        audit_writer.stop().await?;
        // Tokens were given until now.
        key_uses::write(&store).await;
        store.close().await;
        Ok(())
    }
}
