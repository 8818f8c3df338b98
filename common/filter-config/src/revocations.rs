//! What is refused although it has not expired: two documents of their own.
//!
//! ```text
//! Epochs    users and keys: from which epoch on their tokens are good    ─┐
//! Sessions  sessions: from which generation on; single tokens           ─┴─> bytes in ECDS
//! ```
//!
//! They travel apart from the clusters, because they change often and clusters do not,
//! and apart from each other: the epochs are as many as there are users and keys and go
//! through whatever becomes of the sessions. Each of them travels in [`REVOCATION_PARTS`] parts of
//! the same form, so that a token that is taken back costs little however many were before it.
//!
//! # Form
//!
//! Numbers are big-endian. A name stands as a [`Mark`]; entries are in ascending order.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `CGre` for epochs, `CGrs` for sessions |
//! | 4 | the version of the form, 1 |
//! | 4, 4 | how many entries each of the two tables has |
//! | 8 | the first bytes of the entries' SHA-256: with the rest of the head, what a reader knows a version by without reading it |
//! | 12 each | users, or sessions: mark, lowest good number |
//! | 12 or 8 each | keys: mark, lowest good number; or tokens: mark |

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use thiserror::Error;

mod document;
mod part;

pub use document::{EpochsDocument, HEAD as REVOCATION_HEAD, RevocationDocument, SessionsDocument};
pub use part::{REVOCATION_PARTS, RevocationPart};

/// The version of the form that this build writes and reads.
const FORM: u32 = 1;

/// The lowest good number of what has no good token any more.
pub const NONE_GOOD: u32 = u32::MAX;

/// A name by the first eight bytes of its SHA-256. Two names of one mark would be refused
/// together, never let through; with a million entries that befalls one name in
/// 18 million millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark([u8; 8]);

/// Which of the two documents one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RevocationKind {
    /// [`Epochs`].
    Epochs,
    /// [`Sessions`].
    Sessions,
}

/// By user and by access key, the lowest epoch that is good; [`NONE_GOOD`] when none is.
///
/// A token of a user without an epoch was made by a KubeCube that shares its secret, and
/// is no matter of epochs. One of a key that carries no epoch of the key is older than
/// all that do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Epochs {
    users: BTreeMap<Mark, u32>,
    keys: BTreeMap<Mark, u32>,
}

/// Sessions and single tokens that are refused, each until a time after which all that
/// it refuses has expired.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sessions {
    sessions: BTreeMap<Mark, Lowest>,
    tokens: BTreeMap<Mark, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lowest {
    generation: u32,
    until: u64,
}

/// Why a document is refused. The filter keeps the one that it has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RevocationError {
    /// It does not begin as one.
    #[error("this is no list of revocations; check the configuration of this filter")]
    Head,
    /// It is of another form.
    #[error(
        "the list of revocations has form {found}, this filter reads form {FORM}; upgrade the older side"
    )]
    Form {
        /// The form found.
        found: u32,
    },
    /// It does not have as many bytes as its head says.
    #[error("the list of revocations is cut off or too long")]
    Length,
    /// Its entries are not in ascending order.
    #[error("the entries of the list of revocations are not in order")]
    Order,
}

// === impl Mark ===

impl Mark {
    /// The mark of this name.
    pub fn of(name: &str) -> Self {
        let digest = Sha256::digest(name);
        let mut mark = [0; 8];
        for (to, from) in mark.iter_mut().zip(digest) {
            *to = from;
        }
        Self(mark)
    }
}

// === impl RevocationKind ===

impl RevocationKind {
    /// Both, in the order in which Envoy gets them.
    pub const ALL: [Self; 2] = [Self::Epochs, Self::Sessions];

    /// Returns the name of the filter that carries the whole of it, where no control plane tells of
    /// it in parts, and its `root_id`.
    pub fn filter_name(self) -> &'static str {
        match self {
            Self::Epochs => "cubegate-epochs",
            Self::Sessions => "cubegate-sessions",
        }
    }

    fn magic(self) -> &'static [u8; 4] {
        match self {
            Self::Epochs => b"CGre",
            Self::Sessions => b"CGrs",
        }
    }

    /// How long an entry of its second table is.
    fn second_entry(self) -> usize {
        match self {
            Self::Epochs => document::LOWEST,
            Self::Sessions => document::SINGLE,
        }
    }
}

// === impl Epochs ===

impl Epochs {
    /// From now on this user's tokens are good from this epoch on, or from a higher one
    /// that is there already.
    pub fn raise_user(&mut self, user: &str, lowest: u64) {
        raise(&mut self.users, user, lowest);
    }

    /// The same for an access key.
    pub fn raise_key(&mut self, access_key: &str, lowest: u64) {
        raise(&mut self.keys, access_key, lowest);
    }

    /// Returns how many entries there are.
    pub fn len(&self) -> usize {
        self.users.len() + self.keys.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the whole document.
    pub fn to_bytes(&self) -> Vec<u8> {
        let [users, keys] = self.tables();
        with_head(RevocationKind::Epochs, &users, &keys)
    }

    /// Returns it in parts.
    pub fn to_parts(&self) -> Vec<(RevocationPart, Vec<u8>)> {
        let [users, keys] = self.tables();
        part::divide(RevocationKind::Epochs, &users, &keys)
    }

    fn tables(&self) -> [Vec<u8>; 2] {
        [&self.users, &self.keys].map(|table| {
            let mut entries = Vec::with_capacity(table.len().saturating_mul(document::LOWEST));
            for (mark, lowest) in table {
                entries.extend_from_slice(&mark.0);
                entries.extend_from_slice(&lowest.to_be_bytes());
            }
            entries
        })
    }
}

// === impl Sessions ===

impl Sessions {
    /// The tokens of this session are good from this generation on, or from a higher one
    /// that is there already; none is with [`NONE_GOOD`]. `until` is in Unix seconds.
    pub fn raise_session(&mut self, session: &str, lowest: u64, until: u64) {
        let new = Lowest {
            generation: saturating(lowest),
            until,
        };
        let entry = self.sessions.entry(Mark::of(session)).or_insert(new);
        entry.generation = entry.generation.max(new.generation);
        entry.until = entry.until.max(until);
    }

