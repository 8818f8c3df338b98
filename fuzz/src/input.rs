//! How the target `engine` reads its input.

/// `lengths LF query LF body`: one byte for the length of each chunk, the query
/// string, the body. So an input can be read and written by hand: `?`, `@` and
/// `A` are chunks of 63, 64 and 65 bytes.
pub(crate) struct Input<'a> {
    pub(crate) lengths: &'a [u8],
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

// === impl Input ===

impl<'a> Input<'a> {
    /// `None` if a line is missing, or the query is no text as it cannot be in
    /// a request's path.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
        let (lengths, query, body) = (parts.next()?, parts.next()?, parts.next()?);
        let query = std::str::from_utf8(query).ok()?;
        Some(Self {
            lengths,
            query,
            body,
        })
    }

    /// The body in chunks of these lengths, over and over; a 0 is an empty one.
    pub(crate) fn chunks(&self) -> Vec<&'a [u8]> {
        if self.lengths.iter().all(|length| *length == 0) {
            return vec![&[], self.body];
        }
        let mut chunks = Vec::new();
        let mut rest = self.body;
        for length in self.lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, tail) = rest.split_at(usize::from(*length).min(rest.len()));
            chunks.push(chunk);
            rest = tail;
        }
        chunks
    }
}
