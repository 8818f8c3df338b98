//! Forms of the console as programs send them, with the cookie of a login.

use anyhow::{Context as _, Result};
use cubegate_tests::{Answer, Client};

/// The password of whoever logs in.
pub(crate) const PASSWORD: &str = "a good Passw0rd";

/// A page of somebody with this cookie.
pub(crate) async fn page(client: &Client, path: &str, token: &str) -> Result<Answer> {
    let cookie = format!("__Host-Authorization=Bearer+{token}");
    client.get(path).header("cookie", cookie).send().await
}

/// The proof that the forms of a page hold.
pub(crate) fn proof(page: &Answer) -> Result<String> {
    let text = page.text();
    let (_, rest) = text
        .split_once(r#"name="csrf" value=""#)
        .context("the page has no form")?;
    let (proof, _) = rest.split_once('"').context("a value ends")?;
    Ok(proof.to_owned())
}

/// Sends a form.
pub(crate) async fn send(client: &Client, path: &str, token: &str, form: &str) -> Result<Answer> {
    let cookie = format!("__Host-Authorization=Bearer+{token}");
    client
        .post(path)
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned())
        .send()
        .await
}

/// The cookie's token of a login.
pub(crate) async fn cookie_of(client: &Client, user: &str) -> Result<String> {
    client
        .login(user, PASSWORD)
        .await?
        .expect(200)?
        .cookie_token()
}
