//! `cubegate up`: the control plane and an Envoy on this machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use cubegate_snapshot::{AccessLogTarget, FilterModule};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::args::{EnvoyArgs, UpArgs};
use crate::bootstrap::{EnvoyLimits, Warm};
use crate::control_plane::{
    ControlPlane, EnvoyParts, HS256_SECRET_ENV, Listeners, read_module, shutdown_signal,
};
use crate::data_dir::{DataDir, write_file};
use crate::envoy::{self, Envoy, EnvoyOptions, Place, Slot};
use crate::node::LocalNode;
use crate::pki::Ca;
use crate::{machine, output};

/// Least heap that an Envoy is given by itself, and in which steps it grows, in MiB.
const LEAST_HEAP_MIB: u64 = 256;
const HEAP_STEP_MIB: u64 = 64;

/// Where the running gateway can be reached; `DIR/endpoints.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Endpoints {
    /// The URL that clients use.
    gateway: String,
    /// The control plane's HTTP API, for this machine only.
    control_plane: String,
    /// The CA that signed its certificate.
    #[serde(default)]
    control_plane_ca: String,
    /// The admin page of the Envoy that serves, for this machine only.
    envoy_admin: String,
    /// Those of the Envoy in each place, which take turns.
    #[serde(default)]
    envoy_admins: Vec<SocketAddr>,
    /// Where the metrics of the Envoy that serves are read, for this machine only.
    #[serde(default)]
    envoy_metrics: String,
    /// Those of the Envoy in each place.
    #[serde(default)]
    envoy_metrics_listeners: Vec<SocketAddr>,
    /// Where the control plane's own metrics are read.
    #[serde(default)]
    metrics: String,
    /// `HOST:PORT` of xDS.
    xds: String,
    /// The CA that signed the listener's certificate; `null` in clear or when the
    /// operator brought the certificate.
    ca: Option<String>,
}

// === impl Endpoints ===

impl Endpoints {
    fn write(&self, data: &DataDir) -> anyhow::Result<()> {
        let file = data.join("endpoints.json");
        write_file(&file, &serde_json::to_vec_pretty(self)?, 0o644)
    }
}

pub(crate) async fn run(args: UpArgs) -> anyhow::Result<()> {
    let UpArgs {
        gateway,
        envoy: binary,
        envoy_concurrency,
        limits,
        envoy_admin,
        envoy_metrics_listen,
        metrics_listen,
        envoy_standby,
        drain_time,
        envoy_log_size,
        envoy_log_files,
        api_listen,
        xds_listen,
    } = args;
    let gateway = gateway.read_secrets()?;
    // Heard from here on: what a start has begun is ended in order.
    let mut stopped = std::pin::pin!(shutdown_signal());
    let data = DataDir::open(&gateway.data.dir)?;
    let _lock = data.lock()?;
    let limits = envoy_limits(&limits);

    // The ports of the last start come first: an Envoy that is still there knows them.
    let last = last_endpoints(&data);
    let of_last = |find: fn(&Endpoints) -> Option<SocketAddr>| last.as_ref().and_then(find);
    let listeners = Listeners::bind_preferring(
        (api_listen, of_last(|last| url_address(&last.control_plane))),
        (xds_listen, of_last(|last| last.xds.parse().ok())),
        (metrics_listen, of_last(|last| url_address(&last.metrics))),
    )
    .await?;
    let known = last.as_ref();
    let admins = places(envoy_admin, known.map(|last| last.envoy_admins.as_slice()))?;
    let metrics = places(
        envoy_metrics_listen,
        known.map(|last| last.envoy_metrics_listeners.as_slice()),
    )?;

    // Before anybody listens whom it could ask for what it is to serve.
    envoy::end_standby(&data).await?;
    let (hold, held) = watch::channel(None);
    let module = keep_module(&data, &gateway.filter)?;
    let warm = Warm {
        module: &module,
        environment: gateway.jwt_hs256_secret.as_ref().map(|_| HS256_SECRET_ENV),
    };
    let parts = EnvoyParts {
        module: FilterModule::File(module.display().to_string()),
        access_log: AccessLogTarget::File(envoy::access_log(&data)?),
        held: Some(held),
        admins: [&admins, &metrics]
            .map(|places| [places.first, places.second])
            .concat(),
        follows: true,
    };
    let mut control_plane = ControlPlane::start(&data, &gateway, listeners, parts).await?;

    let node = LocalNode::new(&data, control_plane.authority(), gateway.nodes.lifetime())?;
    node.renew_if_due(control_plane.store()).await?;
    let environment = gateway
        .jwt_hs256_secret
        .iter()
        .map(|secret| (HS256_SECRET_ENV.to_owned(), secret.clone()))
        .collect::<Vec<_>>();
    let place = |slot| {
        let pages = (*admins.of(slot), *metrics.of(slot));
        node.bootstrap(&control_plane, pages, limits, slot, &warm)
    };
    let options = EnvoyOptions {
        binary,
        concurrency: envoy_concurrency,
        listen: gateway.listen,
        tls: !gateway.plain,
        proxy_protocol: !gateway.connections.proxy_protocol.is_empty(),
        bootstraps: Place {
            first: place(Slot::First)?,
            second: place(Slot::Second)?,
        },
        admins: admins.clone(),
        environment,
        standby: envoy_standby,
        held: hold,
        drain_time: Duration::from_secs(drain_time),
        log_bytes: u64::from(envoy_log_size) << 20,
        log_files: envoy_log_files,
    };
    let mut envoy = Envoy::start(&data, options).await?;
    let ready = tokio::select! {
        ready = envoy.wait_ready() => ready,
        stopped = &mut stopped => stopped.and(Err(anyhow::anyhow!("stopped before Envoy was ready"))),
    };
    let ready = match ready {
        Ok(()) => control_plane.make_first_admin().await,
        failed => failed,
    };
    if let Err(error) = ready {
        envoy.stop().await;
        return Err(error);
    }

    let scheme = if gateway.plain { "http" } else { "https" };
    let own_certificate = !gateway.plain && gateway.tls_cert.is_none();
    let ca = own_certificate
        .then(|| Ca::gateway(data.keys()).map(|ca| ca.certificate_path().display().to_string()))
        .transpose()?;
    let endpoints = Endpoints {
        gateway: format!("{scheme}://{}", gateway.listen),
        control_plane: format!("https://{}", control_plane.api_address()),
        control_plane_ca: Ca::xds(data.keys())?
            .certificate_path()
            .display()
            .to_string(),
        envoy_admin: format!("http://{}", envoy.admin()),
        envoy_admins: vec![admins.first, admins.second],
        envoy_metrics: metrics_url(&admins, &metrics, envoy.admin()),
        envoy_metrics_listeners: vec![metrics.first, metrics.second],
        metrics: format!("http://{}/metrics", control_plane.metrics_address()),
        xds: control_plane.xds_address().to_string(),
        ca,
    };
    endpoints.write(&data)?;
    output::line(&format!("gateway        {}", endpoints.gateway));
    if let Some(ca) = &endpoints.ca {
        output::line(&format!("its CA         {ca}"));
    }
    output::line(&format!("control plane  {}", endpoints.control_plane));
    output::line(&format!("its CA         {}", endpoints.control_plane_ca));
    output::line(&format!("Envoy admin    {}", endpoints.envoy_admin));
    output::line(&format!("metrics        {}", endpoints.metrics));
    output::line(&format!("Envoy metrics  {}", endpoints.envoy_metrics));

    let moved = |admin: SocketAddr| {
        let endpoints = Endpoints {
            envoy_admin: format!("http://{admin}"),
            envoy_metrics: metrics_url(&admins, &metrics, admin),
            ..endpoints.clone()
        };
        if let Err(error) = endpoints.write(&data) {
            tracing::error!(%error, "endpoints.json tells of an Envoy that has ended");
        }
    };
    let outcome = tokio::select! {
        stopped = &mut stopped => stopped,
        error = envoy.supervise(moved) => Err(error),
        never = node.keep(control_plane.store().clone()) => match never {},
    };
    envoy.stop().await;
    control_plane.stop().await?;
    outcome
}

