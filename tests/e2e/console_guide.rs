//! The guide's chapters 1 to 3 in a browser: a key, a token, a request with it.

use anyhow::{Result, ensure};
use cubegate_tests::browser::{By, Language, Page, Visitor};
use cubegate_tests::run::unique;
use serde_json::Value;

use crate::support::console::{Console, look};
use crate::support::{World, cube, in_the_world};

/// What [`cubegate_tests::Gateway::user`] gives everybody.
const PASSWORD: &str = "a good Passw0rd";

/// The words of buttons and headings.
struct Words {
    add: &'static str,
    create: &'static str,
    secret: &'static str,
    get_token: &'static str,
    full: &'static str,
}

const ENGLISH: Words = Words {
    add: "Add a key",
    create: "Add the key",
    secret: "Your new secret",
    get_token: "Get a token with it",
    full: "You have five keys already",
};

const CHINESE: Words = Words {
    add: "添加密钥",
    create: "创建密钥",
    secret: "您的新密钥",
    get_token: "用它生成令牌",
    full: "您已有五对密钥",
};

fn words(language: Language) -> Words {
    match language {
        Language::English => ENGLISH,
        Language::Chinese => CHINESE,
    }
}

/// Runs a test as a new user who may read pods, on the first page.
async fn as_somebody(
    world: &World,
    name: &str,
    visitor: Visitor,
    test: impl AsyncFnOnce(&Page, &str) -> Result<()>,
) -> Result<()> {
    let user = format!("{name}-{}", unique());
    world.gateway.user(&user, &[]).await?;
    let console = Console {
        origin: &world.gateway.endpoints().gateway,
        account: Some((&user, PASSWORD)),
    };
    console
        .visit(name, visitor, async |page| test(page, &user).await)
        .await
}

/// What stands in an element, which may be folded away.
async fn told(page: &Page, id: &str) -> Result<String> {
    page.until(&format!("#{id} is there"), async |page| {
        page.script(
            "return document.getElementById(arguments[0])?.textContent ?? null",
            &[Value::from(id)],
        )
        .await
    })
    .await
}

/// Adds a key by its form, and gives its two halves.
async fn add_key(page: &Page, words: &Words, name: &str) -> Result<(String, String)> {
    page.goto("/console/keys/new").await?;
    page.fill(By::Css("#name"), name).await?;
    page.click(By::Role("button", words.create)).await?;
    page.reads(words.secret).await?;
    Ok((
        told(page, "access-key-text").await?,
        told(page, "secret-key-text").await?,
    ))
}

#[test]
fn the_guide_is_gone_through_by_clicking_in_both_languages() -> Result<()> {
    in_the_world(async |world| {
        for language in Language::ALL {
            let visitor = Visitor {
                language,
                ..Visitor::default()
            };
            let words = words(language);
            as_somebody(world, "guide", visitor, async |page, user| {
                // One key is there already: the harness made the user's token from it.
                ensure!(page.path().await? == "/console/keys");
                page.click(By::Role("link", words.add)).await?;
                let name = "x".repeat(63);
                page.fill(By::Css("#name"), &name).await?;
                page.click(By::Css("input[name=access][value=read]"))
                    .await?;
                page.click(By::Role("button", words.create)).await?;
                page.reads(words.secret).await?;
                look(page, "created").await?;
                let secret = told(page, "secret-key-text").await?;
                let env = told(page, "env").await?;
                ensure!(env.contains(&secret), "{env}");

                page.click(By::Role("button", words.get_token)).await?;
                let token = told(page, "token").await?;
                ensure!(told(page, "claims").await?.contains(user));
                look(page, "token").await?;

                let path = cube("pivot-cluster", "/api/v1/namespaces/default/pods");
                let client = world.gateway.client();
                let answer = client.get(&path).bearer(&token).send().await?;
                // The cluster's own word: it knows who asks.
                let refused = answer.expect(403)?.text();
                ensure!(refused.contains(user), "{refused}");

                page.goto("/console/keys").await?;
                page.reads(&name).await?;
                page.holds_nowhere(&secret).await
            })
            .await?;
        }
        Ok(())
    })
}

#[test]
fn a_secret_is_gone_after_a_reload_and_on_the_way_back() -> Result<()> {
    in_the_world(async |world| {
        as_somebody(world, "secret", Visitor::default(), async |page, _| {
            let (key, secret) = add_key(page, &ENGLISH, "once").await?;
            page.reload().await?;
            page.reads("once").await?;
            page.holds_nowhere(&secret).await?;
            page.goto("/console/token").await?;
            page.client().back().await?;
            page.holds_nowhere(&secret).await?;
            // And the reload has made no second key.
            page.goto("/console/keys").await?;
            let rows = page.all(By::Css("tbody tr")).await?;
            ensure!(rows.len() == 2, "{} rows", rows.len());
            let url = page.client().current_url().await?.to_string();
            ensure!(!url.contains(&secret) && !url.contains(&key), "{url}");
            let stored = page.stored().await?;
            ensure!(stored.is_empty(), "{stored:?}");
            Ok(())
        })
        .await
    })
}

