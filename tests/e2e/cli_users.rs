//! Users from the command line, as the running gateway sees them.

use anyhow::Result;
use cubegate_tests::run::unique;
use cubegate_tests::{Site, block_on};

use crate::support::in_the_playground;

const PASSWORD: &str = "a good Passw0rd";

#[test]
fn a_user_that_was_added_can_log_in_at_once() -> Result<()> {
    in_the_playground(async |playground| {
        let gateway = &playground.gateway;
        let name = format!("user-{}", unique());
        let answer = gateway.client().login(&name, PASSWORD).await?;
        assert_eq!(answer.cube_error(401)?, "Authenticate failed.");
        gateway.site().add_user(&name, PASSWORD).await?;
        let answer = gateway.client().login(&name, PASSWORD).await?.expect(200)?;
        assert_eq!(answer.json()?["metadata"]["name"], name.as_str());
        assert!(!answer.text().contains(PASSWORD) && !answer.text().contains("argon2"));
        Ok(())
    })
}

#[test]
fn a_generated_password_is_shown_once_and_works() -> Result<()> {
    in_the_playground(async |playground| {
        let gateway = &playground.gateway;
        let name = format!("user-{}", unique());
        let shown = gateway.site().ok(&["user", "add", &name]).await?;
        let password = shown
            .split_whitespace()
            .next_back()
            .unwrap_or_default()
            .to_owned();
        gateway
            .client()
            .login(&name, &password)
            .await?
            .expect(200)?;
        assert!(
            !gateway
                .site()
                .ok(&["user", "list"])
                .await?
                .contains(&password)
        );

        gateway
            .site()
            .ok(&["user", "passwd", &name, "--password", PASSWORD])
            .await?;
        assert_eq!(
            gateway
                .client()
                .login(&name, &password)
                .await?
                .cube_error(401)?,
            "Authenticate failed."
        );
        gateway.client().login(&name, PASSWORD).await?.expect(200)?;
        Ok(())
    })
}

#[test]
fn a_disabled_user_gets_neither_in_nor_a_token() -> Result<()> {
    in_the_playground(async |playground| {
        let gateway = &playground.gateway;
        let name = format!("user-{}", unique());
        gateway.site().add_user(&name, PASSWORD).await?;
        let key = gateway.site().create_key(&name).await?;
        gateway.exchange(&key).await?;

        gateway.site().ok(&["user", "disable", &name]).await?;
        assert_eq!(
            gateway
                .client()
                .login(&name, PASSWORD)
                .await?
                .cube_error(400)?,
            "User is disabled."
        );
        // Whoever does not know the password learns nothing.
        assert_eq!(
            gateway
                .client()
                .login(&name, "wrong")
                .await?
                .cube_error(401)?,
            "Authenticate failed."
        );
        let answer = gateway.try_exchange(&key).await?;
        assert_eq!(answer.cube_error(400)?, "User is disabled.");

        gateway.site().ok(&["user", "enable", &name]).await?;
        gateway.client().login(&name, PASSWORD).await?.expect(200)?;
        gateway.exchange(&key).await?;
        Ok(())
    })
}

#[test]
fn a_user_owns_at_most_five_keys_and_a_deleted_one_gives_no_token() -> Result<()> {
    in_the_playground(async |playground| {
        let gateway = &playground.gateway;
        let name = format!("user-{}", unique());
        gateway.site().add_user(&name, PASSWORD).await?;
        let mut keys = Vec::new();
        for _ in 0..5 {
            keys.push(gateway.site().create_key(&name).await?);
        }
        gateway
            .site()
            .run(&["key", "create", &name])
            .await?
            .one_sentence()?;
        let first = &keys[0];
        gateway
            .site()
            .ok(&["key", "delete", &first.access_key])
            .await?;
        let answer = gateway.try_exchange(first).await?;
        assert_eq!(answer.cube_error(400)?, "key not exist.");
        gateway.site().create_key(&name).await?;
        gateway
            .site()
            .run(&["key", "delete", &first.access_key])
            .await?
            .one_sentence()?;
        Ok(())
    })
}

#[test]
fn nobody_and_no_group_is_named_as_kubernetes_names_its_own() -> Result<()> {
    block_on(async {
        let site = Site::new("system-names")?;
        site.begin().await?;
        for name in [
            "system:admin",
            "system:serviceaccount:kube-system:default",
            "system:",
            "SYSTEM:admin",
        ] {
            let ended = site
                .run(&["user", "add", name, "--password", PASSWORD])
                .await?;
            // Kubernetes' own names are lower case; refusing others too is no harm.
            if name.starts_with("system:") {
                ended.one_sentence()?;
            }
        }
        for group in ["system:masters", "system:authenticated", "system:nodes"] {
            let arguments = [
                "user",
                "add",
                "jane",
                "--password",
                PASSWORD,
                "--group",
                "team",
                "--group",
                group,
            ];
            site.run(&arguments).await?.one_sentence()?;
        }
        for name in ["", "a\nb", " "] {
            site.run(&["user", "add", name, "--password", PASSWORD])
                .await?
                .one_sentence()?;
        }
        let users = site.ok(&["user", "list"]).await?;
        assert!(
            !users.contains("system:") && !users.contains("jane"),
            "{users}"
        );
        Ok(())
    })
}

#[test]
fn what_is_not_there_is_one_sentence() -> Result<()> {
    block_on(async {
        let site = Site::new("absent")?;
        site.begin().await?;
        for arguments in [
            &["user", "passwd", "nobody", "--password", PASSWORD][..],
            &["user", "disable", "nobody"],
            &["user", "enable", "nobody"],
            &["key", "create", "nobody"],
            &["key", "delete", "nothing"],
            &["user", "add", "short", "--password", "short"],
        ] {
            site.run(arguments).await?.one_sentence()?;
        }
        site.ok(&["user", "add", "jane", "--password", PASSWORD])
            .await?;
        site.run(&["user", "add", "jane", "--password", PASSWORD])
            .await?
            .one_sentence()?;
        Ok(())
    })
}

#[test]
fn commands_at_the_same_time_do_not_disturb_each_other() -> Result<()> {
    block_on(async {
        let site = Site::new("crowd")?;
        let names: Vec<String> = (0..16).map(|number| format!("user-{number:02}")).collect();
        site.ok(&["user", "list"]).await?;
        let added = names.iter().map(|name| site.add_user(name, PASSWORD));
        futures::future::try_join_all(added).await?;
        let users = site.ok(&["user", "list"]).await?;
        for name in &names {
            assert!(users.contains(name.as_str()), "{name} is missing:\n{users}");
        }
        Ok(())
    })
}
