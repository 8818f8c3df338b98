//! Every request leaves exactly one record that is right, and no record holds a
//! secret.

mod anonymous;
mod changes;
mod outages;
mod readers;
mod sinks;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::client::Answer;
use cubegate_tests::faults::{Scripted, list, whole};
use cubegate_tests::kube::{Rule, Subject};
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Gateway, Options, Site, block_on, until};
use serde_json::{Value, json};

use crate::support::{cube, in_the_world, kube};

const AUDIT: &str = "/api/v1/cube/audit";
const PATIENCE: Duration = Duration::from_secs(15);

/// An Envoy sends what it has once a second, the control plane writes what it has
/// four times a second: what has not come by then does not come.
const ALL_HAVE_COME: Duration = Duration::from_secs(3);

/// Envoy's id of a request, which every answer carries.
fn request_id(answer: &Answer) -> Result<String> {
    answer.header("x-request-id").context("no x-request-id")
}

/// The records of one request, `more` conditions on them.
async fn records_of(admin: &Client, id: &str, more: &str) -> Result<Vec<Value>> {
    let path = format!("{AUDIT}?filter=requestId%3D%22{id}%22{more}");
    let mut body = admin.get(&path).send().await?.expect(200)?.json()?;
    let items = body["items"].take();
    ensure!(body["dropped"] == json!(0), "{body}");
    items.as_array().cloned().context("no items")
}

/// The only record of a request, without what differs from run to run.
async fn record_of(admin: &Client, answer: &Answer, more: &str) -> Result<Value> {
    let id = request_id(answer)?;
    let mut record = until("the record of a request", PATIENCE, || async {
        Ok(records_of(admin, &id, more).await?.pop())
    })
    .await?;
    let fields = record.as_object_mut().context("no object")?;
    for (name, kind) in [
        ("id", "text"),
        ("time", "text"),
        ("client", "text"),
        ("requestId", "text"),
        ("durationMs", "number"),
        ("bytesOut", "number"),
    ] {
        let value = fields.remove(name).with_context(|| format!("no {name}"))?;
        let right = if kind == "text" {
            value.is_string()
        } else {
            value.is_u64()
        };
        ensure!(right, "{name}: {value}");
    }
    for changing in ["tokenId", "userAgent", "envoy"] {
        fields.remove(changing);
    }
    Ok(record)
}

/// Checks records of requests, and that there is none but those.
async fn expect_records(admin: &Client, expected: Vec<(Answer, Value)>, more: &str) -> Result<()> {
    for (answer, expected) in &expected {
        let record = record_of(admin, answer, more).await?;
        ensure!(record == *expected, "{record}\nis not\n{expected}");
    }
    tokio::time::sleep(ALL_HAVE_COME).await;
    for (answer, expected) in &expected {
        let records = records_of(admin, &request_id(answer)?, more).await?;
        ensure!(records.len() == 1, "{expected}: {records:?}");
    }
    Ok(())
}

#[test]
fn a_request_to_a_cluster_leaves_one_record_also_when_it_is_refused() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let admin = gateway.admin().await?;
        let user = format!("audited-{}", unique());
        gateway.site().add_user(&user, "a good Passw0rd").await?;
        let pair = gateway.site().create_key(&user).await?;
        let path = pair.token_path();
        let token = gateway.client().get(&path).send().await?.expect(200)?;
        let token = token.json()?["token"]
            .as_str()
            .context("no token")?
            .to_owned();
        let client = gateway.client().with_bearer(&token)?;
        let server = &world.stack.member.kube;
        let namespace = server.namespace("audited").await?;
        let rule = Rule {
            group: "",
            resources: &["configmaps"],
            verbs: &["list", "create"],
        };
        server
            .grant(&namespace, Subject::User(&user), &[rule])
            .await?;

        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        let mut expected = Vec::new();
        // A list that becomes a page, which the filter answers itself.
        let answer = client
            .get(&cube(
                "member-1",
                &format!("{maps}?pageSize=1&token=query-s3cret"),
            ))
            .send()
            .await?
            .expect(200)?;
        let record = json!({
            "source": "gateway", "user": user, "key": pair.access_key, "cluster": "member-1",
            "verb": "list", "namespace": namespace, "resource": "configmaps", "method": "GET",
            "path": cube("member-1", &maps), "status": 200, "bytesIn": 0,
        });
        expected.push((answer, record));
        // A write that passes through.
        let body = json!({ "metadata": { "name": "a" }, "data": { "k": "body-s3cret" } });
        let answer = client
            .post(&kube("member-1", &maps))
            .json(&body)
            .send()
            .await?
            .expect(201)?;
        let record = json!({
            "source": "gateway", "user": user, "key": pair.access_key, "cluster": "member-1",
            "verb": "create", "namespace": namespace, "resource": "configmaps", "method": "POST",
            "path": kube("member-1", &maps), "status": 201, "bytesIn": body.to_string().len(),
        });
        expected.push((answer, record));
        // The API server refuses.
        let secrets = format!("/api/v1/namespaces/{namespace}/secrets/x");
        let answer = client.get(&kube("member-1", &secrets)).send().await?;
        answer.kube_error(403)?;
        let record = json!({
            "source": "gateway", "user": user, "key": pair.access_key, "cluster": "member-1",
            "verb": "get", "namespace": namespace, "resource": "secrets", "name": "x",
            "method": "GET", "path": kube("member-1", &secrets), "status": 403, "bytesIn": 0,
        });
        expected.push((answer, record));
        // The filter refuses: there is no such cluster.
        let nowhere = format!("nowhere-{}", unique());
        let answer = client
            .get(&kube(&nowhere, "/apis/apps/v1/deployments"))
            .send()
            .await?;
        answer.kube_error(404)?;
        let record = json!({
            "source": "gateway", "user": user, "key": pair.access_key, "cluster": nowhere,
            "verb": "list", "apiGroup": "apps", "resource": "deployments", "method": "GET",
            "path": kube(&nowhere, "/apis/apps/v1/deployments"), "status": 404, "bytesIn": 0,
        });
        expected.push((answer, record));
        for (answer, _) in &expected {
            let headers = format!("{:?}", answer.headers);
            ensure!(
                !headers.contains("cubegate_audit") && !headers.contains(&user),
                "{headers}"
            );
        }
        expect_records(&admin, expected, "").await?;

        // None of what was secret is in any record, by whichever way it is read.
        let lines = admin
            .get(&format!("{AUDIT}?format=jsonl"))
            .send()
            .await?
            .expect(200)?
            .text();
        let exported = gateway
            .site()
            .ok(&["audit", "export", "--user", &user])
            .await?;
        ensure!(exported.lines().count() >= 4, "{exported}");
        for line in exported.lines() {
            serde_json::from_str::<Value>(line)?;
            ensure!(lines.contains(line), "{line}");
        }
        for secret in [
            token.as_str(),
            gateway.admin_token().await?,
            &pair.secret_key,
            "query-s3cret",
            "body-s3cret",
            "a good Passw0rd",
            "eyJ",
        ] {
            ensure!(!lines.contains(secret), "{secret} is in a record");
        }
        Ok(())
    })
}

