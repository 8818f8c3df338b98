//! Who may call, and what is refused.

use super::*;

#[test]
fn rbac_refuses_in_kubespheres_words() -> Result<()> {
    in_the_sphere(async |world| {
        let namespace = namespace(world).await?;
        let name = format!("jeff-{}", unique());
        let jeff = world.gateway.user(&name, &[]).await?;
        let inside = format!("/namespaces/{namespace}/deployments");
        let api = "API group \"resources.kubesphere.io\"";
        for (path, message, details) in [
            (
                "/nodes".to_owned(),
                format!(
                    "nodes.resources.kubesphere.io is forbidden: User \"{name}\" cannot list resource \"nodes\" in {api} at the cluster scope"
                ),
                json!({ "group": "resources.kubesphere.io", "kind": "nodes" }),
            ),
            (
                format!("{inside}/web"),
                format!(
                    "deployments.resources.kubesphere.io \"web\" is forbidden: User \"{name}\" cannot get resource \"deployments\" in {api} in the namespace \"{namespace}\""
                ),
                json!({ "name": "web", "group": "resources.kubesphere.io", "kind": "deployments" }),
            ),
        ] {
            for form in [
                format!("{KAPIS}{path}"),
                format!("/clusters/host{KAPIS}{path}"),
                format!("/kapis/clusters/pivot-cluster/resources.kubesphere.io/v1alpha3{path}"),
            ] {
                let answer = jeff.get(&form).send().await?;
                ensure!(
                    answer.kube_error(403)? == message,
                    "{form}: {}",
                    answer.text()
                );
                ensure!(answer.json()?["details"] == details, "{}", answer.text());
            }
        }
        // RBAC of the cluster lets in whom it lets in.
        let rule = Rule {
            group: "apps",
            resources: &["deployments"],
            verbs: &["list"],
        };
        let kube = &world.stack.pivot.kube;
        kube.grant(&namespace, Subject::User(&name), &[rule])
            .await?;
        let path = format!("{KAPIS}{inside}?limit=1");
        let answer = until_status(&jeff, &path, 200).await?;
        ensure!(answer.json()?["totalItems"] == 3);
        jeff.get(&format!("{KAPIS}{inside}/web"))
            .send()
            .await?
            .kube_error(403)?;
        // Nobody is nobody, whatever the path.
        let answer = world.gateway.client().get(&path).send().await?;
        let message = answer.kube_error(403)?;
        ensure!(message.contains("system:anonymous"), "{message}");
        Ok(())
    })
}

#[test]
fn a_page_of_a_named_origin_may_call_and_no_other() -> Result<()> {
    in_the_sphere(async |world| {
        let admin = world.gateway.admin().await?;
        let path = format!("{KAPIS}/namespaces?limit=1");
        let preflight = async |origin: &str| {
            world
                .gateway
                .client()
                .request(&Method::OPTIONS, &path)
                .header("origin", origin)
                .header("access-control-request-method", "GET")
                .header("access-control-request-headers", "authorization")
                .send()
                .await
        };
        let allowed = |answer: &Answer| answer.header("access-control-allow-origin");
        let answer = preflight(ORIGIN).await?.expect(204)?;
        ensure!(allowed(&answer).as_deref() == Some(ORIGIN));
        let answer = preflight("https://evil.example").await?;
        ensure!(answer.status != 204 && allowed(&answer).is_none());
        for (path, status) in [
            (path.as_str(), 200),
            ("/kapis/version", 200),
            ("/kapis/no", 404),
        ] {
            for (origin, expected) in [(ORIGIN, Some(ORIGIN)), ("https://evil.example", None)] {
                let answer = admin.get(path).header("origin", origin).send().await?;
                let answer = answer.expect(status)?;
                ensure!(
                    allowed(&answer).as_deref() == expected,
                    "{}",
                    answer.describe()
                );
            }
        }
        Ok(())
    })
}

#[test]
fn a_password_lists_as_a_token_does() -> Result<()> {
    in_the_sphere(async |world| {
        let basic = |password: &str| {
            let pair = STANDARD.encode(format!("admin:{password}"));
            format!("Basic {pair}")
        };
        let path = format!("{KAPIS}/namespaces?names=default");
        let client = world.gateway.client();
        let request = client.get(&path);
        let answer = request.header("authorization", basic(ADMIN_PASSWORD));
        let answer = answer.send().await?.expect(200)?;
        ensure!(answer.json()?["totalItems"] == 1, "{}", answer.text());
        let request = client.get(&path).header("authorization", basic("wrong"));
        request.send().await?.kube_error(401)?;
        Ok(())
    })
}

#[test]
fn the_scope_of_a_key_holds_on_kubespheres_paths() -> Result<()> {
    in_the_sphere(async |world| {
        let namespace = namespace(world).await?;
        let minter = Minter::new(HS256_SECRET);
        let mut claims = payload("admin", Some(now() + 600));
        claims["key_scope"] =
            json!({ "clusters": ["pivot-cluster"], "namespaces": [namespace], "verbs": ["list"] });
        let token = minter.hs256(&claims)?;
        let client = world.gateway.client().with_bearer(&token)?;
        let inside = format!("{KAPIS}/namespaces/{namespace}/deployments");
        ensure!(list(&client, &inside).await?.1 == 3);
        for path in [
            // Another verb, another namespace, all of them, no namespace, another cluster.
            format!("{inside}/web"),
            format!("{KAPIS}/namespaces/default/deployments"),
            format!("{KAPIS}/deployments"),
            format!("{KAPIS}/nodes"),
            format!("/clusters/member-1{inside}"),
            format!(
                "/kapis/clusters/member-1/resources.kubesphere.io/v1alpha3/namespaces/{namespace}/deployments"
            ),
        ] {
            let answer = client.get(&path).send().await?;
            answer.kube_error(403).with_context(|| path.clone())?;
        }
        Ok(())
    })
}
