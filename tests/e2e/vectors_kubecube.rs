//! The KubeCube vectors through the whole gateway, in the order of their file.

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::gateway::free_port;
use cubegate_tests::jwt::Minter;
use cubegate_tests::vector::{Placeholders, VectorFile};
use cubegate_tests::{Client, Fixture, Gateway, Options, Site, block_on, kubeconfig};
use http::Method;
use serde_json::{Value, json};

use crate::support::vectors::{Tally, run};

/// All of them.
const GROUPS: [&str; 14] = [
    "list",
    "selector",
    "sort",
    "paging",
    "passthrough",
    "encoding",
    "routing",
    "auth",
    "login",
    "key",
    "user",
    "clusters",
    "authz",
    "extend",
];

/// Users whom the recording made by requests that are no vectors, each before the
/// vector that knows them.
const MADE_BEFORE: [(&str, &str, &str); 2] = [
    ("kubecube/user-list-page", "bob", "bobPass12"),
    ("kubecube/login-spaces", "dd", "  abcdefg1  "),
];

/// The vector that knows what the recording's admin was called, which the environment
/// does not say.
const KNOWS_ADMIN: &str = "kubecube/login-trailing-json";

#[test]
fn every_vector_gives_its_target() -> Result<()> {
    block_on(async {
        let file = VectorFile::read()?;
        let environment = file.environment.get("kubecube").context("no environment")?;
        let secret = environment["jwt_secret"]
            .as_str()
            .context("no secret")?
            .to_owned();
        let fixture = Fixture::start(file.fixtures.clone()).await?;
        let site = Site::new("vectors")?;
        import(&site, environment, fixture.port()).await?;
        let options = Options {
            plain: true,
            hs256_secret: Some(secret.clone()),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;

        let mut placeholders = Placeholders::new(Minter::new(&secret));
        let mut tally = Tally::of("kubecube")?;
        for vector in file.of("kubecube", &GROUPS) {
            ensure!(
                !vector.request.fresh_state,
                "{}: there is no fresh state here",
                vector.id
            );
            for (_, name, password) in MADE_BEFORE.iter().filter(|(id, ..)| *id == vector.id) {
                make_user(gateway.client(), &mut placeholders, name, password).await?;
            }
            if vector.id == KNOWS_ADMIN {
                name_admin(gateway.client(), &mut placeholders).await?;
            }
            let outcome = run(vector, gateway.client(), &fixture, &mut placeholders).await;
            tally.count(vector, outcome);
        }
        tally.end()?;
        gateway.health().check().await?;
        gateway.stop().await
    })
}

/// Over the API, as `admin`.
async fn make_user(
    client: &Client,
    placeholders: &mut Placeholders,
    name: &str,
    password: &str,
) -> Result<()> {
    let body = json!({ "metadata": { "name": name }, "spec": { "password": password } });
    let answer = client
        .request(&Method::POST, "/api/v1/cube/user/")
        .header(
            "authorization",
            placeholders.fill("Bearer {{token:admin}}")?,
        )
        .body(body.to_string())
        .send()
        .await?;
    ensure!(answer.status == 200, "{name} cannot be made: {answer:?}");
    Ok(())
}

async fn name_admin(client: &Client, placeholders: &mut Placeholders) -> Result<()> {
    let body = json!({ "spec": { "displayName": "ADMIN" } });
    client
        .request(&Method::PUT, "/api/v1/cube/user/admin")
        .header(
            "authorization",
            placeholders.fill("Bearer {{token:admin}}")?,
        )
        .body(body.to_string())
        .send()
        .await?
        .expect(200)?;
    Ok(())
}

/// Users, keys and clusters as the environment describes them.
async fn import(site: &Site, environment: &Value, port: u16) -> Result<()> {
    let upstream = kubeconfig::document(&format!("http://127.0.0.1:{port}"), None);
    let nobody = kubeconfig::document(&format!("http://127.0.0.1:{}", free_port()?), None);
    let mut clusters = Vec::new();
    for cluster in environment["clusters"].as_array().context("no clusters")? {
        let described = cluster.as_str().context("a cluster that is no text")?;
        let (name, how) = described
            .split_once(" (")
            .context("a cluster without a description")?;
        let kubeconfig = if how.starts_with("connection refused") {
            &nobody
        } else {
            &upstream
        };
        clusters.push(json!({ "name": name, "kubeconfig": kubeconfig }));
    }
    let mut keys = environment["keys"].clone();
    for key in keys.as_array_mut().context("no keys")? {
        // `ghost (no such user)`
        let user = key["user"].as_str().context("a key of nobody")?;
        key["user"] = json!(user.split(' ').next());
    }
    let document = json!({ "users": environment["users"], "keys": keys, "clusters": clusters });
    let file = site.dir().join("import.json");
    std::fs::write(&file, document.to_string())?;
    site.ok(&["import", &file.display().to_string()]).await?;
    Ok(())
}
