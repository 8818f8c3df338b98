//! What leaves the gateway, and what is lost when nobody records.

use super::*;

/// A gateway of the test's own before one upstream, `only`.
async fn start(name: &str) -> Result<(Gateway, Scripted)> {
    let upstream = Scripted::start(whole(&list(&["a"]))).await?;
    let site = Site::new(name)?;
    site.add_plain_cluster("only", upstream.port()).await?;
    let options = Options {
        plain: true,
        ..Options::default()
    };
    Ok((Gateway::start(site, &options).await?, upstream))
}

#[test]
fn an_api_server_learns_the_request_id_and_nothing_of_the_note() -> Result<()> {
    block_on(async {
        let (gateway, upstream) = start("audit-id").await?;
        let admin = gateway.admin().await?;
        let answer = admin
            .get(&cube("only", "/api/v1/configmaps"))
            .header("x-request-id", "of-the-client")
            .header("audit-id", "of-the-client")
            .send()
            .await?
            .expect(200)?;
        let id = request_id(&answer)?;
        ensure!(id != "of-the-client", "a client chose the id");
        let heads = upstream.heads()?;
        let head = heads.last().context("nothing arrived")?.to_lowercase();
        ensure!(
            head.contains(&format!("\r\nx-request-id: {id}\r\n")),
            "{head}"
        );
        ensure!(head.contains(&format!("\r\naudit-id: {id}\r\n")), "{head}");
        ensure!(!head.contains("of-the-client"), "{head}");
        ensure!(!head.contains("cubegate_audit"), "{head}");
        gateway.stop().await
    })
}

#[test]
fn traffic_goes_on_without_the_control_plane_and_is_recorded_again_with_it() -> Result<()> {
    block_on(async {
        let (gateway, _upstream) = start("audit-away").await?;
        let admin = gateway.admin().await?;
        let path = cube("only", "/api/v1/configmaps");
        let before = admin.get(&path).send().await?.expect(200)?;
        record_of(&admin, &before, "").await?;

        gateway.kill_control_plane().await?;
        for _ in 0..200 {
            admin.get(&path).send().await?.expect(200)?;
        }
        gateway.restart_control_plane().await?;
        // What was written before is still there, and the log comes again.
        record_of(&admin, &before, "").await?;
        until("a record after the restart", PATIENCE, || async {
            let after = admin.get(&path).send().await?.expect(200)?;
            tokio::time::sleep(Duration::from_secs(2)).await;
            let records = records_of(&admin, &request_id(&after)?, "").await?;
            Ok((records.len() == 1).then_some(()))
        })
        .await?;
        gateway.health().check().await?;
        gateway.stop().await?;
        // What was last done before the end is in the database.
        let last = gateway
            .site()
            .ok(&["audit", "export", "--filter", "resource=audit"])
            .await?;
        ensure!(last.lines().count() >= 3, "{last}");
        Ok(())
    })
}
