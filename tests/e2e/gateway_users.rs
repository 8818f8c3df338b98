//! The end of users, and their groups, as the filter and the clusters see it.

use std::time::Duration;

use anyhow::{Result, ensure};
use cubegate_tests::run::unique;
use cubegate_tests::{Client, until};

use crate::support::{World, in_the_world, kube};

const PATIENCE: Duration = Duration::from_secs(10);

const PASSWORD: &str = "a good Passw0rd";

async fn client_of(world: &World, user: &str) -> Result<Client> {
    let key = world.gateway.site().create_key(user).await?;
    let token = world.gateway.exchange(&key).await?;
    world.gateway.client().with_bearer(&token)
}

async fn becomes(client: &Client, path: &str, status: u16) -> Result<()> {
    until(&format!("{path} is {status}"), PATIENCE, || async {
        Ok((client.get(path).send().await?.status == status).then_some(()))
    })
    .await
}

#[test]
fn a_deleted_users_tokens_and_keys_are_gone_and_stay_gone_under_its_name() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let site = gateway.site();
        let admin = gateway.admin().await?;
        let path = kube("member-1", "/api/v1/namespaces");
        for by_api in [false, true] {
            let user = format!("gone-{}", unique());
            site.add_user(&user, PASSWORD).await?;
            world.stack.member.kube.make_cluster_admin(&user).await?;
            let key = site.create_key(&user).await?;
            let token = gateway.exchange(&key).await?;
            let client = gateway.client().with_bearer(&token)?;
            client.get(&path).send().await?.expect(200)?;

            if by_api {
                let one = format!("/api/v1/cube/user/{user}");
                client.delete(&one).send().await?.cube_error(403)?;
                admin.delete(&one).send().await?.expect(200)?;
            } else {
                let said = site.ok(&["user", "delete", &user]).await?;
                ensure!(said.contains("with its key"), "{said}");
            }
            becomes(&client, &path, 401).await?;
            let answer = gateway.try_exchange(&key).await?;
            assert_eq!(answer.cube_error(400)?, "key not exist.");

            // Whoever comes back under that name is somebody else.
            site.add_user(&user, PASSWORD).await?;
            let again = client_of(world, &user).await?;
            becomes(&again, &path, 200).await?;
            assert_eq!(client.get(&path).send().await?.status, 401);
            assert_eq!(gateway.try_exchange(&key).await?.status, 400);
        }
        Ok(())
    })
}

#[test]
fn groups_are_in_force_with_the_next_token_and_out_of_force_at_once() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let site = gateway.site();
        let (user, team) = (format!("member-{}", unique()), format!("team-{}", unique()));
        site.add_user(&user, PASSWORD).await?;
        let kube_api = &world.stack.member.kube;
        let namespace = kube_api.namespace("groups").await?;
        let rule = cubegate_tests::kube::Rule {
            group: "",
            resources: &["configmaps"],
            verbs: &["list"],
        };
        let subject = cubegate_tests::kube::Subject::Group(&team);
        kube_api.grant(&namespace, subject, &[rule]).await?;
        let path = kube(
            "member-1",
            &format!("/api/v1/namespaces/{namespace}/configmaps"),
        );
        let before = client_of(world, &user).await?;
        assert_eq!(before.get(&path).send().await?.status, 403);

        let said = site.ok(&["user", "group", "add", &user, &team]).await?;
        ensure!(said.contains(&team), "{said}");
        let listed = site.ok(&["user", "group", "list", &user]).await?;
        assert_eq!(listed.trim(), team);
        let client = client_of(world, &user).await?;
        becomes(&client, &path, 200).await?;

        site.ok(&["user", "group", "remove", &user, &team]).await?;
        becomes(&client, &path, 401).await?;
        let after = client_of(world, &user).await?;
        becomes(&after, &path, 403).await?;

        let admin = gateway.admin().await?;
        let group = format!("/api/v1/cube/user/{user}/groups/{team}");
        admin.put(&group).send().await?.expect(200)?;
        let list = format!("/api/v1/cube/user/{user}/groups");
        let listed = admin.get(&list).send().await?.expect(200)?;
        ensure!(listed.text().contains(&team), "{}", listed.text());
        let client = client_of(world, &user).await?;
        becomes(&client, &path, 200).await?;
        admin.delete(&group).send().await?.expect(200)?;
        becomes(&client, &path, 401).await
    })
}

#[test]
fn a_session_that_an_administrator_ends_is_over_in_the_filter_too() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let site = gateway.site();
        let user = format!("session-{}", unique());
        site.add_user(&user, PASSWORD).await?;
        world.stack.member.kube.make_cluster_admin(&user).await?;
        let path = kube("member-1", "/api/v1/namespaces");
        let log_in = async || {
            let form = format!("grant_type=password&username={user}&password=a+good+Passw0rd");
            let answer = gateway
                .client()
                .post("/oauth/token")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form)
                .send()
                .await?
                .expect(200)?;
            let token = answer.json()?["access_token"].clone();
            gateway
                .client()
                .with_bearer(token.as_str().unwrap_or_default())
        };
        let (first, second) = (log_in().await?, log_in().await?);
        for client in [&first, &second] {
            becomes(client, &path, 200).await?;
        }
        let sessions = |list: &str| -> Vec<String> {
            let lines = list
                .lines()
                .skip(1)
                .filter_map(|line| line.split(' ').next());
            lines.map(str::to_owned).collect()
        };
        let list = site.ok(&["user", "sessions", &user]).await?;
        let listed = sessions(&list);
        ensure!(listed.len() == 2 && list.contains("oauth"), "{list}");
        for session in &listed {
            site.ok(&["user", "sessions", &user, "--end", session])
                .await?;
        }
        for client in [&first, &second] {
            becomes(client, &path, 401).await?;
        }
        let third = log_in().await?;
        let of_key = client_of(world, &user).await?;
        site.ok(&["user", "sessions", &user, "--end-all"]).await?;
        for client in [&third, &of_key] {
            becomes(client, &path, 401).await?;
        }
        let list = site.ok(&["user", "sessions", &user]).await?;
        ensure!(sessions(&list).is_empty(), "{list}");
        Ok(())
    })
}
