//! What is around the items: kept as it came, so that the page can carry it.

use crate::error::ListError;
use crate::heap::PageItems;
use crate::query::PageForm;
use crate::raw;
use crate::rest::Rest;
use crate::strict;
use crate::table::Columns;

/// The members beside `items`, as text, and until `items` was seen the bytes
/// of the body, in case that it turns out to be no list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// Everything so far, while it is open whether this is a list.
    body: Vec<u8>,
    /// Whole members as `"key":value,` one after the other; behind them the
    /// one that is being read.
    members: Vec<u8>,
    /// Where the members that follow `items` begin, once it was seen.
    items_at: Option<usize>,
    /// Where the value of `metadata` stands, and that of `columnDefinitions`.
    metadata: Option<(usize, usize)>,
    columns: Option<(usize, usize)>,
    /// `rows` are items, too; and it was they that came.
    takes_rows: bool,
    has_rows: bool,
    /// Where the member that is being read begins, and its value.
    member_at: usize,
    value_at: usize,
    /// The member that is being read is not for the page.
    dropped: bool,
}

/// What a key stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Items,
    Other,
}

// === impl Envelope ===

impl Envelope {
    /// Nothing was seen; `takes_rows` says that it may become a Table.
    pub(crate) fn new(takes_rows: bool) -> Self {
        Self {
            takes_rows,
            ..Self::default()
        }
    }

    /// Returns whether the items were seen, so that this is a list for certain.
    pub(crate) fn has_items(&self) -> bool {
        self.items_at.is_some()
    }

    /// Keeps bytes of the body while it is open what they are.
    pub(crate) fn retain(&mut self, bytes: &[u8]) {
        if !self.has_items() {
            self.body.extend_from_slice(bytes);
        }
    }

    /// The bytes that are kept, against the limit.
    pub(crate) fn len(&self) -> usize {
        if self.has_items() {
            self.members.len()
        } else {
            self.body.len()
        }
    }

    /// Returns the memory that it takes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.body.capacity().saturating_add(self.members.capacity())
    }

    /// Gives up the list: the body as far as it came.
    pub(crate) fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// A piece of a key or of a value.
    pub(crate) fn piece(&mut self, bytes: &[u8]) {
        self.members.extend_from_slice(bytes);
    }

    /// The key is complete.
    pub(crate) fn end_key(&mut self) -> Result<Name, String> {
        let name = {
            let key = self.members.get(self.member_at..).unwrap_or_default();
            strict::check(key).map_err(|error| strict::reason(&error))?;
            raw::string(key).into_owned()
        };
        let is_rows = self.takes_rows && name == "rows";
        if is_rows || name == "items" {
            self.has_rows |= is_rows;
            self.members.truncate(self.member_at);
            return Ok(Name::Items);
        }
        // The page has a total of its own.
        self.dropped = name == "total";
        self.members.push(b':');
        self.value_at = self.members.len();
        let value = Some((self.value_at, self.value_at));
        match name.as_str() {
            "metadata" => self.metadata = value,
            "columnDefinitions" => self.columns = value,
            _ => {}
        }
        Ok(Name::Other)
    }

    /// The value is complete.
    pub(crate) fn end_value(&mut self) -> Result<(), String> {
        let value = self.members.get(self.value_at..).unwrap_or_default();
        strict::check(value).map_err(|error| strict::reason(&error))?;
        if self.dropped {
            self.members.truncate(self.member_at);
        } else {
            for (at, end) in [&mut self.metadata, &mut self.columns]
                .into_iter()
                .flatten()
            {
                if *at == self.value_at {
                    *end = self.members.len();
                }
            }
            self.members.push(b',');
        }
        self.member_at = self.members.len();
        Ok(())
    }

    /// What stands in the place of the items is complete. Returns whether it is `null`.
    pub(crate) fn end_no_items(&mut self) -> bool {
        let is_null = self.members.get(self.member_at..) == Some(b"null");
        self.members.truncate(self.member_at);
        is_null
    }

    /// The items begin here: it is a list, and its body need not be kept.
    pub(crate) fn begin_items(&mut self) -> Result<(), String> {
        if self.has_items() {
            return Err("it has two members named `items`".to_owned());
        }
        self.items_at = Some(self.members.len());
        self.body = Vec::new();
        Ok(())
    }

    /// Returns the columns, if the items are the rows of a Table.
    pub(crate) fn columns(&self) -> Option<Columns> {
        let (at, end) = self.columns.unwrap_or_default();
        let text = self.members.get(at..end).unwrap_or_default();
        self.has_rows.then(|| Columns::read(text))
    }

    fn metadata(&self) -> &[u8] {
        let (at, end) = self.metadata.unwrap_or_default();
        self.members.get(at..end).unwrap_or_default()
    }

    /// Takes what `metadata` says about the rest of the list out of it.
    pub(crate) fn take_rest(&mut self) -> Rest {
        let (rest, kept) = Rest::take(self.metadata());
        if rest != Rest::default() {
            self.replace_metadata(&kept);
        }
        rest
    }

    /// Puts the `metadata` of another list in the place of its own.
    pub(crate) fn take_metadata_of(&mut self, other: &Self) {
        self.replace_metadata(other.metadata());
    }

    fn replace_metadata(&mut self, value: &[u8]) {
        let Some((at, end)) = self.metadata else {
            return;
        };
        let old = end.saturating_sub(at);
        self.members.splice(at..end, value.iter().copied());
        self.metadata = Some((at, at.saturating_add(value.len())));
        if let Some(items_at) = self.items_at.filter(|items_at| *items_at >= end) {
            self.items_at = Some(items_at.saturating_sub(old).saturating_add(value.len()));
        }
    }

    /// Writes the page: the members in their order, the items in theirs.
    pub(crate) fn write(&self, page: &PageItems, answer: PageForm) -> Result<Vec<u8>, ListError> {
        const FRAME: usize = 64;
        let (before, after) = self
            .items_at
            .and_then(|at| self.members.split_at_checked(at))
            .ok_or(ListError::Ended)?;
        let (before, after, count): (&[u8], &[u8], &str) = match answer {
            PageForm::Kubernetes => (before, after, "total"),
            PageForm::KubeSphere => (&[], &[], "totalItems"),
        };
        let capacity = self
            .members
            .len()
            .saturating_add(page.bytes)
            .saturating_add(FRAME);
        let mut body = Vec::with_capacity(capacity);
        body.push(b'{');
        body.extend_from_slice(before);
        let items: &[u8] = if self.has_rows {
            b"\"rows\":["
        } else {
            b"\"items\":["
        };
        body.extend_from_slice(items);
        for (index, item) in page.items.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(item);
        }
        body.extend_from_slice(b"],");
        body.extend_from_slice(after);
        body.extend_from_slice(format!("\"{count}\":{}}}", page.total).as_bytes());
        Ok(body)
    }
}
