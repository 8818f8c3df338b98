//! The KubeCube vectors through the whole gateway, in the order of their file.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use cubegate_tests::gateway::free_port;
use cubegate_tests::jwt::Minter;
use cubegate_tests::vector::{NotYet, Observed, Placeholders, Vector, VectorFile};
use cubegate_tests::{Client, Fixture, Gateway, Options, Site, block_on, kubeconfig};
use http::Method;
use serde_json::{Value, json};

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
        let not_yet = NotYet::read()?.0;
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
        };
        let gateway = Gateway::start(site, &options).await?;

        let mut placeholders = Placeholders::new(Minter::new(&secret));
        let mut passed = 0;
        let mut surprises = Vec::new();
        let mut known = BTreeMap::new();
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
            match (outcome, not_yet.get(&vector.id)) {
                (Ok(()), None) => passed += 1,
                (Ok(()), Some(reason)) => surprises.push(format!(
                    "{} passes; take it off not-yet.json ({reason})",
                    vector.id
                )),
                (Err(error), None) => surprises.push(format!("{}: {error:#}", vector.id)),
                (Err(_), Some(reason)) => {
                    known.insert(vector.id.clone(), reason.clone());
                }
            }
        }
        report(passed, &known, surprises.len());
        let unknown: Vec<_> = not_yet
            .keys()
            .filter(|id| !known.contains_key(*id))
            .collect();
        ensure!(
            surprises.is_empty(),
            "{} surprises:\n{}",
            surprises.len(),
            surprises.join("\n")
        );
        ensure!(
            unknown.is_empty(),
            "not-yet.json names no vector of these groups: {unknown:?}"
        );
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

async fn run(
    vector: &Vector,
    client: &Client,
    fixture: &Fixture,
    placeholders: &mut Placeholders,
) -> Result<()> {
    let request = &vector.request;
    let path = placeholders.fill(&request.path)?;
    let mut sent = client.request(&Method::from_bytes(request.method.as_bytes())?, &path);
    for (name, value) in &request.headers {
        sent = sent.header(name, placeholders.fill(value)?);
    }
    fixture.take_seen()?;
    let answer = sent.body(placeholders.fill(&request.body)?).send().await?;
    if let Some(name) = &request.save_response_as
        && let Ok(json) = answer.json()
    {
        placeholders.save(name, json);
    }
    let seen = fixture.take_seen()?;
    if vector.target.is_null() {
        bail!("a vector without a target");
    }
    Observed {
        request,
        answer: &answer,
        seen: &seen,
    }
    .check(&vector.target)
}

#[expect(
    clippy::print_stdout,
    reason = "the counts are part of what a run of the vectors tells"
)]
fn report(passed: usize, known: &BTreeMap<String, String>, surprises: usize) {
    println!(
        "vectors: {passed} pass, {} not yet, {surprises} surprises",
        known.len()
    );
    for (id, reason) in known {
        println!("  not yet: {id}: {reason}");
    }
}
