//! `cubegate bootstrap`

use std::fs;

use anyhow::Context as _;

use crate::args::BootstrapArgs;
use crate::bootstrap::Bootstrap;
use crate::data_dir::{DataDir, write_file, write_secret};
use crate::output;
use crate::pki::Ca;

pub(crate) fn run(args: &BootstrapArgs) -> anyhow::Result<()> {
    let BootstrapArgs {
        node_id,
        xds_address,
        envoy_admin,
        certs,
        write_certs,
        data,
    } = args;
    if let Some(folder) = write_certs {
        let data = DataDir::open(&data.data_dir)?;
        let ca = Ca::xds(&data)?;
        let certified = ca.client(node_id)?;
        fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        write_file(
            &folder.join("ca.crt"),
            ca.certificate_pem().as_bytes(),
            0o644,
        )?;
        write_file(
            &folder.join("tls.crt"),
            certified.certificate_pem.as_bytes(),
            0o644,
        )?;
        write_secret(&folder.join("tls.key"), certified.key_pem.as_bytes())?;
    }
    let yaml = Bootstrap {
        node_id,
        xds_address,
        admin: *envoy_admin,
        ca: &certs.join("ca.crt"),
        certificate: &certs.join("tls.crt"),
        key: &certs.join("tls.key"),
    }
    .to_yaml()?;
    output::line(yaml.trim_end());
    Ok(())
}
