//! Finds the members that a query names, while the object is read.

use super::Unsure;
use super::grammar::Tokens;
use super::strings::InBlock;
use crate::block::{below, last_bit};
use crate::fields::{FieldSet, MemberId, NodeId, Places, Span};
use crate::pieces::Pieces;
use crate::raw::string;

/// The objects on the way to fields that are open, and what was found.
#[derive(Debug, Default)]
pub(super) struct Finder {
    frames: Vec<Frame>,
    /// The depth of the innermost of them; 0 for none.
    depth: u32,
    places: Places,
}

/// An object that paths go through.
#[derive(Debug)]
struct Frame {
    node: NodeId,
    depth: u32,
    /// The member that is being read, if a path goes that way, and where its
    /// value begins.
    member: Option<(MemberId, usize)>,
}

/// The finder at a block.
pub(super) struct AtBlock<'f> {
    finder: &'f mut Finder,
    object: Pieces<'f>,
    at: usize,
    fields: &'f FieldSet,
    /// The quotes that begin a string, and those that end one.
    string_begins: u64,
    string_ends: u64,
    /// Whether there is no backslash in it.
    is_plain: bool,
}

// === impl Finder ===

impl Finder {
    pub(super) fn begin(&mut self, fields: &FieldSet) {
        self.frames.clear();
        self.depth = 0;
        self.places.begin(fields);
    }

    /// Returns the depth of the innermost object that paths go through; 0 for none.
    #[inline(always)]
    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    #[inline(always)]
    pub(super) fn at_block<'f>(
        &'f mut self,
        object: Pieces<'f>,
        at: usize,
        fields: &'f FieldSet,
        strings: &InBlock,
        is_plain: bool,
    ) -> AtBlock<'f> {
        AtBlock {
            finder: self,
            object,
            at,
            fields,
            string_begins: strings.quotes & strings.inside,
            string_ends: strings.quotes & !strings.inside,
            is_plain,
        }
    }

    /// Whether all that was begun has ended.
    pub(super) fn end(&self) -> Result<(), Unsure> {
        if self.frames.is_empty() {
            Ok(())
        } else {
            Err(Unsure)
        }
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    pub(super) fn held_bytes(&self) -> usize {
        let frames = self.frames.capacity().saturating_mul(size_of::<Frame>());
        frames.saturating_add(self.places.held_bytes())
    }
}

// === impl AtBlock ===

