//! A filter that is not there, or does not work, leads to nobody.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::faults::{Scripted, whole};
use cubegate_tests::jwt::Minter;
use cubegate_tests::raw::RawServer;
use cubegate_tests::static_envoy::{CONNECTION_MANAGER, Config, Envoy, LISTENER, filters, shipped};
use cubegate_tests::{Gateway, Options, Site, block_on};
use serde_json::{Value, json};

use crate::support::{HS256_SECRET, cube, kube};

/// The pass in `envoy/static.yaml`.
const PASS: &str = "CHANGE-ME-1";

const POD: &str = "/api/v1/namespaces/a/pods/p";

/// A module of the right form that does nothing at all, or fails at each request.
fn module(fails: bool) -> Vec<u8> {
    let section = |id: u8, content: &[u8]| {
        let mut bytes = vec![id, u8::try_from(content.len()).unwrap_or(u8::MAX)];
        bytes.extend_from_slice(content);
        bytes
    };
    let export = |name: &str, kind: u8, index: u8| {
        let mut bytes = vec![u8::try_from(name.len()).unwrap_or(u8::MAX)];
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&[kind, index]);
        bytes
    };
    // Functions: () -> (), (i32) -> i32, (i32, i32, i32) -> i32.
    let types = [
        &[3][..],
        &[0x60, 0, 0],
        &[0x60, 1, 0x7f, 1, 0x7f],
        &[0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f],
    ];
    let exports = [
        vec![4],
        export("memory", 2, 0),
        export("proxy_abi_version_0_2_1", 0, 0),
        export("malloc", 0, 1),
        export("proxy_on_request_headers", 0, 2),
    ];
    // `unreachable`, or 0: go on.
    let on_request: &[u8] = if fails {
        &[3, 0, 0x00, 0x0b]
    } else {
        &[4, 0, 0x41, 0, 0x0b]
    };
    let code = [
        &[3][..],
        &[2, 0, 0x0b],
        &[5, 0, 0x41, 0x80, 0x08, 0x0b],
        on_request,
    ];
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &types.concat()),
        section(3, &[3, 0, 1, 2]),
        section(5, &[1, 0, 1]),
        section(7, &exports.concat()),
        section(10, &code.concat()),
    ]
    .concat()
}

/// By what the filter says who it is.
const IDENTITY: [&str; 2] = [
    "impersonate-user: admin",
    "impersonate-group: system:masters",
];

/// A request that says by itself whatever the filter would say.
async fn ask(base: &str, path: &str, pass: &str, more: &[&str]) -> Result<(u16, String)> {
    let token = Minter::new(HS256_SECRET).token("admin")?;
    let mut lines = vec![
        format!("Authorization: Bearer {token}"),
        "x-cubegate-cluster: cluster/member-1".to_owned(),
        "x-cubegate-class: unary".to_owned(),
        format!("x-cubegate-pass: {pass}"),
        "x-envoy-original-path: /healthz".to_owned(),
    ];
    lines.extend(more.iter().map(|line| (*line).to_owned()));
    let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    let answer = RawServer::new(base, None)?.get(path, &lines).await?;
    Ok((answer.status, answer.body))
}

