//! Which part of a long list is asked for.

use maud::{Markup, html};

use crate::form::Fields;
use crate::language::Language;
use crate::parts::Pages;

/// How many rows a page may have; the first unless another is chosen.
const SIZES: [u64; 4] = [20, 50, 100, 200];

/// A page of a list by its number, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paging {
    pub(crate) number: u64,
    pub(crate) size: u64,
}

// === impl Paging ===

impl Paging {
    /// Reads `page` and `size` of a query. What is none of them is not asked for.
    pub(crate) fn of(query: &Fields) -> Self {
        let [first, ..] = SIZES;
        let size = query.get("size").parse().ok();
        let number = query.get("page").parse().ok();
        Self {
            // A number that is longer would be out of the API's range.
            number: number.unwrap_or(1).clamp(1, 1_000_000_000),
            size: size.filter(|size| SIZES.contains(size)).unwrap_or(first),
        }
    }

    /// Returns the place of the page in a list of so many.
    pub(crate) fn among(self, total: u64) -> Pages {
        let Self { number, size } = self;
        Pages {
            number,
            size,
            total,
        }
    }

    /// Returns the page and its size as they stand in a query; empty where they are as
    /// without one.
    pub(crate) fn words(self) -> (String, String) {
        let [first, ..] = SIZES;
        let number = (self.number > 1).then(|| self.number.to_string());
        let size = (self.size != first).then(|| self.size.to_string());
        (number.unwrap_or_default(), size.unwrap_or_default())
    }

    /// Returns the field of a form in which the size is chosen.
    pub(crate) fn field(self, l: Language) -> Markup {
        html! {
            div.field.narrow {
                label for="size" { (l.say("Rows", "每页")) }
                select #size name="size" data-submits {
                    @for size in SIZES {
                        option value=(size) selected[size == self.size] { (size) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_there_cannot_be_is_the_first() {
        for (query, number, size) in [
            ("", 1, 20),
            ("page=0&size=0", 1, 20),
            ("page=-1&size=1000000", 1, 20),
            ("page=junk&size=junk", 1, 20),
            ("page=3&size=50", 3, 50),
            ("page=18446744073709551615", 1_000_000_000, 20),
        ] {
            let paging = Paging::of(&Fields::parse(query.as_bytes()));
            assert_eq!(paging, Paging { number, size }, "{query}");
        }
    }

    #[test]
    fn what_is_as_without_a_query_is_not_written() {
        let words = |number, size| Paging { number, size }.words();
        assert_eq!(words(1, 20), (String::new(), String::new()));
        assert_eq!(words(2, 100), ("2".to_owned(), "100".to_owned()));
    }
}
