//! One capability of the `kube` crate, as `kubectl.sh` has those of kubectl; it says what is read
//! and printed.

mod pods;
mod waiting;

use std::env;
use std::fmt::Debug;
use std::process::exit;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, ServiceAccount};
use kube::api::{DeleteParams, EvictParams, ListParams, LogParams, Patch, PatchParams, PostParams};
use kube::config::KubeConfigOptions;
use kube::{Api, Client, Config, Error, ResourceExt as _, discovery};
use serde_json::{Value, json};

/// What a try is made with.
pub(crate) struct Trial {
    client: Client,
    config: Config,
    namespace: String,
    maps: Api<ConfigMap>,
    pods: Api<Pod>,
}

/// What the script of the others prints.
fn say(what: impl Debug) -> Result<()> {
    println!("{what:?}");
    Ok(())
}

pub(crate) fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("no {name}"))
}

/// The status and the words of what must be refused.
fn refused<T>(answer: Result<T, Error>) -> Result<(u16, String)> {
    match answer {
        Err(Error::Api(status)) => Ok((status.code, status.message.clone())),
        Err(error) => Err(error.into()),
        Ok(_) => bail!("not refused"),
    }
}

fn names<T: kube::Resource>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(|item| item.name_any()).collect()
}

fn object<T: serde::de::DeserializeOwned>(value: Value) -> Result<T> {
    Ok(serde_json::from_value(value)?)
}

// === impl Trial ===

impl Trial {
    async fn new() -> Result<Self> {
        let config = Config::from_kubeconfig(&KubeConfigOptions::default()).await?;
        let client = Client::try_from(config.clone())?;
        let namespace = variable("NS")?;
        Ok(Self {
            maps: Api::namespaced(client.clone(), &namespace),
            pods: Api::namespaced(client.clone(), &namespace),
            client,
            config,
            namespace,
        })
    }

    /// The same as somebody else.
    fn acting_as(&self, user: &str, group: Option<String>) -> Result<Api<ConfigMap>> {
        let mut config = self.config.clone();
        config.auth_info.impersonate = Some(user.to_owned());
        config.auth_info.impersonate_groups = group.map(|group| vec![group]);
        Ok(Api::namespaced(Client::try_from(config)?, &self.namespace))
    }

    async fn make(&self, name: &str) -> Result<ConfigMap> {
        let map = object(json!({ "metadata": { "name": name }, "data": { "k": "v" } }))?;
        Ok(self.maps.create(&PostParams::default(), &map).await?)
    }

    async fn patched(&self, patch: Patch<Value>) -> Result<()> {
        self.make("a").await?;
        say(self
            .maps
            .patch("a", &PatchParams::default(), &patch)
            .await?
            .data)
    }

    async fn deployment(&self) -> Result<Api<Deployment>> {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        let deployment = object(json!({
            "metadata": { "name": "d" },
            "spec": {
                "selector": { "matchLabels": { "a": "b" } },
                "template": {
                    "metadata": { "labels": { "a": "b" } },
                    "spec": { "containers": [{ "name": "x", "image": "x" }] },
                },
            },
        }))?;
        deployments
            .create(&PostParams::default(), &deployment)
            .await?;
        Ok(deployments)
    }