/// Whether nothing reaches the upstream, on either kind of path.
async fn is_locked(envoy: &Envoy, upstream: &Scripted, pass: &str) -> Result<()> {
    let base = envoy.base(LISTENER)?;
    for (path, shape) in [
        (kube("member-1", POD), r#""kind":"Status""#),
        (cube("member-1", POD), r#"{"code":"#),
        (POD.to_owned(), r#""kind":"Status""#),
        ("/oauth/token".to_owned(), r#""kind":"Status""#),
    ] {
        let (status, body) = ask(&base, &path, pass, &IDENTITY).await?;
        ensure!(status == 503, "{path} is answered {status}: {body}");
        ensure!(body.contains(shape), "{path} is answered {body}");
    }
    let seen = upstream.heads()?;
    ensure!(seen.is_empty(), "the upstream was asked: {seen:?}");
    Ok(())
}

async fn start(
    name: &str,
    change: impl FnOnce(&std::path::Path, &mut Value) -> Result<()>,
) -> Result<(Envoy, Scripted)> {
    let upstream = Scripted::start(whole("{}")).await?;
    let envoy = Envoy::start(name, 1, |dir| {
        let Config {
            mut document,
            admin,
            bases,
        } = shipped(upstream.port(), HS256_SECRET)?;
        change(dir, &mut document)?;
        Ok(Config {
            document,
            admin,
            bases,
        })
    })
    .await?;
    Ok((envoy, upstream))
}

fn without_filter(document: &mut Value) -> Result<()> {
    filters(document)?
        .retain(|filter| filter.get("name") == Some(&json!("envoy.filters.http.router")));
    Ok(())
}

fn with_module(dir: &std::path::Path, document: &mut Value, fails: bool) -> Result<()> {
    let file = dir.join("odd.wasm");
    std::fs::write(&file, module(fails))?;
    for filter in filters(document)? {
        if let Some(name) = filter.pointer_mut("/typed_config/config/vm_config/code/local/filename")
        {
            *name = json!(file);
        }
    }
    Ok(())
}

#[test]
fn the_shipped_filter_leads_there_and_tells_the_upstream_nothing_of_the_pass() -> Result<()> {
    block_on(async {
        let (envoy, upstream) = start("locked", |_, _| Ok(())).await?;
        let base = envoy.base(LISTENER)?;
        let (status, _) = ask(&base, &kube("member-1", POD), "made up", &[]).await?;
        ensure!(status == 200, "the filter lets nobody through: {status}");
        let seen = upstream.heads()?.concat().to_ascii_lowercase();
        ensure!(seen.contains("impersonate-user: admin"), "{seen}");
        ensure!(!seen.contains("x-cubegate-"), "{seen}");
        // Who names somebody is asked for first, and here nobody answers.
        let (status, _) = ask(&base, &kube("member-1", POD), "made up", &IDENTITY).await?;
        ensure!(status == 502, "a made-up name is answered {status}");
        let seen = upstream.heads()?.concat().to_ascii_lowercase();
        ensure!(!seen.contains("system:masters"), "{seen}");
        Ok(())
    })
}

#[test]
fn without_the_filter_no_header_of_a_client_leads_anywhere() -> Result<()> {
    block_on(async {
        let (envoy, upstream) = start("unfiltered", |_, document| without_filter(document)).await?;
        // Even with the pass itself: a client's never gets so far.
        is_locked(&envoy, &upstream, PASS).await
    })
}

#[test]
fn the_pass_is_a_lock_of_its_own() -> Result<()> {
    block_on(async {
        let (envoy, upstream) = start("unfiltered-heads", |_, document| {
            without_filter(document)?;
            document
                .pointer_mut(CONNECTION_MANAGER)
                .and_then(Value::as_object_mut)
                .and_then(|manager| manager.remove("early_header_mutation_extensions"))
                .context("nothing removes a client's headers any more")?;
            Ok(())
        })
        .await?;
        for guess in ["", "CHANGE-ME", "CHANGE-ME-1x", ".*"] {
            is_locked(&envoy, &upstream, guess).await?;
        }
        // It is the pass alone that was missing.
        let base = envoy.base(LISTENER)?;
        let (status, _) = ask(&base, &kube("member-1", POD), PASS, &IDENTITY).await?;
        ensure!(status == 200, "the pass opens nothing: {status}");
        ensure!(!upstream.heads()?.concat().contains(PASS));
        Ok(())
    })
}

#[test]
fn a_filter_that_does_nothing_leads_nowhere() -> Result<()> {
    block_on(async {
        let (envoy, upstream) =
            start("blind", |dir, document| with_module(dir, document, false)).await?;
        is_locked(&envoy, &upstream, PASS).await
    })
}

#[test]
fn a_filter_whose_vm_fails_leads_nowhere() -> Result<()> {
    block_on(async {
        let (envoy, upstream) =
            start("failing", |dir, document| with_module(dir, document, true)).await?;
        let base = envoy.base(LISTENER)?;
        for path in [kube("member-1", POD), cube("member-1", POD)] {
            for _ in 0..5 {
                let (status, body) = ask(&base, &path, PASS, &IDENTITY).await?;
                ensure!((500..600).contains(&status), "{path}: {status} {body}");
            }
        }
        let failed = envoy.stats("vm_reload").await?;
        ensure!(
            failed.values().any(|times| *times > 0),
            "no VM has failed: {failed:?}"
        );
        let seen = upstream.heads()?;
        ensure!(seen.is_empty(), "the upstream was asked: {seen:?}");
        Ok(())
    })
}

#[test]
fn the_pass_changes_without_a_lost_request() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole("{}")).await?;
        let site = Site::new("passes")?;
        site.add_plain_cluster("c", upstream.port()).await?;
        let options = Options {
            plain: true,
            flags: vec!["--route-pass-period=1".to_owned()],
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let client = gateway.admin().await?;
        let changes = async || {
            let stats = gateway.health().stats("rds.gateway.config_reload$");
            let stats = stats.await?;
            let (_, times) = stats.first().context("Envoy counts no route tables")?;
            anyhow::Ok(*times)
        };
        let before = changes().await?;
        let began = Instant::now();
        let mut answered = 0_usize;
        while changes().await? < before + 5 {
            for path in [kube("c", POD), cube("c", POD)] {
                client.get(&path).send().await?.expect(200)?;
                answered += 1;
            }
            let waited = began.elapsed();
            ensure!(
                waited < Duration::from_secs(60),
                "no five passes in {waited:?}"
            );
        }
        ensure!(answered > 20, "only {answered} requests were made");
        gateway.health().check().await?;
        gateway.stop().await
    })
}
