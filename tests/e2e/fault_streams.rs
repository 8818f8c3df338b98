//! What goes on for long ends with the token that it began with, and nothing else does.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::faults::{Script, Scripted, Step, chunk, head, send};
use cubegate_tests::jwt::{now, payload};
use cubegate_tests::raw::Conversation;
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Gateway, Options, Site, Stream, block_on, kubeconfig, until};
use serde_json::json;

use crate::support::{cube, in_the_playground, kube};

/// How soon a stream must end.
const BOUND: Duration = Duration::from_secs(5);

/// From one event of the upstream to the next.
const PACE: Duration = Duration::from_millis(250);

/// Longest time for an event on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(10);

const WATCH: &str = "/api/v1/pods?watch=true";
const EXEC: &str = "/api/v1/namespaces/a/pods/p/exec?command=sh";
const FORWARD: &str = "/api/v1/namespaces/a/pods/p/portforward";

/// An API server whose watches and upgraded connections say something all the time.
fn script(head_of_request: &str) -> Script {
    let lower = head_of_request.to_ascii_lowercase();
    let upgrade = lower
        .lines()
        .find_map(|line| line.strip_prefix("upgrade: "))
        .map(str::to_owned);
    let says = |piece: Step| (0..400).flat_map(move |_| [piece.clone(), Step::Wait(PACE)]);
    match upgrade {
        Some(protocol) => {
            let switched = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
            );
            [send(switched)]
                .into_iter()
                .chain(says(send("tick\n")))
                .collect()
        }
        None => {
            let head = head(&["Transfer-Encoding: chunked"]);
            let event = chunk("{\"type\":\"BOOKMARK\"}\n");
            [head].into_iter().chain(says(event)).collect()
        }
    }
}

/// A gateway before such a server, which it calls `c`.
async fn start(name: &str, flags: &[&str]) -> Result<(Gateway, Scripted)> {
    let upstream = Scripted::answering(script).await?;
    let site = Site::new(name)?;
    site.add_plain_cluster("c", upstream.port()).await?;
    let options = Options {
        plain: true,
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        ..Options::default()
    };
    Ok((Gateway::start(site, &options).await?, upstream))
}

async fn watch(client: &Client, path: &str) -> Result<Stream> {
    let mut watch = client.get(path).open().await?;
    ensure!(watch.status == 200, "a watch began with {}", watch.status);
    watch.event(PATIENCE).await?;
    Ok(watch)
}

/// An upgraded connection on this token.
async fn upgraded(
    gateway: &Gateway,
    path: &str,
    protocol: &str,
    token: &str,
) -> Result<Conversation> {
    let server = gateway.raw()?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\nAuthorization: Bearer {token}\r\n\r\n",
        server.authority()
    );
    let mut stream = server.begin(request.as_bytes()).await?;
    let began = stream.until("\r\n\r\n", PATIENCE).await?;
    ensure!(began.starts_with("HTTP/1.1 101 "), "it began with {began}");
    stream.until("tick", PATIENCE).await?;
    Ok(stream)
}

/// Reads events until there are no more of them.
async fn ends(mut watch: Stream) -> Result<()> {
    let began = Instant::now();
    while let Ok(Some(_)) = watch.line(BOUND).await {
        ensure!(began.elapsed() < BOUND, "the watch goes on after {BOUND:?}");
    }
    ensure!(began.elapsed() < BOUND, "the watch hangs");
    Ok(())
}

/// All kinds of stream on one token.
struct Streams {
    watch: Stream,
    exec: Conversation,
    forward: Conversation,
}

impl Streams {
    async fn open(gateway: &Gateway, token: &str) -> Result<Self> {
        let client = gateway.client().with_bearer(token)?;
        Ok(Self {
            watch: watch(&client, &cube("c", WATCH)).await?,
            exec: upgraded(gateway, &kube("c", EXEC), "websocket", token).await?,
            forward: upgraded(gateway, &cube("c", FORWARD), "SPDY/3.1", token).await?,
        })
    }

    /// They have ended, or do so now.
    async fn end(self, why: &str) -> Result<()> {
        let (watch, exec, forward) = tokio::join!(
            ends(self.watch),
            self.exec.end(BOUND),
            self.forward.end(BOUND)
        );
        watch.with_context(|| format!("the watch after {why}"))?;
        exec.with_context(|| format!("the exec after {why}"))?;
        forward.with_context(|| format!("the port-forward after {why}"))
    }

    /// They go on: something comes that was sent after now.
    async fn go_on(&mut self, why: &str) -> Result<()> {
        // What has come meanwhile is read first.
        tokio::time::sleep(2 * PACE).await;
        for _ in 0..4 {
            let watched = self.watch.event(PATIENCE).await;
            watched.with_context(|| format!("the watch after {why}"))?;
            for (what, stream) in [("exec", &mut self.exec), ("forward", &mut self.forward)] {
                let ticked = stream.until("tick", PATIENCE).await;
                ticked.with_context(|| format!("the {what} after {why}"))?;
            }
        }
        Ok(())
    }
}

