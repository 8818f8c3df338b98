//! Finds the borders of a list's members and items in a body that comes in pieces.

mod extent;

pub(crate) use self::extent::Extent;

/// A push scanner for `{ member…, "items": [ item… ], member… }`.
///
/// It knows the grammar of this outline alone and may be stopped at any byte.
/// What is inside a key, a value or an item it only measures: brackets are
/// counted, strings are skipped. Whoever takes them has to validate them.
/// An item that is an object or array it leaves to
/// [`ObjectReader`](crate::object::ObjectReader).
#[derive(Debug)]
pub(crate) struct Scanner {
    state: State,
    /// The next value is that of `items`.
    at_items: bool,
    /// There it may be `null` as well.
    takes_null: bool,
    /// The next item is measured here even if it is an object.
    measures_next: bool,
}

/// What the first `len` bytes of the input are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Advance {
    pub(crate) len: usize,
    pub(crate) event: Event,
}

/// `done` says that the part is complete with these bytes; it may come with
/// none, since a number ends where something else begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// White space and punctuation.
    Gap,
    /// A piece of a member's key, quotes included.
    Key { done: bool },
    /// A piece of a member's value.
    Value { done: bool },
    /// The `[` of the items.
    ItemsOpen,
    /// A piece of what stands in the place of the items and begins like `null`.
    NoItems { done: bool },
    /// A piece of an item.
    Item { done: bool },
    /// The last `}`.
    Close,
    /// The body is no object.
    NotAnObject,
    /// The value of `items` is no array.
    NotAnArray,
}

/// A byte that cannot be where it is; `at` counts from the input's start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) reason: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the first byte of the body.
    Start,
    /// After so many bytes of a byte order mark.
    Mark(u8),
    BeforeObject,
    BeforeFirstKey,
    BeforeKey,
    Key(Extent),
    AfterKey,
    BeforeValue,
    Value(Extent),
    NoItems(Extent),
    AfterValue,
    BeforeFirstItem,
    BeforeItem,
    Item(Extent),
    Object,
    AfterItem,
    AfterObject,
}

const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

// === impl Scanner ===

