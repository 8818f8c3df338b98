//! Kubeconfigs as kubectl takes them, by the command and over the API.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cubegate_tests::tls_upstream::openssl;
use serde_json::Value;
use time::OffsetDateTime;

use super::*;

/// Adds it by the command and by the API, and returns the warnings of each.
async fn warnings(playground: &Playground, document: &Value) -> Result<[Vec<String>; 2]> {
    let dir = playground.gateway.site().dir();
    let file = dir.join(format!("{}.kubeconfig", unique()));
    fs::write(&file, document.to_string())?;
    let by_command = answers(playground, &file).await?;
    let by_command = by_command
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("warning: "))
        .map(str::to_owned)
        .collect();
    let body = json!({ "name": format!("api-{}", unique()), "kubeconfig": document.to_string() });
    let answer = post(&playground.client()?, &body).await?.expect(200)?;
    let by_api = serde_json::from_value(answer.json()?["warnings"].take())?;
    Ok([by_command, by_api])
}

/// The document with these fields in its user.
fn with(mut document: Value, fields: Value) -> Value {
    let user = &mut document["users"][0]["user"];
    if let (Some(user), Value::Object(fields)) = (user.as_object_mut(), fields) {
        user.extend(fields);
    }
    document
}

/// The upstream of these tests tells nothing of its users' rights, which is warned of, too.
fn of_password(warnings: &[String]) -> usize {
    let of_it = warnings
        .iter()
        .filter(|warning| warning.contains("password"));
    of_it.count()
}

#[test]
fn a_password_beside_a_credential_is_warned_of_and_what_is_empty_is_absent() -> Result<()> {
    in_the_checked(async |playground| {
        let upstream = TlsUpstream::start(Settings::new(KeyKind::P256)).await?;
        let certificate = upstream.client(&KeyKind::P256.generate().await?)?;
        let password = json!({ "username": "admin", "password": "s3cret" });
        let nothing = json!({
            "username": "", "password": null, "as": "", "as-groups": [], "as-user-extra": {}, "exec": null,
        });
        for shown in [Shown::Token, certificate] {
            let document = upstream.document(HOST, &shown);
            let beside = with(document.clone(), password.clone());
            for warnings in warnings(playground, &beside).await? {
                assert_eq!(of_password(&warnings), 1, "{warnings:?}");
            }
            let plain = warnings(playground, &document).await?;
            let empty = warnings(playground, &with(document, nothing.clone())).await?;
            assert_eq!(plain, empty);
        }
        let mut alone = upstream.document(HOST, &Shown::Token);
        alone["users"][0]["user"] = password;
        let file = playground.gateway.site().dir().join("alone.kubeconfig");
        fs::write(&file, alone.to_string())?;
        let sentence = is_refused(playground, &file).await?;
        ensure!(sentence.contains("username and password"), "{sentence}");
        let body = json!({ "name": "alone", "kubeconfig": alone.to_string() });
        let message = post(&playground.client()?, &body).await?.cube_error(400)?;
        ensure!(message.contains("username and password"), "{message}");
        Ok(())
    })
}

#[test]
fn a_key_is_known_by_its_form_and_not_by_its_label() -> Result<()> {
    in_the_checked(async |playground| {
        let dir = playground.gateway.site().dir();
        let upstream = TlsUpstream::start(Settings::new(KeyKind::P256)).await?;
        for (kind, label) in [
            (KeyKind::Rsa, "RSA PRIVATE KEY"),
            (KeyKind::P256, "EC PRIVATE KEY"),
            (KeyKind::P384, "EC PRIVATE KEY"),
        ] {
            let key = kind.generate().await?;
            let Shown::Certificate(certificate, pkcs8) = upstream.client(&key)? else {
                anyhow::bail!("no certificate");
            };
            let file = dir.join(format!("{}.key", unique()));
            fs::write(&file, &pkcs8)?;
            let file = file.display().to_string();
            // PKCS #1 and SEC1.
            let traditional = openssl(&["pkey", "-in", &file, "-traditional"]).await?;
            ensure!(traditional.contains(label), "{kind:?} has another form");
            let wrong = traditional.replace(label, "PRIVATE KEY");
            let other = pkcs8.replace("PRIVATE KEY", label);
            for key in [traditional, wrong, other] {
                let shown = Shown::Certificate(certificate.clone(), key);
                let file = upstream.kubeconfig(dir, HOST, &shown)?;
                let added = answers(playground, &file).await;
                added.with_context(|| format!("{kind:?}"))?;
            }
        }
        let large = openssl(&["ecparam", "-name", "secp521r1", "-genkey", "-noout"]).await?;
        let Shown::Certificate(certificate, _) =
            upstream.client(&KeyKind::P256.generate().await?)?
        else {
            anyhow::bail!("no certificate");
        };
        let shown = Shown::Certificate(certificate, large);
        let file = upstream.kubeconfig(dir, HOST, &shown)?;
        let sentence = is_refused(playground, &file).await?;
        ensure!(sentence.contains("P-521"), "{sentence}");
        Ok(())
    })
}

#[test]
fn a_token_that_ends_is_warned_of_and_one_in_a_file_is_followed() -> Result<()> {
    in_the_checked(async |playground| {
        let site = playground.gateway.site();
        let upstream = TlsUpstream::start(Settings::new(KeyKind::P256)).await?;
        let token = |seconds: i64| {
            let ends = OffsetDateTime::now_utc().unix_timestamp() + seconds;
            let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{ends}}}"#));
            format!("e30.{payload}.c2ln")
        };
        let file = site.dir().join("tokens.kubeconfig");
        // The upstream takes another token: what stands in it is looked at without asking.
        for (user, code, part) in [
            (json!({ "token": token(3_600) }), 0, "ends at 2"),
            (json!({ "token": token(-60) }), 1, "has ended at 2"),
        ] {
            let mut document = upstream.document(HOST, &Shown::Token);
            document["users"][0]["user"] = user;
            fs::write(&file, document.to_string())?;
            let name = format!("token-{}", unique());
            let ended = add(site, &name, &file, &["--no-check"]).await?;
            ensure!(ended.code == Some(code), "{ended:?}");
            ensure!(ended.stderr.contains(part), "{ended:?}");
        }
        fs::write(site.dir().join("token"), "first-token")?;
        let mut document = upstream.document(HOST, &Shown::Token);
        document["users"][0]["user"] = json!({ "tokenFile": "token" });
        fs::write(&file, document.to_string())?;
        let name = format!("token-{}", unique());
        let added = add(site, &name, &file, &["--no-check"]).await?;
        ensure!(added.code == Some(0), "{added:?}");
        ensure!(!added.stderr.contains("ends at"), "{added:?}");
        let listed = site.ok(&["cluster", "list", "-o", "json"]).await?;
        let listed: Value = serde_json::from_str(&listed)?;
        let items = listed["items"].as_array().into_iter().flatten();
        let item = items.into_iter().find(|item| item["name"] == json!(name));
        let credential = item.map(|item| &item["credential"]);
        ensure!(credential == Some(&json!("tokenFile")), "{listed}");
        // In base64, as the API takes it, too.
        let mut document = upstream.document(HOST, &Shown::Token);
        document["users"][0]["user"] = json!({ "token": token(-60) });
        let body = json!({ "name": "ended", "kubeconfig": STANDARD.encode(document.to_string()) });
        let message = post(&playground.client()?, &body).await?.cube_error(400)?;
        ensure!(message.contains("has ended at 2"), "{message}");
        Ok(())
    })
}
