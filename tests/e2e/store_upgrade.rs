//! Every part of a gateway is replaced while it is used: control planes and Envoys, one after the
//! other, as `docs/operations.md` says.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::balancer::Balancer;
use cubegate_tests::elsewhere::{Elsewhere, Serve};
use cubegate_tests::gateway::free_port;
use cubegate_tests::kube::config_map;
use cubegate_tests::postgres::Postgres;
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Site, Stack, block_on, until};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{cube, kube};

const PATIENCE: Duration = Duration::from_secs(60);

/// How long a watch lasts, as its client says (`timeoutSeconds`, which client-go sends, too): an
/// Envoy that is drained for longer has none any more.
const WATCH_SECONDS: u64 = 10;

/// An Envoy passes over a control plane that was not there for five seconds; only then the next
/// one may go.
const PASSED_OVER: Duration = Duration::from_secs(10);

/// What was asked, by kind.
#[derive(Default)]
struct Asked {
    gets: AtomicU64,
    lists: AtomicU64,
    posts: AtomicU64,
    tokens: AtomicU64,
    /// Watches that were begun, and events that they have told.
    watches: AtomicU64,
    events: AtomicU64,
}

/// Somebody who uses the gateway until it is over.
#[derive(Clone)]
struct User {
    client: Client,
    token_path: String,
    namespace: String,
    asked: Arc<Asked>,
    /// Nothing is asked any more.
    over: Arc<AtomicBool>,
    /// And what was made has been told to whoever watches.
    seen: Arc<AtomicBool>,
}

fn mk_site(name: &str, shared: &Site) -> Result<Site> {
    let file = |name: &str| shared.dir().join(name).display().to_string();
    Ok(Site::new(name)?
        .with_variable("CUBEGATE_KEYS_DIR", &file("keys"))
        .with_variable("CUBEGATE_DATABASE_URL_FILE", &file("url")))
}

impl User {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    fn maps(&self) -> String {
        format!("/api/v1/namespaces/{}/configmaps", self.namespace)
    }

