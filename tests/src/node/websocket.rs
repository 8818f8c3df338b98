//! WebSocket's frames (RFC 6455) as a server reads and writes them.

use anyhow::{Result, ensure};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// No client sends a longer one.
const MAX_FRAME: u64 = 16 << 20;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

const LAST: u8 = 0x80;

/// What a client sends.
#[derive(Debug)]
pub(super) enum Frame {
    /// A message, or a part of one that the next one goes on with.
    Message(Vec<u8>, bool),
    /// Wants the same back.
    Ping(Vec<u8>),
    /// Ends the connection.
    Close,
    /// Of no meaning here.
    Other,
}

/// Reads one.
pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Frame> {
    let (first, second) = (from.read_u8().await?, from.read_u8().await?);
    ensure!(second & 0x80 != 0, "a client's frame is not masked");
    let length = match second & 0x7f {
        126 => u64::from(from.read_u16().await?),
        127 => from.read_u64().await?,
        short => u64::from(short),
    };
    ensure!(length <= MAX_FRAME, "a frame of {length} bytes");
    let mask = from.read_u32().await?.to_be_bytes();
    let mut body = vec![0; usize::try_from(length)?];
    from.read_exact(&mut body).await?;
    for (byte, mask) in body.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok(match first & 0x0f {
        CONTINUATION | TEXT | BINARY => Frame::Message(body, first & LAST != 0),
        PING => Frame::Ping(body),
        CLOSE => Frame::Close,
        _ => Frame::Other,
    })
}

/// Bytes of a channel: its number stands before them (`v4.channel.k8s.io`).
pub(super) fn data(channel: u8, bytes: &[u8]) -> Vec<u8> {
    let mut body = vec![channel];
    body.extend(bytes);
    frame(BINARY, &body)
}

/// Answers a ping.
pub(super) fn pong(body: &[u8]) -> Vec<u8> {
    frame(PONG, body)
}

/// Ends the connection as one that did what it was to do (1000).
pub(super) fn close() -> Vec<u8> {
    frame(CLOSE, &1000_u16.to_be_bytes())
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![LAST | kind];
    match (u8::try_from(body.len()), u16::try_from(body.len())) {
        (Ok(length), _) if length < 126 => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((body.len() as u64).to_be_bytes());
        }
    }
    frame.extend(body);
    frame
}
