//! What Envoy writes into its own access line of a request, and only the filter knows.

use serde::{Deserialize, Serialize};

/// The property that holds all fields as the words of a line ([`LineForm::Words`]).
pub const LINE_PROPERTY: &str = "cubegate_line";

/// How the filter leaves the fields with Envoy. Each property costs a request some microseconds,
/// so only what is read is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineForm {
    /// Nobody reads them.
    #[default]
    Nothing,
    /// In one property, for a line of text.
    Words,
    /// Each in a property of its own, for a log in JSON and for traces.
    Fields,
}

/// One of them; neither client nor upstream ever sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineField {
    /// Whose verified token it is.
    User,
    /// The access key that the token was made from.
    Key,
    /// The cluster that the path names, registered or not.
    Cluster,
    /// What is asked, as Kubernetes has it: `list`, `watch`, `create`.
    Verb,
    /// Of what: `pods`, `deployments.apps`, `pods/exec`.
    Resource,
    /// Why the filter refused the request, when the status alone does not say.
    Reason,
}

// === impl LineForm ===

impl LineForm {
    /// Whether it is what goes without saying.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

// === impl LineField ===

impl LineField {
    /// In the order of the line.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Key,
        Self::Cluster,
        Self::Verb,
        Self::Resource,
        Self::Reason,
    ];

    /// Its name in the line.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Key => "key",
            Self::Cluster => "cluster",
            Self::Verb => "verb",
            Self::Resource => "resource",
            Self::Reason => "reason",
        }
    }

    /// The property that the filter sets with [`LineForm::Fields`].
    pub fn property(self) -> &'static str {
        match self {
            Self::User => "cubegate_user",
            Self::Key => "cubegate_key",
            Self::Cluster => "cubegate_cluster",
            Self::Verb => "cubegate_verb",
            Self::Resource => "cubegate_resource",
            Self::Reason => "cubegate_reason",
        }
    }
}