    /// This token is refused, until then in Unix seconds.
    pub fn add_token(&mut self, id: &str, until: u64) {
        let entry = self.tokens.entry(Mark::of(id)).or_insert(until);
        *entry = until.max(*entry);
    }

    /// Takes out what is of no use from this time on, in Unix seconds; says whether there
    /// was any.
    pub fn forget_expired(&mut self, now: u64) -> bool {
        let before = self.len();
        self.sessions.retain(|_, lowest| lowest.until > now);
        self.tokens.retain(|_, until| *until > now);
        self.len() != before
    }

    /// Returns how many entries there are.
    pub fn len(&self) -> usize {
        self.sessions.len() + self.tokens.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the whole document, of at most `max_bytes`, and how many entries found no room in it:
    /// single tokens first, and of these, as of sessions, what expires first. So whatever is
    /// left out is soon refused by its own time, and nothing else goes for something new.
    pub fn to_bytes(&self, max_bytes: usize) -> (Vec<u8>, usize) {
        let ([sessions, tokens], left_out) = self.tables(max_bytes);
        let bytes = with_head(RevocationKind::Sessions, &sessions, &tokens);
        (bytes, left_out)
    }

    /// Returns it in parts; `max_bytes` as for the whole, whose head each of them has.
    pub fn to_parts(&self, max_bytes: usize) -> (Vec<(RevocationPart, Vec<u8>)>, usize) {
        let ([sessions, tokens], left_out) = self.tables(max_bytes);
        let parts = part::divide(RevocationKind::Sessions, &sessions, &tokens);
        (parts, left_out)
    }

    /// The entries for which there is room.
    fn tables(&self, max_bytes: usize) -> ([Vec<u8>; 2], usize) {
        let room = max_bytes.saturating_sub(document::HEAD);
        let sessions = self.sessions.len().min(room / document::LOWEST);
        let room = room.saturating_sub(sessions.saturating_mul(document::LOWEST));
        let tokens = self.tokens.len().min(room / document::SINGLE);
        let left_out = self.len().saturating_sub(sessions + tokens);

        let stays = lasting(&self.sessions, sessions, |lowest| lowest.until);
        let mut first = Vec::with_capacity(sessions.saturating_mul(document::LOWEST));
        for (mark, lowest) in &self.sessions {
            if stays(mark, lowest) {
                first.extend_from_slice(&mark.0);
                first.extend_from_slice(&lowest.generation.to_be_bytes());
            }
        }
        let stays = lasting(&self.tokens, tokens, |until| *until);
        let mut second = Vec::with_capacity(tokens.saturating_mul(document::SINGLE));
        for (mark, until) in &self.tokens {
            if stays(mark, until) {
                second.extend_from_slice(&mark.0);
            }
        }
        ([first, second], left_out)
    }
}

/// Returns which entries stay if so many may: those that expire last, and of those that expire at the
/// same time the ones with the greater marks.
fn lasting<T>(
    table: &BTreeMap<Mark, T>,
    count: usize,
    until: impl Fn(&T) -> u64,
) -> impl Fn(&Mark, &T) -> bool {
    let left_out = table.len().saturating_sub(count);
    let mut first = None;
    if left_out > 0 && count > 0 {
        let mut times: Vec<(u64, Mark)> = table
            .iter()
            .map(|(mark, entry)| (until(entry), *mark))
            .collect();
        let (_, nth, _) = times.select_nth_unstable(left_out);
        first = Some(*nth);
    }
    move |mark, entry| count > 0 && first.is_none_or(|first| (until(entry), *mark) >= first)
}

fn raise(table: &mut BTreeMap<Mark, u32>, name: &str, lowest: u64) {
    let entry = table.entry(Mark::of(name)).or_default();
    *entry = saturating(lowest).max(*entry);
}

/// A number beyond the range refuses everything.
fn saturating(lowest: u64) -> u32 {
    u32::try_from(lowest).unwrap_or(NONE_GOOD)
}

/// The document of two tables.
fn with_head(kind: RevocationKind, first: &[u8], second: &[u8]) -> Vec<u8> {
    let size = document::HEAD + first.len() + second.len();
    let mut bytes = Vec::with_capacity(size);
    bytes.extend_from_slice(kind.magic());
    bytes.extend_from_slice(&FORM.to_be_bytes());
    for count in [
        first.len() / document::LOWEST,
        second.len() / kind.second_entry(),
    ] {
        // There is no memory for as many as do not fit.
        bytes.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    }
    let digest = Sha256::new()
        .chain_update(first)
        .chain_update(second)
        .finalize();
    bytes.extend(digest.into_iter().take(document::DIGEST));
    bytes.extend_from_slice(first);
    bytes.extend_from_slice(second);
    bytes
}

#[cfg(test)]
mod tests;
