//! The tables of the console against the API's own answer.

use anyhow::{Result, ensure};
use cubegate_tests::browser::{By, Page, Visitor};
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::kube::{config_map, pod};
use serde_json::{Value, json};

use crate::support::console::{Console, look};
use crate::support::{World, cube, in_the_world};

async fn as_admin(
    world: &World,
    name: &str,
    test: impl AsyncFnOnce(&Page) -> Result<()>,
) -> Result<()> {
    let console = Console {
        origin: &world.gateway.endpoints().gateway,
        account: Some(("admin", ADMIN_PASSWORD)),
    };
    console.visit(name, Visitor::default(), test).await
}

/// The names in the table.
async fn shown(page: &Page) -> Result<Vec<String>> {
    page.find(By::Css("#results .pager")).await?;
    page.script(
        "return [...document.querySelectorAll('#results tbody th')].map(th => th.textContent.trim())",
        &[],
    )
    .await
}

#[test]
fn sorting_searching_and_paging_a_table_is_the_apis_answer() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.member.kube;
        let namespace = kube.namespace("tables-of-the-console").await?;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        for number in 0..45 {
            let name = format!(
                "{}-{number:02}",
                if number % 3 == 0 { "web" } else { "job" }
            );
            kube.create(&pods, &pod(&name)).await?;
        }
        let client = world.gateway.admin().await?;
        let asked = async |query: &str| {
            let path = format!("{}?{query}", cube("member-1", &pods));
            let answer = client.get(&path).send().await?.expect(200)?;
            anyhow::Ok((answer.names()?, answer.total()?))
        };
        as_admin(world, "tables", async |page| {
            page.goto(&format!(
                "/console/resources?cluster=member-1&resource=pods.v1&namespace={namespace}"
            ))
            .await?;
            let (names, _) = asked("pageSize=20&sort=metadata.name").await?;
            assert_eq!(shown(page).await?, names);

            page.click(By::Css("thead th:first-child a")).await?;
            let (names, total) = asked("pageSize=20&sort=-metadata.name").await?;
            page.until("the table is in the other order", async |page| {
                Ok((shown(page).await? == names).then_some(()))
            })
            .await?;
            page.reads(&format!("1–20 of {total}")).await?;

            page.click(By::Css(".pager a[rel=last]")).await?;
            let (names, _) = asked("pageSize=20&pageNum=3&sort=-metadata.name").await?;
            page.until("the table is at its last page", async |page| {
                Ok((shown(page).await? == names).then_some(()))
            })
            .await?;

            page.fill(By::Css("#search"), "web").await?;
            let (names, total) =
                asked("pageSize=20&filter=metadata.name~web&sort=-metadata.name").await?;
            ensure!(total == 15);
            page.until("the table has what is searched", async |page| {
                Ok((shown(page).await? == names).then_some(()))
            })
            .await?;
            // What was looked for is in the address, so that it can be handed on.
            let path = page.path().await?;
            ensure!(path.contains("search=web"), "{path}");
            page.reload().await?;
            assert_eq!(shown(page).await?, names);

            // The line below the table gives what the table shows.
            let curl: String = page
                .script(
                    "return document.getElementById('list-curl').textContent",
                    &[],
                )
                .await?;
            ensure!(curl.contains("filter=metadata.name~%22web%22"), "{curl}");

            page.click(By::Css("#results tbody th a")).await?;
            page.reads("kind: Pod").await?;
            look(page, "object").await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn a_table_that_may_not_be_read_says_so_in_the_clusters_words() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("reads-nothing-{}", cubegate_tests::run::unique());
        world.gateway.user(&user, &[]).await?;
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some((&user, "a good Passw0rd")),
        };
        console
            .visit("forbidden", Visitor::default(), async |page| {
                page.goto("/console/resources?cluster=member-1&resource=secrets.v1")
                    .await?;
                page.reads("You may not do that").await?;
                page.reads(&format!("User \"{user}\" cannot list resource \"secrets\""))
                    .await?;
                look(page, "forbidden").await?;
                for path in ["/console/users", "/console/envoys", "/console/audit"] {
                    page.goto(path).await?;
                    page.reads("For administrators").await?;
                }
                Ok(())
            })
            .await
    })
}

