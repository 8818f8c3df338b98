//! A connection that was upgraded, and its streams, whichever protocol carries them.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use super::{spdy, websocket};

/// Pieces that wait at most for whoever takes them.
const WAITING: usize = 16;

type Io = TokioIo<Upgraded>;

/// The protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// SPDY/3.1: the client opens streams and says what each is for.
    Spdy,
    /// WebSocket: so many numbered channels are open from the beginning.
    WebSocket(u8),
}

/// A stream that is open.
pub(super) struct Opened {
    /// Its number.
    pub(super) id: u32,
    /// What the client says of it; nothing over WebSocket.
    pub(super) headers: BTreeMap<String, String>,
    /// What comes; it ends when the client sends no more.
    pub(super) receiver: mpsc::Receiver<Vec<u8>>,
    /// Where answers go.
    pub(super) sender: Sender,
}

/// The server's end of a stream.
#[derive(Clone)]
pub(super) struct Sender {
    id: u32,
    out: mpsc::Sender<Out>,
}

/// What is to be written.
enum Out {
    Data(u32, Vec<u8>),
    Last(u32),
    Reply(u32),
    Pong(Vec<u8>),
    Close,
}

/// The streams that the client still sends to.
type Senders = HashMap<u32, mpsc::Sender<Vec<u8>>>;

// === impl Sender ===

impl Sender {
    /// Sends some bytes.
    pub(super) async fn send(&self, bytes: Vec<u8>) -> Result<()> {
        let sent = self.out.send(Out::Data(self.id, bytes)).await;
        sent.ok().context("the client is gone")
    }

    /// Sends no more.
    pub(super) async fn finish(&self) {
        // A client that is gone needs not be told.
        let _ = self.out.send(Out::Last(self.id)).await;
    }

    /// Ends the whole connection, after what was sent before.
    pub(super) async fn close(&self) {
        let _ = self.out.send(Out::Close).await;
    }

    /// Until the connection is at its end.
    pub(super) async fn closed(&self) {
        self.out.closed().await;
    }
}

/// Serves a connection, and gives its streams as they are opened.
pub(super) fn serve(io: Upgraded, protocol: Protocol) -> mpsc::Receiver<Opened> {
    let (reader, writer) = tokio::io::split(TokioIo::new(io));
    let (out, outs) = mpsc::channel(WAITING);
    let (opened, streams) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        // Whatever ends it, a client sees the end of the connection.
        let _ = write(writer, outs, protocol).await;
    });
    tokio::spawn(async move {
        let _ = match protocol {
            Protocol::Spdy => read_spdy(reader, &out, &opened).await,
            Protocol::WebSocket(channels) => read_websocket(reader, &out, &opened, channels).await,
        };
        let _ = out.send(Out::Close).await;
    });
    streams
}

async fn open(
    id: u32,
    headers: BTreeMap<String, String>,
    out: &mpsc::Sender<Out>,
    opened: &mpsc::Sender<Opened>,
    senders: &mut Senders,
) -> Result<()> {
    let (sender, receiver) = mpsc::channel(WAITING);
    senders.insert(id, sender);
    let sender = Sender {
        id,
        out: out.clone(),
    };
    let stream = Opened {
        id,
        headers,
        receiver,
        sender,
    };
    opened.send(stream).await.ok().context("nobody takes it")
}

async fn read_spdy(
    mut reader: ReadHalf<Io>,
    out: &mpsc::Sender<Out>,
    opened: &mpsc::Sender<Opened>,
) -> Result<()> {
    let mut headers = spdy::Headers::new()?;
    let mut senders = Senders::new();
    loop {
        let mut head = [0; spdy::HEAD];
        reader.read_exact(&mut head).await?;
        let mut body = vec![0; spdy::length(head)?];
        reader.read_exact(&mut body).await?;
        match spdy::read(head, body, &mut headers)? {
            spdy::Frame::Open(id, headers) => {
                out.send(Out::Reply(id)).await?;
                open(id, headers, out, opened, &mut senders).await?;
            }
            spdy::Frame::Data(id, bytes, is_last) => {
                if let Some(sender) = senders.get(&id).filter(|_| !bytes.is_empty()) {
                    // A program may end before it has read everything.
                    let _ = sender.send(bytes).await;
                }
                if is_last {
                    senders.remove(&id);
                }
            }
            spdy::Frame::Reset(id) => {
                senders.remove(&id);
            }
            spdy::Frame::Ping(id) => out.send(Out::Pong(id.to_be_bytes().to_vec())).await?,
            spdy::Frame::Away | spdy::Frame::Other => {}
        }
    }
}

async fn read_websocket(
    mut reader: ReadHalf<Io>,
    out: &mpsc::Sender<Out>,
    opened: &mpsc::Sender<Opened>,
    channels: u8,
) -> Result<()> {
    let mut senders = Senders::new();
    for id in 0..channels {
        open(u32::from(id), BTreeMap::new(), out, opened, &mut senders).await?;
    }
    let mut message = Vec::new();
    loop {
        match websocket::read(&mut reader).await? {
            websocket::Frame::Message(part, is_last) => {
                message.extend(part);
                if !is_last {
                    continue;
                }
                if let Some((channel, bytes)) = message.split_first()
                    && let Some(sender) = senders.get(&u32::from(*channel))
                    && !bytes.is_empty()
                {
                    let _ = sender.send(bytes.to_vec()).await;
                }
                message.clear();
            }
            websocket::Frame::Ping(body) => out.send(Out::Pong(body)).await?,
            websocket::Frame::Close => return Ok(()),
            websocket::Frame::Other => {}
        }
    }
}

async fn write(
    mut writer: WriteHalf<Io>,
    mut outs: mpsc::Receiver<Out>,
    protocol: Protocol,
) -> Result<()> {
    let mut is_first = true;
    while let Some(out) = outs.recv().await {
        let frame = match (protocol, out) {
            (_, Out::Close) => break,
            (Protocol::Spdy, Out::Reply(id)) => {
                let reply = spdy::reply(id, is_first)?;
                is_first = false;
                reply
            }
            (Protocol::Spdy, Out::Data(id, bytes)) => spdy::data(id, &bytes, false)?,
            (Protocol::Spdy, Out::Last(id)) => spdy::data(id, &[], true)?,
            (Protocol::Spdy, Out::Pong(id)) => {
                let id = <[u8; 4]>::try_from(id.as_slice())?;
                spdy::pong(u32::from_be_bytes(id))?
            }
            (Protocol::WebSocket(_), Out::Data(id, bytes)) => {
                websocket::data(u8::try_from(id)?, &bytes)
            }
            (Protocol::WebSocket(_), Out::Pong(body)) => websocket::pong(&body),
            // A channel has no end of its own.
            (Protocol::WebSocket(_), Out::Last(_) | Out::Reply(_)) => continue,
        };
        writer.write_all(&frame).await?;
        // Nothing waits for more: TLS would keep it.
        if outs.is_empty() {
            writer.flush().await?;
        }
    }
    if protocol != Protocol::Spdy {
        writer.write_all(&websocket::close()).await?;
    }
    writer.shutdown().await?;
    Ok(())
}
