//! What the tests of the console see with: that it sees what is wrong, and nothing else.

mod pages;
mod walk;

use std::fs;
use std::time::Duration;

use anyhow::{Result, bail};
use cubegate_tests::browser::{By, Key, Language, Line, Page, Theme, Viewport, Visitor};
use cubegate_tests::gateway::Options;
use cubegate_tests::{Browser, Fixture, Gateway, Site, block_on};

/// Runs a test on a server of pages.
fn on_pages<T>(
    name: &str,
    visitor: Visitor,
    test: impl AsyncFnOnce(&Page, &Fixture) -> Result<T>,
) -> Result<T> {
    block_on(async {
        let pages = pages::serve().await?;
        let browser = Browser::shared().await?;
        browser
            .visit(
                &format!("harness/{name}"),
                &origin(&pages),
                visitor,
                async |page| test(page, &pages).await,
            )
            .await
    })
}

fn origin(pages: &Fixture) -> String {
    format!("http://127.0.0.1:{}", pages.port())
}

#[test]
fn a_clean_page_has_no_faults_and_a_faulty_one_has_those_it_has() -> Result<()> {
    on_pages("faults", Visitor::default(), async |page, _| {
        page.goto("/clean").await?;
        assert_eq!(page.violations().await?, Vec::<String>::new());
        assert!(
            page.complaints().await?.is_empty(),
            "{:?}",
            page.console().await?
        );

        page.goto("/faulty").await?;
        let faults = page.violations().await?;
        for rule in ["color-contrast", "label", "image-alt"] {
            let told = faults
                .iter()
                .filter(|line| line.contains(&format!(": {rule}: ")));
            assert_eq!(told.count(), 1, "{rule}: {faults:?}");
        }
        let complaints = page.complaints().await?;
        assert!(complaints.iter().any(Line::is_of_policy), "{complaints:?}");
        assert_eq!(
            page.client().title().await?,
            "Cubegate",
            "the policy was not kept"
        );
        // Each is told once.
        assert!(page.complaints().await?.is_empty());
        assert!(!page.console().await?.is_empty());
        Ok(())
    })
}

