//! Which page is asked for: `pageSize` and `pageNum`.

/// A page by its place in the sorted list: `limit` items from `offset` on.
///
/// Both numbers are 64 bits wide on every target, so that a query means the
/// same in the filter (32-bit wasm) and on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many matching items come before the page.
    pub offset: u64,
    /// How many items the page holds at most; 0 asks for the total alone.
    pub limit: u64,
}

const DEFAULT_SIZE: u64 = 10;
const FIRST_PAGE: u64 = 1;

// === impl Page ===

impl Page {
    /// No items, only the total.
    pub const NOTHING: Self = Self {
        offset: 0,
        limit: 0,
    };

    /// Every item, in order.
    pub const EVERYTHING: Self = Self {
        offset: 0,
        limit: u64::MAX,
    };

    /// Reads the two parameters. What is absent, negative (for `pageNum`:
    /// less than 1), no decimal integer or beyond 64 bits counts as not given.
    pub fn parse(size: Option<&str>, number: Option<&str>) -> Self {
        let size = size.and_then(integer).unwrap_or(DEFAULT_SIZE);
        let number = number
            .and_then(integer)
            .filter(|number| *number >= FIRST_PAGE)
            .unwrap_or(FIRST_PAGE);
        Self {
            offset: number.saturating_sub(FIRST_PAGE).saturating_mul(size),
            limit: size,
        }
    }

    /// Returns the number of items at the head of the sorted list that decide the page.
    pub fn end(self) -> u64 {
        self.offset.saturating_add(self.limit)
    }
}

impl Default for Page {
    fn default() -> Self {
        Self {
            offset: 0,
            limit: DEFAULT_SIZE,
        }
    }
}

/// Returns what Go's `strconv.Atoi` takes: an optional sign, then digits, no blanks.
fn integer(text: &str) -> Option<u64> {
    let signed: i64 = text.parse().ok()?;
    u64::try_from(signed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(size: &str, number: &str) -> (u64, u64) {
        let page = Page::parse(Some(size), Some(number));
        (page.offset, page.limit)
    }

    #[test]
    fn nothing_given_is_page_one_of_ten() {
        assert_eq!(Page::parse(None, None), Page::default());
        assert_eq!(page("", ""), (0, 10));
    }

    #[test]
    fn what_go_parses_is_parsed() {
        assert_eq!(page("+5", "+2"), (5, 5));
        assert_eq!(page("007", "3"), (14, 7));
        assert_eq!(page("-0", "1"), (0, 0));
    }

    #[test]
    fn what_go_refuses_is_the_default() {
        for bad in [
            "abc",
            "10.5",
            " 5",
            "5 ",
            "1_0",
            "0x5",
            "+",
            "-1",
            "99999999999999999999",
        ] {
            assert_eq!(page(bad, "1"), (0, 10), "pageSize={bad}");
        }
        for bad in ["abc", "0", "-3", "1.5", "99999999999999999999"] {
            assert_eq!(page("5", bad), (0, 5), "pageNum={bad}");
        }
    }

    #[test]
    fn far_pages_saturate() {
        let far = Page::parse(Some("9223372036854775807"), Some("9223372036854775807"));
        assert_eq!(far.offset, u64::MAX);
        assert_eq!(far.end(), u64::MAX);
    }
}
