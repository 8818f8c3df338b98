//! Finding things on a page as people do: by what they are and say.

use std::cell::RefCell;
use std::fmt;

use anyhow::{Context as _, Result, anyhow};
use fantoccini::Locator;
use fantoccini::elements::Element;
use fantoccini::error::{CmdError, ErrorStatus};

use super::command::get;
use super::page::{PATIENCE, Page};
use crate::until::until;

/// How something is found. Only what is to be seen counts.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// A CSS selector.
    Css(&'a str),
    /// An ARIA role and the whole accessible name, as assistive technology hears them.
    Role(&'a str, &'a str),
    /// The innermost element with these words in its text.
    Text(&'a str),
}

// === impl By ===

impl fmt::Display for By<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Css(selector) => write!(out, "`{selector}`"),
            Self::Role(role, name) => write!(out, "the {role} {name:?}"),
            Self::Text(text) => write!(out, "the text {text:?}"),
        }
    }
}

// === impl Page ===

impl Page {
    /// All of them that are to be seen now.
    ///
    /// # Errors
    /// A selector that is none, or a browser that is gone.
    pub async fn all(&self, by: By<'_>) -> Result<Vec<Element>> {
        let found = match by {
            By::Css(selector) => self.client().find_all(Locator::Css(selector)).await?,
            By::Role(role, _) => self.client().find_all(Locator::Css(&may_be(role))).await?,
            By::Text(text) => self.client().find_all(Locator::XPath(&with(text))).await?,
        };
        let mut seen = Vec::new();
        for element in found {
            // One that has gone meanwhile is not there.
            if is_there(self.is_meant(&element, by).await)? {
                seen.push(element);
            }
        }
        Ok(seen)
    }

    /// The first of them, as soon as it is there.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn find(&self, by: By<'_>) -> Result<Element> {
        self.until(&format!("{by} is there"), async |page| {
            Ok(page.all(by).await?.into_iter().next())
        })
        .await
    }

    /// Waits until none is to be seen.
    ///
    /// # Errors
    /// When one stays.
    pub async fn gone(&self, by: By<'_>) -> Result<()> {
        self.until(&format!("{by} is gone"), async |page| {
            Ok(page.all(by).await?.is_empty().then_some(()))
        })
        .await
    }

    /// The texts of all of them.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn texts(&self, by: By<'_>) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for element in self.all(by).await? {
            texts.push(element.text().await?);
        }
        Ok(texts)
    }

    /// Clicks it, as soon as it is there and nothing lies over it. When that leads to another
    /// page, the next command waits until it is loaded.
    ///
    /// # Errors
    /// When it cannot be clicked.
    pub async fn click(&self, by: By<'_>) -> Result<()> {
        self.act("clicked", by, async |element| element.click().await)
            .await
    }

    /// Types into a field what it is to hold, in the place of what it holds.
    ///
    /// # Errors
    /// When nothing can be typed there.
    pub async fn fill(&self, by: By<'_>, text: &str) -> Result<()> {
        self.act("filled", by, async |element| {
            element.clear().await?;
            element.send_keys(text).await
        })
        .await
    }

    /// Chooses what has this label in a `select`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn choose(&self, by: By<'_>, label: &str) -> Result<()> {
        self.act("chosen from", by, async |element| {
            element.select_by_label(label).await
        })
        .await
    }

    /// What a field holds.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn value(&self, by: By<'_>) -> Result<String> {
        let value = self.find(by).await?.prop("value").await?;
        value.with_context(|| format!("{by} has no value"))
    }

    /// What it is to assistive technology: role and name.
    ///
    /// # Errors
    /// An element that is gone.
    pub async fn heard(&self, element: &Element) -> Result<(String, String)> {
        let id = element.element_id().to_string();
        let role: String = get(self.client(), &format!("element/{id}/computedrole")).await?;
        let name: String = get(self.client(), &format!("element/{id}/computedlabel")).await?;
        Ok((role, name))
    }

    /// Does something to the first that it can be done to.
    async fn act(
        &self,
        done: &str,
        by: By<'_>,
        action: impl AsyncFn(&Element) -> Result<(), CmdError>,
    ) -> Result<()> {
        let why = RefCell::new(None);
        let did = until(&format!("{by} is {done}"), PATIENCE, async || {
            for element in self.all(by).await? {
                match action(&element).await {
                    Ok(()) => return Ok(Some(())),
                    Err(error) if passes(&error) => *why.borrow_mut() = Some(error),
                    Err(error) => return Err(anyhow!(error)),
                }
            }
            Ok(None)
        })
        .await;
        match why.into_inner() {
            Some(why) => did.with_context(|| why.to_string()),
            None => did,
        }
    }

    async fn is_meant(&self, element: &Element, by: By<'_>) -> Result<bool> {
        if !element.is_displayed().await? {
            return Ok(false);
        }
        match by {
            By::Css(_) | By::Text(_) => Ok(true),
            By::Role(role, name) => {
                let (its_role, its_name) = self.heard(element).await?;
                Ok(its_role == role && its_name.trim() == name)
            }
        }
    }
}

/// What may have this role: asking each element of a page would take long.
fn may_be(role: &str) -> String {
    let elements = match role {
        "button" => "button, summary, input[type=submit], input[type=button],",
        "link" => "a[href], area[href],",
        "heading" => "h1, h2, h3, h4, h5, h6,",
        "textbox" | "searchbox" | "spinbutton" => "input, textarea,",
        "checkbox" | "radio" | "switch" => "input,",
        "combobox" | "listbox" => "select, input,",
        "table" => "table,",
        "row" => "tr,",
        "cell" => "td,",
        "columnheader" | "rowheader" => "th,",
        "img" | "image" => "img, svg,",
        "dialog" => "dialog,",
        "navigation" => "nav,",
        _ => "",
    };
    format!("{elements} [role={role}]")
}

/// The innermost elements with these words.
fn with(text: &str) -> String {
    // A text of XPath holds no quotation marks of its own kind.
    let parts: Vec<String> = text.split('"').map(|part| format!("\"{part}\"")).collect();
    let text = format!("concat({}, '')", parts.join(", '\"', "));
    let holds = format!("contains(normalize-space(.), {text})");
    format!("//body//*[{holds}][not(*[{holds}])]")
}

/// Whether it may work a moment later.
fn passes(error: &CmdError) -> bool {
    let CmdError::Standard(refused) = error else {
        return false;
    };
    // What ChromeDriver says of an element whose page goes away while it is looked at.
    let goes = refused.message.contains("does not belong to the document");
    goes || matches!(
        refused.error,
        ErrorStatus::ElementClickIntercepted
            | ErrorStatus::ElementNotInteractable
            | ErrorStatus::InvalidElementState
            | ErrorStatus::NoSuchElement
            | ErrorStatus::StaleElementReference
    )
}

fn is_there(answer: Result<bool>) -> Result<bool> {
    match answer {
        Err(error) => match error.downcast_ref::<CmdError>() {
            Some(gone) if passes(gone) => Ok(false),
            _ => Err(error),
        },
        answer => answer,
    }
}
