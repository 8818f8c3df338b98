//! Envoy loses its filter, its logs grow, it is stopped: what `cubegate up` does about it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::faults::{Scripted, Step, head, list, send, whole};
use cubegate_tests::gateway::free_port;
use cubegate_tests::{Client, Gateway, Options, Site, block_on, until};
use serde_json::json;

use crate::support::cube;

const PATIENCE: Duration = Duration::from_secs(30);

fn options(flags: &[&str]) -> Options {
    Options {
        plain: true,
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        ..Options::default()
    }
}

/// The lines of a log and of its older files.
fn lines_of(folder: &Path, log: &str) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(log) {
            let text = fs::read_to_string(entry.path())?;
            lines.extend(text.lines().map(str::to_owned));
        }
    }
    Ok(lines)
}

#[test]
fn a_flood_of_long_paths_fills_no_disk_and_no_line_is_lost() -> Result<()> {
    block_on(async {
        const REQUESTS: usize = 6_000;
        let flags = ["--envoy-log-size", "1", "--envoy-log-files", "3"];
        let gateway = Gateway::start(Site::new("envoy-logs")?, &options(&flags)).await?;
        let folder = gateway.site().data_dir().join("envoy");
        let client = gateway.client();
        let path = cube("nowhere", &format!("/api{}", "/abcdefgh".repeat(5_000)));
        for _ in 0..REQUESTS / 50 {
            let asked = (0..50).map(|_| async {
                client.get(&path).send().await?.expect(401)?;
                Ok::<_, anyhow::Error>(())
            });
            futures::future::try_join_all(asked).await?;
        }
        // Each of them is one line, also those that came while a log was renamed.
        let lines = until("every request has its line", PATIENCE, || async {
            let lines = lines_of(&folder, "access.log")?;
            let asked = lines
                .iter()
                .filter(|line| line.contains("/clusters/nowhere"));
            Ok((asked.count() == REQUESTS).then_some(lines))
        })
        .await?;
        let longest = lines.iter().map(String::len).max().unwrap_or_default();
        ensure!(longest < 700, "a line of {longest} bytes");
        ensure!(
            folder.join("access.log.1").exists(),
            "2.5 MB, and no log was renamed"
        );
        // A start appends, and the oldest files go.
        gateway.stop().await?;
        gateway.restart_control_plane().await?;
        let kept = lines_of(&folder, "access.log")?;
        ensure!(kept.len() >= REQUESTS, "{} lines are left", kept.len());
        for _ in 0..REQUESTS / 50 {
            let asked = (0..50).map(|_| async {
                client.get(&path).send().await?.expect(401)?;
                Ok::<_, anyhow::Error>(())
            });
            futures::future::try_join_all(asked).await?;
        }
        until("the oldest file is gone", PATIENCE, || async {
            let files = fs::read_dir(&folder)?
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| name.starts_with("access.log"));
            let bytes: u64 = fs::read_dir(&folder)?
                .filter_map(Result::ok)
                .filter(|entry| {
                    entry
                        .file_name()
                        .to_string_lossy()
                        .starts_with("access.log")
                })
                .filter_map(|entry| Some(entry.metadata().ok()?.len()))
                .sum();
            // What is written in the second between two looks may come on top.
            Ok((files.count() == 3 && bytes < 6 << 20).then_some(()))
        })
        .await?;
        gateway.stop().await
    })
}

#[test]
fn what_a_request_waits_for_is_answered_when_the_gateway_is_stopped() -> Result<()> {
    block_on(async {
        let slow = Scripted::answering(|request| {
            if request.contains("/slow") {
                vec![
                    Step::Wait(Duration::from_secs(2)),
                    head(&["Content-Length: 2"]),
                    send("{}"),
                ]
            } else {
                whole(&list(&["a"]))
            }
        })
        .await?;
        let site = Site::new("envoy-drained")?;
        site.add_plain_cluster("slow", slow.port()).await?;
        let gateway = Gateway::start(site, &options(&["--drain-time", "10"])).await?;
        let client = gateway.admin().await?;
        let path = cube("slow", "/api/v1/namespaces/a/pods/slow");
        let asked = client.get(&path).send();
        let stopped = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let asked = Instant::now();
            gateway.stop().await?;
            Ok::<_, anyhow::Error>(asked.elapsed())
        };
        let (answer, took) = tokio::join!(asked, stopped);
        answer?.expect(200)?;
        let took = took?;
        ensure!(
            took < Duration::from_secs(9),
            "it waited {took:?} although everything was answered"
        );
        Ok(())
    })
}

/// The first time it is started, this program is an Envoy that has lost its filter as
/// soon as a runtime key says so; later it is the real one.
fn losing(site: &Site, listen: u16, admin: u16) -> Result<PathBuf> {
    let folder = site.dir();
    let config = json!({
        "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": admin } } },
        "layered_runtime": { "layers": [{ "name": "admin", "admin_layer": {} }] },
        "static_resources": { "listeners": [{
            "name": "gateway",
            "address": { "socket_address": { "address": "127.0.0.1", "port_value": listen } },
            "filter_chains": [{ "filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    "stat_prefix": "gateway",
                    "http_filters": [{ "name": "router", "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } }],
                    "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [
                        { "match": { "prefix": "/", "runtime_fraction": {
                            "runtime_key": "lost", "default_value": { "numerator": 0 } } },
                          "direct_response": { "status": 502 } },
                        { "match": { "prefix": "/" }, "direct_response": { "status": 200 } },
                    ] }] },
                },
            }] }],
        }] },
    });
    let file = folder.join("losing.json");
    fs::write(&file, config.to_string())?;
    let program = folder.join("losing");
    let script = format!(
        "#!/bin/sh\nif mkdir {first} 2>/dev/null; then exec {envoy} --config-path {file} --disable-hot-restart; fi\nexec {envoy} \"$@\"\n",
        first = folder.join("started").display(),
        envoy = site.artifacts().envoy.display(),
        file = file.display(),
    );
    fs::write(&program, script)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(program)
}

