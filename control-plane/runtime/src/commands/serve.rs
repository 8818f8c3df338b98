//! `cubegate serve`: the control plane alone.

use cubegate_snapshot::{Endpoint, FilterModule};

use crate::args::ServeArgs;
use crate::bootstrap::split_host_port;
use crate::control_plane::{ControlPlane, Listeners, shutdown_signal};
use crate::data_dir::DataDir;
use crate::output;

pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let ServeArgs {
        gateway,
        api_listen,
        api_advertise,
        xds_listen,
    } = args;
    let data = DataDir::open(&gateway.data.dir.data_dir)?;
    let _lock = data.lock()?;
    let listeners = Listeners::bind(api_listen, xds_listen).await?;
    let advertised = match &api_advertise {
        Some(address) => {
            let (host, port) = split_host_port(address)?;
            Endpoint { host, port }
        }
        None => {
            let address = listeners.api_address()?;
            Endpoint {
                host: address.ip().to_string(),
                port: address.port(),
            }
        }
    };
    // Envoys on other machines do not have our files.
    let module = crate::control_plane::read_module(&gateway.filter)?;
    let module = FilterModule::Inline(std::sync::Arc::new(module));
    let control_plane =
        ControlPlane::start(&data, &gateway, listeners, advertised, module, None).await?;
    output::line(&format!("HTTP API  http://{}", control_plane.api_address()));
    output::line(&format!(
        "xDS       {} (mutual TLS)",
        control_plane.xds_address()
    ));
    output::line("Envoys connect with the bootstrap that `cubegate bootstrap` prints.");
    shutdown_signal().await?;
    control_plane.stop().await
}
