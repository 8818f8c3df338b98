//! `cubegate serve`: the control plane alone.

use cubegate_snapshot::{AccessLogTarget, FilterModule};

use crate::args::{ListenArgs, ServeArgs};
use crate::control_plane::{ControlPlane, EnvoyParts, Listeners, shutdown_signal};
use crate::data_dir::DataDir;
use crate::output;
use crate::pki::Ca;

pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let ServeArgs {
        gateway,
        listen: ListenArgs {
            api_listen,
            xds_listen,
        },
        metrics_listen,
    } = args;
    let gateway = gateway.read_secrets()?;
    // Heard from here on: what a start has begun is ended in order.
    let stopped = shutdown_signal();
    let data = DataDir::open(&gateway.data.dir)?;
    let _lock = data.lock()?;
    let listeners = Listeners::bind(api_listen, xds_listen, metrics_listen).await?;
    // Envoys on other machines do not have our files.
    let module = crate::control_plane::read_module(&gateway.filter)?;
    let parts = EnvoyParts {
        module: FilterModule::Inline(std::sync::Arc::new(module)),
        access_log: AccessLogTarget::Stdout,
        held: None,
        admins: Vec::new(),
        follows: false,
    };
    let control_plane = ControlPlane::start(&data, &gateway, listeners, parts).await?;
    let ca = Ca::xds(data.keys())?;
    output::line(&format!(
        "HTTP API  https://{}",
        control_plane.api_address()
    ));
    output::line(&format!("its CA    {}", ca.certificate_path().display()));
    output::line(&format!(
        "xDS       {} (mutual TLS)",
        control_plane.xds_address()
    ));
    output::line(&format!(
        "metrics   http://{}/metrics",
        control_plane.metrics_address()
    ));
    output::line("Envoys connect with the bootstrap that `cubegate bootstrap` prints.");
    stopped.await?;
    control_plane.stop().await
}
