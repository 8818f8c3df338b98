//! A change and its record are there together, also after a kill.

use super::*;
use cubegate_tests::postgres::Postgres;

async fn no_record_is_lost_to_a_kill(site: Site) -> Result<()> {
    let options = Options {
        plain: true,
        ..Options::default()
    };
    let gateway = Gateway::start(site, &options).await?;
    let site = gateway.site();
    site.add_user("jane", "a good Passw0rd").await?;
    let jane = gateway
        .client()
        .with_bearer(&gateway.new_token("jane").await?)?;
    let mut made = Vec::new();
    for _ in 0..4 {
        let answer = jane.post("/api/v1/cube/key/create").send().await?;
        // Nothing happens between the answer and the end.
        gateway.kill_control_plane().await?;
        let pair = answer.expect(200)?.json()?;
        made.push(pair["accessKey"].as_str().context("no key")?.to_owned());
        gateway.restart_control_plane().await?;
    }
    let login = json!({ "name": "jane", "password": "a good Passw0rd", "loginType": "normal" });
    let path = "/api/v1/cube/login";
    let answer = gateway.client().post(path).json(&login).send().await?;
    gateway.kill_control_plane().await?;
    let id = request_id(&answer.expect(200)?)?;

    let keys = site.ok(&["key", "list"]).await?;
    let records = site.ok(&["audit", "export"]).await?;
    for key in &made {
        ensure!(keys.contains(key), "{key} is lost");
        let told = format!("\"name\":\"{key}\"");
        ensure!(
            records.lines().filter(|line| line.contains(&told)).count() == 1,
            "the record of {key}: {records}"
        );
    }
    ensure!(records.contains(&id), "no record of the login: {records}");
    gateway.restart_control_plane().await?;
    gateway.stop().await
}

#[test]
fn a_kill_right_after_the_answer_loses_no_record() -> Result<()> {
    block_on(async { no_record_is_lost_to_a_kill(Site::new("audit-killed")?).await })
}

#[test]
fn a_kill_right_after_the_answer_loses_no_record_on_postgresql() -> Result<()> {
    block_on(async {
        let url = Postgres::shared()?.database("audit")?;
        let site = Site::new("audit-killed")?.with_variable("CUBEGATE_DATABASE_URL", &url);
        no_record_is_lost_to_a_kill(site).await
    })
}
