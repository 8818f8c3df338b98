//! `cubegate credential`: a credential plugin of kubectl and of every other client that reads
//! kubeconfigs.

use cubegate_domain::ClusterName;

use crate::args::CredentialArgs;
use crate::client::{EXEC_INFO, ExecInfo, GatewayClient, GatewayUrl, Tokens};
use crate::output;

pub(crate) async fn run(args: &CredentialArgs) -> anyhow::Result<()> {
    let CredentialArgs { client, cluster } = args;
    let url: GatewayUrl = client.gateway.parse()?;
    let info = ExecInfo::parse(std::env::var(EXEC_INFO).ok().as_deref())?;
    let gateway = GatewayClient::new(url.clone(), client.gateway_ca.as_deref(), info.ca_pem(&url))?;
    let cluster = cluster.clone().or_else(|| info.cluster(&url));
    // A name in a path of the gateway, and one in the cache.
    let cluster: Option<ClusterName> = cluster.map(|name| name.parse()).transpose()?;
    let tokens = Tokens::new(gateway, client)?;
    let given = tokens
        .get(
            cluster.as_ref().map(ClusterName::as_str),
            std::os::unix::process::parent_id(),
        )
        .await?;
    output::line(&info.answer(&given.token, given.renew_at)?.to_string());
    Ok(())
}
