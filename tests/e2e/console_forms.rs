//! Forms that are not of a page of their session: nothing is done.

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::run::unique;

use crate::support::forms::{cookie_of, page, proof, send};
use crate::support::in_the_world;

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
        // One of an old page says where it can be sent anew.
        let cookie = format!("__Host-Authorization=Bearer+{first}");
        let old = client
            .post("/console/logout")
            .header("cookie", &cookie)
            .header("referer", "https://gateway/console/sessions?a=b")
            .header("content-type", "application/x-www-form-urlencoded")
            .body("csrf=old")
            .send()
            .await?
            .expect(403)?;
        ensure!(old.text().contains(r#"href="/console/sessions?a=b""#));
        // Nobody is before an empty page who opens what forms are sent to.
        let opened = page(client, "/console/logout", &first).await?.expect(404)?;
        ensure!(opened.text().contains("There is no such page"));
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

/// Every form that changes or makes something, with all that it takes but the proof.
const WRITES: [(&str, &str); 17] = [
    ("/console/logout", ""),
    ("/console/keys/new", "name=a&expiry=never&access=all"),
    ("/console/keys/KEY", "name=changed&expiry=never&access=all"),
    ("/console/keys/KEY/rotate", "overlap=0"),
    ("/console/keys/KEY/delete", ""),
    ("/console/token", "access-key=KEY&secret-key=x"),
    ("/console/kubeconfig", ""),
    ("/console/sessions", "session=SESSION"),
    ("/console/sessions/end-all", ""),
    ("/console/clusters/new", "do=add&name=a&kubeconfig=x"),
    ("/console/clusters/member-1/remove", ""),
    ("/console/users/new", "name=made&password=a+good+Passw0rd"),
    (
        "/console/users/name/USER",
        "do=add-group&group=cubegate%3Aadmins",
    ),
    (
        "/console/users/name/USER",
        "do=password&password=another+Passw0rd",
    ),
    ("/console/users/name/USER/end-sessions", ""),
    ("/console/users/name/USER/delete", ""),
    (
        "/console/docs/try",
        "operation=post-api-v1-cube-key-create&body=%7B%7D",
    ),
];

#[test]
fn no_form_does_anything_without_its_proof() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("writes-{}", unique());
        let groups = ["cubegate:admins"];
        world.gateway.user(&user, &groups).await?;
        let client = world.gateway.client();
        let token = cookie_of(client, &user).await?;
        let read = async |path: &str| page(client, path, &token).await?.expect(200)?.json();
        let keys = read("/api/v1/cube/key").await?;
        let key = keys["items"][0]["metadata"]["name"]
            .as_str()
            .context("a key")?;
        let sessions = format!("/api/v1/cube/user/{user}/sessions");
        let others = read(&sessions).await?;
        let session = others["items"][0]["id"].as_str().context("a session")?;
        let state = async || {
            anyhow::Ok([
                read("/api/v1/cube/key").await?["items"].clone(),
                read(&sessions).await?,
                read(&format!("/api/v1/cube/user/{user}/groups")).await?,
                read("/api/v1/cube/clusters/info").await?["total"].clone(),
            ])
        };
        let before = state().await?;
        let filled = |text: &str| {
            text.replace("KEY", key)
                .replace("SESSION", session)
                .replace("USER", &user)
        };
        for (path, form) in WRITES {
            let (path, form) = (filled(path), filled(form));
            for form in [
                form.clone(),
                format!("csrf=&{form}"),
                format!("csrf={}&{form}", "0".repeat(32)),
            ] {
                send(client, &path, &token, &form).await?.expect(403)?;
            }
            // What waits for a login shows a form at the most, and never from another site.
            let kept = format!("kept={}", form.replace('&', "%26").replace('=', "%3D"));
            let answer = send(client, &path, &token, &kept).await?;
            ensure!(
                [200, 403, 404].contains(&answer.status),
                "{path}: {}",
                answer.status
            );
            let cookie = format!("__Host-Authorization=Bearer+{token}");
            let foreign = client
                .post(&path)
                .header("cookie", &cookie)
                .header("sec-fetch-site", "cross-site")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(kept)
                .send()
                .await?;
            foreign.expect(403)?;
        }
        assert_eq!(state().await?, before);
        Ok(())
    })
}

#[test]
fn files_are_given_as_files_and_kept_nowhere() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("files-{}", unique());
        let groups = ["cubegate:admins"];
        world.gateway.user(&user, &groups).await?;
        let client = world.gateway.client();
        let token = cookie_of(client, &user).await?;
        let proof = proof(&page(client, "/console/clusters", &token).await?)?;
        let form = format!("csrf={proof}");
        let kubeconfig = send(client, "/console/kubeconfig", &token, &form).await?;
        let search = format!("/console/audit/export?user={user}&filter=verb%3Dlogin");
        let records = page(client, &search, &token).await?;
        for file in [&kubeconfig, &records] {
            ensure!(file.status == 200, "{}", file.status);
            let kept = file.header("content-disposition").context("a file")?;
            ensure!(kept.starts_with("attachment"), "{kept}");
            assert_eq!(file.header("cache-control").as_deref(), Some("no-store"));
        }
        for cluster in ["pivot-cluster", "member-1"] {
            ensure!(kubeconfig.text().contains(cluster));
        }
        let text = records.text();
        ensure!(text.lines().count() == 1, "{text}");
        ensure!(text.contains(&user) && text.contains("\"login\""), "{text}");
        Ok(())
    })
}
