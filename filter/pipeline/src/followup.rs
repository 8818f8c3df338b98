//! What is asked after the main answer has been read, until there is a page.
//!
//! ```text
//! head, not counted  ──> Counting ──┐
//! keys               ──> Fetching ──┼──> page
//! anything unforeseen ─> Relisting ─┘
//! ```
//!
//! Each is a machine of its own: it says what to ask, takes the answers in any
//! order, and says what comes next. It makes no call itself. What the server
//! does not do as expected leads to [`Next::Relist`], the plain way.

mod counting;
mod fetching;
mod relisting;

use cubegate_list::ListError;

pub(crate) use counting::Counting;
pub(crate) use fetching::{Fetching, by_name};
pub(crate) use relisting::Relisting;

use crate::Headers;
use crate::call::{Ask, CallAnswer};

/// One of the machines.
pub(crate) enum FollowUp {
    Counting(Counting),
    Fetching(Fetching),
    Relisting(Relisting),
}

/// What comes after an answer.
#[derive(Debug)]
pub(crate) enum Next {
    /// This is to be asked, too; nothing if other answers are awaited.
    Ask(Vec<Ask>),
    /// The page, under the headers of the main answer.
    Page(Vec<u8>),
    /// The page that the plain way gave, under the headers of its own answer,
    /// and how large the list was.
    Relisted(Headers, u64, Vec<u8>),
    /// The answer to the plain way, which is no list: it is the client's.
    Answer(CallAnswer),
    /// This way does not lead to the page; the plain one is to be taken.
    Relist(Until),
    /// The list is not to be had.
    List(ListError),
    /// The API server did not answer, or with this status.
    Failed(Option<u16>),
    /// The API server refuses what was asked, which is for the client to know.
    Refused(CallAnswer),
}

/// How long the plain way is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// For this page.
    Done,
    /// As long as the worker remembers: the server would do the same again.
    Forgotten,
}

/// Returns what comes of an answer that is not good.
fn failed(answer: CallAnswer) -> Next {
    if answer.is_refusal() {
        Next::Refused(answer)
    } else {
        Next::Failed(answer.status)
    }
}

// === impl FollowUp ===

impl FollowUp {
    /// Returns what to ask first.
    pub(crate) fn start(&mut self) -> Vec<Ask> {
        match self {
            Self::Counting(counting) => vec![counting.ask()],
            Self::Fetching(fetching) => fetching.start(),
            Self::Relisting(relisting) => vec![relisting.ask()],
        }
    }

    /// Takes the answer to the question of this number, counted from the first.
    pub(crate) fn take(&mut self, number: usize, answer: CallAnswer) -> Next {
        match self {
            Self::Counting(counting) => counting.take(answer),
            Self::Fetching(fetching) => fetching.take(number, answer),
            Self::Relisting(relisting) => relisting.take(answer),
        }
    }

    /// The bytes of what has come and is kept until the page is made.
    pub(crate) fn kept_bytes(&self) -> usize {
        match self {
            Self::Fetching(fetching) => fetching.kept_bytes(),
            Self::Counting(_) | Self::Relisting(_) => 0,
        }
    }
}
