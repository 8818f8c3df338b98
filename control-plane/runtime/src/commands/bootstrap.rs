//! `cubegate bootstrap`

use time::OffsetDateTime;

use crate::args::BootstrapArgs;
use crate::bootstrap::{Bootstrap, EnvoyLimits};
use crate::commands::audit::changing;
use crate::data_dir::DataDir;
use crate::node::NodeFiles;
use crate::pki::Ca;
use crate::{commands, output};

/// Of an Envoy on a machine that is not known here, in MiB.
const HEAP_MIB: u64 = 2048;

pub(crate) async fn run(args: &BootstrapArgs) -> anyhow::Result<()> {
    let BootstrapArgs {
        node_id,
        xds_address,
        api_address,
        envoy_admin,
        certs,
        write_certs,
        nodes,
        limits,
        data,
    } = args;
    let files = NodeFiles::new(certs);
    if let Some(folder) = write_certs {
        let store = commands::open(data).await?;
        let ca = Ca::xds(&DataDir::open(&data.dir.data_dir)?)?;
        let issue =
            store.issue_node_certificate(node_id, OffsetDateTime::now_utc(), nodes.lifetime());
        let node = changing("create", "nodes", node_id, issue).await?;
        NodeFiles::new(folder).write(&files, ca.certificate_pem(), &ca.node(&node)?)?;
    }
    let yaml = Bootstrap {
        node_id,
        xds_address,
        api_address,
        admin: *envoy_admin,
        limits: EnvoyLimits {
            heap_mib: limits.envoy_memory.unwrap_or(HEAP_MIB),
            connections: limits.max_connections,
        },
        files: &files,
        cluster: "cubegate",
        // The module comes with the configuration.
        warm: None,
    }
    .to_yaml()?;
    output::line(yaml.trim_end());
    Ok(())
}
