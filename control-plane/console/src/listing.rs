//! The frame of a list that is searched and shown page by page.

use maud::{Markup, html};

use crate::language::Language;
use crate::link::with_query;
use crate::paging::Paging;
use crate::parts;

/// Where a list is, and what of it is shown.
pub(crate) struct Listing<'a> {
    /// The path of its page.
    pub(crate) here: &'a str,
    /// What was typed to search it, by the names of the fields.
    pub(crate) typed: &'a [(&'a str, &'a str)],
    pub(crate) paging: Paging,
}

// === impl Listing ===

impl Listing<'_> {
    /// Returns the form that searches it; `fields` are its own.
    pub(crate) fn form(&self, l: Language, fields: Markup) -> Markup {
        html! {
            form.filters method="get" action=(self.here) role="search" data-live {
                (fields)
                (self.paging.field(l))
                button type="submit" { (l.say("Search", "搜索")) }
            }
        }
    }

    /// Returns the table of this page, and the ways to the others of `total` rows.
    pub(crate) fn shown(&self, l: Language, total: u64, table: Markup) -> Markup {
        html! {
            (table)
            (parts::pager(l, self.paging.among(total), |number| self.link(number)))
        }
    }

    /// Returns the address of another page of the same search.
    pub(crate) fn link(&self, number: u64) -> String {
        let other = Paging {
            number,
            ..self.paging
        };
        let (page, size) = other.words();
        let mut parameters = self.typed.to_vec();
        parameters.extend([("size", size.as_str()), ("page", &page)]);
        with_query(self.here, &parameters)
    }
}

/// Returns the field of a text that is searched for.
pub(crate) fn text_field(label: &str, typed: &str) -> Markup {
    html! {
        div.field.grow {
            label for="query" { (label) }
            input #query type="search" name="query" value=(typed) autocomplete="off" autocapitalize="none" spellcheck="false";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_goes_along_from_page_to_page() {
        let listing = Listing {
            here: "/console/users/keys",
            typed: &[("user", "jeff"), ("query", "a\"b"), ("other", "")],
            paging: Paging {
                number: 1,
                size: 50,
            },
        };
        assert_eq!(
            listing.link(3),
            "/console/users/keys?user=jeff&query=a%22b&size=50&page=3"
        );
        let shown = listing
            .shown(Language::En, 120, html! { "rows" })
            .into_string();
        assert!(
            shown.contains("1–50 of 120") && shown.contains("page=2"),
            "{shown}"
        );
    }
}