#[test]
fn the_reference_has_every_call_and_makes_one() -> Result<()> {
    in_the_world(async |world| {
        as_admin(world, "reference", async |page| {
            page.goto("/console/docs#get-api-v1-cube-whoami").await?;
            let document = world.gateway.client().get("/openapi.json").send().await?;
            let document = document.expect(200)?.json()?;
            let paths = document["paths"].as_object().map_or(0, |paths| {
                paths
                    .values()
                    .filter_map(Value::as_object)
                    .map(serde_json::Map::len)
                    .sum()
            });
            let calls: usize = page
                .script("return document.querySelectorAll('form.try').length", &[])
                .await?;
            assert_eq!(calls, paths);
            page.click(By::Css("#get-api-v1-cube-whoami button[type=submit]"))
                .await?;
            page.reads("\"administrator\": true").await?;
            ensure!(page.path().await? == "/console/docs#get-api-v1-cube-whoami");
            look(page, "docs-tried").await?;
            // KubeSphere's calls take no cookie, and are the reader's all the same.
            tried(
                page,
                "get-oauth-userinfo",
                &[],
                "\"preferred_username\": \"admin\"",
            )
            .await?;
            let clusters = "get-kapis-resources-kubesphere-io-v1alpha3-clusters";
            tried(page, clusters, &[("query.limit", "1")], "\"totalItems\": 2").await?;
            // What is refused says so, and names lead nowhere else.
            let user = "get-api-v1-cube-user-name-groups";
            tried(page, user, &[("path.name", "../whoami")], "→ 400").await
        })
        .await
    })
}

#[test]
fn calls_are_tried_and_tables_sorted_without_scripts() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.member.kube;
        let namespace = kube.namespace("without-scripts").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        for number in 0..25 {
            let map = config_map(&format!("map-{number:02}"), &json!({}));
            kube.create(&maps, &map).await?;
        }
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some(("admin", ADMIN_PASSWORD)),
        };
        let visitor = Visitor {
            scripts: false,
            ..Visitor::default()
        };
        console
            .visit("plain", visitor, async |page| {
                page.goto(&format!(
                    "/console/resources?cluster=member-1&resource=configmaps.v1&namespace={namespace}"
                ))
                .await?;
                page.click(By::Css("thead th:first-child a")).await?;
                page.click(By::Css(".pager a[rel=next]")).await?;
                page.reads("21–25 of 25").await?;
                ensure!(shown(page).await?.first().map(String::as_str) == Some("map-04"));
                page.fill(By::Css("#search"), "map-1").await?;
                page.click(By::Role("button", "Show")).await?;
                page.reads("1–10 of 10").await?;

                page.goto("/console/docs").await?;
                page.click(By::Css("#get-api-v1-cube-whoami summary")).await?;
                page.click(By::Css("#get-api-v1-cube-whoami button[type=submit]"))
                    .await?;
                page.reads("\"administrator\": true").await?;
                look(page, "docs-tried-plain").await?;
                page.click(By::Role("link", "← API reference")).await?;
                page.reads("Kubernetes through the gateway").await
            })
            .await
    })
}

/// Tries a call of the reference, and waits for these words in what is answered.
async fn tried(page: &Page, id: &str, typed: &[(&str, &str)], words: &str) -> Result<()> {
    page.goto(&format!("/console/docs#{id}")).await?;
    // The fragment alone loads nothing.
    page.reload().await?;
    for (name, value) in typed {
        let field = format!("#{id} input[name='{name}']");
        page.fill(By::Css(&field), value).await?;
    }
    page.click(By::Css(&format!("#{id} button[type=submit]")))
        .await?;
    page.until(&format!("{id} answers {words}"), async |page| {
        let text: String = page
            .script(
                "return document.getElementById(arguments[0]).textContent",
                &[Value::from(format!("{id}-answer"))],
            )
            .await?;
        Ok(text.contains(words).then_some(()))
    })
    .await
}
