//! What the words of a `Status` column mean to a reader, as far as they are known.

/// Words of what goes well, of what is on its way or comes to its end, and of what has failed,
/// as API servers of Kubernetes print them (`printers/internalversion`).
const WORDS: [&[&str]; 3] = [
    &[
        "Running",
        "Ready",
        "Active",
        "Bound",
        "Succeeded",
        "Completed",
        "Available",
        "Complete",
    ],
    &[
        "Pending",
        "ContainerCreating",
        "PodInitializing",
        "Terminating",
        "Released",
        "Unknown",
        "SchedulingDisabled",
        "Suspended",
    ],
    &[
        "Failed",
        "Error",
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "CreateContainerConfigError",
        "InvalidImageName",
        "Evicted",
        "OOMKilled",
        "NotReady",
        "Lost",
    ],
];

/// Returns the classes of the badge for what a column of this name says; none for other columns
/// and words. Of several words, as of nodes, the worst counts.
pub(super) fn badge(column: &str, text: &str) -> Option<&'static str> {
    if column != "Status" {
        return None;
    }
    let class = |word: &str| {
        let word = word.strip_prefix("Init:").unwrap_or(word);
        WORDS.iter().rposition(|words| words.contains(&word))
    };
    match text.split(',').filter_map(class).max()? {
        0 => Some("badge good"),
        1 => Some("badge warn"),
        _ => Some("badge bad"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_word_of_a_status_counts_and_others_stay_plain() {
        for (column, text, expected) in [
            ("Status", "Running", Some("badge good")),
            ("Status", "Ready,SchedulingDisabled", Some("badge warn")),
            ("Status", "Init:CrashLoopBackOff", Some("badge bad")),
            ("Status", "Init:0/1", None),
            ("Status", "deployed", None),
            ("Ready", "Running", None),
        ] {
            assert_eq!(badge(column, text), expected, "{column} {text}");
        }
    }
}
