//! Tokens that stand in a file.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::gateway::Options;
use cubegate_tests::kubeconfig::{self, Kubeconfig};
use cubegate_tests::run::unique;
use cubegate_tests::stack::ApiServer;
use cubegate_tests::{Client, Gateway, Site, Stack, block_on, until};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{times_logged, until_status};
use crate::gateway_role::apply;
use crate::support::kube;

/// A file is read three times a minute, and an API server remembers a token for 10 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes a token of the account that is good as long as a Secret of that name is there.
async fn bound_token(server: &ApiServer, account: &str, secret: &str) -> Result<String> {
    let secrets = format!("/api/v1/namespaces/{account}/secrets");
    let object = json!({ "metadata": { "name": secret } });
    server.kube.create(&secrets, &object).await?;
    let path = format!("/api/v1/namespaces/{account}/serviceaccounts/{account}/token");
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {
            "expirationSeconds": 172_800,
            "boundObjectRef": { "apiVersion": "v1", "kind": "Secret", "name": secret },
        },
    });
    let answer: Value = server.kube.create(&path, &request).await?;
    let token = answer["status"]["token"].as_str().context("no token")?;
    Ok(token.to_owned())
}

#[test]
fn a_token_that_is_renewed_in_its_file_reaches_envoys_and_no_request_is_lost() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let server = &stack.member;
        let site = Site::new("token-file")?;
        let account = format!("token-{}", unique());
        let manifest = ["cluster", "manifest", "--no-flow-schema"];
        let own = ["--name", &account, "--namespace", &account];
        apply(server, &site.ok(&[&manifest[..], &own].concat()).await?).await?;
        let old = bound_token(server, &account, "old").await?;
        let new = bound_token(server, &account, "new").await?;

        // Beside its kubeconfig for the one, elsewhere for the other.
        let config = Kubeconfig::read(&server.kubeconfig)?;
        let ca = std::str::from_utf8(&config.ca)?;
        let mut document = kubeconfig::document(&config.server, Some(ca));
        document["users"][0]["user"] = json!({ "tokenFile": "token" });
        let file = site.dir().join("by-hand.kubeconfig");
        let token = site.dir().join("token");
        fs::write(&file, document.to_string())?;
        fs::write(&token, &old)?;
        let folder = site.dir().join("clusters");
        fs::create_dir(&folder)?;
        let mut elsewhere = document.clone();
        elsewhere["users"][0]["user"] = json!({ "tokenFile": token });
        fs::write(folder.join("in-folder.yaml"), elsewhere.to_string())?;
        let said = ["cluster", "add", "by-hand", "--kubeconfig"];
        let path = file.display().to_string();
        site.begin().await?;
        let said = site.run(&[&said[..], &[&path]].concat()).await?;
        ensure!(said.code == Some(0), "{said:?}");
        ensure!(said.stderr.contains("read it again"), "{said:?}");
        let options = Options {
            flags: vec![format!("--clusters-dir={}", folder.display())],
            ..Options::default()
        };
        let gateway = Arc::new(Gateway::start(site, &options).await?);
        let admin = gateway.admin().await?;
        let paths = ["by-hand", "in-folder"]
            .map(|name| kube(name, &format!("/api/v1/namespaces/{account}")));
        for path in &paths {
            until_status(&admin, path, 200).await?;
        }

        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(AtomicUsize::new(0));
        let load = tokio::spawn({
            let (stop, asked, paths) = (Arc::clone(&stop), Arc::clone(&asked), paths.clone());
            let client = gateway
                .client_apart()?
                .with_bearer(gateway.admin_token().await?)?;
            async move {
                while !stop.load(Ordering::Relaxed) {
                    for path in &paths {
                        client.get(path).send().await?.expect(200)?;
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                    sleep(Duration::from_millis(20)).await;
                }
                anyhow::Ok(())
            }
        });
        let beside = token.with_extension("beside");
        fs::write(&beside, &new)?;
        fs::rename(&beside, &token)?;
        // Each of them in its way; the one from the folder was registered twice then.
        for (words, times) in [
            ("a cluster has the token that its file holds now", 1),
            ("a cluster was registered from its source", 2),
        ] {
            until(words, PATIENCE, async || {
                Ok((times_logged(&gateway, words)? >= times).then_some(()))
            })
            .await?;
        }
        // From now on the old one is good for nothing.
        server
            .kube
            .delete(&format!("/api/v1/namespaces/{account}/secrets/old"))
            .await?;
        let with_old = Client::tls(&config.server, &config.ca, None)?.with_bearer(&old)?;
        until("the old token is refused", PATIENCE, async || {
            let status = with_old.get("/version").send().await?.status;
            Ok((status == 401).then_some(()))
        })
        .await?;
        sleep(Duration::from_secs(12)).await;
        // A file that is gone changes nothing, and is told of.
        fs::remove_file(&token)?;
        until("that it is gone is told", PATIENCE, async || {
            Ok((times_logged(&gateway, "the former one is used")? > 0).then_some(()))
        })
        .await?;
        stop.store(true, Ordering::Relaxed);
        load.await??;
        ensure!(asked.load(Ordering::Relaxed) > 200, "too few were asked");

        // Whoever adds over the API names no files of this machine.
        let body = json!({ "name": "remote", "kubeconfig": document.to_string(), "check": false });
        let refused = admin
            .post("/api/v1/cube/clusters")
            .json(&body)
            .send()
            .await?;
        let refused = refused.cube_error(400)?;
        ensure!(
            refused.contains("tokenFile of the kubeconfig points to a file"),
            "{refused}"
        );
        let listed = gateway.site().ok(&["cluster", "list"]).await?;
        ensure!(listed.contains("token in a file"), "{listed}");
        gateway.health().check().await
    })
}
