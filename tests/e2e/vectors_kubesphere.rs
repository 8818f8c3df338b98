//! The KubeSphere vectors through the whole gateway, in the order of their file.

mod kubernetes;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::gateway::free_port;
use cubegate_tests::jwt::Minter;
use cubegate_tests::vector::{Placeholders, Vector, VectorFile};
use cubegate_tests::{Client, Fixture, Gateway, Options, Site, block_on, kubeconfig};
use http::Method;
use serde_json::{Value, json};

use self::kubernetes::Kubernetes;
use crate::support::vectors::{Tally, run};

/// All of them.
const GROUPS: [&str; 5] = ["resources", "oauth", "v4", "multicluster", "kube-proxy"];

/// How many wrong passwords lock a user.
const LOCK_FAILURES: usize = 10;

/// Vectors that want a token refused which the one before them ended. The filter learns
/// of it by a push, so they are sent until it has, and no longer than [`PUSH`].
const AFTER_A_PUSH: [&str; 2] = ["kubesphere/t1-after-relogin", "kubesphere/t2-after-refresh"];

/// Longest time until the filter knows what the control plane does.
const PUSH: Duration = Duration::from_secs(2);

const FORM: &str = "application/x-www-form-urlencoded";

/// State that all vectors up to the next fresh one share.
struct Run<'a> {
    environment: &'a Value,
    secret: &'a str,
    fixture: Fixture,
    gateway: Gateway,
    placeholders: Placeholders,
}

#[test]
fn every_vector_gives_its_target() -> Result<()> {
    block_on(async {
        let file = VectorFile::read()?;
        let environment = file
            .environment
            .get("kubesphere")
            .context("no environment")?;
        let vectors: Vec<&Vector> = file.of("kubesphere", &GROUPS).collect();
        let fresh = vectors
            .iter()
            .position(|vector| vector.request.fresh_state)
            .context("no fresh state")?;
        // Recorded with one session for each user, and then with several.
        let (single, multiple) = vectors.split_at(fresh);
        let mut tally = Tally::of("kubesphere")?;

        let mut first = Run::start("sphere-single", environment, false).await?;
        for vector in single {
            tally.count(vector, first.run(vector).await);
        }
        first.end().await?;

        let mut second = Run::start("sphere-multiple", environment, true).await?;
        // What the later vectors take from an earlier login was ended with the state.
        for vector in single {
            if uses(multiple, vector.request.save_response_as.as_deref()) {
                second.run(vector).await?;
            }
        }
        for (place, vector) in multiple.iter().enumerate() {
            ensure!(
                place == 0 || !vector.request.fresh_state,
                "{}: there is one fresh state here",
                vector.id
            );
            tally.count(vector, second.run(vector).await);
        }
        second.end().await?;
        tally.end()
    })
}

/// Whether one of them has a token of the answer of that name.
fn uses(vectors: &[&Vector], name: Option<&str>) -> bool {
    name.is_some_and(|name| {
        let placeholder = format!("{{{{at:{name}}}}}");
        let headers = vectors.iter().flat_map(|it| it.request.headers.values());
        headers
            .into_iter()
            .any(|value| value.contains(&placeholder))
    })
}

// === impl Run ===

impl<'a> Run<'a> {
    async fn start(name: &str, environment: &'a Value, multiple_login: bool) -> Result<Self> {
        let secret = environment["jwt_secret"].as_str().context("no secret")?;
        let kubernetes = Kubernetes::new(environment)?;
        let fixture = Fixture::answering(move |request| kubernetes.answer(request)).await?;
        let site = Site::new(name)?;
        let options = Options {
            plain: true,
            hs256_secret: Some(secret.to_owned()),
            flags: vec![
                format!("--multiple-login={multiple_login}"),
                format!("--lock-failures={LOCK_FAILURES}"),
                "--cors-origin=http://x".to_owned(),
            ],
            ..Options::default()
        };
        import(&site, environment, fixture.port()).await?;
        let mut run = Self {
            environment,
            secret,
            fixture,
            gateway: Gateway::start(site, &options).await?,
            placeholders: Placeholders::new(Minter::new(secret)),
        };
        run.complete_users().await?;
        Ok(run)
    }

    async fn run(&mut self, vector: &Vector) -> Result<()> {
        let end = Instant::now() + PUSH;
        loop {
            let outcome = run(
                vector,
                self.gateway.client(),
                &self.fixture,
                &mut self.placeholders,
            )
            .await;
            let waits = AFTER_A_PUSH.contains(&vector.id.as_str()) && Instant::now() < end;
            if outcome.is_ok() || !waits {
                return outcome;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What an import cannot say: addresses, and who is locked.
    async fn complete_users(&mut self) -> Result<()> {
        let client = self.gateway.client();
        let admin = client.with_bearer(&Minter::new(self.secret).token("admin")?)?;
        let email = self.environment["email"].as_str().context("no email")?;
        for user in users(self.environment)? {
            let name = text(user, "name")?;
            let spec = json!({ "spec": { "email": email.replace("<name>", name) } });
            admin
                .put(&format!("/api/v1/cube/user/{name}"))
                .json(&spec)
                .send()
                .await?
                .expect(200)?;
            if text(user, "state")? == "AuthLimitExceeded" {
                lock(client, name).await?;
            }
        }
        Ok(())
    }

    async fn end(self) -> Result<()> {
        self.gateway.health().check().await?;
        self.gateway.stop().await
    }
}

/// As the environment describes them. The host cluster is called `host` there.
async fn import(site: &Site, environment: &Value, port: u16) -> Result<()> {
    let mut imported = Vec::new();
    for user in users(environment)? {
        let groups = match user.get("globalrole") {
            Some(_) => json!(["cubegate:admins"]),
            None => json!([]),
        };
        let state = match text(user, "state")? {
            "Active" | "AuthLimitExceeded" => "normal",
            _ => "forbidden",
        };
        imported.push(json!({
            "name": user["name"], "password": user["password"], "state": state, "groups": groups,
        }));
    }
    let up = kubeconfig::document(&format!("http://127.0.0.1:{port}"), None);
    let down = kubeconfig::document(&format!("http://127.0.0.1:{}", free_port()?), None);
    let mut clusters = Vec::new();
    for cluster in environment["clusters"].as_array().context("no clusters")? {
        let described = cluster.as_str().context("a cluster that is no text")?;
        let name = described.split(' ').next().unwrap_or_default();
        let kubeconfig = if name == "notready" { &down } else { &up };
        clusters.push(json!({ "name": name, "kubeconfig": kubeconfig }));
    }
    let document = json!({ "users": imported, "clusters": clusters });
    let file = site.dir().join("import.json");
    std::fs::write(&file, document.to_string())?;
    site.ok(&["import", &file.display().to_string()]).await?;
    Ok(())
}

/// Wrong passwords until the user is locked.
async fn lock(client: &Client, name: &str) -> Result<()> {
    for _ in 0..LOCK_FAILURES {
        client
            .request(&Method::POST, "/oauth/token")
            .header("content-type", FORM)
            .body(format!(
                "grant_type=password&username={name}&password=wrong"
            ))
            .send()
            .await?
            .expect(400)?;
    }
    Ok(())
}

fn users(environment: &Value) -> Result<&Vec<Value>> {
    environment["users"].as_array().context("no users")
}

fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str> {
    object[name]
        .as_str()
        .with_context(|| format!("no {name} in {object}"))
}