#[test]
fn an_envoy_that_answers_without_its_filter_is_replaced() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let site = Site::new("envoy-lost")?;
        site.add_plain_cluster("first", upstream.port()).await?;
        let (listen, admin) = (free_port()?, free_port()?);
        let program = losing(&site, listen, admin)?;
        let admin = format!("127.0.0.1:{admin}");
        let options = Options {
            listen: Some(listen),
            envoy: Some(program),
            ..options(&["--envoy-admin", &admin])
        };
        let gateway = Gateway::start(site, &options).await?;
        let first = gateway.health().pid();
        // It is left alone for as long as it answers.
        tokio::time::sleep(Duration::from_secs(4)).await;
        gateway.client().get("/").send().await?.expect(200)?;
        ensure!(gateway.health().is_alive(), "a good Envoy was replaced");

        let page = Client::plain(&gateway.endpoints().envoy_admin)?;
        page.post("/runtime_modify?lost=100")
            .send()
            .await?
            .expect(200)?;
        let lost = Instant::now();
        until("another Envoy serves", PATIENCE, || async {
            let answer = gateway.client().get("/livez/filter").send().await;
            Ok(answer
                .is_ok_and(|answer| answer.text() == "ok")
                .then_some(()))
        })
        .await?;
        ensure!(
            !gateway.health().is_alive(),
            "process {first} is still there"
        );
        let client = gateway.admin().await?;
        client
            .get(&cube("first", "/api/v1/configmaps"))
            .send()
            .await?
            .expect(200)?;
        let said = fs::read_to_string(gateway.site().dir().join("up.log"))?;
        ensure!(
            said.contains("is of no use any more and is replaced")
                && said.contains("answers without its filter"),
            "{said}"
        );
        ensure!(lost.elapsed() < PATIENCE, "it took {:?}", lost.elapsed());
        gateway.stop().await
    })
}

#[test]
fn the_filter_answers_for_itself_and_leaves_neither_line_nor_record() -> Result<()> {
    block_on(async {
        let gateway = Gateway::start(Site::new("envoy-livez")?, &options(&[])).await?;
        for _ in 0..20 {
            let answer = gateway.client().get("/livez/filter").send().await?;
            ensure!(answer.expect(200)?.text() == "ok");
        }
        gateway.kill_control_plane().await?;
        gateway
            .client()
            .get("/livez/filter")
            .send()
            .await?
            .expect(200)?;
        gateway.restart_control_plane().await?;
        gateway.client().get("/not/livez").send().await?;
        let folder = gateway.site().data_dir().join("envoy");
        until("what is no probe has its line", PATIENCE, || async {
            let lines = lines_of(&folder, "access.log")?;
            ensure!(
                !lines.iter().any(|line| line.contains("/livez/filter")),
                "{lines:?}"
            );
            Ok(lines
                .iter()
                .any(|line| line.contains("/not/livez"))
                .then_some(()))
        })
        .await?;
        gateway.stop().await?;
        let records = gateway.site().ok(&["audit", "export"]).await?;
        ensure!(!records.contains("/livez/filter"), "{records}");
        Ok(())
    })
}

#[test]
fn a_restart_that_brings_nothing_new_changes_nothing() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let site = Site::new("restarted")?;
        site.add_plain_cluster("first", upstream.port()).await?;
        let gateway = Gateway::start(site, &options(&[])).await?;
        let client = gateway.admin().await?;
        let updates = || async {
            let mut updates = gateway.health().stats("update_success$").await?;
            let reloads = gateway.health().stats("config_reload$").await?;
            updates.extend(reloads);
            // Asking for the stats must find some.
            ensure!(updates.len() > 2, "{updates:?}");
            Ok(updates)
        };
        let before = updates().await?;
        let records = gateway.site().ok(&["audit", "export"]).await?;

        let file = gateway.site().dir().join("first.kubeconfig");
        let file = file.exists().then_some(file).context("no kubeconfig")?;
        let file = file.display().to_string();
        let again = [
            "cluster",
            "add",
            "first",
            "--replace",
            "--no-check",
            "--kubeconfig",
            &file,
        ];
        let said = gateway.site().ok(&again).await?;
        ensure!(said.contains("already"), "{said}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        ensure!(updates().await? == before, "Envoy was sent something");

        gateway.kill_control_plane().await?;
        gateway.restart_control_plane().await?;
        gateway.site().ok(&again).await?;
        client
            .get(&cube("first", "/api/v1/configmaps"))
            .send()
            .await?
            .expect(200)?;
        let after = gateway
            .site()
            .ok(&["audit", "export", "--filter", "source=cli"])
            .await?;
        for record in after.lines() {
            ensure!(records.contains(record), "a restart has changed {record}");
        }
        // Another server is a change.
        let other = cubegate_tests::kubeconfig::write(
            gateway.site().dir(),
            "other",
            &format!("http://127.0.0.1:{}", free_port()?),
            None,
        )?;
        let other = other.display().to_string();
        let arguments = [
            "cluster",
            "add",
            "first",
            "--replace",
            "--no-check",
            "--kubeconfig",
            &other,
        ];
        let said = gateway.site().ok(&arguments).await?;
        ensure!(
            said.contains("is registered") && !said.contains("already"),
            "{said}"
        );
        gateway.stop().await
    })
}
