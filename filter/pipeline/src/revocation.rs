//! Tokens that are refused although they have not expired.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cubegate_filter_config::{
    EpochsDocument, Mark, RevocationDocument, RevocationError, SessionsDocument,
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
    epochs: RefCell<Option<EpochsDocument>>,
    sessions: RefCell<Option<SessionsDocument>>,
    changes: Cell<u64>,
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
    /// Takes a document in the place of the one of its kind, and says how many bytes it
    /// has.
    ///
    /// # Errors
    /// [`RevocationError`]; what was in force stays so.
    pub fn take(&self, document: Vec<u8>) -> Result<usize, RevocationError> {
        let document = RevocationDocument::parse(document)?;
        let size = document.size();
        match document {
            RevocationDocument::Epochs(document) => {
                self.0.epochs.replace(Some(document));
            }
            RevocationDocument::Sessions(document) => {
                self.0.sessions.replace(Some(document));
            }
        }
        self.0.changes.set(self.0.changes.get().wrapping_add(1));
        Ok(size)
    }

    /// Returns whether both documents are there. Before that nobody knows who is refused, and
    /// nobody may be let through.
    pub fn are_known(&self) -> bool {
        self.0.epochs.borrow().is_some() && self.0.sessions.borrow().is_some()
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
        let (Some(epochs), Some(sessions)) = (epochs.as_ref(), sessions.as_ref()) else {
            return true;
        };
        let TokenMarks {
            user,
            epoch,
            key,
            session,
            id,
        } = token;
        epoch.is_some_and(|epoch| epochs.refuses_user(user, epoch))
            || key.is_some_and(|(key, epoch)| epochs.refuses_key(&key, epoch))
            || session
                .is_some_and(|(session, generation)| sessions.refuses_session(&session, generation))
            || id.is_some_and(|id| sessions.refuses_token(&id))
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
