//! What is written, tried alone (`dryRun=All`) so that both ways find the same: creations,
//! updates, patches of every kind, deletions, reviews, and what of it is refused or warned of.

use super::*;
use crate::support::in_the_world;

/// An update of a map as it is now, of another or no revision.
async fn update(world: &World, path: &str, revision: Option<&str>) -> Result<Value> {
    let mut map = world.stack.member.kube.get(path).await?.json()?;
    map["data"]["n"] = json!("another");
    if let Some(revision) = revision {
        map["metadata"]["resourceVersion"] = json!(revision);
    }
    Ok(map)
}

#[test]
fn writes_and_what_is_refused_of_them_are_answered_by_the_api_server() -> Result<()> {
    in_the_world(async |world| {
        let (pair, objects) = (Pair::admin(world).await?, Objects::new(world).await?);
        let maps = objects.core("configmaps");
        let (dry, one) = (
            format!("{maps}?dryRun=All"),
            objects.core("configmaps/a?dryRun=All"),
        );
        let own = objects.core("configmaps/a");
        let post = |status: u16| Case::new(Method::POST, &dry, status);
        let put = |status: u16| Case::new(Method::PUT, &one, status);
        let new = config_map("new", &json!({ "a": "b" }));
        let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\ndata: {a: b}\n";
        let mut wrong_type = new.clone();
        wrong_type["data"] = json!(5);
        let mut cases = vec![
            post(201).json(&new),
            post(201).body("application/yaml", yaml),
            post(201).json(&new).accept("application/yaml"),
            post(201)
                .json(&new)
                .accept("application/vnd.kubernetes.protobuf"),
            post(409).json(&config_map("a", &json!({}))),
            post(422).json(&config_map("Not_A_Name", &json!({}))),
            post(422).json(&config_map("new", &json!({ "a/b": "c" }))),
            post(400).json(&wrong_type),
            post(400).body("application/json", "{"),
            post(400).json(
                &json!({ "kind": "Secret", "apiVersion": "v1", "metadata": { "name": "x" } }),
            ),
            post(400).json(
                &json!({ "kind": "ConfigMap", "apiVersion": "v7", "metadata": { "name": "x" } }),
            ),
            post(415).body("text/plain", "a"),
            post(415).body("application/xml", "<a/>"),
            post(400),
            Case::new(Method::POST, &format!("{maps}?dryRun=some"), 422).json(&new),
            Case::new(
                Method::POST,
                &format!("{maps}?dryRun=All&fieldManager=me"),
                201,
            )
            .json(&new),
            Case::new(Method::POST, &format!("{maps}?dryRun=All&pretty=true"), 201).json(&new),
            Case::new(
                Method::POST,
                &format!("{}?dryRun=All", objects.core("pods")),
                422,
            )
            .json(&json!({ "metadata": { "name": "x" }, "spec": { "containers": [] } })),
            put(200).json(&update(world, &own, None).await?),
            put(409).json(&update(world, &own, Some("1")).await?),
            put(400).json(&config_map("b", &json!({}))),
            Case::new(
                Method::PUT,
                &objects.core("configmaps/none?dryRun=All"),
                404,
            )
            .json(&config_map("none", &json!({}))),
        ];
        let apply = |query: &str, body: &str| {
            let path = objects.core(&format!("configmaps/a?dryRun=All{query}"));
            Case::new(Method::PATCH, &path, None).body("application/apply-patch+yaml", body)
        };
        let applied = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {n: theirs}\n";
        let patch = |kind: &str, body: &str, status: u16| {
            Case::new(Method::PATCH, &one, status).body(kind, body)
        };
        cases.extend([
            patch(
                "application/merge-patch+json",
                r#"{"data":{"n":null}}"#,
                200,
            ),
            patch(
                "application/strategic-merge-patch+json",
                r#"{"data":{"n":"z"}}"#,
                200,
            ),
            patch(
                "application/json-patch+json",
                r#"[{"op":"replace","path":"/data/n","value":"z"}]"#,
                200,
            ),
            patch(
                "application/json-patch+json",
                r#"[{"op":"test","path":"/data/n","value":"other"}]"#,
                422,
            ),
            patch("application/json-patch+json", "[{", 400),
            Case::new(Method::PATCH, &one, None).body("application/merge-patch+json", "{"),
            patch("text/plain", "{}", 415),
            patch(
                "application/merge-patch+json",
                r#"{"metadata":{"resourceVersion":"1"}}"#,
                409,
            ),
            patch(
                "application/merge-patch+json",
                r#"{"data":{"a/b":"c"}}"#,
                422,
            ),
            apply("&fieldManager=me&force=true", applied),
            apply("&fieldManager=me", applied),
            apply("", applied),
            apply("&fieldManager=me", "a: ["),
            Case::new(Method::DELETE, &one, 200),
            Case::new(Method::DELETE, &one, None).json(&json!({
                "kind": "DeleteOptions", "apiVersion": "v1", "preconditions": { "uid": "other" },
            })),
            Case::new(Method::DELETE, &objects.core("configmaps/none"), 404),
            Case::new(Method::DELETE, &format!("{dry}&labelSelector=app%3Da"), 200),
            Case::new(
                Method::POST,
                &objects.core("pods/p/eviction?dryRun=All"),
                None,
            )
            .json(&json!({
                "kind": "Eviction", "apiVersion": "policy/v1", "metadata": { "name": "p" },
            })),
            Case::new(
                Method::PATCH,
                &objects.apps("deployments/d/scale?dryRun=All"),
                200,
            )
            .body("application/merge-patch+json", r#"{"spec":{"replicas":3}}"#),
            Case::new(
                Method::PATCH,
                &objects.apps("deployments/d?dryRun=All"),
                422,
            )
            .body(
                "application/merge-patch+json",
                r#"{"spec":{"selector":{"matchLabels":{"other":"x"}}}}"#,
            ),
        ]);
        ensure!(pair.check(&cases).await? >= 42);
        Ok(())
    })
}

#[test]
fn warnings_strictness_and_reviews_are_the_api_servers_own() -> Result<()> {
    in_the_world(async |world| {
        let (pair, objects) = (Pair::admin(world).await?, Objects::new(world).await?);
        let maps = objects.core("configmaps");
        let unknown = json!({ "metadata": { "name": "new" }, "dta": { "a": "b" } });
        let mut cases = Vec::new();
        for strictness in ["Ignore", "Warn", "Strict", "Nonsense"] {
            let path = format!("{maps}?dryRun=All&fieldValidation={strictness}");
            cases.push(Case::new(Method::POST, &path, None).json(&unknown));
        }
        // Which are deprecated depends on the version; 1.20 warns of all of these.
        for path in [
            "/apis/rbac.authorization.k8s.io/v1beta1/clusterroles/view",
            "/apis/admissionregistration.k8s.io/v1beta1/validatingwebhookconfigurations",
            "/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions",
            "/apis/extensions/v1beta1/ingresses",
            "/apis/scheduling.k8s.io/v1beta1/priorityclasses",
        ] {
            cases.push(Case::get(path, None));
            cases.push(Case::get(path, None).accept("application/vnd.kubernetes.protobuf"));
        }
        let group = "/apis/authorization.k8s.io/v1";
        let attributes =
            json!({ "namespace": objects.namespace, "verb": "get", "resource": "pods" });
        for (resource, spec) in [
            (
                "selfsubjectaccessreviews",
                json!({ "resourceAttributes": attributes }),
            ),
            (
                "selfsubjectrulesreviews",
                json!({ "namespace": objects.namespace }),
            ),
            (
                "subjectaccessreviews",
                json!({ "user": "jeff", "resourceAttributes": attributes }),
            ),
            ("selfsubjectaccessreviews", json!({})),
        ] {
            let body = json!({ "spec": spec });
            let path = format!("{group}/{resource}");
            let case = Case::new(Method::POST, &path, None).json(&body);
            cases.push(case.clone());
            cases.push(case.accept("application/vnd.kubernetes.protobuf"));
        }
        let review = json!({ "spec": { "token": "x" } });
        let path = "/apis/authentication.k8s.io/v1/tokenreviews";
        cases.push(Case::new(Method::POST, path, 201).json(&review));
        ensure!(pair.check(&cases).await? >= 22);
        // They are warnings indeed.
        let path = "/apis/rbac.authorization.k8s.io/v1beta1/clusterroles/view";
        let answer = pair.send(&Case::get(path, None), true).await?;
        ensure!(
            answer.status == 404 || answer.header("warning").is_some(),
            "{}",
            answer.describe()
        );
        Ok(())
    })
}