#[test]
fn language_theme_size_and_time_zone_arrive() -> Result<()> {
    const SEEN: &str =
        "return [navigator.language, new Intl.DateTimeFormat().resolvedOptions().locale,
        matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
        `${innerWidth}x${innerHeight}`, String(new Date(0).getHours())]";
    let chinese = Visitor {
        language: Language::Chinese,
        theme: Theme::Dark,
        viewport: Viewport::PHONE,
        time_zone: "Asia/Shanghai",
        ..Visitor::default()
    };
    let cases = [
        (
            Visitor::default(),
            ["en-US", "en-US", "light", "1280x800", "0"],
            "en-US,en;q=0.9",
        ),
        (
            chinese,
            ["zh-CN", "zh-CN", "dark", "360x740", "8"],
            "zh-CN,zh;q=0.9",
        ),
    ];
    for (visitor, expected, accepted) in cases {
        on_pages("visitor", visitor, async |page, pages| {
            page.goto("/clean").await?;
            let seen: Vec<String> = page.script(SEEN, &[]).await?;
            assert_eq!(seen, expected);
            let seen = pages.take_seen()?;
            let mut asked = seen.iter().flat_map(|seen| seen.headers("accept-language"));
            assert!(
                seen.len() > 2 && asked.all(|said| said == accepted),
                "{seen:?}"
            );

            page.prefer(Theme::Light).await?;
            page.resize(Viewport::DESK).await?;
            page.goto("/next").await?;
            let seen: Vec<String> = page.script(SEEN, &[]).await?;
            assert_eq!(seen[2..4], ["light", "1280x800"]);
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_gateway_with_a_ca_of_its_own_is_as_safe_as_any_other_to_pages() -> Result<()> {
    block_on(async {
        let gateway = Gateway::start(Site::new("browser")?, &Options::default()).await?;
        let browser = Browser::shared().await?;
        let origin = &gateway.endpoints().gateway;
        browser
            .visit("harness/tls", origin, Visitor::default(), async |page| {
                page.goto("/openapi.json").await?;
                page.reads("Cubegate").await?;
                assert!(page.script::<bool>("return isSecureContext", &[]).await?);
                // What makes cookies as the console's own are.
                assert_eq!(page.cookies().await?.len(), 0);
                page.script::<()>("document.cookie = '__Host-a=b; Secure; Path=/'", &[])
                    .await?;
                let cookies = page.cookies().await?;
                assert!(cookies[0].secure && !cookies[0].http_only, "{cookies:?}");
                page.forget_cookies().await?;
                assert_eq!(page.cookies().await?.len(), 0);
                Ok(())
            })
            .await
    })
}

#[test]
fn without_scripts_a_page_runs_none_and_can_be_used_and_judged() -> Result<()> {
    let visitor = Visitor {
        scripts: false,
        ..Visitor::default()
    };
    on_pages("scripts-off", visitor, async |page, _| {
        page.goto("/clean").await?;
        // They stay off, also after axe was there.
        for _ in 0..2 {
            let text = page.text().await?;
            assert!(
                text.contains("no scripts") && text.contains("without"),
                "{text}"
            );
            assert_eq!(page.violations().await?, Vec::<String>::new());
            page.reload().await?;
        }
        page.fill(By::Css("input"), "集群 \"one\"").await?;
        page.click(By::Role("button", "Save it")).await?;
        assert!(page.path().await?.starts_with("/clean?name=%E9%9B%86"));
        Ok(())
    })?;
    on_pages("scripts-on", Visitor::default(), async |page, _| {
        page.goto("/clean").await?;
        page.reads("scripts run").await?;
        page.reads("now it is here").await?;
        assert!(!page.text().await?.contains("without"));
        Ok(())
    })
}

#[test]
fn things_are_found_by_what_they_are_and_say() -> Result<()> {
    on_pages("finding", Visitor::default(), async |page, _| {
        page.goto("/clean").await?;
        assert_eq!(page.texts(By::Text("Said \"so\"")).await?, ["Said \"so\""]);
        assert_eq!(page.all(By::Role("textbox", "Name")).await?.len(), 1);
        assert_eq!(page.all(By::Role("button", "Name")).await?.len(), 0);
        page.fill(By::Role("textbox", "Name"), "first").await?;
        page.fill(By::Role("textbox", "Name"), "second").await?;
        assert_eq!(page.value(By::Css("input")).await?, "second");
        assert!(page.holds_nowhere("second").await.is_err());
        page.holds_nowhere("first").await?;
        page.click(By::Role("link", "The next page")).await?;
        page.gone(By::Css("input")).await?;
        assert_eq!(page.path().await?, "/next");
        Ok(())
    })
}

#[test]
fn the_keyboard_walks_a_page_and_one_sees_where_it_is() -> Result<()> {
    on_pages("keyboard", Visitor::default(), async |page, _| {
        page.goto("/clean").await?;
        page.tab_to("textbox", "Name").await?;
        page.typed("by hand").await?;
        assert_eq!(page.value(By::Css("input")).await?, "by hand");
        page.tab_to("link", "The next page").await?;
        page.press(Key::Enter).await?;
        page.reads("You are there").await?;

        page.goto("/unseen").await?;
        let refused = page.tab_to("link", "Where am I").await.unwrap_err();
        assert!(refused.to_string().contains("does not see"), "{refused}");
        let refused = page.tab_to("button", "Nowhere").await.unwrap_err();
        assert!(refused.to_string().contains("Where am I"), "{refused}");
        Ok(())
    })
}

#[test]
fn a_screenshot_shows_the_whole_page() -> Result<()> {
    let file = on_pages("screenshot", Visitor::default(), async |page, _| {
        page.goto("/clean").await?;
        page.screenshot("harness/clean").await
    })?;
    let png = fs::read(&file)?;
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
    let (width, height) = (number(16), number(20));
    assert_eq!(width, 1280);
    assert!(height > 2000, "{height}");
    // Of one colour it would be a tenth.
    assert!(png.len() > 12_000, "{} bytes", png.len());
    Ok(())
}

#[test]
fn what_a_page_keeps_and_costs_is_told() -> Result<()> {
    on_pages("costs", Visitor::default(), async |page, _| {
        page.goto("/clean").await?;
        let load = page.load().await?;
        assert!(load.first_paint > Duration::ZERO && load.first_paint < Duration::from_secs(20));
        let size = |end: &str| {
            let file = load.loaded.iter().find(|file| file.url.ends_with(end));
            file.map(|file| file.bytes)
        };
        assert!(
            size("/clean") > Some(400) && size("/script.js") > Some(100),
            "{load:?}"
        );

        let before = page.heap().await?;
        page.script::<()>("window.kept = new Array(1e6).fill(0.5)", &[])
            .await?;
        let after = page.heap().await?;
        assert!(after > before + 4_000_000, "{before} -> {after}");

        page.script::<()>("localStorage.a = 'b'; sessionStorage.c = 'd'", &[])
            .await?;
        assert_eq!(page.stored().await?.len(), 2);
        Ok(())
    })
}

#[test]
fn what_was_on_the_page_is_told_when_a_test_fails_or_panics() -> Result<()> {
    let failing = on_pages(
        "failing",
        Visitor::default(),
        async |page, _| -> Result<()> {
            page.goto("/faulty").await?;
            bail!("this is wrong")
        },
    );
    let panicking = on_pages(
        "panicking",
        Visitor::default(),
        async |page, _| -> Result<()> {
            page.goto("/faulty").await?;
            panic!("this is wrong")
        },
    );
    for (outcome, name) in [(failing, "failing"), (panicking, "panicking")] {
        let told = outcome.unwrap_err().to_string();
        let picture = format!("failed/harness/{name}.png");
        for part in [
            "this is wrong",
            "/faulty",
            "Hard to read",
            "Content Security",
            &picture,
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
    Ok(())
}

#[test]
fn a_browser_ends_with_its_value() -> Result<()> {
    block_on(async {
        let browser = Browser::start().await?;
        let pages = pages::serve().await?;
        let folder = browser
            .visit(
                "ending",
                &origin(&pages),
                Visitor::default(),
                async |page| {
                    page.goto("/clean").await?;
                    let folder = browser.folder().display().to_string();
                    assert!(processes(&folder)? > 1);
                    Ok(folder)
                },
            )
            .await?;
        // The driver alone.
        assert_eq!(processes(&folder)?, 1);
        drop(browser);
        cubegate_tests::until("none is left", Duration::from_secs(10), || async {
            Ok((processes(&folder)? == 0).then_some(()))
        })
        .await
    })
}

/// How many processes name a folder of the browser's as theirs.
fn processes(folder: &str) -> Result<usize> {
    let mut found = 0;
    for process in fs::read_dir("/proc")? {
        let arguments = fs::read(process?.path().join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments);
        if ["--log-path=", "--user-data-dir="]
            .iter()
            .any(|flag| arguments.contains(&format!("{flag}{folder}/")))
        {
            found += 1;
        }
    }
    Ok(found)
}
