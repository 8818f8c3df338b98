//! The console in a real browser: somebody logs in, and every page is looked at in every
//! language and theme.

use anyhow::{Result, ensure};
use cubegate_tests::Browser;
use cubegate_tests::browser::{LOGIN, Language, Page, Theme, Viewport, Visitor};

/// The console of a gateway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console<'a> {
    /// The gateway's URL, `world.gateway.endpoints().gateway`.
    pub(crate) origin: &'a str,
    /// Who logs in, name and password; nobody when absent.
    pub(crate) account: Option<(&'a str, &'a str)>,
}

/// A page of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// Names its screenshots.
    pub(crate) name: &'a str,
    /// Where it is.
    pub(crate) path: &'a str,
}

/// How each page is looked at, beside the languages.
const SIGHTS: [(&str, Theme, Viewport); 3] = [
    ("light", Theme::Light, Viewport::DESK),
    ("dark", Theme::Dark, Viewport::DESK),
    ("phone", Theme::Light, Viewport::PHONE),
];

// === impl Console ===

impl Console<'_> {
    /// Opens it as this visitor, logs in, and runs a test there. `name` names the screenshot of
    /// a failure.
    pub(crate) async fn visit<T>(
        self,
        name: &str,
        visitor: Visitor,
        test: impl AsyncFnOnce(&Page) -> Result<T>,
    ) -> Result<T> {
        let browser = Browser::shared().await?;
        browser
            .visit(name, self.origin, visitor, async |page| {
                page.goto("/console/").await?;
                if let Some((user, password)) = self.account {
                    page.log_in(user, password).await?;
                }
                test(page).await
            })
            .await
    }

    /// Looks at all of these pages in every language and theme, and on a telephone, and draws
    /// them as `target/screenshots/console/{view}-{language}-{sight}.png`. What is wrong
    /// anywhere is told at the end.
    pub(crate) async fn walk(self, views: &[View<'_>]) -> Result<()> {
        let mut faults = Vec::new();
        for language in Language::ALL {
            let visitor = Visitor {
                language,
                ..Visitor::default()
            };
            let name = format!("walk-{}", language.tag());
            let found = self
                .visit(&name, visitor, async |page| walk(page, views).await)
                .await?;
            faults.extend(found);
        }
        ensure!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(())
    }
}

/// Draws the page that is on the screen as `target/screenshots/console/{name}.png`, and tells
/// what is wrong with it: what axe-core and the browser's console complain of, a width that
/// readers would have to scroll through, another language than theirs.
pub(crate) async fn judge(page: &Page, name: &str) -> Result<Vec<String>> {
    page.screenshot(&format!("console/{name}")).await?;
    let mut faults = page.violations().await?;

    let url = page.client().current_url().await?;
    let complaints = page.complaints().await?;
    // A page may well say that something is not there.
    let complaints = complaints
        .iter()
        .filter(|line| !line.is_status_of(url.as_str()));
    faults.extend(complaints.map(ToString::to_string));

    let overflow = page.overflow().await?;
    if overflow > 0 {
        faults.push(format!("it is {overflow} pixels wider than the screen"));
    }
    let spoken: String = page
        .script("return document.documentElement.lang", &[])
        .await?;
    let language = page.visitor().language.tag();
    if !spoken.starts_with(language) {
        faults.push(format!("its language is {spoken:?}, and not {language}"));
    }
    Ok(faults
        .iter()
        .map(|fault| format!("{name}: {fault}"))
        .collect())
}

/// Looks at what is on the screen in every theme, and on a telephone, without asking for it
/// again, and fails with what is wrong. The pictures are called as those of [`Console::walk`].
pub(crate) async fn look(page: &Page, name: &str) -> Result<()> {
    let language = page.visitor().language.tag();
    let mut faults = Vec::new();
    for (sight, theme, viewport) in SIGHTS {
        page.prefer(theme).await?;
        page.resize(viewport).await?;
        faults.extend(judge(page, &format!("{name}-{language}-{sight}")).await?);
    }
    page.prefer(page.visitor().theme).await?;
    page.resize(page.visitor().viewport).await?;
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

async fn walk(page: &Page, views: &[View<'_>]) -> Result<Vec<String>> {
    let language = page.visitor().language.tag();
    let mut faults = Vec::new();
    for (sight, theme, viewport) in SIGHTS {
        page.prefer(theme).await?;
        page.resize(viewport).await?;
        for View { name, path } in views {
            page.goto(path).await?;
            let is_login = page.path().await?.starts_with(LOGIN);
            ensure!(
                !is_login || path.starts_with(LOGIN),
                "{path} leads to the login"
            );
            faults.extend(judge(page, &format!("{name}-{language}-{sight}")).await?);
        }
    }
    Ok(faults)
}