    async fn try_it(&self, capability: &str) -> Result<()> {
        let (maps, post) = (&self.maps, PostParams::default());
        match capability {
            "server_version" => say(self.client.apiserver_version().await?),
            "discovery" => {
                let found = discovery::group(&self.client, "apps").await?;
                say(found
                    .recommended_resources()
                    .into_iter()
                    .map(|(kind, _)| kind.plural)
                    .collect::<Vec<_>>())
            }
            "api_versions" => {
                let groups = self.client.list_api_groups().await?.groups;
                let named = groups.into_iter().map(|group| group.name);
                say(named
                    .filter(|name| !name.contains("example"))
                    .collect::<Vec<_>>())
            }
            "create" => {
                say(self.make("a").await?.data)?;
                say(self.deployment().await?.get("d").await?.name_any())
            }
            "get" => {
                self.make("a").await?;
                say(maps.get("a").await?.data)
            }
            "update" => {
                let mut map = self.make("a").await?;
                map.data = object(json!({ "k": "other" }))?;
                say(maps.replace("a", &post, &map).await?.data)
            }
            "delete" => {
                self.make("a").await?;
                maps.delete("a", &DeleteParams::default()).await?;
                say(refused(maps.get("a").await)?)
            }
            "delete_collection" => {
                self.make("a").await?;
                let params = ListParams::default();
                maps.delete_collection(&DeleteParams::default(), &params)
                    .await?;
                say(names(maps.list(&params).await?))
            }
            "labels_and_selectors" => {
                self.make("a").await?;
                self.make("b").await?;
                let params = ListParams::default().fields("metadata.name=b");
                say(names(maps.list(&params).await?))
            }
            "dry_run" => {
                let params = PostParams {
                    dry_run: true,
                    ..post
                };
                let map = object(json!({ "metadata": { "name": "a" } }))?;
                say(maps.create(&params, &map).await?.name_any())?;
                say(refused(maps.get("a").await)?)
            }
            "server_side_apply" => {
                let wanted = |value| {
                    Patch::Apply(
                        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": { "k": value } }),
                    )
                };
                say(maps
                    .patch("a", &PatchParams::apply("one"), &wanted("v"))
                    .await?
                    .data)?;
                say(refused(
                    maps.patch("a", &PatchParams::apply("two"), &wanted("w"))
                        .await,
                )?)
            }
            "patch_strategic" => {
                self.patched(Patch::Strategic(json!({ "data": { "l": "m" } })))
                    .await
            }
            "patch_merge" => {
                self.patched(Patch::Merge(json!({ "data": { "k": null, "l": "m" } })))
                    .await
            }
            "patch_json" => {
                self.make("a").await?;
                let body = r#"[{"op":"add","path":"/data/l","value":"m"}]"#
                    .to_owned()
                    .into_bytes();
                let path = format!("/api/v1/namespaces/{}/configmaps/a", self.namespace);
                let request = http::Request::patch(path)
                    .header("content-type", "application/json-patch+json")
                    .body(body)?;
                say(self.client.request::<ConfigMap>(request).await?.data)
            }
            "scale" => {
                let patch = Patch::Merge(json!({ "spec": { "replicas": 3 } }));
                let scaled = self
                    .deployment()
                    .await?
                    .patch_scale("d", &PatchParams::default(), &patch)
                    .await?;
                say(scaled.spec.and_then(|spec| spec.replicas))
            }
            "status_subresource" => say(self
                .pods
                .get_status("web")
                .await?
                .status
                .and_then(|status| status.phase)),
            "metadata_only" => say(self.pods.get_metadata("web").await?.types),
            "chunked_list" => {
                for name in ["a", "b", "c"] {
                    self.make(name).await?;
                }
                let params = ListParams::default().limit(2);
                let first = maps.list(&params).await?;
                let token = first
                    .metadata
                    .continue_
                    .clone()
                    .context("no continuation")?;
                say(names(first))?;
                say(names(maps.list(&params.continue_token(&token)).await?))
            }
            "all_namespaces" => {
                let params =
                    ListParams::default().fields(&format!("metadata.namespace={}", self.namespace));
                say(names(
                    Api::<Pod>::all(self.client.clone()).list(&params).await?,
                ))
            }
            "custom_resources" => self.custom_resources().await,
            "watch" => self.watching(Duration::ZERO).await,
            "watch_idle" => {
                self.watching(Duration::from_secs(variable("IDLE")?.parse()?))
                    .await
            }
            "wait" => {
                let ready = kube::runtime::conditions::is_pod_running();
                kube::runtime::wait::await_condition(self.pods.clone(), "web", ready).await?;
                say("running")
            }
            "logs" => {
                std::fs::write(format!("{}/log", variable("POD")?), "one\ntwo\n")?;
                let params = LogParams {
                    tail_lines: Some(1),
                    ..LogParams::default()
                };
                say(self.pods.logs("web", &params).await?)
            }
            "logs_follow" => {
                let log = format!("{}/log", variable("POD")?);
                std::fs::write(&log, "one\n")?;
                let params = LogParams {
                    follow: true,
                    ..LogParams::default()
                };
                let mut lines = self.pods.log_stream("web", &params).await?.lines();
                say(lines.try_next().await?)?;
                std::fs::write(&log, "one\ntwo\n")?;
                say(lines.try_next().await?)
            }
            "exec_codes" => pods::exec(&self.pods).await,
            "attach" => pods::attach(&self.pods).await,
            "port_forward" => pods::forward(&self.pods).await,
            "cp" => pods::copy(&self.pods).await,
            "drain" => {
                let node = variable("NODE")?;
                let nodes: Api<k8s_openapi::api::core::v1::Node> = Api::all(self.client.clone());
                nodes.cordon(&node).await?;
                let evicted = self.pods.evict("web", &EvictParams::default()).await?;
                say((
                    evicted.status,
                    names(self.pods.list(&ListParams::default()).await?),
                ))
            }
            "can_i" => {
                let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
                let review = object(
                    json!({ "spec": { "resourceAttributes": { "verb": "create", "resource": "pods" } } }),
                )?;
                say(reviews
                    .create(&post, &review)
                    .await?
                    .status
                    .map(|status| status.allowed))
            }
            "as" => {
                let list = ListParams::default();
                say(refused(
                    self.acting_as("nobody-there", None)?.list(&list).await,
                )?)?;
                let reader = format!("reader-{}", self.namespace);
                say(names(self.acting_as(&reader, None)?.list(&list).await?))
            }
            "as_group" => {
                let readers = format!("readers-{}", self.namespace);
                let maps = self.acting_as("nobody-there", Some(readers))?;
                say(names(maps.list(&ListParams::default()).await?))
            }
            "create_token" => {
                let accounts: Api<ServiceAccount> =
                    Api::namespaced(self.client.clone(), &self.namespace);
                let account = object(json!({ "metadata": { "name": "s" } }))?;
                accounts.create(&post, &account).await?;
                let request = TokenRequest {
                    spec: Some(TokenRequestSpec {
                        audiences: Some(vec!["x".to_owned()]),
                        ..TokenRequestSpec::default()
                    }),
                    ..TokenRequest::default()
                };
                let made = accounts.create_token_request("s", &post, &request).await?;
                let token = made.status.and_then(|status| status.token);
                say(token.map(|token| token.split('.').count()))
            }
            _ => {
                // It has no such thing.
                exit(77)
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let capability = env::args().nth(1).context("no capability")?;
    Trial::new().await?.try_it(&capability).await
}