impl AtBlock<'_> {
    #[inline(always)]
    pub(super) fn depth(&self) -> u32 {
        self.finder.depth
    }

    /// The keys and commas of a part of the innermost object that paths go through.
    #[inline(always)]
    pub(super) fn members(&mut self, part: u64, tokens: &Tokens) -> Result<(), Unsure> {
        // It stays the innermost one: none is opened or closed within a part.
        let Some(frame) = self.finder.frames.last() else {
            return Ok(());
        };
        let mut is_open = frame.member.is_some();
        let colons = tokens.colon & self.may_follow_a_name(frame.node);
        let mut rest = part;
        loop {
            let ends = rest & if is_open { tokens.comma } else { colons };
            if ends == 0 {
                return Ok(());
            }
            let bit = ends & ends.wrapping_neg();
            rest &= !(bit | bit.wrapping_sub(1));
            let place = self.at.wrapping_add(bit.trailing_zeros() as usize);
            if is_open {
                self.end_member(place);
                is_open = false;
                continue;
            }
            let opens = self.string_begins & bit.wrapping_sub(1);
            let key = if opens == 0 {
                self.string_before(place)
            } else {
                self.at.wrapping_add(last_bit(opens))
            };
            is_open = self.begin_member(key, place)?;
        }
    }

    /// Returns where colons may be that follow a name which is looked for in this object, told by
    /// the length of the string before: most names have another one. The block's first
    /// colon may follow a string that begins in an earlier block; white space before a
    /// colon and escapes are left for who looks at the string.
    #[inline(always)]
    fn may_follow_a_name(&self, node: NodeId) -> u64 {
        if !self.is_plain || self.fields.has_odd_names() {
            return u64::MAX;
        }
        let mut places = !(self.string_ends << 1) | below(self.string_begins.trailing_zeros());
        let mut lengths = self.fields.lengths(node);
        while lengths != 0 {
            let with_quotes = lengths.trailing_zeros().wrapping_add(2);
            lengths &= lengths.wrapping_sub(1);
            // One that is as long as a block does not lie in it with its colon.
            places |= self.string_begins.checked_shl(with_quotes).unwrap_or(0);
        }
        places
    }

    /// That object is closed.
    #[inline(always)]
    pub(super) fn close(&mut self, bit: u32) {
        self.end_member(self.at.wrapping_add(bit as usize));
        self.finder.frames.pop();
        self.finder.depth = self.finder.frames.last().map_or(0, |frame| frame.depth);
    }

    /// An object is opened in it, and inside that this is the depth; paths may go
    /// through it.
    pub(super) fn enter(&mut self, depth: u32) {
        let node = match self.finder.frames.last() {
            None => FieldSet::ROOT,
            Some(frame) => {
                let member = frame.member.and_then(|(id, _)| self.fields.member(id));
                let Some(member) = member.filter(|member| self.fields.goes_on(member)) else {
                    return;
                };
                member.next()
            }
        };
        self.finder.depth = depth;
        self.finder.frames.push(Frame {
            node,
            depth,
            member: None,
        });
    }

    /// A key, which begins here with its quote, and its colon. Says whether a path goes
    /// that way.
    fn begin_member(&mut self, key: usize, colon: usize) -> Result<bool, Unsure> {
        let key = self.object.get(key..colon).unwrap_or_default();
        let Some(frame) = self.finder.frames.last_mut() else {
            return Ok(false);
        };
        let found = find(self.fields, frame.node, key.trim_ascii_end())?;
        frame.member = found.map(|member| (member, colon.wrapping_add(1)));
        if let Some(member) = found.and_then(|member| self.fields.member(member)) {
            member.begin(&mut self.finder.places);
        }
        Ok(found.is_some())
    }

    /// Returns where the string begins that ends before this place.
    fn string_before(&self, place: usize) -> usize {
        let kept = self.object.kept().len();
        let here = place.checked_sub(kept);
        let here = here.and_then(|place| self.object.arrived().get(..place));
        if let Some(quote) = here.and_then(string_at_end) {
            return quote.wrapping_add(kept);
        }
        // It begins in what was kept. The two pieces are put together no further back
        // than it takes: an object may be large, and each chunk may begin like this.
        let mut bytes: usize = 128;
        loop {
            let from = place.saturating_sub(bytes);
            let text = self.object.get(from..place).unwrap_or_default();
            match string_at_end(&text) {
                Some(quote) => return from.wrapping_add(quote),
                None if from == 0 => return 0,
                None => bytes = bytes.saturating_mul(2),
            }
        }
    }

    fn end_member(&mut self, end: usize) {
        let open = self.finder.frames.last_mut();
        let Some((member, start)) = open.and_then(|frame| frame.member.take()) else {
            return;
        };
        let Some(member) = self.fields.member(member) else {
            return;
        };
        let raw = self.object.get(start..end).unwrap_or_default();
        let value = raw.trim_ascii_start();
        let start = end.wrapping_sub(value.len());
        let value = value.trim_ascii_end();
        let span = Span {
            start,
            end: start.wrapping_add(value.len()),
        };
        if value.first() == Some(&b'[') && self.fields.goes_on(member) {
            let places = &mut self.finder.places;
            self.fields.take_array(member.next(), value, start, places);
        }
        member.end(&mut self.finder.places, span);
    }
}

/// Returns the member with this key, quotes included, if a path goes that way.
fn find(fields: &FieldSet, node: NodeId, quoted: &[u8]) -> Result<Option<MemberId>, Unsure> {
    let name = quoted
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
        .ok_or(Unsure)?;
    if fields.has_odd_names() {
        return Ok(fields.find(node, string(quoted).as_bytes()));
    }
    let found = fields.find(node, name);
    if found.is_some() || memchr::memchr(b'\\', name).is_none() {
        return Ok(found);
    }
    Ok(fields.find(node, string(quoted).as_bytes()))
}

/// Returns where the string begins that ends this text, but for white space behind it.
fn string_at_end(text: &[u8]) -> Option<usize> {
    let text = text.trim_ascii_end();
    let mut string = text.strip_suffix(b"\"").unwrap_or(text);
    while let Some(quote) = memchr::memrchr(b'"', string) {
        string = string.get(..quote)?;
        let backslashes = string.iter().rev().take_while(|byte| **byte == b'\\');
        let backslashes = backslashes.count();
        if backslashes == string.len() {
            // What is before the text says whether it is escaped.
            return None;
        }
        if backslashes.is_multiple_of(2) {
            return Some(quote);
        }
    }
    None
}
