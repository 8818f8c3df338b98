//! Tokens that are forged, bent, or carried where none belongs.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cubegate_tests::jwt::Minter;
use serde_json::{Value, json};

use super::{Arms, Attack, CLUSTER, Outcome};

pub(super) fn rows(arms: &Arms) -> Result<Vec<Attack>> {
    let forged = forged(&arms.token)?;
    let target = format!("/clusters/{CLUSTER}/api/v1/pods");
    let mut rows = Vec::new();
    for (name, token) in &forged {
        let line = format!("Authorization: Bearer {token}");
        let request = arms.anonymous("GET", &target, &[line.as_bytes()]);
        rows.push(Attack::new(
            format!("token: {name}"),
            request,
            Outcome::Refused,
        ));
    }
    let good = &arms.token;
    let carriers = [
        ("no credential", String::new()),
        ("no scheme", format!("Authorization: {good}")),
        ("another scheme", format!("Authorization: Token {good}")),
        ("a scheme and nothing", "Authorization: Bearer".to_owned()),
        ("two blanks", format!("Authorization: Bearer  {good}")),
        (
            "two tokens",
            format!("Authorization: Bearer {good}, Bearer {good}"),
        ),
        (
            "two headers",
            format!("Authorization: Bearer {good}\r\nAuthorization: Bearer {good}"),
        ),
        (
            "a token as a password",
            format!(
                "Authorization: Basic {}",
                STANDARD.encode(format!("admin:{good}"))
            ),
        ),
        (
            "a Basic without a colon",
            format!("Authorization: Basic {}", STANDARD.encode("admin")),
        ),
        (
            "a Basic of odd bytes",
            format!("Authorization: Basic {}", STANDARD.encode(b"\xff\xfe:\x00")),
        ),
        (
            "a cookie on Kubernetes' paths",
            format!("Cookie: Authorization=Bearer+{good}"),
        ),
        ("a header of another name", format!("X-Auth-Token: {good}")),
        (
            "KubeSphere's own header",
            format!("X-KubeSphere-Authorization: Bearer {good}"),
        ),
    ];
    for (name, line) in carriers {
        let lines: Vec<&[u8]> = if line.is_empty() {
            Vec::new()
        } else {
            vec![line.as_bytes()]
        };
        let request = arms.anonymous("GET", &target, &lines);
        rows.push(Attack::new(
            format!("carrier: {name}"),
            request,
            Outcome::Refused,
        ));
    }
    for parameter in ["access_token", "token", "authorization", "Authorization"] {
        let request = arms.anonymous("GET", &format!("{target}?{parameter}={good}"), &[]);
        rows.push(Attack::new(
            format!("a token as {parameter}="),
            request,
            Outcome::Refused,
        ));
    }
    Ok(rows)
}

/// Tokens made from a good one, none of which is good.
fn forged(good: &str) -> Result<Vec<(&'static str, String)>> {
    let mut parts = good.split('.');
    let (Some(header), Some(claims), Some(signature)) = (parts.next(), parts.next(), parts.next())
    else {
        anyhow::bail!("the token has no three parts: {good}");
    };
    let read = |part: &str| -> Result<Value> {
        Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
    };
    let (head, body) = (read(header)?, read(claims)?);
    let with = |base: &Value, name: &str, value: Value| -> Result<String> {
        let mut changed = base.clone();
        changed
            .as_object_mut()
            .context("no object")?
            .insert(name.to_owned(), value);
        Ok(URL_SAFE_NO_PAD.encode(changed.to_string()))
    };
    let headed = |name: &str, value: Value| -> Result<String> {
        Ok(format!(
            "{}.{claims}.{signature}",
            with(&head, name, value)?
        ))
    };
    let claimed = |name: &str, value: Value| -> Result<String> {
        Ok(format!(
            "{header}.{}.{signature}",
            with(&body, name, value)?
        ))
    };
    let unsigned = |algorithm: &str| -> Result<String> {
        Ok(format!(
            "{}.{claims}.",
            with(&head, "alg", json!(algorithm))?
        ))
    };
    let kid = head.get("kid").and_then(Value::as_str).unwrap_or_default();
    Ok(vec![
        ("alg none", unsigned("none")?),
        ("alg None", unsigned("None")?),
        ("alg empty", unsigned("")?),
        (
            "alg HS256 under the public key's id",
            Minter::new(kid).hs256(&body)?,
        ),
        ("alg HS256 under nothing", Minter::new("").hs256(&body)?),
        (
            "alg HS256, a KubeCube's",
            Minter::new("56F0D8DB90241C6E").token("admin")?,
        ),
        ("alg RS256", headed("alg", json!("RS256"))?),
        ("alg ES256", headed("alg", json!("ES256"))?),
        ("alg that is a list", headed("alg", json!(["EdDSA"]))?),
        (
            "a kid that is a path",
            headed("kid", json!("../../../../dev/null"))?,
        ),
        (
            "a kid that is SQL",
            headed("kid", json!("' UNION SELECT 'x"))?,
        ),
        ("a kid that is empty", headed("kid", json!(""))?),
        (
            "a kid of 20 kB",
            headed("kid", json!("k".repeat(20 << 10)))?,
        ),
        (
            "its own key",
            headed("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}))?,
        ),
        (
            "a key elsewhere",
            headed("jku", json!("http://127.0.0.1/keys"))?,
        ),
        ("a critical extension", headed("crit", json!(["b64"]))?),
        ("another user", claimed("username", json!("admin"))?),
        ("another subject", claimed("sub", json!("admin"))?),
        ("a later end", claimed("exp", json!(4_102_444_800_u64))?),
        ("an end that is text", claimed("exp", json!("never"))?),
        ("an end beyond all numbers", claimed("exp", json!(1e300))?),
        ("more groups", claimed("groups", json!(["system:masters"]))?),
        ("no signature", format!("{header}.{claims}.")),
        (
            "a signature of zeros",
            format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        ),
        (
            "half a signature",
            format!(
                "{header}.{claims}.{}",
                signature.split_at(signature.len() / 2).0
            ),
        ),
        (
            "another's signature",
            format!("{claims}.{header}.{signature}"),
        ),
        (
            "a padded signature",
            format!("{header}.{claims}.{signature}=="),
        ),
        ("four parts", format!("{good}.{signature}")),
        (
            "five parts, as an encrypted one has",
            format!("{header}..{claims}.{signature}.{signature}"),
        ),
        ("two parts", format!("{header}.{claims}")),
        ("three empty parts", "..".to_owned()),
        ("a part that is no base64", format!("{header}.{claims}.!!!")),
        (
            "a header that is a list",
            format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode("[]")),
        ),
        (
            "claims that are a list",
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode("[]")),
        ),
        (
            "claims 10,000 deep",
            format!(
                "{header}.{}.{signature}",
                URL_SAFE_NO_PAD.encode("[".repeat(10_000))
            ),
        ),
        (
            "a token of 40 kB",
            format!("{good}{}", "A".repeat(40 << 10)),
        ),
    ])
}
