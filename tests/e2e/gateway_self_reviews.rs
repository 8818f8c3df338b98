//! What a caller with a bounded key asks of a cluster about itself: the answer is what the
//! cluster's rules and the key's scope allow together.

use std::process::Output;

use anyhow::{Result, ensure};
use cubegate_tests::kube::{Rule, Subject};
use cubegate_tests::run::unique;
use serde_json::{Value, json};

use crate::support::{World, cube, in_the_world, kube, kubectl};

const ACCESS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

const IDENTITY: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// A token of a new key of this user for `member-1`, with these flags.
async fn token(world: &World, user: &str, flags: &[&str]) -> Result<String> {
    let site = world.gateway.site();
    let flags = [&["--cluster", "member-1"], flags].concat();
    let key = site.create_key_with(user, &flags).await?;
    world.gateway.exchange(&key).await
}

/// A new user, known to nobody's rules.
async fn user(world: &World) -> Result<String> {
    let user = format!("asking-{}", unique());
    world
        .gateway
        .site()
        .add_user(&user, "a good Passw0rd")
        .await?;
    Ok(user)
}

async fn run(world: &World, token: &str, arguments: &[&str]) -> Result<Output> {
    kubectl::run(&world.gateway, &kube("member-1", ""), token, arguments).await
}

/// What `kubectl auth can-i` says.
async fn can_i(world: &World, token: &str, arguments: &[&str]) -> Result<String> {
    let output = run(world, token, &[&["auth", "can-i"], arguments].concat()).await?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    ensure!(!said.is_empty(), "{output:?}");
    Ok(said)
}

#[test]
fn kubectl_is_told_what_the_rules_and_the_scope_allow_together() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member.kube;
        let (shop, other) = (
            server.namespace("shop").await?,
            server.namespace("other").await?,
        );
        let mighty = user(world).await?;
        server.make_cluster_admin(&mighty).await?;
        let flags = ["--namespace", &shop, "--verb", "get", "--verb", "list"];
        let token = token(world, &mighty, &flags).await?;
        let ask = async |arguments: &[&str]| can_i(world, &token, arguments).await;
        assert_eq!(ask(&["list", "pods", "-n", &shop]).await?, "yes");
        assert_eq!(ask(&["get", "pods/web", "-n", &shop]).await?, "yes");
        assert_eq!(
            ask(&["delete", "pods", "-n", &shop]).await?,
            "no - The access key of this token does not allow the verb delete."
        );
        assert_eq!(
            ask(&["get", "pods", "--subresource=exec", "-n", &shop]).await?,
            "no - The access key of this token does not allow the verb create."
        );
        assert_eq!(
            ask(&["list", "pods", "-n", &other]).await?,
            "no - The access key of this token is not for this namespace."
        );
        for arguments in [
            &["list", "pods", "--all-namespaces"][..],
            &["get", "nodes"],
            &["*", "*", "-n", &shop],
            &["impersonate", "serviceaccounts", "-n", &shop],
            &["get", "/metrics"],
        ] {
            let said = ask(arguments).await?;
            ensure!(said.starts_with("no - "), "{arguments:?}: {said}");
        }

        let listed = ask(&["--list", "-n", &shop]).await?;
        ensure!(listed.contains("[get list]"), "{listed}");
        ensure!(listed.contains("selfsubjectaccessreviews"), "{listed}");
        for beyond in ["[*]", "delete", "update", "nodes"] {
            ensure!(!listed.contains(beyond), "{beyond}: {listed}");
        }
        let listed = run(world, &token, &["auth", "can-i", "--list", "-n", &other]).await?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        ensure!(!listed.contains("get"), "{listed}");

        // API servers before 1.28 do not say who somebody is, and kubectl says so then.
        let who = run(world, &token, &["auth", "whoami"]).await?;
        let identity =
            json!({ "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1" });
        let direct = server
            .client()
            .post(IDENTITY)
            .json(&identity)
            .send()
            .await?;
        let (told, expected) = match direct.status {
            404 => (
                &who.stderr,
                "selfsubjectreviews API is not enabled in the cluster",
            ),
            _ => (&who.stdout, mighty.as_str()),
        };
        let told = String::from_utf8_lossy(told);
        ensure!(told.contains(expected), "{who:?}");
        // What is told is what holds.
        let get = run(world, &token, &["get", "pods", "-n", &shop]).await?;
        ensure!(get.status.success(), "{get:?}");
        Ok(())
    })
}

