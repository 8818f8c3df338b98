//! Why a list could not be turned into a page.

/// Every way in which a list fails. Each message is one sentence for the
/// client, and says what to do where the client can do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The body ended before its JSON did.
    #[error(
        "the cluster's answer ended in the middle of the list after {received} bytes; \
         try again, and if it stays so look at the connection between the gateway and the cluster"
    )]
    Truncated {
        /// How many bytes of the body came.
        received: u64,
    },

    /// The body is no JSON, or no list that can be trusted.
    #[error("the cluster's answer is not a well-formed JSON list, near byte {offset}: {reason}")]
    Malformed {
        /// Where in the body: the offending byte, or the start of the item or
        /// envelope member that holds it.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },

    /// One item is larger than [`Limits::max_item_bytes`](crate::Limits).
    #[error(
        "an item of the list is larger than {limit} bytes; \
         ask with isFilter=false for the list as it is, or raise the gateway's item limit"
    )]
    ItemTooLarge {
        /// The limit in bytes.
        limit: usize,
    },

    /// The items that decide the page take more than
    /// [`Limits::max_page_bytes`](crate::Limits).
    #[error(
        "sorting up to this page needs more than {limit} bytes of items; \
         narrow the selector, or ask for a smaller pageSize or an earlier pageNum"
    )]
    PageTooLarge {
        /// The limit in bytes.
        limit: usize,
    },

    /// The query makes more work of a part of the list than one request may.
    #[error(
        "this query takes too much work for this list; ask for less: fewer conditions, \
         sort keys or fields, above all fewer with `[]`"
    )]
    TooMuchWork,

    /// A Table was to be selected or sorted by what its rows do not hold.
    #[error(
        "a Table holds no {path}; ask for metadata, for one of its columns ({columns}), \
         or for plain JSON"
    )]
    NoColumn {
        /// The path that was asked for.
        path: String,
        /// The names of the columns.
        columns: String,
    },

    /// What is around the items is larger than
    /// [`Limits::max_envelope_bytes`](crate::Limits).
    #[error(
        "the members beside `items` are larger than {limit} bytes; \
         ask with isFilter=false for the list as it is, or raise the gateway's envelope limit"
    )]
    EnvelopeTooLarge {
        /// The limit in bytes.
        limit: usize,
    },

    /// The engine was used after it had given its answer: a bug in the caller.
    #[error("the list engine has already given its answer; make a new one for each response")]
    Ended,
}

/// Why a parameter of the query cannot be read: one sentence for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter {parameter} cannot be read{}: {problem}", position(*.character))]
pub struct QueryError {
    /// The parameter's name.
    pub parameter: &'static str,
    /// Where in its decoded value, in characters from 1, if it is one place.
    pub character: Option<usize>,
    /// What is wrong or expected there.
    pub problem: String,
}

// === impl QueryError ===

impl QueryError {
    /// The value as a whole cannot be read.
    pub(crate) fn whole(parameter: &'static str, problem: impl Into<String>) -> Self {
        Self {
            parameter,
            character: None,
            problem: problem.into(),
        }
    }

    /// `rest` is what remains of the text where it cannot be read.
    pub(crate) fn at(
        parameter: &'static str,
        text: &str,
        rest: &str,
        problem: impl Into<String>,
    ) -> Self {
        let read = text.len().saturating_sub(rest.len());
        let characters = text.char_indices().take_while(|(at, _)| *at < read);
        Self {
            parameter,
            character: Some(characters.count().saturating_add(1)),
            problem: problem.into(),
        }
    }
}

fn position(character: Option<usize>) -> String {
    character.map_or_else(String::new, |at| format!(" at character {at}"))
}
