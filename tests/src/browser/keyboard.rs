//! A page by the keyboard alone.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::key::Key;

use super::page::Page;

/// As many of the places where the focus was are told of a failure.
const TOLD: usize = 60;

/// What the keyboard acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Focus {
    /// Its ARIA role.
    pub role: String,
    /// Its accessible name.
    pub name: String,
    /// Whether one sees that it has the focus.
    pub is_seen: bool,
}

// === impl Page ===

impl Page {
    /// Presses a key, and releases it.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn press(&self, key: Key) -> Result<()> {
        let value = char::from(key);
        let actions = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value });
        self.client().perform_actions(actions).await?;
        Ok(())
    }

    /// Types where the focus is.
    ///
    /// # Errors
    /// When nothing can be typed there.
    pub async fn typed(&self, text: &str) -> Result<()> {
        self.client()
            .active_element()
            .await?
            .send_keys(text)
            .await?;
        Ok(())
    }

    /// Where the focus is; nowhere is the whole page.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn focus(&self) -> Result<Focus> {
        let (role, name) = self.heard(&self.client().active_element().await?).await?;
        let is_seen = self
            .script(
                "const focus = document.activeElement;
                 if (!focus || focus === document.body) return false;
                 const style = getComputedStyle(focus);
                 return focus.matches(':focus-visible') &&
                     ((style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none')",
                &[],
            )
            .await?;
        Ok(Focus {
            role,
            name,
            is_seen,
        })
    }

    /// Presses Tab until the focus is on what has this role and name.
    ///
    /// # Errors
    /// When the focus comes round without having been there, with where it was; or when one
    /// cannot see where it is.
    pub async fn tab_to(&self, role: &str, name: &str) -> Result<()> {
        let mut been = BTreeSet::new();
        let mut stops = Vec::new();
        loop {
            self.press(Key::Tab).await?;
            let focus = self.focus().await?;
            if focus.role == role && focus.name.trim() == name {
                ensure!(
                    focus.is_seen,
                    "one does not see that the focus is on the {role} {name:?}"
                );
                return Ok(());
            }
            let element = self.client().active_element().await?;
            if !been.insert(element.element_id()) {
                break;
            }
            stops.push(format!("{} {:?}", focus.role, focus.name));
        }
        stops.truncate(TOLD);
        bail!(
            "Tab does not lead to the {role} {name:?}, but to {}",
            stops.join(", ")
        )
    }
}
