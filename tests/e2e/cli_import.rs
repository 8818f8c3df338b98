//! `cubegate import`

use std::fs;

use anyhow::Result;
use cubegate_tests::{Site, block_on, kubeconfig};
use serde_json::{Value, json};

fn document() -> Value {
    json!({
        "users": [
            { "name": "jane", "password": "jane's Passw0rd", "state": "normal", "groups": ["team-a", "team-b"] },
            { "name": "locked", "password": "locked Passw0rd", "state": "forbidden" },
        ],
        "keys": [
            { "accessKey": "1".repeat(32), "secretKey": "2".repeat(32), "user": "jane" },
            { "accessKey": "3".repeat(32), "secretKey": "4".repeat(32), "user": "nobody-yet" },
        ],
        "clusters": [
            { "name": "one", "kubeconfig": kubeconfig::document("http://127.0.0.1:1", None) },
            { "name": "two", "kubeconfig": kubeconfig::document("https://127.0.0.1:2", None).to_string() },
        ],
    })
}

/// What the commands list, without the times in it.
async fn state(site: &Site) -> Result<String> {
    let mut state = String::new();
    for what in ["user", "key", "cluster"] {
        for line in site.ok(&[what, "list"]).await?.lines() {
            let words = line
                .split_whitespace()
                .filter(|word| !word.starts_with("20"));
            state.push_str(&words.collect::<Vec<_>>().join(" "));
            state.push('\n');
        }
    }
    Ok(state)
}

async fn import(site: &Site, text: &str) -> Result<cubegate_tests::cli::Ended> {
    let file = site.dir().join("import");
    fs::write(&file, text)?;
    site.run(&["import", &file.display().to_string()]).await
}

#[test]
fn importing_twice_is_importing_once() -> Result<()> {
    block_on(async {
        let site = Site::new("import")?;
        site.begin().await?;
        let json = document().to_string();
        let yaml = serde_saphyr::to_string(&document())?;
        assert_eq!(import(&site, &json).await?.code, Some(0));
        let once = state(&site).await?;
        for wanted in [
            "jane",
            "locked",
            "forbidden",
            "team-a",
            &"1".repeat(32),
            "one",
            "two",
        ] {
            assert!(once.contains(wanted), "{wanted} is missing:\n{once}");
        }
        assert!(!once.contains(&"2".repeat(32)), "a secret is never listed");
        // The same again, and the same as YAML.
        for text in [&json, &yaml] {
            let ended = import(&site, text).await?;
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert_eq!(state(&site).await?, once);
        }
        Ok(())
    })
}

#[test]
fn a_bad_import_changes_nothing() -> Result<()> {
    block_on(async {
        let site = Site::new("import")?;
        site.begin().await?;
        assert_eq!(import(&site, &document().to_string()).await?.code, Some(0));
        let before = state(&site).await?;
        let broken = |pointer: &str, value: Value| {
            let mut document = document();
            document["users"][1]["groups"] = json!(["new-group"]);
            *document.pointer_mut(pointer).unwrap() = value;
            document.to_string()
        };
        for (what, text) in [
            ("no document", "]".to_owned()),
            ("text", "hello".to_owned()),
            ("an unknown field", json!({ "user": [] }).to_string()),
            (
                "a system user",
                broken("/users/0/name", json!("system:admin")),
            ),
            (
                "a system group",
                broken("/users/0/groups/1", json!("system:masters")),
            ),
            (
                "an unknown state",
                broken("/users/0/state", json!("asleep")),
            ),
            ("no name", broken("/users/0/name", json!(""))),
            (
                "a bad cluster name",
                broken("/clusters/0/name", json!("a/b")),
            ),
            (
                "a bad kubeconfig",
                broken("/clusters/1/kubeconfig", json!("nothing")),
            ),
        ] {
            let ended = import(&site, &text).await?;
            // The other cluster's URL is plain, which is worth a warning of its own.
            let complaint = ended
                .stderr
                .lines()
                .filter(|line| !line.starts_with("warning: "));
            assert_eq!(complaint.count(), 1, "{what}: {ended:?}");
            assert_eq!(ended.code, Some(1), "{what}: {ended:?}");
            assert_eq!(state(&site).await?, before, "{what}");
        }
        let ended = site.run(&["import", "/nowhere/at/all"]).await?;
        assert!(ended.one_sentence()?.contains("/nowhere/at/all"));
        Ok(())
    })
}

#[test]
fn a_key_of_nobody_is_worth_a_warning() -> Result<()> {
    block_on(async {
        let site = Site::new("import")?;
        site.begin().await?;
        let ended = import(&site, &document().to_string()).await?;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stderr.contains("nobody-yet"), "{ended:?}");
        Ok(())
    })
}
