//! Key paths: how a dotted name finds a field inside an item.

/// A dotted path such as `metadata.labels.app.kubernetes.io/name`.
///
/// Walking it through a value:
/// - an object is entered at the member named by the next segment; when that
///   walk comes to nothing, the member named by the *whole* remaining path is
///   taken, so `spec.selector.matchLabels.app.kubernetes.io/name` finds its key;
/// - an array is entered at its first element;
/// - after a segment named `labels` or `annotations` the rest, dots and slashes
///   included, is one key.
///
/// Segments are case-sensitive and there is no index syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPath {
    steps: Vec<Step>,
}

/// One object on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The member that leads on.
    pub(crate) name: Box<str>,
    /// The member that ends the path here, when `name` leads to nothing.
    pub(crate) rest: Box<str>,
}

/// Deeper than any Kubernetes object. What follows the last step of a longer
/// path is one key, which bounds the memory that a hostile query can take.
const MAX_STEPS: usize = 64;

/// Segments whose values are flat maps with dots in their keys.
const FLAT_MAPS: [&str; 2] = ["labels", "annotations"];

// === impl KeyPath ===

impl KeyPath {
    /// Every text is a path; one that fits no item finds nothing.
    pub fn parse(text: &str) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        let mut rest = text;
        let mut in_flat_map = false;
        while let Some((name, tail)) = rest.split_once('.') {
            if in_flat_map || steps.len().saturating_add(1) >= MAX_STEPS {
                break;
            }
            steps.push(Step::new(name, rest));
            in_flat_map = FLAT_MAPS.contains(&name);
            rest = tail;
        }
        steps.push(Step::new(rest, rest));
        Self { steps }
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The path as it was written.
    pub(crate) fn text(&self) -> &str {
        self.steps.first().map_or("", |step| &step.rest)
    }
}

// === impl Step ===

impl Step {
    fn new(name: &str, rest: &str) -> Self {
        Self {
            name: name.into(),
            rest: rest.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let path = KeyPath::parse(text);
        assert_eq!(path.text(), text);
        path.steps()
            .iter()
            .map(|step| step.name.to_string())
            .collect()
    }

    #[test]
    fn a_path_is_split_at_its_dots() {
        assert_eq!(names("metadata.name"), ["metadata", "name"]);
        assert_eq!(names("name"), ["name"]);
        assert_eq!(names(""), [""]);
        assert_eq!(names(".a."), ["", "a", ""]);
    }

    #[test]
    fn the_rest_after_labels_and_annotations_is_one_key() {
        assert_eq!(
            names("metadata.labels.a.b/c"),
            ["metadata", "labels", "a.b/c"]
        );
        assert_eq!(
            names("spec.template.metadata.annotations.x.labels.y"),
            ["spec", "template", "metadata", "annotations", "x.labels.y"],
        );
        assert_eq!(names("metadata.labels"), ["metadata", "labels"]);
        assert_eq!(names("metadata.labels."), ["metadata", "labels", ""]);
        assert_eq!(names("matchLabels.a.b"), ["matchLabels", "a", "b"]);
        assert_eq!(names("Labels.a.b"), ["Labels", "a", "b"]);
    }

    #[test]
    fn each_step_knows_the_rest_of_the_path() {
        let path = KeyPath::parse("a.b.c");
        let rests: Vec<&str> = path.steps().iter().map(|step| &*step.rest).collect();
        assert_eq!(rests, ["a.b.c", "b.c", "c"]);
    }

    #[test]
    fn a_path_of_a_thousand_dots_stays_small() {
        let path = KeyPath::parse(&".".repeat(1000));
        assert_eq!(path.steps().len(), MAX_STEPS);
    }
}
