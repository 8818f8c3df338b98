//! `cubegate kubeconfig` and `cubegate credential` on a user's machine, under a real kubectl.

mod renewal;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::cli::{Ended, KeyPair};
use cubegate_tests::run::unique;
use cubegate_tests::until;
use serde_json::{Value, json};

use crate::support::{World, in_the_world, kubectl};

const PATIENCE: Duration = Duration::from_secs(30);

const PASSWORD: &str = "a good Passw0rd";

/// The plugin's own variable.
const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";

/// Somebody with a credential of the gateway in a folder of its own, and nothing else.
struct Machine {
    world: &'static World,
    user: String,
    dir: PathBuf,
}

// === impl Machine ===

impl Machine {
    /// Of a user who may do all in `member-1`, and nothing in the host cluster.
    async fn new(world: &'static World) -> Result<Self> {
        let user = format!("cred-{}", unique());
        let site = world.gateway.site();
        site.add_user(&user, PASSWORD).await?;
        world.stack.member.kube.make_cluster_admin(&user).await?;
        let dir = site.dir().join(&user);
        fs::create_dir(&dir)?;
        Ok(Self { world, user, dir })
    }

    fn credential(&self) -> PathBuf {
        self.dir.join("credential.json")
    }

    fn cache(&self) -> PathBuf {
        self.dir.join("cache/tokens")
    }

