//! The Helm chart on a real API server, and the processes that its objects describe.
//!
//! Nothing schedules pods there: objects are validated and stored, and the tests start what
//! their containers would run.

mod processes;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use cubegate_tests::artifacts::root;
use cubegate_tests::cli::Ended;
use cubegate_tests::kubeconfig::{self, Kubeconfig};
use cubegate_tests::run::unique;
use cubegate_tests::stack::ApiServer;
use cubegate_tests::{Run, Shared, Site};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{in_the_world, kubectl};

/// Helm reads the whole discovery document first.
const PATIENCE: Duration = Duration::from_secs(60);

/// A release in a namespace of its own; both have the same name.
struct Release {
    server: &'static ApiServer,
    name: String,
}

async fn helm() -> Result<&'static PathBuf> {
    static HELM: Shared<PathBuf> = Shared::new();
    HELM.get(async {
        let tools = root().join("deploy/local/tools.sh");
        let output = Command::new(tools).arg("helm").output().await?;
        ensure!(output.status.success(), "tools.sh helm: {output:?}");
        Ok(PathBuf::from(
            String::from_utf8_lossy(&output.stdout).trim(),
        ))
    })
    .await
}

// === impl Release ===

impl Release {
    fn new(server: &'static ApiServer) -> Self {
        Self {
            server,
            name: format!("cubegate-{}", unique()),
        }
    }