    async fn gets(self) -> Result<()> {
        let path = kube("member", &format!("{}/first", self.maps()));
        while self.goes_on() {
            self.client.get(&path).send().await?.expect(200)?;
            self.asked.gets.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn lists(self) -> Result<()> {
        let path = cube(
            "member",
            &format!("{}?pageSize=3&sortName=metadata.name", self.maps()),
        );
        while self.goes_on() {
            let page = self.client.get(&path).send().await?.expect(200)?;
            ensure!(page.total()? >= 1, "{}", page.text());
            self.asked.lists.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Writes what is there after that, once each: a request that is lost or sent twice is
    /// noticed.
    async fn posts(self) -> Result<()> {
        let path = kube("member", &self.maps());
        while self.goes_on() {
            let map = config_map(&format!("made-{}", unique()), &json!({}));
            let made = self.client.post(&path).json(&map).send().await?;
            made.expect(201)?;
            self.asked.posts.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn tokens(self) -> Result<()> {
        while self.goes_on() {
            let answer = self
                .client
                .get(&self.token_path)
                .send()
                .await?
                .expect(200)?;
            ensure!(answer.json()?["token"].is_string(), "{}", answer.text());
            self.asked.tokens.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Watches, and goes on where a watch has ended: no event is missed or told twice.
    async fn watches(self) -> Result<u64> {
        let list = self
            .client
            .get(&kube("member", &self.maps()))
            .send()
            .await?
            .expect(200)?;
        let list = list.json()?;
        let version = |object: &Value| -> Result<String> {
            Ok(object
                .pointer("/metadata/resourceVersion")
                .and_then(Value::as_str)
                .context("no version")?
                .to_owned())
        };
        let mut from = version(&list)?;
        // But for the one that was there before everything.
        let there = list["items"].as_array().context("no items")?.len();
        let mut added = (there - 1) as u64;
        while !self.seen.load(Ordering::Relaxed) {
            let path = format!(
                "{}?watch=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={from}",
                self.maps()
            );
            let mut watch = self.client.get(&kube("member", &path)).open().await?;
            ensure!(watch.status == 200, "a watch is answered {}", watch.status);
            self.asked.watches.fetch_add(1, Ordering::Relaxed);
            // To its end, which has to be one of HTTP.
            while let Some(line) = watch.line(PATIENCE).await.context("a watch broke off")? {
                let event: Value = serde_json::from_str(&line)?;
                ensure!(event["type"] != "ERROR", "{event}");
                from = version(&event["object"])?;
                if event["type"] == "ADDED" {
                    added += 1;
                    self.asked.events.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        Ok(added)
    }
}

#[expect(
    clippy::print_stdout,
    reason = "the counts are what a run of the test tells"
)]
fn tell(asked: &Asked) {
    let Asked {
        gets,
        lists,
        posts,
        tokens,
        watches,
        events,
    } = asked;
    println!(
        "lost nothing: {gets:?} GETs, {lists:?} lists, {posts:?} POSTs, {tokens:?} tokens, {watches:?} watches with {events:?} events"
    );
}

/// The control plane of one of the two, which its Envoy gets its configuration from.
async fn serve(site: &Site, ports: [u16; 3]) -> Result<Serve> {
    Serve::start_on(site.clone(), ports, &[]).await
}

async fn envoy(serve: &Serve, bootstrap: &str) -> Result<Elsewhere> {
    let flags = ["--drain-time-s", "20", "--drain-strategy", "immediate"];
    let envoy = serve.envoy_with("certs", bootstrap, &flags).await?;
    until("Envoy serves", PATIENCE, || async {
        let answer = serve.listener()?.get("/livez/filter").send().await;
        Ok(answer
            .is_ok_and(|answer| answer.status == 200)
            .then_some(()))
    })
    .await?;
    Ok(envoy)
}

#[test]
fn every_part_is_replaced_without_a_lost_request() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let shared = Site::new("upgrade-shared")?;
        fs::create_dir_all(shared.dir())?;
        let database = Postgres::shared()?.database("upgrade")?;
        fs::write(shared.dir().join("url"), format!("{database}\n"))?;
        let keys = shared.dir().join("keys").display().to_string();
        shared.ok(&["keys", "init", "--keys-dir", &keys]).await?;

        let sites = [
            mk_site("upgrade-one", &shared)?,
            mk_site("upgrade-two", &shared)?,
        ];
        let ports = [
            [free_port()?, free_port()?, free_port()?],
            [free_port()?, free_port()?, free_port()?],
        ];
        // Two machines on one: each Envoy listens where its control plane says. Both know the API
        // of both.
        let mut serves = Vec::new();
        for (site, ports) in sites.iter().zip(ports) {
            serves.push(serve(site, ports).await?);
        }
        let mut envoys = Vec::new();
        let mut bootstraps = Vec::new();
        for (place, name) in ["edge-1", "edge-2"].into_iter().enumerate() {
            let other = format!("127.0.0.1:{}", ports[1 - place][1]);
            let bootstrap = serves[place]
                .bootstrap_with(name, "certs", true, &["--api-address", &other])
                .await?;
            envoys.push(envoy(&serves[place], &bootstrap).await?);
            bootstraps.push(bootstrap);
        }
        let listens = [ports[0][0], ports[1][0]];
        let balancer = Balancer::start(&shared, &listens).await?;

        let site = &sites[0];
        site.add_cluster("member", &stack.member.gateway_kubeconfig, true)
            .await?;
        let pair = site.create_key("admin").await?;
        let client = Client::plain(&balancer.url())?;
        let answer = client
            .get(&pair.token_path())
            .send()
            .await?
            .expect(200)?
            .json()?;
        let token = answer["token"].as_str().context("no token")?.to_owned();
        let namespace = stack.member.kube.namespace("upgrade").await?;
        let user = || -> Result<User> {
            Ok(User {
                // Connections of its own.
                client: Client::plain(&balancer.url())?.with_bearer(&token)?,
                token_path: pair.token_path(),
                namespace: namespace.clone(),
                asked: Arc::default(),
                over: Arc::default(),
                seen: Arc::default(),
            })
        };
        let template = user()?;
        let maps = template.maps();
        stack
            .member
            .kube
            .create(&maps, &config_map("first", &json!({})))
            .await?;
        for listen in listens {
            let direct =
                Client::plain(&format!("http://127.0.0.1:{listen}"))?.with_bearer(&token)?;
            until("both Envoys know the member", PATIENCE, || async {
                let answer = direct
                    .get(&kube("member", &format!("{maps}/first")))
                    .send()
                    .await?;
                Ok((answer.status == 200).then_some(()))
            })
            .await?;
        }

        let another = || -> Result<User> {
            let client = user()?.client;
            Ok(User {
                client,
                ..template.clone()
            })
        };
        let mut load: JoinSet<Result<()>> = JoinSet::new();
        for _ in 0..2 {
            load.spawn(another()?.gets());
            load.spawn(another()?.lists());
            load.spawn(another()?.posts());
        }
        load.spawn(another()?.tokens());
        let mut watching: JoinSet<Result<u64>> = JoinSet::new();
        for _ in 0..4 {
            watching.spawn(another()?.watches());
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        let still_good =
            |load: &mut JoinSet<Result<()>>, watching: &mut JoinSet<Result<u64>>| -> Result<()> {
                if let Some(ended) = load.try_join_next() {
                    ended??;
                }
                if let Some(ended) = watching.try_join_next() {
                    ended??;
                }
                Ok(())
            };

        for place in 0..2 {
            // The control plane: the Envoys go on with what they have, and with the API of the other.
            serves[place].stop().await?;
            serves[place] = serve(&sites[place], ports[place]).await?;
            tokio::time::sleep(PASSED_OVER).await;
            still_good(&mut load, &mut watching).context("while a control plane was replaced")?;
        }
        for place in 0..2 {
            // An Envoy: out of the balancer, drained, ended, started anew, into the balancer.
            balancer.send_to(&[listens[1 - place]]).await?;
            envoys[place].drain().await?;
            until("its connections have ended", PATIENCE, || async {
                let open = envoys[place].connections(listens[place]).await?;
                Ok((open == 0).then_some(()))
            })
            .await?;
            envoys[place].stop().await?;
            envoys[place] = envoy(&serves[place], &bootstraps[place]).await?;
            balancer.send_to(&listens).await?;
            still_good(&mut load, &mut watching).context("while an Envoy was replaced")?;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        template.over.store(true, Ordering::Relaxed);
        while let Some(ended) = load.join_next().await {
            ended??;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        template.seen.store(true, Ordering::Relaxed);
        let mut told = Vec::new();
        while let Some(ended) = watching.join_next().await {
            told.push(ended??);
        }
        let asked = &template.asked;
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        // Those who watched to the end have seen all that was made.
        let posts = count(&asked.posts);
        ensure!(
            told.iter().all(|told| *told == posts),
            "{posts} objects were made, and watches told of {told:?}"
        );
        let listed = stack.member.kube.get(&maps).await?.json()?;
        let made = listed["items"].as_array().context("no items")?.len() as u64;
        ensure!(
            made == posts + 1,
            "{posts} objects were made, and {made} are there"
        );
        tell(asked);
        ensure!(count(&asked.watches) >= 8 && count(&asked.gets) > 100);
        Ok(())
    })
}
