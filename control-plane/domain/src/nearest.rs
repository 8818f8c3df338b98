//! What somebody has probably meant.

/// Of these names the one that is most like what was typed, if any is like it: at most a
/// third of it has to be typed another way. Two letters that have changed places are one
/// mistake, and capitals are none.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_within(usize::MAX, typed, names)
}

/// The same, with at most so many mistakes.
pub fn nearest_within<'a>(
    mistakes: usize,
    typed: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let most = typed.chars().count().div_ceil(3).min(mistakes);
    let typed = typed.to_ascii_lowercase();
    names
        .into_iter()
        .map(|name| {
            let distance = strsim::damerau_levenshtein(&typed, &name.to_ascii_lowercase());
            (distance, name)
        })
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 6] = [
        "member-1",
        "member-12",
        "my-cluster",
        "user",
        "to",
        "pageSize",
    ];

    #[test]
    fn the_nearest_name_is_what_was_meant() {
        for (typed, meant) in [
            ("my-clutser", Some("my-cluster")),
            ("usr", Some("user")),
            ("User", Some("user")),
            ("USER", Some("user")),
            ("pagesize", Some("pageSize")),
            ("member-11", Some("member-1")),
            ("ot", Some("to")),
            ("from", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, NAMES), meant, "{typed}");
        }
    }

    #[test]
    fn mistakes_may_be_bounded() {
        assert_eq!(nearest("my-custre", NAMES), Some("my-cluster"));
        assert_eq!(nearest_within(2, "my-custre", NAMES), Some("my-cluster"));
        assert_eq!(nearest_within(1, "my-custre", NAMES), None);
        assert_eq!(nearest_within(0, "PAGESIZE", NAMES), Some("pageSize"));
    }
}
