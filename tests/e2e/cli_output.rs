//! What commands show, as JSON and YAML: the fields are those of the HTTP API.

use anyhow::{Context as _, Result, bail};
use cubegate_tests::run::unique;
use cubegate_tests::{Site, block_on};
use serde_json::Value;

use crate::support::in_the_playground;

const PASSWORD: &str = "a good Passw0rd";

/// The item of this name, by the pointer to where names are.
fn item<'a>(list: &'a Value, pointer: &str, name: &str) -> Result<&'a Value> {
    let items = list["items"].as_array().context("no items")?;
    items
        .iter()
        .find(|item| item.pointer(pointer).and_then(Value::as_str) == Some(name))
        .with_context(|| format!("{name} is not in {list}"))
}

/// That all of what the API shows is shown with the same words.
fn assert_holds(shown: &Value, of_api: &Value) {
    let fields = of_api.as_object().unwrap();
    for (field, value) in fields {
        assert_eq!(&shown[field], value, "{field} of {shown}");
    }
}

/// What a command shows, the same in both forms. Tests beside this one change what is
/// listed, so the answer between two equal ones is compared.
async fn as_json_and_yaml(site: &Site, arguments: &[&str]) -> Result<Value> {
    const TRIES: usize = 20;

    let json = [arguments, &["-o", "json"]].concat();
    let yaml = [arguments, &["--output=yaml"]].concat();
    let mut before: Value = serde_json::from_str(&site.ok(&json).await?)?;
    for _ in 0..TRIES {
        let between: Value = serde_saphyr::from_str(&site.ok(&yaml).await?)?;
        let after: Value = serde_json::from_str(&site.ok(&json).await?)?;
        if before == after {
            assert_eq!(after, between, "{arguments:?}");
            return Ok(after);
        }
        before = after;
    }
    bail!("what {arguments:?} shows changed {TRIES} times: {before}")
}

#[test]
fn every_listing_is_json_and_yaml_with_the_fields_of_the_api() -> Result<()> {
    in_the_playground(async |playground| {
        let gateway = &playground.gateway;
        let site = gateway.site();
        let name = format!("user-{}", unique());
        site.ok(&[
            "user",
            "add",
            &name,
            "--password",
            PASSWORD,
            "--group",
            "team-a",
        ])
        .await?;
        let flags = [
            "--name",
            "deploy",
            "--cluster",
            "m",
            "--allow-unknown-clusters",
        ];
        let key = site.create_key_with(&name, &flags).await?;
        let login = gateway.client().login(&name, PASSWORD).await?.expect(200)?;
        let cluster = playground.cluster(1).await?;
        let admin = playground.client()?;
        let shown = async |arguments: &[&str]| as_json_and_yaml(site, arguments).await;
        let api = async |path: &str| -> Result<Value> {
            admin.get(path).send().await?.expect(200)?.json()
        };

        let users = shown(&["user", "list"]).await?;
        let user = item(&users, "/name", &name)?;
        let page = api(&format!("/api/v1/cube/user?query={name}")).await?;
        assert_holds(user, item(&page, "/name", &name)?);
        assert_eq!(user["groups"], serde_json::json!(["team-a"]));
        assert_eq!(users["total"], users["items"].as_array().unwrap().len());

        let groups = shown(&["user", "group", "list", &name]).await?;
        assert_eq!(
            groups,
            api(&format!("/api/v1/cube/user/{name}/groups")).await?
        );
        let sessions = shown(&["user", "sessions", &name]).await?;
        assert_eq!(sessions["total"], 1, "{sessions} {}", login.text());
        assert_eq!(
            sessions,
            api(&format!("/api/v1/cube/user/{name}/sessions")).await?
        );

        let keys = shown(&["key", "list", "--user", &name]).await?;
        let spec = &item(&keys, "/metadata/name", &key.access_key)?["spec"];
        assert_eq!(
            (&spec["user"], &spec["name"]),
            (&name.as_str().into(), &"deploy".into())
        );
        assert_eq!(spec["scope"]["clusters"], serde_json::json!(["m"]));

        let clusters = shown(&["cluster", "list"]).await?;
        let listed = item(&clusters, "/name", &cluster)?;
        let of_api = api("/api/v1/cube/clusters").await?;
        let of_api = item(&of_api, "/name", &cluster)?;
        for field in ["name", "server", "createdAt", "host", "source"] {
            assert_eq!(listed[field], of_api[field]);
        }
        assert_eq!(listed["credential"], "none");
        assert!(listed["host"].is_boolean() && listed["envoys"]["connected"] == 1);
        assert_eq!(listed["source"], "cli");

        let envoys = shown(&["envoys"]).await?;
        let of_api = api("/api/v1/cube/envoys").await?;
        let (envoy, of_api) = (&envoys["items"][0], &of_api["items"][0]);
        for field in ["name", "version", "address", "connectedAt"] {
            assert_eq!(envoy[field], of_api[field]);
        }
        Ok(())
    })
}

#[test]
fn nodes_are_json_too_and_another_form_is_refused() -> Result<()> {
    block_on(async {
        let site = Site::new("node-output")?;
        site.begin().await?;
        let certs = site.dir().join("certs").display().to_string();
        site.ok(&["bootstrap", "--node-id", "edge-1", "--write-certs", &certs])
            .await?;
        let nodes = site.ok(&["node", "list", "-o", "json"]).await?;
        let nodes: Value = serde_json::from_str(&nodes)?;
        let node = item(&nodes, "/name", "edge-1")?;
        assert_eq!(
            (&node["state"], &node["lastSeenAt"]),
            (&"good".into(), &Value::Null)
        );
        let refused = site.run(&["node", "list", "-o", "xml"]).await?;
        assert_eq!(refused.code, Some(2));
        assert!(refused.stderr.contains("table, json, yaml"), "{refused:?}");
        let by_variable = site.with_variable("CUBEGATE_OUTPUT", "json");
        let nodes = by_variable.ok(&["node", "list"]).await?;
        serde_json::from_str::<Value>(&nodes)?;
        Ok(())
    })
}
