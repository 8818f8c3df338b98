//! The reader's side: a document is checked once, and then searched as it stands.

use super::{FORM, Mark, NONE_GOOD, RevocationError, RevocationKind};

/// How many bytes of a document of revocations come before its first entry. Documents
/// whose heads are the same are the same.
pub const HEAD: usize = 16 + DIGEST;

/// Bytes of the head that are of the entries' digest.
pub(super) const DIGEST: usize = 8;

/// Bytes of an entry with a lowest good number.
pub(super) const LOWEST: usize = 12;

/// Bytes of a single token.
pub(super) const SINGLE: usize = 8;

/// One of the two documents, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevocationDocument {
    /// The one of users and keys.
    Epochs(EpochsDocument),
    /// The one of sessions and single tokens.
    Sessions(SessionsDocument),
}

/// Which epochs of users and keys are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochsDocument(Tables);

/// Which generations of sessions are good, and which tokens are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionsDocument(Tables);

/// The bytes as they came, and where the second table begins.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tables {
    bytes: Vec<u8>,
    second: usize,
}

// === impl RevocationDocument ===

impl RevocationDocument {
    /// Checks a document, in one pass.
    ///
    /// # Errors
    /// [`RevocationError`], in one sentence for the operator.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, RevocationError> {
        let (magic, rest) = bytes.split_first_chunk().ok_or(RevocationError::Head)?;
        let kind = RevocationKind::ALL
            .into_iter()
            .find(|kind| kind.magic() == magic)
            .ok_or(RevocationError::Head)?;
        let (found, rest) = number(rest)?;
        if found != FORM {
            return Err(RevocationError::Form { found });
        }
        let (first, rest) = number(rest)?;
        let (second, rest) = number(rest)?;
        // Who made it is known; whether it arrived whole is seen by its length.
        let (_, rest) = rest
            .split_first_chunk::<DIGEST>()
            .ok_or(RevocationError::Length)?;
        let size = kind.second_entry();
        let length = |count: u32, size: usize| {
            let count = usize::try_from(count).ok()?;
            count.checked_mul(size)
        };
        let first = length(first, LOWEST).ok_or(RevocationError::Length)?;
        let second = length(second, size).ok_or(RevocationError::Length)?;
        if first.checked_add(second) != Some(rest.len()) {
            return Err(RevocationError::Length);
        }
        let (lowest, others) = rest
            .split_at_checked(first)
            .ok_or(RevocationError::Length)?;
        let in_order = is_in_order::<LOWEST>(lowest)
            && match kind {
                RevocationKind::Epochs => is_in_order::<LOWEST>(others),
                RevocationKind::Sessions => is_in_order::<SINGLE>(others),
            };
        if !in_order {
            return Err(RevocationError::Order);
        }
        let tables = Tables {
            second: HEAD + first,
            bytes,
        };
        Ok(match kind {
            RevocationKind::Epochs => Self::Epochs(EpochsDocument(tables)),
            RevocationKind::Sessions => Self::Sessions(SessionsDocument(tables)),
        })
    }

    /// Returns how many bytes it has.
    pub fn size(&self) -> usize {
        match self {
            Self::Epochs(EpochsDocument(tables)) | Self::Sessions(SessionsDocument(tables)) => {
                tables.bytes.len()
            }
        }
    }
}

// === impl EpochsDocument ===

impl EpochsDocument {
    /// Returns whether tokens of this epoch of a user are refused.
    pub fn refuses_user(&self, user: &Mark, epoch: u64) -> bool {
        is_below(lowest(self.0.first(), user), epoch)
    }

    /// Returns whether tokens of this epoch of an access key are refused.
    pub fn refuses_key(&self, access_key: &Mark, epoch: u64) -> bool {
        is_below(lowest(self.0.second(), access_key), epoch)
    }
}

// === impl SessionsDocument ===

impl SessionsDocument {
    /// Returns whether tokens of this generation of a session are refused.
    pub fn refuses_session(&self, session: &Mark, generation: u64) -> bool {
        is_below(lowest(self.0.first(), session), generation)
    }

    /// Returns whether this token is refused by itself.
    pub fn refuses_token(&self, id: &Mark) -> bool {
        let (entries, _) = self.0.second().as_chunks::<SINGLE>();
        entries.binary_search(&id.0).is_ok()
    }
}

// === impl Tables ===

impl Tables {
    fn first(&self) -> &[u8] {
        self.bytes.get(HEAD..self.second).unwrap_or_default()
    }

    fn second(&self) -> &[u8] {
        self.bytes.get(self.second..).unwrap_or_default()
    }
}

fn is_below(lowest: Option<u32>, number: u64) -> bool {
    lowest.is_some_and(|lowest| lowest == NONE_GOOD || number < u64::from(lowest))
}

fn lowest(table: &[u8], name: &Mark) -> Option<u32> {
    let (entries, _) = table.as_chunks::<LOWEST>();
    let at = entries
        .binary_search_by(|entry| mark(entry).cmp(name.0.as_slice()))
        .ok()?;
    let number = entries.get(at)?.last_chunk()?;
    Some(u32::from_be_bytes(*number))
}

fn is_in_order<const SIZE: usize>(table: &[u8]) -> bool {
    let (entries, _) = table.as_chunks::<SIZE>();
    entries.is_sorted_by(|one, next| mark(one) < mark(next))
}

/// Returns the mark that an entry begins with.
fn mark(entry: &[u8]) -> &[u8] {
    entry.get(..SINGLE).unwrap_or_default()
}

fn number(bytes: &[u8]) -> Result<(u32, &[u8]), RevocationError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(RevocationError::Length)?;
    Ok((u32::from_be_bytes(*number), rest))
}
