//! SPDY/3.1 as far as Kubernetes uses it: the frames of a server whose clients open all streams.
//!
//! Nothing here touches a socket. Flow control is left out, as it is by Kubernetes' own library
//! (`moby/spdystream`), which sends no WINDOW_UPDATE and waits for none.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use flate2::{Decompress, FlushDecompress};

/// Bytes of a frame before what it carries.
pub(super) const HEAD: usize = 8;

/// No frame that Kubernetes sends is as long.
const MAX_FRAME: usize = 1 << 20;

/// No client sends more headers with a stream.
const MAX_HEADERS: usize = 64 << 10;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GO_AWAY: u16 = 7;

const FLAG_FIN: u8 = 1;

/// The words that header compression begins with, each after its length in four bytes
/// (draft-mbelshe-httpbis-spdy-00, 2.6.10.1) …
const WORDS: [&str; 65] = [
    "options",
    "head",
    "post",
    "put",
    "delete",
    "trace",
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "connection",
    "content-base",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "retry-after",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "method",
    "get",
    "status",
    "200 OK",
    "version",
    "HTTP/1.1",
    "url",
    "public",
    "set-cookie",
    "keep-alive",
    "origin",
];

/// … and what follows them.
const REST: &str = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

/// What a client sends.
#[derive(Debug)]
pub(super) enum Frame {
    /// Opens a stream.
    Open(u32, BTreeMap<String, String>),
    /// Bytes of a stream, and whether they are its last.
    Data(u32, Vec<u8>, bool),
    /// Ends a stream at once.
    Reset(u32),
    /// Wants the same back.
    Ping(u32),
    /// Is about to end the connection.
    Away,
    /// Of no meaning here.
    Other,
}

/// What headers are read with: one for all streams of a connection.
pub(super) struct Headers {
    inflate: Decompress,
    is_begun: bool,
}

// === impl Headers ===

impl Headers {
    pub(super) fn new() -> Result<Self> {
        // flate2's Rust backend takes no dictionary; a stored block with the same bytes before
        // the first one of the stream is as good.
        let dictionary = dictionary()?;
        let mut inflate = Decompress::new(false);
        let stored = stored_block(&dictionary)?;
        let mut out = Vec::with_capacity(dictionary.len() + 64);
        inflate.decompress_vec(&stored, &mut out, FlushDecompress::Sync)?;
        ensure!(out == dictionary, "the dictionary is not taken");
        Ok(Self {
            inflate,
            is_begun: false,
        })
    }

    /// The headers of one block.
    fn read(&mut self, block: &[u8]) -> Result<BTreeMap<String, String>> {
        let mut block = block;
        if !self.is_begun {
            // Two bytes of zlib's head, and four that name the dictionary.
            block = block.get(6..).context("a block without a head")?;
            self.is_begun = true;
        }
        let mut text = Vec::new();
        let begun = self.inflate.total_in();
        loop {
            ensure!(text.len() < MAX_HEADERS, "headers without an end");
            text.reserve(4096);
            let used = usize::try_from(self.inflate.total_in() - begun)?;
            let before = text.len();
            let rest = block.get(used..).unwrap_or_default();
            self.inflate
                .decompress_vec(rest, &mut text, FlushDecompress::Sync)?;
            let used = usize::try_from(self.inflate.total_in() - begun)?;
            if used == block.len() && text.len() < text.capacity() || text.len() == before {
                break;
            }
        }
        let mut rest = text.as_slice();
        let count = take_u32(&mut rest)?;
        let mut headers = BTreeMap::new();
        for _ in 0..count {
            let name = take_text(&mut rest)?;
            headers.insert(name.to_ascii_lowercase(), take_text(&mut rest)?);
        }
        Ok(headers)
    }
}

/// How many bytes follow this head.
pub(super) fn length(head: [u8; HEAD]) -> Result<usize> {
    let [.., a, b, c] = head;
    let length = usize::try_from(u32::from_be_bytes([0, a, b, c]))?;
    ensure!(length <= MAX_FRAME, "a frame of {length} bytes");
    Ok(length)
}