#[test]
fn a_scope_gives_nothing_that_the_rules_do_not() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member.kube;
        let shop = server.namespace("shop").await?;
        let plain = user(world).await?;
        let rule = Rule {
            group: "",
            resources: &["configmaps"],
            verbs: &["get", "delete"],
        };
        server.grant(&shop, Subject::User(&plain), &[rule]).await?;
        let flags = ["--namespace", &shop, "--verb", "get", "--verb", "list"];
        let token = token(world, &plain, &flags).await?;
        let ask = async |arguments: &[&str]| can_i(world, &token, arguments).await;
        assert_eq!(ask(&["get", "configmaps", "-n", &shop]).await?, "yes");
        assert_eq!(ask(&["list", "configmaps", "-n", &shop]).await?, "no");
        assert_eq!(ask(&["get", "secrets", "-n", &shop]).await?, "no");
        let listed = ask(&["--list", "-n", &shop]).await?;
        let maps = listed.lines().find(|line| line.starts_with("configmaps"));
        ensure!(maps.is_some_and(|line| line.ends_with("[get]")), "{listed}");
        Ok(())
    })
}

#[test]
fn reviews_of_others_and_on_other_clusters_stay_refused() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member.kube;
        let shop = server.namespace("shop").await?;
        let mighty = user(world).await?;
        server.make_cluster_admin(&mighty).await?;
        let flags = ["--namespace", &shop, "--verb", "get"];
        let token = token(world, &mighty, &flags).await?;
        let client = world.gateway.client().with_bearer(&token)?;
        let asked = json!({ "verb": "get", "resource": "pods", "namespace": shop });
        let review = |kind: &str| json!({ "kind": kind, "apiVersion": "authorization.k8s.io/v1", "spec": { "user": "admin", "resourceAttributes": asked } });
        let local =
            format!("/apis/authorization.k8s.io/v1/namespaces/{shop}/localsubjectaccessreviews");
        for (path, kind) in [
            (
                "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                "SubjectAccessReview",
            ),
            (&local, "LocalSubjectAccessReview"),
            ("/apis/authentication.k8s.io/v1/tokenreviews", "TokenReview"),
        ] {
            let answer = client.post(&kube("member-1", path)).json(&review(kind));
            answer.send().await?.kube_error(403)?;
        }
        let own = review("SelfSubjectAccessReview");
        for path in [kube("pivot-cluster", ACCESS), cube("pivot-cluster", ACCESS)] {
            let answer = client.post(&path).json(&own).send().await?;
            assert_eq!(answer.status, 403, "{}", answer.describe());
        }
        for path in [kube("member-1", ACCESS), cube("member-1", ACCESS)] {
            let answer = client.post(&path).json(&own).send().await?.expect(201)?;
            assert_eq!(answer.json()?["status"]["allowed"], true);
        }
        Ok(())
    })
}

#[test]
fn a_body_that_the_gateway_cannot_judge_goes_nowhere() -> Result<()> {
    in_the_world(async |world| {
        let mighty = user(world).await?;
        let token = token(world, &mighty, &["--verb", "get"]).await?;
        let client = world.gateway.client().with_bearer(&token)?;
        let path = kube("member-1", ACCESS);
        let post = || client.post(&path);
        for (form, status) in [
            ("application/vnd.kubernetes.protobuf", 400),
            ("application/cbor", 415),
            ("application/yaml", 415),
        ] {
            let answer = post().header("content-type", form).body("spec: {}");
            answer.send().await?.kube_error(status)?;
        }
        let padded = |bytes: usize| -> Value {
            json!({ "spec": { "resourceAttributes": { "verb": "get" } }, "padding": "x".repeat(bytes) })
        };
        let large = post().json(&padded(64 << 10)).send().await?;
        large.kube_error(413)?;
        let larger = post().json(&padded(3 << 20)).send().await?;
        assert_eq!(larger.status, 413, "{}", larger.describe());
        post().json(&padded(63 << 10)).send().await?.expect(201)?;
        // Without a body, and with one that is cut or none.
        post().send().await?.kube_error(400)?;
        for body in ["{", "[]", "null", "\u{0}"] {
            let answer = post().header("content-type", "application/json").body(body);
            let answer = answer.send().await?;
            assert_eq!(answer.status, 400, "{body:?}: {}", answer.describe());
        }
        Ok(())
    })
}