    fn write_credential(&self, text: &str) -> Result<()> {
        let file = self.credential();
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    /// Makes a key of the user, and keeps it as the gateway would give it.
    async fn key(&self, flags: &[&str]) -> Result<KeyPair> {
        let site = self.world.gateway.site();
        let key = site.create_key_with(&self.user, flags).await?;
        self.write_credential(
            &json!({ "accessKey": key.access_key, "secretKey": key.secret_key }).to_string(),
        )?;
        Ok(key)
    }

    /// Logs in at `/oauth/token`, and keeps the answer.
    async fn log_in(&self) -> Result<Value> {
        let user = &self.user;
        let form = format!("grant_type=password&username={user}&password=a+good+Passw0rd");
        let client = self.world.gateway.client();
        let answer = client
            .post("/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await?
            .expect(200)?;
        self.write_credential(&answer.text())?;
        Ok(answer.json()?.take())
    }

    /// The flags by which both commands find gateway, credential and cache.
    fn flags(&self, command: &str) -> Result<Vec<String>> {
        let ca = self.world.gateway.ca_file().context("no CA")?;
        let text = |path: &Path| path.display().to_string();
        Ok(vec![
            command.to_owned(),
            "--gateway".to_owned(),
            self.world.gateway.client().base().to_owned(),
            "--gateway-ca".to_owned(),
            text(ca),
            "--credential-file".to_owned(),
            text(&self.credential()),
            "--cache-dir".to_owned(),
            text(&self.cache()),
        ])
    }

    /// Runs one of them with these flags besides.
    async fn run(&self, command: &str, more: &[&str]) -> Result<Ended> {
        let mut arguments = self.flags(command)?;
        arguments.extend(more.iter().map(|flag| (*flag).to_owned()));
        self.world.gateway.site().run(&arguments).await
    }

    /// The plugin's answer to somebody who tries it by hand.
    async fn token(&self, more: &[&str]) -> Result<String> {
        let ended = self.run("credential", more).await?;
        ensure!(ended.code == Some(0), "{ended:?}");
        let answer: Value = serde_json::from_str(&ended.stdout)?;
        let token = answer["status"]["token"].as_str().context("no token")?;
        Ok(token.to_owned())
    }

    /// A kubeconfig of the command, and what stands in it.
    async fn kubeconfig(&self, more: &[&str]) -> Result<(PathBuf, Value)> {
        let file = self.dir.join(format!("{}.kubeconfig", unique()));
        let path = file.to_str().context("no text")?.to_owned();
        let ended = self
            .run("kubeconfig", &[more, &["--output", &path]].concat())
            .await?;
        ensure!(ended.code == Some(0), "{ended:?}");
        let document = serde_json::from_slice(&fs::read(&file)?)?;
        Ok((file, document))
    }

    /// One that uses the plugin, in the version that this kubectl speaks.
    async fn exec_kubeconfig(&self) -> Result<(PathBuf, Value)> {
        let artifacts = self.world.gateway.site().artifacts();
        let program = artifacts.binary.to_str().context("no text")?;
        let flags = ["--exec", "--exec-version", "v1beta1", "--command", program];
        self.kubeconfig(&flags).await
    }
}

/// kubectl under a kubeconfig: whether it was content, what it printed, and what it said besides.
async fn run(file: &Path, arguments: &[&str]) -> Result<(bool, String, String)> {
    let output = kubectl::under(file, arguments).await?.output();
    let output = tokio::time::timeout(PATIENCE, output).await??;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok((
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    ))
}

const NAMESPACES: [&str; 6] = ["--context", "member-1", "get", "namespaces", "-o", "name"];

fn mode(path: &Path) -> Result<u32> {
    Ok(fs::metadata(path)?.mode() & 0o7777)
}

#[test]
fn kubectl_gets_its_tokens_from_the_plugin_and_for_its_cluster_alone() -> Result<()> {
    in_the_world(async |world| {
        let machine = Machine::new(world).await?;
        let key = machine.key(&[]).await?;
        let (file, document) = machine.exec_kubeconfig().await?;
        assert_eq!(document["current-context"], "pivot-cluster");
        let text = fs::read_to_string(&file)?;
        ensure!(!text.contains(&key.secret_key) && !text.contains("\"token\""));
        assert_eq!(mode(&file)?, 0o600);
        let namespace = world.stack.member.kube.namespace("plugin").await?;
        let (good, listed, said) = run(&file, &NAMESPACES).await?;
        ensure!(
            good && listed.contains(&namespace) && said.is_empty(),
            "{listed}{said}"
        );
        // What leaves the path of its server out reaches no other cluster.
        let raw = [
            "--context",
            "member-1",
            "get",
            "--raw",
            "/api/v1/namespaces",
        ];
        let (good, _, said) = run(&file, &raw).await?;
        ensure!(!good && said.contains("/clusters/member-1/"), "{said}");

        for path in [&machine.cache(), &machine.dir.join("cache")] {
            assert_eq!(mode(path)?, 0o700, "{}", path.display());
        }
        let mut kept = 0;
        for entry in fs::read_dir(machine.cache())? {
            assert_eq!(mode(&entry?.path())?, 0o600);
            kept += 1;
        }
        assert_eq!(kept, 3, "tokens, who asked, and the lock");
        // It is kept, and another cluster's is another one.
        let of = |cluster: &'static str| async { machine.token(&["--cluster", cluster]).await };
        let first = of("member-1").await?;
        assert_eq!(of("member-1").await?, first);
        assert_ne!(of("pivot-cluster").await?, first);
        Ok(())
    })
}

#[test]
fn kubectl_says_which_cluster_and_ca_and_in_which_version_it_asks() -> Result<()> {
    in_the_world(async |world| {
        let machine = Machine::new(world).await?;
        machine.key(&[]).await?;
        let base = world.gateway.client().base();
        let arguments: Vec<String> = machine.flags("credential")?;
        // The CA comes with the question.
        let arguments = [&arguments[..3], &arguments[5..]].concat();
        let ca = fs::read(world.gateway.ca_file().context("no CA")?)?;
        for version in ["v1", "v1beta1"] {
            use base64::Engine as _;
            let info = json!({
                "apiVersion": format!("client.authentication.k8s.io/{version}"),
                "kind": "ExecCredential",
                "spec": { "interactive": false, "cluster": {
                    "server": format!("{base}/clusters/member-1"),
                    "certificate-authority-data":
                        base64::engine::general_purpose::STANDARD.encode(&ca),
                    "config": null,
                } },
            });
            let mut command = world.gateway.site().command(&arguments);
            let output = command.env(EXEC_INFO, info.to_string()).output();
            let output = tokio::time::timeout(PATIENCE, output).await??;
            ensure!(output.status.success(), "{output:?}");
            let answer: Value = serde_json::from_slice(&output.stdout)?;
            assert_eq!(answer["apiVersion"], info["apiVersion"]);
            assert_eq!(answer["kind"], "ExecCredential");
            let token = answer["status"]["token"].as_str().context("no token")?;
            let client = world.gateway.client().with_bearer(token)?;
            let own = client.get("/api/v1/cube/whoami/clusters").send().await?;
            assert_eq!(own.expect(200)?.json()?["items"], json!(["member-1"]));
        }
        Ok(())
    })
}

#[test]
fn a_bounded_key_makes_contexts_for_its_clusters() -> Result<()> {
    in_the_world(async |world| {
        let machine = Machine::new(world).await?;
        let bounds = ["--cluster", "member-1", "--verb", "get", "--verb", "list"];
        machine.key(&bounds).await?;
        let (file, document) = machine.exec_kubeconfig().await?;
        let contexts = document["contexts"].as_array().context("no contexts")?;
        assert_eq!(contexts.len(), 1);
        let (good, _, said) = run(&file, &NAMESPACES).await?;
        ensure!(good, "{said}");
        let create = ["--context", "member-1", "create", "namespace", "x"];
        let (good, _, said) = run(&file, &create).await?;
        ensure!(!good && said.contains("access key"), "{said}");
        // It makes no tokens that are good for longer.
        let ended = machine.run("kubeconfig", &[]).await?;
        ensure!(
            ended.one_sentence()?.contains("for clusters only"),
            "{ended:?}"
        );
        let ended = machine
            .run("credential", &["--cluster", "pivot-cluster"])
            .await?;
        ensure!(ended.one_sentence()?.contains("pivot-cluster"), "{ended:?}");
        Ok(())
    })
}

#[test]
fn a_kubeconfig_with_tokens_is_listed_renewed_in_its_place_and_ended() -> Result<()> {
    in_the_world(async |world| {
        let machine = Machine::new(world).await?;
        machine.log_in().await?;
        let (file, first) = machine.kubeconfig(&[]).await?;
        assert_eq!(mode(&file)?, 0o600);
        let (good, _, said) = run(&file, &NAMESPACES).await?;
        ensure!(good, "{said}");
        let sessions = async || -> Result<Vec<Value>> {
            let site = world.gateway.site();
            let listed = site
                .ok(&["user", "sessions", &machine.user, "--output", "json"])
                .await?;
            let listed: Value = serde_json::from_str(&listed)?;
            let items = listed["items"].as_array().context("no items")?;
            let is_kubeconfig = |item: &&Value| item["kind"] == "kubeconfig";
            Ok(items.iter().filter(is_kubeconfig).cloned().collect())
        };
        let listed = sessions().await?;
        assert_eq!(listed.len(), 1);
        ensure!(
            listed[0]["userAgent"]
                .as_str()
                .is_some_and(|agent| agent.starts_with("cubegate/")),
            "{listed:?}"
        );

        let path = file.to_str().context("no text")?;
        let again = ["--renew", "--output", path];
        let ended = machine.run("kubeconfig", &again).await?;
        ensure!(ended.code == Some(0), "{ended:?}");
        let second: Value = serde_json::from_slice(&fs::read(&file)?)?;
        assert_ne!(first["users"], second["users"]);
        assert_eq!(sessions().await?[0]["id"], listed[0]["id"]);
        assert_eq!(sessions().await?.len(), 1);

        let id = listed[0]["id"].as_str().context("no id")?;
        let site = world.gateway.site();
        site.ok(&["user", "sessions", &machine.user, "--end", id])
            .await?;
        let said = until("its tokens are refused", PATIENCE, async || {
            let (good, _, said) = run(&file, &NAMESPACES).await?;
            Ok((!good).then_some(said))
        })
        .await?;
        ensure!(said.contains("You must be logged in"), "{said}");
        let ended = machine.run("kubeconfig", &again).await?;
        ensure!(
            ended.one_sentence()?.contains("has no kubeconfig"),
            "{ended:?}"
        );
        Ok(())
    })
}

#[test]
fn what_is_wrong_is_told_in_one_sentence_without_the_secret() -> Result<()> {
    in_the_world(async |world| {
        let machine = Machine::new(world).await?;
        let key = machine.key(&[]).await?;
        let refusal = async |expected: &str| -> Result<()> {
            let ended = machine.run("credential", &[]).await?;
            let sentence = ended.one_sentence()?;
            ensure!(sentence.contains(expected), "{sentence}");
            ensure!(!sentence.contains(&key.secret_key), "{sentence}");
            ensure!(ended.stdout.is_empty(), "{ended:?}");
            Ok(())
        };
        let file = machine.credential();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
        refusal("chmod 600").await?;
        machine.write_credential(&format!("{{\"accessKey\":\"{}\"}}", key.secret_key))?;
        refusal("neither").await?;
        let wrong = json!({ "accessKey": key.access_key, "secretKey": "0".repeat(32) });
        machine.write_credential(&wrong.to_string())?;
        refusal("secretkey and accesskey not match.").await?;
        machine.write_credential(r#"{"refresh_token":"x.y.z"}"#)?;
        refusal("log in again").await?;
        fs::remove_file(&file)?;
        refusal("cannot be read").await?;

        machine.key(&[]).await?;
        fs::set_permissions(machine.cache(), fs::Permissions::from_mode(0o755))?;
        refusal("chmod 700").await?;
        fs::set_permissions(machine.cache(), fs::Permissions::from_mode(0o700))?;
        let site = world.gateway.site();
        let credential = machine.credential().display().to_string();
        let cache = machine.cache().display().to_string();
        for (gateway, expected) in [
            ("https://127.0.0.1:1", "cannot be reached"),
            (world.gateway.client().base(), "cannot be reached"),
            ("http://gateway.example", "must be https"),
            ("https://gateway.example/clusters/a", "without a path"),
        ] {
            let arguments = [
                "credential",
                "--gateway",
                gateway,
                "--credential-file",
                &credential,
                "--cache-dir",
                &cache,
            ];
            let ended = site.run(&arguments).await?;
            ensure!(ended.one_sentence()?.contains(expected), "{ended:?}");
        }
        Ok(())
    })
}
