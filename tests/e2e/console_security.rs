//! What the console keeps from others: forms of other sites, sessions that have ended, and
//! what clusters answer.

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::browser::{By, Visitor};
use cubegate_tests::run::unique;
use cubegate_tests::{Answer, Client};
use serde_json::json;

use crate::support::console::Console;
use crate::support::{cube, in_the_world};

const PASSWORD: &str = "a good Passw0rd";

/// A page of somebody with this cookie.
async fn page(client: &Client, path: &str, token: &str) -> Result<Answer> {
    let cookie = format!("__Host-Authorization=Bearer+{token}");
    client.get(path).header("cookie", cookie).send().await
}

/// The proof that the forms of a page hold.
fn proof(page: &Answer) -> Result<String> {
    let text = page.text();
    let (_, rest) = text
        .split_once(r#"name="csrf" value=""#)
        .context("the page has no form")?;
    let (proof, _) = rest.split_once('"').context("a value ends")?;
    Ok(proof.to_owned())
}

/// Sends a form.
async fn send(client: &Client, path: &str, token: &str, form: &str) -> Result<Answer> {
    let cookie = format!("__Host-Authorization=Bearer+{token}");
    client
        .post(path)
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned())
        .send()
        .await
}

async fn cookie_of(client: &Client, user: &str) -> Result<String> {
    client
        .login(user, PASSWORD)
        .await?
        .expect(200)?
        .cookie_token()
}

#[test]
fn a_form_that_is_not_of_a_page_of_this_session_changes_nothing() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("forms-{}", unique());
        world.gateway.user(&user, &[]).await?;
        let client = world.gateway.client();
        let (first, second) = (
            cookie_of(client, &user).await?,
            cookie_of(client, &user).await?,
        );
        let proof_of_first = proof(&page(client, "/console/keys/new", &first).await?)?;
        let keys = async || {
            let keys = page(client, "/api/v1/cube/key", &first)
                .await?
                .expect(200)?;
            anyhow::Ok(keys.json()?["items"].as_array().map_or(0, Vec::len))
        };
        let before = keys().await?;
        for form in [
            "name=a&expiry=never&access=all".to_owned(),
            "csrf=&name=a&expiry=never&access=all".to_owned(),
            format!("csrf={}&name=a&expiry=never&access=all", "0".repeat(32)),
        ] {
            send(client, "/console/keys/new", &first, &form)
                .await?
                .expect(403)?;
        }
        // Another session's proof is none here, though it is the same user's.
        let form = format!("csrf={proof_of_first}&name=a&expiry=never&access=all");
        send(client, "/console/keys/new", &second, &form)
            .await?
            .expect(403)?;
        ensure!(keys().await? == before);
        // A browser says whose page it was.
        let cookie = format!("__Host-Authorization=Bearer+{first}");
        let foreign = client
            .post("/console/keys/new")
            .header("cookie", &cookie)
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.clone())
            .send()
            .await?;
        foreign.expect(403)?;
        ensure!(keys().await? == before);
        send(client, "/console/keys/new", &first, &form)
            .await?
            .expect(200)?;
        ensure!(keys().await? == before + 1);
        // One that was filled in by a page is done once.
        let form = format!("{form}&once={}", unique());
        for status in [200, 409] {
            let sent = send(client, "/console/keys/new", &first, &form).await?;
            sent.expect(status)?;
        }
        ensure!(keys().await? == before + 2);
        Ok(())
    })
}

#[test]
fn pages_run_nothing_inline_and_are_kept_nowhere() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.client();
        let user = format!("headers-{}", unique());
        world.gateway.user(&user, &[]).await?;
        let token = cookie_of(client, &user).await?;
        for path in [
            "/console/login",
            "/console/keys",
            "/console/docs",
            "/console/none",
        ] {
            let answer = page(client, path, &token).await?;
            let policy = answer.header("content-security-policy").context(path)?;
            ensure!(policy.contains("script-src 'self'"), "{policy}");
            ensure!(!policy.contains("unsafe"), "{policy}");
            ensure!(policy.contains("frame-ancestors 'none'"), "{policy}");
            assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
            assert_eq!(
                answer.header("x-content-type-options").as_deref(),
                Some("nosniff")
            );
            ensure!(!answer.text().contains(" style="), "{path}");
        }
        // Where it all begins.
        let root = client.get("/").anonymous().send().await?.expect(303)?;
        assert_eq!(root.header("location").as_deref(), Some("/console/"));
        Ok(())
    })
}

#[test]
fn whoever_is_logged_out_comes_back_to_where_they_were() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("leaving-{}", unique());
        world.gateway.user(&user, &[]).await?;
        let admin = world.gateway.admin().await?;
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some((&user, PASSWORD)),
        };
        console
            .visit("session", Visitor::default(), async |page| {
                let cookies = page.cookies().await?;
                let cookie = cookies
                    .iter()
                    .find(|cookie| cookie.name == "__Host-Authorization")
                    .context("no cookie of the host alone")?;
                ensure!(cookie.http_only && cookie.secure);
                ensure!(cookie.same_site.as_deref() == Some("Lax"));

                page.goto("/console/resources?cluster=member-1&search=x")
                    .await?;
                let sessions = format!("/api/v1/cube/user/{user}/sessions");
                admin.delete(&sessions).send().await?.expect(200)?;
                page.goto("/console/resources?cluster=member-1&search=x")
                    .await?;
                ensure!(page.path().await?.starts_with("/console/login?next="));
                page.log_in(&user, PASSWORD).await?;
                let path = page.path().await?;
                ensure!(
                    path == "/console/resources?cluster=member-1&search=x",
                    "{path}"
                );
                // Nobody is led away.
                page.forget_cookies().await?;
                page.goto("/console/login?next=https%3A%2F%2Fevil.example%2F")
                    .await?;
                page.log_in(&user, PASSWORD).await?;
                ensure!(page.path().await?.starts_with("/console/"));
                page.click(By::Role("button", "Log out")).await?;
                page.find(By::Css("input[name=password]")).await?;
                page.goto("/console/keys").await?;
                ensure!(page.path().await?.starts_with("/console/login"));
                Ok(())
            })
            .await
    })
}

#[test]
fn what_a_cluster_answers_is_no_page_of_this_origin() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.pivot.kube;
        let namespace = kube.namespace("sandbox").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "script" },
            "data": { "a": "<script>document.title='it ran'</script>" },
        });
        kube.create(&maps, &map).await?;
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some(("admin", cubegate_tests::gateway::ADMIN_PASSWORD)),
        };
        console
            .visit("sandbox", Visitor::default(), async |page| {
                page.goto(&cube("pivot-cluster", &format!("{maps}/script")))
                    .await?;
                let origin: String = page.script("return window.origin", &[]).await?;
                ensure!(origin == "null", "the cluster's answer has the origin {origin}");
                let title: String = page.script("return document.title", &[]).await?;
                ensure!(title != "it ran");
                // Shown by the console it is text.
                page.goto(&format!(
                    "/console/resources/object?cluster=pivot-cluster&resource=configmaps.v1&namespace={namespace}&name=script"
                ))
                .await?;
                page.reads("<script>document.title='it ran'</script>").await?;
                let title: String = page.script("return document.title", &[]).await?;
                ensure!(title.starts_with("script"), "{title}");
                Ok(())
            })
            .await
    })
}