    /// Runs helm in the namespace, to its end.
    async fn try_helm(&self, arguments: &[&str]) -> Result<Ended> {
        let home = Run::current()?.folder("helm")?;
        let mut command = Command::new(helm().await?);
        command
            .args(arguments)
            .args(["--namespace", &self.name, "--kubeconfig"])
            .arg(&self.server.kubeconfig)
            .current_dir(root().join("deploy/helm"))
            .env("HELM_CONFIG_HOME", &home)
            .env("HELM_CACHE_HOME", &home)
            .env("HELM_DATA_HOME", &home)
            .env("HOME", &home)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output())
            .await
            .with_context(|| format!("helm {arguments:?} hangs"))??;
        Ok(Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    async fn helm(&self, arguments: &[&str]) -> Result<String> {
        let ended = self.try_helm(arguments).await?;
        match ended.code {
            Some(0) => Ok(ended.stdout),
            _ => bail!("helm {arguments:?}: {ended:?}"),
        }
    }

    async fn install(&self, flags: &[&str]) -> Result<()> {
        let install = ["install", &self.name, "cubegate", "--create-namespace"];
        self.helm(&[&install[..], flags].concat()).await.map(drop)
    }

    /// An object of the namespace; `None` if there is none.
    async fn get(&self, api: &str, resource: &str, name: &str) -> Result<Option<Value>> {
        let prefix = match api {
            "v1" => "/api/v1".to_owned(),
            _ => format!("/apis/{api}"),
        };
        let path = format!("{prefix}/namespaces/{}/{resource}/{name}", self.name);
        let answer = self.server.kube.client().get(&path).send().await?;
        match answer.status {
            404 => Ok(None),
            _ => Ok(Some(answer.expect(200)?.json()?)),
        }
    }

    async fn secret(&self, suffix: &str) -> Result<Value> {
        let name = format!("{}-{suffix}", self.name);
        let found = self.get("v1", "secrets", &name).await?;
        found.with_context(|| format!("no Secret {name}"))
    }

    /// The arguments of a container in this object's pod.
    async fn arguments(
        &self,
        api: &str,
        resource: &str,
        name: &str,
        containers: &str,
    ) -> Result<Vec<String>> {
        let object = self.get(api, resource, name).await?;
        let object = object.with_context(|| format!("no {resource} {name}"))?;
        let arguments = &object["spec"]["template"]["spec"][containers][0]["args"];
        Ok(serde_json::from_value(arguments.clone())?)
    }

    /// A kubeconfig of the service account of the job, whose rights it tries.
    async fn job_kubeconfig(&self, dir: &Path) -> Result<String> {
        let account = format!("{}-certificates", self.name);
        let path = format!(
            "/api/v1/namespaces/{}/serviceaccounts/{account}/token",
            self.name
        );
        let request =
            json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
        let answer = self.server.kube.create(&path, &request).await?;
        let config = Kubeconfig::read(&self.server.kubeconfig)?;
        let ca = std::str::from_utf8(&config.ca)?;
        let mut document = kubeconfig::document(&config.server, Some(ca));
        document["users"][0]["user"] = json!({ "token": answer["status"]["token"] });
        let file = dir.join("job.kubeconfig");
        std::fs::write(&file, document.to_string())?;
        Ok(file.display().to_string())
    }

    /// Runs the job of this revision as its pod would; `flags` take the place of its own.
    async fn run_job(&self, site: &Site, revision: u32, flags: &[&str]) -> Result<String> {
        let name = format!("{}-certificates-{revision}", self.name);
        let mut arguments = self
            .arguments("batch/v1", "jobs", &name, "containers")
            .await?;
        let name = |flag: &str| flag.split('=').next().map(str::to_owned);
        arguments.retain(|own| flags.iter().all(|flag| name(own) != name(flag)));
        arguments.push("--kubeconfig".to_owned());
        arguments.push(self.job_kubeconfig(site.dir()).await?);
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        site.ok(&arguments).await
    }
}

#[test]
fn the_chart_is_installed_changed_rolled_back_and_removed() -> Result<()> {
    in_the_world(async |world| {
        let release = Release::new(&world.stack.member);
        let site = Site::new("chart")?;
        release.install(&[]).await?;
        let edge = format!("{}-edge", release.name);
        let replicas = async || {
            let found = release.get("apps/v1", "deployments", &edge).await?;
            let found = found.context("no edge")?;
            anyhow::Ok(found["spec"]["replicas"].clone())
        };
        assert_eq!(replicas().await?, 2);

        // The job makes what pods wait for, with the rights of its account, and once.
        let said = release.run_job(&site, 1, &[]).await?;
        let keys = release.secret("keys").await?;
        ensure!(
            said.contains(&format!("made {}-keys", release.name)),
            "{said}"
        );
        for suffix in ["edge-xds", "listener"] {
            let secret = release.secret(suffix).await?;
            assert_eq!(secret["type"], "kubernetes.io/tls", "{suffix}");
        }
        let listener = release.secret("listener").await?;
        let said = release.run_job(&site, 1, &[]).await?;
        assert_eq!(said.matches("is good").count(), 2, "{said}");
        assert_eq!(release.secret("listener").await?, listener);

        release
            .helm(&[
                "upgrade",
                &release.name,
                "cubegate",
                "--set",
                "edge.replicas=3",
                "--set",
                "listener.names={gateway.example}",
            ])
            .await?;
        assert_eq!(replicas().await?, 3);
        let said = release.run_job(&site, 2, &[]).await?;
        ensure!(said.contains("listener has a new certificate"), "{said}");
        assert_eq!(
            release.secret("keys").await?,
            keys,
            "keys are never changed"
        );

        release.helm(&["rollback", &release.name, "1"]).await?;
        assert_eq!(replicas().await?, 2);
        release.helm(&["uninstall", &release.name]).await?;
        assert_eq!(release.get("apps/v1", "deployments", &edge).await?, None);
        assert_eq!(release.secret("keys").await?, keys, "they stay");

        // Without its keys an installation is not begun anew by mistake.
        let flags = [
            "keys.existingSecret=lost",
            "database.type=postgresql",
            "database.existingSecret=database",
            "controlPlane.replicas=2",
            "edge.autoscaling.enabled=true",
        ];
        let flags: Vec<&str> = flags.iter().flat_map(|flag| ["--set", flag]).collect();
        release.install(&flags).await?;
        let refused = release.run_job(&site, 1, &[]).await.unwrap_err();
        ensure!(format!("{refused:#}").contains("lost"), "{refused:#}");
        release.helm(&["uninstall", &release.name]).await?;
        Ok(())
    })
}

#[test]
fn what_cannot_be_meant_is_refused_in_words() -> Result<()> {
    in_the_world(async |world| {
        let release = Release::new(&world.stack.member);
        for (flags, part) in [
            ("controlPlane.replicas=2", "SQLite is of one replica"),
            (
                "database.type=postgresql",
                "database.existingSecret is empty",
            ),
            (
                "controlPlane.enabled=false",
                "edge.controlPlaneHost is empty",
            ),
            ("controlPlane.sidecars=true", "set edge.enabled to false"),
            (
                "edge.replica=2",
                "additional properties 'replica' not allowed",
            ),
            ("database.type=mysql", "must be one of"),
        ] {
            let ended = release
                .try_helm(&["template", "x", "cubegate", "--set", flags])
                .await?;
            ensure!(
                ended.code != Some(0) && ended.stderr.contains(part),
                "{flags}: {ended:?}"
            );
        }
        Ok(())
    })
}

/// The pod as it is said for clusters before 1.29: Envoy is a container like the application.
#[test]
fn a_pod_with_a_sidecar_is_good_for_older_clusters_as_its_words_say() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member;
        let text = std::fs::read_to_string(root().join("deploy/kubernetes/sidecar/pod.yaml"))?;
        let mut pod: Value = serde_saphyr::from_str(&text)?;
        let spec = pod["spec"].as_object_mut().context("no spec")?;
        let mut moved = spec.remove("initContainers").context("no sidecar")?;
        let sidecar = moved[0].as_object_mut().context("no container")?;
        assert_eq!(sidecar.remove("restartPolicy"), Some(json!("Always")));
        let containers = spec["containers"].as_array_mut().context("no containers")?;
        containers.insert(0, Value::Object(sidecar.clone()));
        let namespace = server.kube.namespace("sidecar-pod").await?;
        let path = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict");
        let made = server.kube.create(&path, &pod).await?;
        let mounts = &made["spec"]["containers"][1]["volumeMounts"];
        ensure!(
            mounts.is_null(),
            "the application has Envoy's credentials: {mounts}"
        );
        Ok(())
    })
}

#[test]
fn kustomize_makes_the_objects_of_the_chart() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member;
        let folder = root().join("deploy/kubernetes/edge").display().to_string();
        let printed = kubectl::directly(&server.kubeconfig, &["kustomize", &folder]).await?;
        ensure!(printed.status.success(), "{printed:?}");
        let objects = |text: &str| -> Result<Vec<Value>> {
            let mut objects: Vec<Value> = serde_saphyr::from_multiple(text)?;
            objects.retain(|object| !object.is_null() && object["kind"] != "Namespace");
            for object in &mut objects {
                // Kustomize says it of every object, the chart leaves it to the release.
                let metadata = object["metadata"].as_object_mut().context("no metadata")?;
                metadata.remove("namespace");
            }
            objects
                .sort_by_key(|object| format!("{}/{}", object["kind"], object["metadata"]["name"]));
            Ok(objects)
        };
        let snapshot = root().join("deploy/helm/snapshots/kustomize.yaml");
        assert_eq!(
            objects(&String::from_utf8(printed.stdout)?)?,
            objects(&std::fs::read_to_string(snapshot)?)?
        );
        Ok(())
    })
}
