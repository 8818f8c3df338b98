//! The table of documented routes: it is true, and the page is made of it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use cubegate_tests::artifacts::root;
use cubegate_tests::compatibility::{PAGE, Row, SYSTEMS, page};
use cubegate_tests::{Client, until};
use http::Method;

use crate::support::in_the_world;

/// How long discovery may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of the gateway and of both clusters.
const ADMIN: &str = "compatible";

#[test]
fn every_row_is_as_it_says() -> Result<()> {
    in_the_world(async |world| {
        for server in [&world.stack.pivot, &world.stack.member] {
            server.kube.make_cluster_admin(ADMIN).await?;
        }
        let admin = world.gateway.user(ADMIN, &["cubegate:admins"]).await?;
        discovered(&admin).await?;
        let mut wrong = Vec::new();
        for system in SYSTEMS {
            for row in system.rows()? {
                let status = probed(&admin, &row).await?;
                if status != row.probe.status {
                    wrong.push(format!("{}: {status} for {:?}", row.route, row.probe));
                }
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    })
}

/// Until the gateway knows what the host cluster has.
async fn discovered(client: &Client) -> Result<()> {
    let path = "/kapis/resources.kubesphere.io/v1alpha3/namespaces";
    until("the host cluster's resources", PATIENCE, async || {
        let answer = client.get(path).send().await?;
        match answer.status {
            // Nor does an API server know a binding at once.
            503 | 403 => Ok(None),
            200 => Ok(Some(())),
            _ => bail!("{}", answer.describe()),
        }
    })
    .await
}

async fn probed(client: &Client, row: &Row) -> Result<u16> {
    let method = Method::from_bytes(row.probe.method.as_bytes())?;
    let request = client.request(&method, &row.probe.path);
    let request = match &row.probe.body {
        Some(body) => request.json(body),
        None => request,
    };
    Ok(request.send().await?.status)
}

#[test]
fn the_page_is_the_table() -> Result<()> {
    let path = root().join(PAGE);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    ensure!(text == page()?, "{PAGE} is stale; run make generate");
    Ok(())
}
