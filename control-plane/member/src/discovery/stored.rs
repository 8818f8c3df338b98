//! A reading as text, for whoever keeps it until the next start.

use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::{Discovery, Version};

/// The text's form. What has another one is read anew instead.
const FORMAT: u32 = 1;

/// JSON of a reading.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored<V> {
    format: u32,
    versions: V,
    leaves_out: bool,
}

// === impl Discovery ===

impl Discovery {
    /// Returns it as text: the same for the same reading.
    pub fn to_text(&self) -> String {
        let stored = Stored {
            format: FORMAT,
            versions: &self.versions,
            leaves_out: self.leaves_out,
        };
        // It is made of text and lists alone.
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// Reads what [`Self::to_text`] gave; nothing where it was another release's.
    pub fn from_text(text: &str) -> Option<Self> {
        let stored: Stored<Vec<Version>> = serde_json::from_str(text).ok()?;
        let mut discovery = Kept::of(stored.versions);
        discovery.leaves_out |= stored.leaves_out;
        (stored.format == FORMAT).then_some(discovery)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Resource;
    use super::*;

    #[test]
    fn a_reading_comes_back_as_it_was() {
        let resource = Resource {
            plural: "widgets".to_owned(),
            kind: "Widget".to_owned(),
            namespaced: true,
        };
        let version = |group: &str, resources| Version {
            group: group.to_owned(),
            name: "v1".to_owned(),
            resources,
        };
        let discovery = Discovery {
            versions: vec![
                version("", Some(vec![resource])),
                version("a.example", None),
            ],
            leaves_out: true,
        };
        let text = discovery.to_text();
        assert_eq!(Discovery::from_text(&text), Some(discovery));
        assert_eq!(Discovery::from_text(&text.replace(":1,", ":2,")), None);
        assert_eq!(Discovery::from_text("{}"), None);
    }
}
