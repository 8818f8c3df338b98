//! What is looked for: what was typed, and what the API is asked.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::HERE;
use crate::form::Fields;
use crate::link::with_query;
use crate::listing::Listing;
use crate::paging::Paging;

const PATH: &str = "/api/v1/cube/audit";

/// A search as it stands in the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Search {
    /// In UTC, as a browser writes a date and a time: `2030-01-31T12:00`.
    pub(super) from: String,
    pub(super) to: String,
    pub(super) user: String,
    pub(super) cluster: String,
    /// In the list language.
    pub(super) filter: String,
    pub(super) paging: Paging,
}

// === impl Search ===

impl Search {
    pub(super) fn of(query: &Fields) -> Self {
        let get = |name| query.get(name).to_owned();
        Self {
            from: get("from"),
            to: get("to"),
            user: get("user"),
            cluster: get("cluster"),
            filter: get("filter"),
            paging: Paging::of(query),
        }
    }

    /// Returns whether nothing is looked for in particular.
    pub(super) fn is_everything(&self) -> bool {
        self.typed().iter().all(|(_, value)| value.is_empty())
    }

    /// Returns the API's path for the page.
    pub(super) fn page(&self) -> String {
        let Paging { number, size } = self.paging;
        self.asked(&[
            ("pageSize", &size.to_string()),
            ("pageNum", &number.to_string()),
        ])
    }

    /// Returns the API's path for all records as lines.
    pub(super) fn lines(&self) -> String {
        self.asked(&[("format", "jsonl")])
    }

    /// Returns the frame of its pages; `typed` is [`Self::typed`].
    pub(super) fn listing<'a>(&self, typed: &'a [(&'a str, &'a str)]) -> Listing<'a> {
        Listing {
            here: HERE,
            typed,
            paging: self.paging,
        }
    }

    /// Returns the address of the export.
    pub(super) fn export(&self) -> String {
        with_query("/console/audit/export", &self.typed())
    }

    /// Returns what stands in its form.
    pub(super) fn typed(&self) -> [(&'static str, &str); 5] {
        [
            ("from", &self.from),
            ("to", &self.to),
            ("user", &self.user),
            ("cluster", &self.cluster),
            ("filter", &self.filter),
        ]
    }

    fn asked(&self, more: &[(&str, &str)]) -> String {
        let (from, to) = (instant(&self.from), instant(&self.to));
        let mut all = vec![
            ("from", from.as_str()),
            ("to", &to),
            ("user", &self.user),
            ("cluster", &self.cluster),
            ("filter", &self.filter),
        ];
        all.extend_from_slice(more);
        with_query(PATH, &all)
    }
}

/// Returns the instant that a browser's date and time stand for in UTC. What is written in
/// another way the API is given as it is: it reads more, or says what it does not.
fn instant(text: &str) -> String {
    // Browsers leave the seconds out where they are 0.
    for missing in [":00Z", "Z"] {
        let whole = format!("{text}{missing}");
        if OffsetDateTime::parse(&whole, &Rfc3339).is_ok() {
            return whole;
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_browsers_are_instants_in_utc() {
        for (typed, asked) in [
            ("2030-01-31T12:00", "2030-01-31T12:00:00Z"),
            ("2030-01-31T12:00:07", "2030-01-31T12:00:07Z"),
            ("2030-01-31T12:00:07.5", "2030-01-31T12:00:07.5Z"),
            ("2030-01-31T12:00:00+08:00", "2030-01-31T12:00:00+08:00"),
            ("1900000000", "1900000000"),
            ("yesterday", "yesterday"),
            ("", ""),
        ] {
            assert_eq!(instant(typed), asked);
        }
    }

    #[test]
    fn a_search_goes_on_to_the_api_its_pages_and_its_export() {
        let query = b"from=2030-01-31T12%3A00&user=jeff&filter=status%3E%3D400&size=50&page=2";
        let search = Search::of(&Fields::parse(query));
        assert_eq!(
            search.page(),
            "/api/v1/cube/audit?from=2030-01-31T12:00:00Z&user=jeff&filter=status%3E%3D400&pageSize=50&pageNum=2"
        );
        assert_eq!(
            search.lines(),
            "/api/v1/cube/audit?from=2030-01-31T12:00:00Z&user=jeff&filter=status%3E%3D400&format=jsonl"
        );
        assert_eq!(
            search.listing(&search.typed()).link(3),
            "/console/audit?from=2030-01-31T12:00&user=jeff&filter=status%3E%3D400&size=50&page=3"
        );
        assert_eq!(
            search.export(),
            "/console/audit/export?from=2030-01-31T12:00&user=jeff&filter=status%3E%3D400"
        );
        assert!(!search.is_everything());
        assert!(Search::of(&Fields::parse(b"page=2")).is_everything());
    }
}
