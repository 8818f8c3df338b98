//! Case folding as Go's `strings.EqualFold` does it: one character to one character.

/// Texts that others are compared with, ignoring case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoldedSet {
    /// Folded and sorted, none twice.
    texts: Vec<String>,
}

// === impl FoldedSet ===

impl FoldedSet {
    pub(crate) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let texts = texts.into_iter();
        let mut texts: Vec<String> = texts.map(|text| text.chars().map(fold).collect()).collect();
        texts.sort();
        texts.dedup();
        Self { texts }
    }

    /// Returns the memory that its texts take, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.texts.iter().fold(0, |bytes: usize, text| {
            bytes
                .saturating_add(size_of_val(text))
                .saturating_add(text.capacity())
        })
    }

    /// Returns whether it holds this text. The text is folded once, however many there are.
    pub(crate) fn holds(&self, text: &str) -> bool {
        match self.texts.as_slice() {
            [] => false,
            [only] => text.chars().map(fold).eq(only.chars()),
            texts => {
                let folded: String = text.chars().map(fold).collect();
                texts.binary_search(&folded).is_ok()
            }
        }
    }
}

/// Unicode's simple folding. The standard library has no such table, but the
/// lower case of the upper case is the same, if mappings to several characters
/// (`ß` to `SS`) are left out and the Turkish dotless i stays by itself.
fn fold(character: char) -> char {
    const DOTLESS_I: char = '\u{131}';
    match character {
        ascii if ascii.is_ascii() => ascii.to_ascii_lowercase(),
        DOTLESS_I => DOTLESS_I,
        other => single(single(other, char::to_uppercase), char::to_lowercase),
    }
}

fn single<I>(character: char, map: impl Fn(char) -> I) -> char
where
    I: Iterator<Item = char>,
{
    let mut mapped = map(character);
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(left: &str, right: &str) -> bool {
        let both = (
            FoldedSet::new([left]).holds(right),
            FoldedSet::new([right, "other", "and another"]).holds(left),
        );
        assert_eq!(
            both.0, both.1,
            "{left} and {right} must compare alike both ways"
        );
        both.0
    }

    #[test]
    fn case_is_ignored() {
        assert!(equal("Web-Frontend", "wEB-fRONTEND"));
        assert!(equal("ÄÖÜ", "äöü"));
        assert!(equal("ΣΊΣΥΦΟΣ", "σίσυφος"));
        assert!(equal("ЖУК", "жук"));
        assert!(equal("ᾳ", "ᾼ"));
        assert!(equal("dž", "Dž"));
        assert!(equal("", ""));
    }

    #[test]
    fn characters_of_one_folding_orbit_are_equal() {
        assert!(equal("k", "\u{212a}"), "Kelvin sign");
        assert!(equal("s", "\u{17f}"), "long s");
        assert!(equal("å", "\u{212b}"), "Angstrom sign");
        assert!(equal("ß", "\u{1e9e}"), "capital sharp s");
        assert!(equal("µ", "\u{3bc}"), "micro sign and mu");
    }

    #[test]
    fn foldings_to_several_characters_are_not_made() {
        assert!(!equal("ß", "ss"));
        assert!(!equal("\u{130}", "i"), "capital dotted i");
        assert!(!equal("\u{131}", "i"), "small dotless i");
        assert!(!equal("ﬁ", "fi"));
        assert!(!equal("a", "b"));
        assert!(!equal("a", "aa"));
    }
}
