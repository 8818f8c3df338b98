//! Clusters that come, go, are down or were never there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use cubegate_tests::gateway::free_port;
use cubegate_tests::kube::config_map;
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Gateway, until};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{cube, in_the_world, kube};

#[test]
fn an_unknown_cluster_is_not_found_in_the_words_of_each_api() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        for name in [
            "nope",
            "Pivot-Cluster",
            "pivot-cluster.",
            "control-plane",
            "a%25bc",
            "%ff",
        ] {
            let answer = client.get(&cube(name, "/api/v1/pods")).send().await?;
            let message = answer.cube_error(400)?;
            assert!(
                message.starts_with("cluster ") && message.ends_with(" not found."),
                "{message}"
            );
            client
                .get(&kube(name, "/api/v1/pods"))
                .send()
                .await?
                .kube_error(404)?;
        }
        // Who somebody is comes before whether a cluster exists.
        let answer = client
            .get(&cube("nope", "/api/v1/pods"))
            .anonymous()
            .send()
            .await?;
        assert_eq!(answer.cube_error(401)?, "Authenticate failed.");
        Ok(())
    })
}

#[test]
fn each_cluster_is_its_own() -> Result<()> {
    in_the_world(async |world| {
        let namespace = world.stack.pivot.kube.namespace("only-pivot").await?;
        let client = world.gateway.admin().await?;
        let path = format!("/api/v1/namespaces/{namespace}");
        client
            .get(&cube("pivot-cluster", &path))
            .send()
            .await?
            .expect(200)?;
        client
            .get(&cube("member-1", &path))
            .send()
            .await?
            .kube_error(404)?;
        Ok(())
    })
}

#[test]
fn a_cluster_is_added_and_removed_while_requests_flow_and_none_of_them_fails() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let client = gateway.admin().await?;
        let name = format!("live-{}", unique());
        let traffic =
            Traffic::start(gateway, cube("pivot-cluster", "/api/v1/namespaces/default")).await?;
        traffic.some_more().await?;

        let file = &world.stack.member.gateway_kubeconfig;
        gateway.site().add_cluster(&name, file, true).await?;
        let path = cube(&name, "/api/v1/namespaces/default");
        becomes(&client, &path, 200, &format!("cluster {name} not found.")).await?;
        // Once it is there it is there, on every worker.
        for _ in 0..50 {
            client.get(&path).send().await?.expect(200)?;
        }
        traffic.some_more().await?;

        gateway.site().ok(&["cluster", "remove", &name]).await?;
        until("the cluster is gone", Duration::from_secs(10), || async {
            let answer = client.get(&path).send().await?;
            if answer.status == 200 {
                return Ok(None);
            }
            ensure!(answer.cube_error(400)? == format!("cluster {name} not found."));
            Ok(Some(()))
        })
        .await?;
        for _ in 0..50 {
            client.get(&path).send().await?.cube_error(400)?;
        }
        traffic.some_more().await?;
        traffic.stop().await
    })
}

#[test]
fn administrators_add_list_and_remove_clusters_over_rest_and_nobody_else_does() -> Result<()> {
    in_the_world(async |world| {
        let admin = world.gateway.admin().await?;
        let nobody = world
            .gateway
            .user(&format!("nobody-{}", unique()), &[])
            .await?;
        let name = format!("rest-{}", unique());
        let kubeconfig = std::fs::read_to_string(&world.stack.member.gateway_kubeconfig)?;
        let clusters = "/api/v1/cube/clusters";
        let body = json!({ "name": name, "kubeconfig": kubeconfig });

        let answer = nobody.post(clusters).json(&body).send().await?;
        assert_eq!(answer.cube_error(403)?, "Forbidden.");
        assert_eq!(
            nobody.get(clusters).send().await?.cube_error(403)?,
            "Forbidden."
        );
        admin
            .get(&cube(&name, "/version"))
            .send()
            .await?
            .cube_error(400)?;

        admin.post(clusters).json(&body).send().await?.expect(200)?;
        world.gateway.wait_for_cluster(&admin, &name).await?;
        admin
            .get(&cube(&name, "/version"))
            .send()
            .await?
            .expect(200)?;
        let list = admin.get(clusters).send().await?.expect(200)?;
        assert!(list.text().contains(&name), "{}", list.text());
        assert!(!list.text().contains("PRIVATE KEY"), "no credential leaves");

        let one = format!("{clusters}/{name}");
        assert_eq!(
            nobody.delete(&one).send().await?.cube_error(403)?,
            "Forbidden."
        );
        admin
            .get(&cube(&name, "/version"))
            .send()
            .await?
            .expect(200)?;
        admin.delete(&one).send().await?.expect(200)?;
        becomes(&admin, &cube(&name, "/version"), 400, "").await
    })
}