/// Copies the filter under a name that its contents decide: Envoy reads the file
/// again and again, and must never find other bytes under the same name.
fn keep_module(data: &DataDir, path: &Path) -> anyhow::Result<PathBuf> {
    let module = read_module(path)?;
    let digest = hex::encode(Sha256::digest(&module));
    let kept = data.folder("filter")?.join(format!("{digest}.wasm"));
    if !kept.exists() {
        write_file(&kept, &module, 0o644)?;
    }
    Ok(kept)
}

/// Returns where a page of the Envoy in each place is: as asked, or where it was the last
/// time, or at ports that nobody has.
fn places(asked: SocketAddr, last: Option<&[SocketAddr]>) -> anyhow::Result<Place<SocketAddr>> {
    let mut last = last.into_iter().flatten().copied();
    let (first, second) = (last.next(), last.next());
    let any = SocketAddr::new(asked.ip(), 0);
    let known = |last: Option<SocketAddr>| last.filter(|last| last.ip() == asked.ip());
    Ok(Place {
        first: match known(first) {
            _ if asked.port() != 0 => asked,
            Some(last) => last,
            None => free_port(any)?,
        },
        second: match known(second).filter(|second| *second != asked) {
            Some(last) => last,
            None => free_port(any)?,
        },
    })
}

/// Returns where the metrics of the Envoy with this admin page are.
fn metrics_url(
    admins: &Place<SocketAddr>,
    metrics: &Place<SocketAddr>,
    admin: SocketAddr,
) -> String {
    let slot = match admin == admins.second {
        true => Slot::Second,
        false => Slot::First,
    };
    format!("http://{}/metrics", metrics.of(slot))
}

/// As the flags say, or as much as this machine has for one Envoy.
fn envoy_limits(args: &EnvoyArgs) -> EnvoyLimits {
    let EnvoyArgs {
        envoy_memory,
        max_connections,
    } = args;
    let connections = machine::connections_for(*max_connections);
    if connections < *max_connections {
        tracing::warn!(
            connections,
            "a process may open too few files here for --max-connections {max_connections}; that many are served, raise the hard limit (ulimit -Hn) for more"
        );
    }
    EnvoyLimits {
        // The other half is for the filter's memory, which is not in the heap, and for
        // the control plane. In steps, so that the same machine always says the same.
        heap_mib: envoy_memory.unwrap_or_else(|| {
            machine::memory_mib().map_or(LEAST_HEAP_MIB, |mib| {
                (mib / 2 / HEAP_STEP_MIB * HEAP_STEP_MIB).max(LEAST_HEAP_MIB)
            })
        }),
        connections,
    }
}

fn last_endpoints(data: &DataDir) -> Option<Endpoints> {
    serde_json::from_slice(&std::fs::read(data.join("endpoints.json")).ok()?).ok()
}

fn url_address(url: &str) -> Option<SocketAddr> {
    let (_, rest) = url.split_once("://")?;
    let (address, _) = rest.split_once('/').unwrap_or((rest, ""));
    address.parse().ok()
}

/// A port that nobody has at this moment.
fn free_port(address: SocketAddr) -> anyhow::Result<SocketAddr> {
    std::net::TcpListener::bind(address)
        .and_then(|listener| listener.local_addr())
        .with_context(|| format!("no free port at {address}"))
}