impl Scanner {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Start,
            at_items: false,
            takes_null: false,
            measures_next: false,
        }
    }

    /// Returns whether the next byte is the first one of an item that is an object, or
    /// one in it. Such an item is not for [`Self::step`].
    pub(crate) fn at_object(&self) -> bool {
        self.state == State::Object
    }

    /// Says that the object was taken from the input.
    pub(crate) fn end_object(&mut self) {
        self.state = State::AfterItem;
    }

    /// Says that the object will come once more and is to be measured here.
    pub(crate) fn measure_object(&mut self) {
        self.state = State::BeforeItem;
        self.measures_next = true;
    }

    /// Says, after a whole key, that its value is the list's items, which may be `null`
    /// for an empty list.
    pub(crate) fn expect_items(&mut self, takes_null: bool) {
        self.at_items = true;
        self.takes_null = takes_null;
    }

    /// Returns whether only white space was seen, if anything.
    pub(crate) fn at_start(&self) -> bool {
        matches!(
            self.state,
            State::Start | State::Mark(_) | State::BeforeObject
        )
    }

    /// Returns whether the object is complete.
    pub(crate) fn at_end(&self) -> bool {
        self.state == State::AfterObject
    }

    /// Takes some bytes off the input, which must not be empty. Each call gets
    /// on: by a byte at least, or to another state.
    pub(crate) fn step(&mut self, input: &[u8]) -> Result<Advance, Fault> {
        match self.state {
            State::Key(mut extent) => {
                let (len, done) = extent.advance(input);
                self.state = if done {
                    State::AfterKey
                } else {
                    State::Key(extent)
                };
                Ok(Event::Key { done }.of(len))
            }
            State::Value(mut extent) => {
                let (len, done) = extent.advance(input);
                self.state = if done {
                    State::AfterValue
                } else {
                    State::Value(extent)
                };
                Ok(Event::Value { done }.of(len))
            }
            State::NoItems(mut extent) => {
                let (len, done) = extent.advance(input);
                self.state = if done {
                    State::AfterValue
                } else {
                    State::NoItems(extent)
                };
                Ok(Event::NoItems { done }.of(len))
            }
            State::Item(mut extent) => {
                let (len, done) = extent.advance(input);
                self.state = if done {
                    State::AfterItem
                } else {
                    State::Item(extent)
                };
                Ok(Event::Item { done }.of(len))
            }
            State::Start => Ok(self.start(input)),
            State::Mark(seen) => self.mark(seen, input),
            _ => self.between(input),
        }
    }

    fn start(&mut self, input: &[u8]) -> Advance {
        let marked = input.first() == MARK.first();
        self.state = if marked {
            State::Mark(1)
        } else {
            State::BeforeObject
        };
        Event::Gap.of(usize::from(marked))
    }

    fn mark(&mut self, seen: u8, input: &[u8]) -> Result<Advance, Fault> {
        if input.first() != MARK.get(usize::from(seen)) {
            return Ok(Event::NotAnObject.of(0));
        }
        let seen = seen.saturating_add(1);
        if usize::from(seen) == MARK.len() {
            return Err(Fault {
                at: 0,
                reason: "it begins with a byte order mark",
            });
        }
        self.state = State::Mark(seen);
        Ok(Event::Gap.of(1))
    }

    /// White space, and then one byte that says what comes.
    fn between(&mut self, input: &[u8]) -> Result<Advance, Fault> {
        let Some((at, byte)) = input
            .iter()
            .copied()
            .enumerate()
            .find(|(_, byte)| !is_space(*byte))
        else {
            return Ok(Event::Gap.of(input.len()));
        };
        let past = at.saturating_add(1);
        let (state, event, len) = match (self.state, byte) {
            (State::BeforeObject, b'{') => (State::BeforeFirstKey, Event::Gap, past),
            (State::BeforeObject, _) => (State::BeforeObject, Event::NotAnObject, at),

            (State::BeforeFirstKey, b'}') => (State::AfterObject, Event::Close, past),
            (State::BeforeFirstKey | State::BeforeKey, b'"') => {
                (State::Key(Extent::NEW), Event::Gap, at)
            }
            (State::AfterKey, b':') => (State::BeforeValue, Event::Gap, past),
            (State::BeforeValue, b'[') if self.at_items => {
                (State::BeforeFirstItem, Event::ItemsOpen, past)
            }
            (State::BeforeValue, b'n') if self.at_items && self.takes_null => {
                self.at_items = false;
                (State::NoItems(Extent::NEW), Event::Gap, at)
            }
            (State::BeforeValue, byte) if begins_value(byte) => {
                if self.at_items {
                    (State::BeforeValue, Event::NotAnArray, at)
                } else {
                    (State::Value(Extent::NEW), Event::Gap, at)
                }
            }
            (State::AfterValue, b',') => (State::BeforeKey, Event::Gap, past),
            (State::AfterValue, b'}') => (State::AfterObject, Event::Close, past),

            (State::BeforeFirstItem | State::AfterItem, b']') => {
                (State::AfterValue, Event::Gap, past)
            }
            (State::BeforeFirstItem | State::BeforeItem, byte) if begins_value(byte) => {
                let measures =
                    std::mem::take(&mut self.measures_next) || !matches!(byte, b'{' | b'[');
                let state = if measures {
                    State::Item(Extent::NEW)
                } else {
                    State::Object
                };
                (state, Event::Gap, at)
            }
            (State::AfterItem, b',') => (State::BeforeItem, Event::Gap, past),

            (state, _) => {
                return Err(Fault {
                    at,
                    reason: state.expectation(),
                });
            }
        };
        if event == Event::ItemsOpen {
            self.at_items = false;
        }
        self.state = state;
        Ok(event.of(len))
    }
}

// === impl Event ===

impl Event {
    fn of(self, len: usize) -> Advance {
        Advance { len, event: self }
    }
}

// === impl State ===

impl State {
    fn expectation(self) -> &'static str {
        match self {
            Self::BeforeFirstKey => "a key or `}` is expected here",
            Self::BeforeKey => "a key is expected here",
            Self::AfterKey => "`:` is expected here",
            Self::BeforeValue => "a value is expected here",
            Self::AfterValue => "`,` or `}` is expected here",
            Self::BeforeFirstItem => "an item or `]` is expected here",
            Self::BeforeItem => "an item is expected here",
            Self::AfterItem => "`,` or `]` is expected here",
            Self::AfterObject => "nothing but white space may follow the list",
            Self::Start
            | Self::Mark(_)
            | Self::BeforeObject
            | Self::Key(_)
            | Self::Value(_)
            | Self::NoItems(_)
            | Self::Item(_)
            | Self::Object => "this byte is unexpected here",
        }
    }
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Returns whether a value may begin so; a literal's spelling is checked later.
fn begins_value(byte: u8) -> bool {
    !matches!(byte, b',' | b':' | b'}' | b']')
}

#[cfg(test)]
mod tests;