/// The frame with this head.
pub(super) fn read(head: [u8; HEAD], body: Vec<u8>, headers: &mut Headers) -> Result<Frame> {
    let [a, b, c, d, flags, ..] = head;
    let is_last = flags & FLAG_FIN != 0;
    if a & 0x80 == 0 {
        let id = u32::from_be_bytes([a, b, c, d]);
        return Ok(Frame::Data(id, body, is_last));
    }
    let mut rest = body.as_slice();
    Ok(match u16::from_be_bytes([c, d]) {
        SYN_STREAM => {
            let id = take_u32(&mut rest)?;
            // The associated stream, the priority and the slot.
            let block = rest.get(6..).context("a stream without headers")?;
            Frame::Open(id, headers.read(block)?)
        }
        RST_STREAM => Frame::Reset(take_u32(&mut rest)?),
        PING => Frame::Ping(take_u32(&mut rest)?),
        GO_AWAY => Frame::Away,
        _ => Frame::Other,
    })
}

/// Takes a stream.
pub(super) fn reply(id: u32, is_first: bool) -> Result<Vec<u8>> {
    let mut body = id.to_be_bytes().to_vec();
    if is_first {
        // zlib's head, without a dictionary: nothing is compressed with it.
        body.extend([0x78, 0x01]);
    }
    // No headers.
    body.extend(stored_block(&[0; 4])?);
    control(SYN_REPLY, &body)
}

/// Answers a ping.
pub(super) fn pong(id: u32) -> Result<Vec<u8>> {
    control(PING, &id.to_be_bytes())
}

/// Bytes of a stream.
pub(super) fn data(id: u32, bytes: &[u8], is_last: bool) -> Result<Vec<u8>> {
    let mut frame = Vec::with_capacity(HEAD + bytes.len());
    frame.extend(id.to_be_bytes());
    frame.extend(flags_and_length(if is_last { FLAG_FIN } else { 0 }, bytes)?);
    frame.extend(bytes);
    Ok(frame)
}

fn control(kind: u16, body: &[u8]) -> Result<Vec<u8>> {
    let mut frame = vec![0x80, 3];
    frame.extend(kind.to_be_bytes());
    frame.extend(flags_and_length(0, body)?);
    frame.extend(body);
    Ok(frame)
}

fn flags_and_length(flags: u8, body: &[u8]) -> Result<[u8; 4]> {
    let [top, a, b, c] = u32::try_from(body.len())?.to_be_bytes();
    ensure!(top == 0, "too long for a frame");
    Ok([flags, a, b, c])
}

/// A block of deflate that is not compressed, and the empty one that ends what is to be read
/// at once (RFC 1951, 3.2.4).
fn stored_block(bytes: &[u8]) -> Result<Vec<u8>> {
    let length = u16::try_from(bytes.len())?;
    let mut block = vec![0];
    block.extend(length.to_le_bytes());
    block.extend((!length).to_le_bytes());
    block.extend(bytes);
    block.extend([0, 0, 0, 0xff, 0xff]);
    Ok(block)
}

fn dictionary() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for word in WORDS {
        bytes.extend(u32::try_from(word.len())?.to_be_bytes());
        bytes.extend(word.as_bytes());
    }
    bytes.extend(REST.as_bytes());
    Ok(bytes)
}

fn take_u32(from: &mut &[u8]) -> Result<u32> {
    let (taken, rest) = from.split_first_chunk().context("a frame breaks off")?;
    *from = rest;
    Ok(u32::from_be_bytes(*taken))
}

fn take_text(from: &mut &[u8]) -> Result<String> {
    let length = usize::try_from(take_u32(from)?)?;
    let (taken, rest) = from
        .split_at_checked(length)
        .context("a header breaks off")?;
    *from = rest;
    Ok(String::from_utf8_lossy(taken).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_is_that_of_the_protocol() -> Result<()> {
        // Adler-32, by which a client's stream names it.
        let (mut a, mut b) = (1_u32, 0_u32);
        for byte in dictionary()? {
            a = (a + u32::from(byte)) % 65521;
            b = (b + a) % 65521;
        }
        assert_eq!((b << 16) | a, 0xe3c6_a7c2);
        Ok(())
    }
}