#[test]
fn what_the_control_plane_does_leaves_one_record_too() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let admin = gateway.admin().await?;
        let user = format!("audited-{}", unique());
        let client = gateway.user(&user, &[]).await?;
        let mut expected = Vec::new();

        let login = json!({ "name": user, "password": "wr0ng-one", "loginType": "normal" });
        let body = login.to_string();
        let answer = gateway
            .client()
            .post("/api/v1/cube/login")
            .body(body.clone())
            .send()
            .await?;
        answer.cube_error(401)?;
        // The only one as this user from here, so it is the one of its minute.
        let record = json!({
            "source": "api", "user": user, "verb": "login", "resource": "sessions",
            "method": "POST", "path": "/api/v1/cube/login", "status": 401, "bytesIn": body.len(),
            "count": 1,
        });
        expected.push((answer, record));

        let answer = client
            .post("/api/v1/cube/key/create")
            .send()
            .await?
            .expect(200)?;
        let pair = answer.json()?;
        let own_key = {
            let keys = client
                .get("/api/v1/cube/key")
                .send()
                .await?
                .expect(200)?
                .json()?;
            let names = keys["items"].as_array().context("no keys")?.iter();
            let mut names = names.filter_map(|key| key["metadata"]["name"].as_str());
            names
                .find(|name| Some(*name) != pair["accessKey"].as_str())
                .context("no first key")?
                .to_owned()
        };
        let record = json!({
            "source": "api", "user": user, "key": own_key, "verb": "create", "resource": "keys",
            "name": pair["accessKey"], "method": "POST", "path": "/api/v1/cube/key/create",
            "status": 200, "bytesIn": 0,
        });
        expected.push((answer, record));

        let answer = client.get(AUDIT).send().await?;
        answer.cube_error(403)?;
        let record = json!({
            "source": "api", "user": user, "key": own_key, "verb": "list", "resource": "audit",
            "method": "GET", "path": AUDIT, "status": 403, "bytesIn": 0,
        });
        expected.push((answer, record));
        expect_records(&admin, expected, "").await?;

        // The command line has written its own; `user` was added by it.
        let path = format!("{AUDIT}?filter=source%3Dcli,name%3D{user}&fields=verb,resource");
        let added = admin.get(&path).send().await?.expect(200)?.json()?;
        ensure!(
            added["items"] == json!([{ "verb": "create", "resource": "users" }]),
            "{added}"
        );
        let lines = admin
            .get(&format!("{AUDIT}?format=jsonl"))
            .send()
            .await?
            .expect(200)?
            .text();
        for secret in [
            "wr0ng-one",
            pair["secretKey"].as_str().context("no secret")?,
        ] {
            ensure!(!lines.contains(secret), "{secret} is in a record");
        }
        Ok(())
    })
}

#[test]
fn a_password_that_is_exchanged_is_recorded_as_whose_it_is() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let admin = gateway.admin().await?;
        let user = format!("audited-{}", unique());
        gateway.site().add_user(&user, "a good Passw0rd").await?;
        let path = kube("member-1", "/version");
        let mut expected = Vec::new();
        // The note is left twice on the way: before the exchange, and after it.
        for (password, status, known) in [
            ("a good Passw0rd", 200, true),
            ("an0ther Passw0rd", 401, false),
        ] {
            let basic = STANDARD.encode(format!("{user}:{password}"));
            let answer = gateway
                .client()
                .get(&path)
                .header("authorization", format!("Basic {basic}"))
                .send()
                .await?
                .expect(status)?;
            // The other one is counted with all that came from here without a credential.
            if known {
                let record = json!({
                    "source": "gateway", "user": user, "cluster": "member-1", "verb": "get",
                    "method": "GET", "path": path, "status": status, "bytesIn": 0,
                });
                expected.push((answer, record));
            }
        }
        // The exchange goes under the id of the request that it is made for.
        expect_records(&admin, expected, ",source%3Dgateway").await?;
        // The exchanges themselves.
        let path =
            format!("{AUDIT}?user={user}&filter=source%3Dapi&sort=time&fields=status,resource");
        let exchanges = admin.get(&path).send().await?.expect(200)?.json()?;
        let statuses = exchanges["items"].as_array().context("no items")?;
        ensure!(
            statuses.len() == 2 && statuses[0]["status"] == json!(200),
            "{exchanges}"
        );
        Ok(())
    })
}
