//! `cubegate key`: what is said about keys, on the command line.

use anyhow::Result;
use cubegate_tests::{Gateway, Options, Site, block_on};

const PASSWORD: &str = "a good Passw0rd";

/// The line of a key in `key list`, its columns at least two blanks apart.
async fn listed(site: &Site, access_key: &str) -> Result<Vec<String>> {
    let list = site.ok(&["key", "list"]).await?;
    let line = list.lines().find(|line| line.starts_with(access_key));
    let columns = line.unwrap_or_default().split("  ").map(str::trim);
    Ok(columns
        .filter(|column| !column.is_empty())
        .map(str::to_owned)
        .collect())
}

#[test]
fn what_is_said_about_a_key_is_listed_and_changed() -> Result<()> {
    block_on(async {
        let site = Site::new("keys")?;
        site.add_user("jeff", PASSWORD).await?;
        let plain = site.create_key("jeff").await?.access_key;
        let columns = listed(&site, &plain).await?;
        assert_eq!(columns[1..3], ["jeff", "-"]);
        assert_eq!(columns[4..7], ["never", "never", "*"]);

        let flags = [
            "--name",
            "ci",
            "--description",
            "Deploys the shop.",
            "--expires-at",
            "2090-01-31T12:00:00Z",
            "--cluster",
            "member-1",
            "--allow-unknown-clusters",
            "--verb",
            "list",
            "--verb",
            "get",
        ];
        let key = site.create_key_with("jeff", &flags).await?.access_key;
        let columns = listed(&site, &key).await?;
        assert_eq!(columns[1..3], ["jeff", "ci"]);
        let expected = ["2090-01-31T12:00:00Z", "never", "member-1 / * / get,list"];
        assert_eq!(columns[4..7], expected);

        let update = ["key", "update", &key, "--no-expiry", "--namespace", "shop"];
        let said = site.ok(&update).await?;
        assert_eq!(said.trim(), format!("key {key} is changed"));
        let columns = listed(&site, &key).await?;
        assert_eq!(columns[2..3], ["ci"]);
        assert_eq!(columns[4..7], ["never", "never", "* / shop / *"]);
        site.ok(&["key", "update", &key, "--no-scope", "--name", "cd"])
            .await?;
        let columns = listed(&site, &key).await?;
        assert_eq!(columns[2..3], ["cd"]);
        assert_eq!(columns[4..7], ["never", "never", "*"]);

        let rotated = site.rotate_key(&key, &[]).await?;
        assert_eq!(rotated.access_key, key);
        let log = site.ok(&["audit", "export"]).await?;
        for verb in ["update", "rotate"] {
            let told = format!("\"verb\":\"{verb}\"");
            assert!(log.contains(&told), "{verb} is not in {log}");
        }
        assert!(!log.contains(&rotated.secret_key));
        Ok(())
    })
}

#[test]
fn what_cannot_be_is_refused_in_a_sentence() -> Result<()> {
    block_on(async {
        let site = Site::new("keys")?;
        site.add_user("jeff", PASSWORD).await?;
        let key = site.create_key("jeff").await?.access_key;
        let sentence = async |arguments: &[&str]| {
            let ended = site.run(arguments).await?;
            ended.one_sentence().map(str::to_owned)
        };
        for (arguments, part) in [
            (
                [
                    "key",
                    "create",
                    "jeff",
                    "--expires-at",
                    "2020-01-01T00:00:00Z",
                ],
                "in the future",
            ),
            (
                ["key", "create", "jeff", "--verb", "post"],
                "none of the verbs",
            ),
            (
                ["key", "create", "jeff", "--namespace", "Shop"],
                "no name of a namespace",
            ),
            (
                ["key", "update", &key, "--cluster", "a/b"],
                "no name of a cluster",
            ),
            (["key", "update", "zzz", "--name", "a"], "not found"),
            (["key", "rotate", "zzz", "--overlap", "0"], "not found"),
        ] {
            let said = sentence(&arguments).await?;
            assert!(said.contains(part), "{arguments:?}: {said}");
        }
        let said = sentence(&["key", "update", &key]).await?;
        assert!(said.contains("nothing is to be changed"), "{said}");
        // These are told by the parser of the command line, which says how it goes.
        for arguments in [
            ["key", "create", "jeff", "--expires-at", "tomorrow"],
            ["key", "rotate", &key, "--overlap", "2592001"],
        ] {
            assert_eq!(site.run(&arguments).await?.code, Some(2), "{arguments:?}");
        }
        let both = ["key", "update", &key, "--no-scope", "--verb", "get"];
        assert_eq!(site.run(&both).await?.code, Some(2));
        Ok(())
    })
}

#[test]
fn a_key_is_not_made_for_a_cluster_that_there_is_not() -> Result<()> {
    block_on(async {
        let site = Site::new("misspelt")?;
        site.add_user("jeff", PASSWORD).await?;
        site.add_plain_cluster("my-cluster", 1).await?;
        let create = ["key", "create", "jeff", "--cluster", "my-clutser"];
        let ended = site.run(&create).await?;
        let said = ended.one_sentence()?;
        assert!(said.contains("my-cluster may be meant"), "{said}");
        assert!(!site.ok(&["key", "list"]).await?.contains("jeff"));
        let flags = ["--cluster", "my-clutser", "--allow-unknown-clusters"];
        site.create_key_with("jeff", &flags).await?;
        let key = site
            .create_key_with("jeff", &["--cluster", "my-cluster"])
            .await?;
        let update = ["key", "update", &key.access_key, "--cluster", "other"];
        let ended = site.run(&update).await?;
        let said = ended.one_sentence()?;
        assert!(said.contains("there is no cluster other"), "{said}");
        Ok(())
    })
}

#[test]
fn a_use_of_a_key_is_written_at_the_latest_when_the_control_plane_stops() -> Result<()> {
    block_on(async {
        let options = Options {
            plain: true,
            ..Options::default()
        };
        let gateway = Gateway::start(Site::new("keys")?, &options).await?;
        let site = gateway.site();
        site.add_user("jeff", PASSWORD).await?;
        let key = site.create_key("jeff").await?;
        gateway.exchange(&key).await?;
        gateway.stop().await?;
        let columns = listed(site, &key.access_key).await?;
        assert_ne!(columns[5], "never");
        Ok(())
    })
}