#[test]
fn streams_end_with_their_user_their_key_or_their_session_and_others_go_on() -> Result<()> {
    block_on(async {
        let (gateway, _upstream) = start("streams", &[]).await?;
        let site = gateway.site();
        let [ann, bob] = ["ann", "bob"].map(|name| format!("{name}-{}", unique()));
        for user in [&ann, &bob] {
            site.add_user(user, "a good Passw0rd").await?;
        }
        let key = site.create_key(&bob).await?;
        let login = json!({ "name": bob, "password": "a good Passw0rd", "loginType": "normal" });
        let login = gateway.client().post("/api/v1/cube/login").json(&login);
        let cookie = login.send().await?.expect(200)?;
        let cookie = cookie.header("set-cookie").context("no cookie")?.to_owned();
        let session = cookie
            .split_once("Bearer+")
            .and_then(|(_, rest)| rest.split_once(';'))
            .map(|(token, _)| token.to_owned())
            .context("no token in the cookie")?;

        let anns = Streams::open(&gateway, &gateway.new_token(&ann).await?).await?;
        let mut of_another_key = Streams::open(&gateway, &gateway.new_token(&bob).await?).await?;
        let of_key = Streams::open(&gateway, &gateway.exchange(&key).await?).await?;
        let of_session = Streams::open(&gateway, &session).await?;

        site.ok(&["user", "disable", &ann]).await?;
        anns.end("the user was disabled").await?;
        site.ok(&["key", "delete", &key.access_key]).await?;
        of_key.end("the key was deleted").await?;
        let logout = gateway.client().post("/api/v1/cube/logout");
        logout.bearer(&session).send().await?.expect(200)?;
        of_session.end("the logout").await?;
        of_another_key.go_on("others were ended").await?;
        gateway.health().check().await?;
        gateway.stop().await
    })
}

#[test]
fn streams_end_with_their_token() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Scripted::answering(script).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        // It is taken for half a minute after its end, as clocks differ.
        let of = |left: u64| payload("jeff", Some(now() - 30 + left));
        let [short, long] = [8, 60].map(|left| playground.minter().hs256(&of(left)));
        let (short, long) = (short?, long?);
        let gateway = &playground.gateway;
        let path = |path: &str| kube(&cluster, path);
        let client = gateway.client().with_bearer(&short)?;
        let watching = watch(&client, &path(WATCH)).await?;
        let exec = upgraded(gateway, &path(EXEC), "websocket", &short).await?;
        let mut other = upgraded(gateway, &path(EXEC), "websocket", &long).await?;
        tokio::time::sleep(Duration::from_secs(8)).await;
        let (watching, exec) = tokio::join!(ends(watching), exec.end(BOUND));
        watching?;
        exec?;
        for _ in 0..40 {
            other.until("tick", PATIENCE).await?;
        }
        Ok(())
    })
}

#[test]
fn streams_go_on_when_their_cluster_is_removed_or_is_another_one() -> Result<()> {
    block_on(async {
        let (gateway, upstream) = start("removed-streams", &[]).await?;
        let site = gateway.site();
        let token = gateway.admin_token().await?;
        let client = gateway.admin().await?;
        let other = Scripted::answering(script).await?;
        let mut before = Streams::open(&gateway, token).await?;
        let file = kubeconfig::write(
            site.dir(),
            "o",
            &format!("http://127.0.0.1:{}", other.port()),
            None,
        )?;
        let file = file.display().to_string();
        let replace = [
            "cluster",
            "add",
            "c",
            "--replace",
            "--no-check",
            "--kubeconfig",
            &file,
        ];
        site.ok(&replace).await?;
        until(
            "new requests go to the other server",
            PATIENCE,
            async || {
                client.get(&kube("c", WATCH)).open().await?;
                Ok((!other.heads()?.is_empty()).then_some(()))
            },
        )
        .await?;
        before.go_on("the server became another one").await?;
        let mut after = Streams::open(&gateway, token).await?;
        site.ok(&["cluster", "remove", "c"]).await?;
        until("new requests find no cluster", PATIENCE, async || {
            let answer = client.get(&kube("c", WATCH)).open().await?;
            Ok((answer.status == 404).then_some(()))
        })
        .await?;
        before.go_on("the cluster was removed").await?;
        after.go_on("the cluster was removed").await?;
        // For as long as Envoy may need to forget what it was.
        tokio::time::sleep(Duration::from_secs(20)).await;
        before
            .go_on("the cluster has been away for a while")
            .await?;
        after.go_on("the cluster has been away for a while").await?;
        drop(upstream);
        gateway.health().check().await?;
        gateway.stop().await
    })
}

#[test]
fn streams_last_no_longer_than_they_may() -> Result<()> {
    block_on(async {
        let (gateway, _upstream) = start("short-streams", &["--max-stream-duration=4"]).await?;
        let began = Instant::now();
        let streams = Streams::open(&gateway, gateway.admin_token().await?).await?;
        let lived = began.elapsed();
        ensure!(
            lived < Duration::from_secs(4),
            "too slow to tell: {lived:?}"
        );
        tokio::time::sleep(Duration::from_secs(4)).await;
        streams.end("their time").await?;
        gateway.health().check().await?;
        gateway.stop().await
    })
}