#[test]
fn nobody_registers_what_only_the_gateway_reaches() -> Result<()> {
    in_the_world(async |world| {
        let admin = world.gateway.admin().await?;
        let kubeconfig = |server: &str| {
            json!({
                "apiVersion": "v1", "kind": "Config", "current-context": "c",
                "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
                "clusters": [{ "name": "c", "cluster": { "server": server } }],
                "users": [{ "name": "u", "user": { "token": "t" } }],
            })
            .to_string()
        };
        let add = async |name: &str, server: &str| {
            let body = json!({ "name": name, "kubeconfig": kubeconfig(server), "check": false });
            let answer = admin.post("/api/v1/cube/clusters").json(&body);
            answer.send().await
        };
        let endpoints = world.gateway.endpoints();
        let own = [
            &endpoints.envoy_admin,
            &endpoints.control_plane,
            &endpoints.gateway,
            &format!("https://{}", endpoints.xds),
        ];
        // The operator lets clusters be on loopback, but not the gateway itself.
        for server in own {
            let message = add("evil", server).await?.cube_error(400)?;
            assert!(
                message.contains("the gateway itself"),
                "{server}: {message}"
            );
        }
        for (server, part) in [
            ("https://169.254.169.254", "a link-local address"),
            ("https://[fe80::1]", "a link-local address"),
            ("http://10.0.0.1", "in clear"),
            ("https://[::1]:6443", "a loopback address"),
        ] {
            let message = add("evil", server).await?.cube_error(400)?;
            assert!(message.contains(part), "{server}: {message}");
        }
        let path = cube("evil", "/quitquitquit");
        admin.post(&path).send().await?.cube_error(400)?;
        Ok(())
    })
}

#[test]
fn a_cluster_that_is_down_is_a_bad_gateway_in_the_shape_of_each_api() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let name = format!("down-{}", unique());
        world
            .gateway
            .site()
            .add_plain_cluster(&name, free_port()?)
            .await?;
        world.gateway.wait_for_cluster(&client, &name).await?;
        for path in [
            "/api/v1/pods",
            "/api/v1/pods?isFilter=false",
            "/version",
            "/api/v1/pods?watch=true",
        ] {
            let answer = client.get(&cube(&name, path)).send().await?;
            match answer.status {
                502 => assert_eq!(answer.cube_error(502)?, "server error.", "{path}"),
                // As soon as that is known.
                _ => ensure!(answer.cube_error(503)?.contains(&name), "{path}"),
            }
            let answer = client.get(&kube(&name, path)).send().await?;
            let status = if answer.status == 503 { 503 } else { 502 };
            answer.kube_error(status)?;
        }
        let write = client.post(&cube(&name, "/api/v1/namespaces/default/configmaps"));
        let answer = write.json(&config_map("a", &json!({}))).send().await?;
        let status = if answer.status == 503 { 503 } else { 502 };
        answer.cube_error(status).map(drop)
    })
}

/// Asks until this status comes; until then only 200 or 400 with this message.
async fn becomes(client: &Client, path: &str, status: u16, message: &str) -> Result<()> {
    until("the answer changes", Duration::from_secs(10), || async {
        let answer = client.get(path).send().await?;
        if answer.status == status {
            return Ok(Some(()));
        }
        match answer.status {
            400 => ensure!(answer.cube_error(400)? == message, "{}", answer.describe()),
            other => ensure!(other == 200, "on the way: {}", answer.describe()),
        }
        Ok(None)
    })
    .await
}

/// Requests that go on and on: some on connections that stay open, some each
/// on a new one. The first failure is kept.
struct Traffic {
    stopped: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<Result<()>>>,
}

// === impl Traffic ===

impl Traffic {
    async fn start(gateway: &Gateway, path: String) -> Result<Self> {
        let stopped = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let token = gateway.admin_token().await?;
        let (base, ca) = (
            gateway.client().base().to_owned(),
            gateway.ca().unwrap_or_default().to_vec(),
        );
        let mut tasks = Vec::new();
        for keep in [true, true, false] {
            let kept = Client::tls(&base, &ca, None)?;
            let (base, ca, token, path) =
                (base.clone(), ca.clone(), token.to_owned(), path.clone());
            let (stopped, answered) = (Arc::clone(&stopped), Arc::clone(&answered));
            tasks.push(tokio::spawn(async move {
                while !stopped.load(Ordering::SeqCst) {
                    let new = Client::tls_http1(&base, &ca)?;
                    let client = if keep { &kept } else { &new };
                    client.get(&path).bearer(&token).send().await?.expect(200)?;
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                Ok(())
            }));
        }
        Ok(Self {
            stopped,
            answered,
            tasks,
        })
    }

    /// Waits until a hundred more were answered.
    async fn some_more(&self) -> Result<()> {
        let wanted = self.answered.load(Ordering::SeqCst) + 100;
        until("traffic flows", Duration::from_secs(20), || async move {
            let failed = self.tasks.iter().any(JoinHandle::is_finished);
            Ok((failed || self.answered.load(Ordering::SeqCst) >= wanted).then_some(()))
        })
        .await
    }

    async fn stop(self) -> Result<()> {
        self.stopped.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await??;
        }
        Ok(())
    }
}
