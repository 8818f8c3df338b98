//! What somebody has probably meant.

/// Of these names the one that is most like what was typed, if any is like it: at most a
/// third of it has to be typed another way. Two letters that have changed places are one
/// mistake.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = typed.chars().count().div_ceil(3);
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_what_was_meant() {
        let names = ["member-1", "member-12", "my-cluster", "user", "to"];
        for (typed, meant) in [
            ("my-clutser", Some("my-cluster")),
            ("usr", Some("user")),
            ("User", Some("user")),
            ("member-11", Some("member-1")),
            ("ot", Some("to")),
            ("from", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
    }
}
