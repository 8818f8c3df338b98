//! Tokens that are refused although they have not expired.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cubegate_filter_config::{
    EpochsDocument, Mark, REVOCATION_PARTS, RevocationDocument, RevocationError, RevocationKind,
    RevocationPart, SessionsDocument,
};
use cubegate_token::Claims;

/// What is refused now, one for the whole VM: clones share it, and a document that comes
/// is in force for all of them at once. It holds the newest version and no other, so that
/// whoever keeps a clone for hours keeps nothing old.
///
/// A token is checked also when it was verified before: the list is newer than the check
/// of its signature.
#[derive(Clone, Default)]
pub struct Revocations(Rc<Lists>);

#[derive(Default)]
struct Lists {
    epochs: RefCell<List<EpochsDocument>>,
    sessions: RefCell<List<SessionsDocument>>,
    changes: Cell<u64>,
}

/// What is known of one list.
struct List<T> {
    /// All of it, where it comes of a file.
    whole: Option<T>,
    parts: [Option<T>; REVOCATION_PARTS as usize],
}

/// A token as revocation looks at it; small, so that an open stream can keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenMarks {
    user: Mark,
    /// Without one it is a KubeCube's and no matter of epochs.
    epoch: Option<u64>,
    /// The access key that it was made from, and which of the key's epochs it is of.
    key: Option<(Mark, u64)>,
    /// Its session, and which of the session's generations it is of.
    session: Option<(Mark, u64)>,
    id: Option<Mark>,
}

// === impl Revocations ===

impl Revocations {
    /// Takes a whole list in the place of the one of its kind, and says how many bytes it
    /// has.
    ///
    /// # Errors
    /// [`RevocationError`]; what was in force stays so.
    pub fn take(&self, document: Vec<u8>) -> Result<usize, RevocationError> {
        self.put(None, document)
    }

    /// Takes a part in the place of the one that was there, and says how many bytes it has.
    ///
    /// # Errors
    /// As [`Self::take`], and [`RevocationError::Head`] for one of the other list.
    pub fn take_part(
        &self,
        part: RevocationPart,
        document: Vec<u8>,
    ) -> Result<usize, RevocationError> {
        self.put(Some(part), document)
    }

    fn put(
        &self,
        part: Option<RevocationPart>,
        document: Vec<u8>,
    ) -> Result<usize, RevocationError> {
        let document = RevocationDocument::parse(document)?;
        let size = document.size();
        let Lists {
            epochs,
            sessions,
            changes,
        } = &*self.0;
        let is_of = |kind| part.is_none_or(|part| part.kind() == kind);
        match document {
            RevocationDocument::Epochs(document) if is_of(RevocationKind::Epochs) => {
                epochs.borrow_mut().put(part, document);
            }
            RevocationDocument::Sessions(document) if is_of(RevocationKind::Sessions) => {
                sessions.borrow_mut().put(part, document);
            }
            RevocationDocument::Epochs(_) | RevocationDocument::Sessions(_) => {
                return Err(RevocationError::Head);
            }
        }
        changes.set(changes.get().wrapping_add(1));
        Ok(size)
    }

    /// Returns whether both lists are there, with all of their parts. Before that nobody knows who
    /// is refused, and nobody may be let through.
    pub fn are_known(&self) -> bool {
        self.0.epochs.borrow().is_known() && self.0.sessions.borrow().is_known()
    }

    /// Goes up by one with every document that is taken: while it stays, who was not
    /// refused is not.
    pub fn changes(&self) -> u64 {
        self.0.changes.get()
    }

    /// Returns whether a token of these marks was taken back, or may have been, as nothing is
    /// known.
    pub fn holds(&self, token: &TokenMarks) -> bool {
        let epochs = self.0.epochs.borrow();
        let sessions = self.0.sessions.borrow();
        if !(epochs.is_known() && sessions.is_known()) {
            return true;
        }
        let TokenMarks {
            user,
            epoch,
            key,
            session,
            id,
        } = token;
        epoch.is_some_and(|epoch| epochs.any(user, |list| list.refuses_user(user, epoch)))
            || key
                .is_some_and(|(key, epoch)| epochs.any(&key, |list| list.refuses_key(&key, epoch)))
            || session.is_some_and(|(session, generation)| {
                sessions.any(&session, |list| list.refuses_session(&session, generation))
            })
            || id.is_some_and(|id| sessions.any(&id, |list| list.refuses_token(&id)))
    }
}

// === impl List ===

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            whole: None,
            parts: [const { None }; REVOCATION_PARTS as usize],
        }
    }
}

impl<T> List<T> {
    fn put(&mut self, part: Option<RevocationPart>, document: T) {
        let place = match part {
            None => Some(&mut self.whole),
            Some(part) => self.parts.get_mut(usize::from(part.number())),
        };
        if let Some(place) = place {
            *place = Some(document);
        }
    }

    fn is_known(&self) -> bool {
        self.whole.is_some() || self.parts.iter().all(Option::is_some)
    }

    /// Whether the documents in which an entry of this mark may be refuse it.
    fn any(&self, mark: &Mark, refuses: impl Fn(&T) -> bool) -> bool {
        let part = self.parts.get(usize::from(RevocationPart::number_of(mark)));
        let of_part = part.and_then(Option::as_ref);
        self.whole.iter().chain(of_part).any(refuses)
    }
}

// === impl TokenMarks ===

impl TokenMarks {
    /// Those of a token that says this.
    pub fn of(claims: &Claims) -> Self {
        let mark = |name: &Option<String>| name.as_deref().map(Mark::of);
        Self {
            user: Mark::of(&claims.user),
            epoch: claims.epoch,
            // One without an epoch of the key is older than all that carry one.
            key: mark(&claims.access_key).map(|key| (key, claims.key_epoch.unwrap_or(0))),
            session: mark(&claims.session).map(|session| (session, claims.generation.unwrap_or(0))),
            id: mark(&claims.id),
        }
    }
}
