//! `cubegate bootstrap`

use time::OffsetDateTime;

use crate::args::BootstrapArgs;
use crate::bootstrap::{Bootstrap, EnvoyLimits};
use crate::commands::audit::changing;
use crate::data_dir::{DataDir, write_file};
use crate::node::NodeFiles;
use crate::pki::Ca;
use crate::{commands, output};

/// Of an Envoy on a machine that is not known here, in MiB.
const HEAP_MIB: u64 = 2048;

pub(crate) async fn run(args: &BootstrapArgs) -> anyhow::Result<()> {
    let BootstrapArgs {
        node_id,
        xds,
        api_addresses,
        envoy_admin,
        metrics_listen,
        certs,
        write_certs,
        keep_certs,
        output: output_file,
        nodes,
        limits,
        data,
    } = args;
    let files = NodeFiles::new(certs);
    if let Some(folder) = write_certs {
        let store = commands::open(data).await?;
        let ca = Ca::xds(DataDir::at(&data.dir).keys())?;
        let written = NodeFiles::new(folder);
        let now = OffsetDateTime::now_utc();
        if !(*keep_certs && is_good(&written, node_id, &ca, now)) {
            let issue = store.issue_node_certificate(node_id, now, nodes.lifetime());
            let node = changing("create", "nodes", node_id, issue).await?;
            written.write(&files, ca.certificate_pem(), &ca.node(&node)?)?;
        }
    }
    let yaml = Bootstrap {
        node_id,
        xds_addresses: &xds.xds_addresses,
        api_addresses,
        admin: *envoy_admin,
        metrics: *metrics_listen,
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
    match output_file {
        Some(path) => write_file(path, yaml.as_bytes(), 0o644),
        None => {
            output::line(yaml.trim_end());
            Ok(())
        }
    }
}

/// Whether these files will do for this Envoy until somebody renews them. One that was shut
/// out is not let in again by files that are kept.
fn is_good(files: &NodeFiles, node_id: &str, ca: &Ca, now: OffsetDateTime) -> bool {
    files
        .current(ca, node_id)
        .is_some_and(|node| node.expires_at - now > (node.expires_at - node.issued_at) / 3)
}
