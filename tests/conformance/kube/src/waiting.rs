//! What takes time until it is there.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::wait::await_condition;
use kube::runtime::{WatchStreamExt as _, conditions, watcher};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use crate::{Trial, object, say, variable};

impl Trial {
    pub(crate) async fn watching(&self, silence: Duration) -> Result<()> {
        self.make("first").await?;
        // As its users watch: it goes on by itself when a server ends a watch, and lists anew when it must.
        let mut objects = watcher(self.maps.clone(), watcher::Config::default())
            .applied_objects()
            .boxed();
        let later = async {
            tokio::time::sleep(silence).await;
            self.make("second").await
        };
        let seen = async {
            let mut seen = BTreeSet::new();
            while !seen.contains("second") {
                let map = objects.try_next().await?.context("the watch ended")?;
                seen.insert(map.name_any());
            }
            anyhow::Ok(seen)
        };
        let (made, seen) = tokio::join!(later, seen);
        made?;
        say(seen?)
    }

    pub(crate) async fn custom_resources(&self) -> Result<()> {
        let unique = variable("UNIQUE")?;
        let (plural, group) = (format!("widgets{unique}"), "conformance.example");
        let name = format!("{plural}.{group}");
        let crds: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let crd = object(json!({
            "metadata": { "name": name },
            "spec": {
                "group": group, "scope": "Namespaced", "names": { "plural": plural, "kind": format!("Widget{unique}") },
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
                }],
            },
        }))?;
        crds.create(&PostParams::default(), &crd).await?;
        await_condition(crds.clone(), &name, conditions::is_crd_established()).await?;
        let resource = ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk(group, "v1", &format!("Widget{unique}")),
            &plural,
        );
        let widgets: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let widget = DynamicObject::new("w", &resource).data(json!({ "spec": { "size": 3 } }));
        let mut made = widgets.create(&PostParams::default(), &widget).await;
        for _ in 0..50 {
            if made.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            made = widgets.create(&PostParams::default(), &widget).await;
        }
        crds.delete(&name, &DeleteParams::default()).await?;
        say(made?.data)
    }
}
