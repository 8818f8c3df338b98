//! `cubegate doctor`: looks at a set-up from all sides, changes nothing, and says what to do.
//!
//! ```text
//! files ──> database ──> certificates, users ──> Envoys ──> each member, through each Envoy
//!   └─ ports, what the running control plane says of itself
//! ```

mod certificates;
mod database;
mod files;
mod fleet;
mod ports;
mod report;
#[cfg(test)]
mod tests;

use anyhow::bail;

use self::report::Report;
use crate::args::DoctorArgs;
use crate::data_dir::DataDir;

pub(crate) async fn run(args: &DoctorArgs) -> anyhow::Result<()> {
    let DoctorArgs {
        output,
        data,
        listen,
        tls_cert,
        tls_key,
    } = args;
    let mut report = Report::default();
    let folder = DataDir::at(&data.dir);
    files::check(&mut report, &folder, data.dir.keys_dir.as_deref());
    let is_running = ports::check(&mut report, &folder, listen).await;
    let given = tls_cert.as_deref().zip(tls_key.as_deref());
    certificates::check_files(&mut report, &folder, given);
    if let Some(store) = database::check(&mut report, data, &folder).await {
        certificates::check_stored(&mut report, &store).await?;
        database::check_users(&mut report, &store).await?;
        fleet::check(&mut report, &store, is_running).await?;
        store.close().await;
    }
    let failed = report.print(output.format)?;
    match failed {
        0 => Ok(()),
        1 => bail!("1 check has failed"),
        failed => bail!("{failed} checks have failed"),
    }
}