#[test]
fn the_sixth_key_is_refused_in_words_and_nothing_that_was_typed_is_lost() -> Result<()> {
    in_the_world(async |world| {
        for language in Language::ALL {
            let visitor = Visitor {
                language,
                ..Visitor::default()
            };
            let words = words(language);
            as_somebody(world, "sixth", visitor, async |page, _| {
                for number in 2..=5 {
                    add_key(page, &words, &format!("key {number}")).await?;
                }
                page.goto("/console/keys/new").await?;
                page.fill(By::Css("#name"), "the sixth").await?;
                page.fill(By::Css("#namespaces"), "shop, blog").await?;
                page.click(By::Role("button", words.create)).await?;
                page.reads(words.full).await?;
                ensure!(page.value(By::Css("#name")).await? == "the sixth");
                ensure!(page.value(By::Css("#namespaces")).await? == "shop, blog");
                look(page, "sixth").await?;
                page.goto("/console/keys").await?;
                look(page, "keys-full").await?;
                Ok(())
            })
            .await?;
        }
        Ok(())
    })
}

#[test]
fn a_key_is_changed_rolled_over_regenerated_and_deleted() -> Result<()> {
    in_the_world(async |world| {
        as_somebody(world, "life", Visitor::default(), async |page, _| {
            let (key, secret) = add_key(page, &ENGLISH, "first").await?;
            page.goto(&format!("/console/keys/{key}")).await?;
            page.fill(By::Css("#description"), "for the nights").await?;
            page.click(By::Css("input[name=access][value=read]"))
                .await?;
            page.click(By::Css("input[name=cluster][value=member-1]"))
                .await?;
            page.click(By::Role("button", "Save")).await?;
            page.reads("The key was changed.").await?;
            page.reads("Read only in member-1").await?;

            page.goto(&format!("/console/keys/{key}")).await?;
            page.click(By::Role("button", "Roll over")).await?;
            page.reads("Your new secret").await?;
            ensure!(told(page, "secret-key-text").await? != secret);
            ensure!(told(page, "access-key-text").await? == key);

            page.goto(&format!("/console/keys/new?from={key}")).await?;
            ensure!(page.value(By::Css("#name")).await? == "first");
            let read = By::Css("input[name=access][value=read]:checked");
            page.find(read).await?;
            page.find(By::Css("input[name=cluster][value=member-1]:checked"))
                .await?;

            page.goto(&format!("/console/keys/{key}/delete")).await?;
            page.click(By::Role("button", "Delete the key")).await?;
            page.reads("The key was deleted.").await?;
            page.holds_nowhere(&key).await
        })
        .await
    })
}

#[test]
fn a_key_is_added_by_the_keyboard_alone() -> Result<()> {
    use fantoccini::key::Key;

    in_the_world(async |world| {
        as_somebody(world, "keyboard", Visitor::default(), async |page, _| {
            page.tab_to("link", "Add a key").await?;
            page.press(Key::Enter).await?;
            page.find(By::Css("#name")).await?;
            page.tab_to("textbox", "Name").await?;
            page.typed("by keys").await?;
            page.tab_to("button", "Add the key").await?;
            page.press(Key::Enter).await?;
            page.reads("Your new secret").await?;
            page.tab_to("button", "Get a token with it").await?;
            page.press(Key::Enter).await?;
            page.find(By::Css("#token")).await?;
            page.tab_to("button", "Log out").await?;
            page.press(Key::Enter).await?;
            page.find(By::Css("input[name=password]")).await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn a_key_is_added_and_its_token_made_without_scripts() -> Result<()> {
    in_the_world(async |world| {
        let visitor = Visitor {
            scripts: false,
            ..Visitor::default()
        };
        as_somebody(world, "no-scripts", visitor, async |page, _| {
            add_key(page, &ENGLISH, "plain").await?;
            page.click(By::Role("button", "Get a token with it"))
                .await?;
            ensure!(told(page, "token").await?.starts_with("ey"));
            // A form is sent again, since no script has changed the address.
            let (key, secret) = add_key(page, &ENGLISH, "again").await?;
            page.reload().await?;
            page.reads("This was done already").await?;
            page.holds_nowhere(&secret).await?;
            page.goto("/console/keys").await?;
            let rows = page.all(By::Css("tbody tr")).await?;
            ensure!(rows.len() == 3, "{} rows", rows.len());

            page.goto(&format!("/console/keys/{key}")).await?;
            page.click(By::Role("button", "Roll over")).await?;
            let rolled = told(page, "secret-key-text").await?;
            page.reload().await?;
            page.reads("This was done already").await?;
            page.holds_nowhere(&rolled).await?;
            let token = format!("/api/v1/cube/key/token?accessKey={key}&secretKey={rolled}");
            let client = world.gateway.client();
            client.get(&token).send().await?.expect(200)?;

            page.goto("/console/resources").await?;
            page.find(By::Css("#results")).await?;
            page.click(By::Role("button", "中文")).await?;
            page.reads("资源").await
        })
        .await
    })
}
