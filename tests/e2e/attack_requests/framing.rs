//! HTTP/2 as frames: floods that cost a server more than their sender, and requests
//! that no client library lets through.

use std::time::Duration;

use anyhow::{Result, ensure};
use cubegate_tests::block_on;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{CLUSTER, Field};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// How many frames a flood has. Each of those known has brought servers down with less.
const FLOOD: u32 = 20_000;

/// A header field: a name and a value, as bytes.
type Field2<'a> = (&'a [u8], &'a [u8]);

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    let mut bytes = length.get(1..).unwrap_or_default().to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A length in HPACK's prefix of seven bits, without Huffman coding (RFC 7541, 5.1).
fn length(bytes: &mut Vec<u8>, length: usize) {
    if length < 127 {
        bytes.push(u8::try_from(length).unwrap_or(0));
        return;
    }
    bytes.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap_or(0) | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap_or(0));
}

/// Fields as literals that are not remembered (RFC 7541, 6.2.2).
fn block(fields: &[Field2<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        length(&mut bytes, name.len());
        bytes.extend_from_slice(name);
        length(&mut bytes, value.len());
        bytes.extend_from_slice(value);
    }
    bytes
}

/// Sends these bytes on a connection of its own, and reads until it is closed or nothing
/// has come for a second.
async fn send(field: &Field, frames: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(&field.arms.authority).await?;
    let mut bytes = PREFACE.to_vec();
    bytes.extend_from_slice(&frame(SETTINGS, 0, 0, &[]));
    bytes.extend_from_slice(frames);
    let (mut reader, mut writer) = stream.split();
    let write = async {
        // A server that has enough closes before it has read all.
        let _ = writer.write_all(&bytes).await;
    };
    let read = async {
        let mut chunk = vec![0; 64 << 10];
        while let Ok(Ok(1..)) =
            tokio::time::timeout(Duration::from_secs(1), reader.read(&mut chunk)).await
        {}
    };
    tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(write, read) }).await?;
    Ok(())
}

/// An honest request is answered, and in reasonable time.
async fn serves(field: &Field) -> Result<()> {
    let request = field.arms.get("/api/v1/pods", &[]);
    let answer = field.raw()?.exchange(&request).await?;
    ensure!(
        answer.status == 200,
        "an honest request is answered {}",
        answer.status
    );
    field.seen().map(drop)
}

#[test]
fn floods_of_frames_end_with_their_connection_and_harm_nobody() -> Result<()> {
    block_on(async {
        let field = Field::start("flooded").await?;
        let memory = field.gateway.health().resident_bytes()?;
        let authorization = format!("Bearer {}", field.arms.token);
        let path = format!("/clusters/{CLUSTER}/api/v1/pods");
        let head = block(&[
            (b":method", b"GET"),
            (b":scheme", b"http"),
            (b":authority", b"x"),
            (b":path", path.as_bytes()),
            (b"authorization", authorization.as_bytes()),
        ]);
        let repeated =
            |make: &dyn Fn(u32) -> Vec<u8>| (0..FLOOD).flat_map(make).collect::<Vec<u8>>();
        let streams = |n: u32| 2 * n + 1;
        let opened = frame(HEADERS, END_HEADERS, 1, &head);
        let mut remembered = head.clone();
        // A field of 4,000 bytes is put into the table once and named 8,000 times.
        remembered.extend_from_slice(&[0x40, 1, b'b']);
        length(&mut remembered, 4_000);
        remembered.extend_from_slice(&[b'x'; 4_000]);
        remembered.extend_from_slice(&[0xbe; 8_000]);
        let floods: [(&str, Vec<u8>); 9] = [
            (
                "streams that are reset at once",
                repeated(&|n| {
                    let mut both = frame(HEADERS, END_HEADERS | END_STREAM, streams(n), &head);
                    both.extend(frame(RST_STREAM, 0, streams(n), &8_u32.to_be_bytes()));
                    both
                }),
            ),
            (
                "a head that never ends",
                [
                    frame(HEADERS, 0, 1, &head),
                    repeated(&|_| frame(CONTINUATION, 0, 1, &block(&[(b"x-a", b"b")]))),
                ]
                .concat(),
            ),
            ("settings", repeated(&|_| frame(SETTINGS, 0, 0, &[]))),
            ("pings", repeated(&|_| frame(PING, 0, 0, &[0; 8]))),
            (
                "empty data",
                [opened.clone(), repeated(&|_| frame(DATA, 0, 1, &[]))].concat(),
            ),
            (
                "priorities",
                repeated(&|n| frame(PRIORITY, 0, streams(n % 1_000), &[0, 0, 0, 0, 1])),
            ),
            (
                "windows",
                [
                    opened,
                    repeated(&|_| frame(WINDOW_UPDATE, 0, 1, &1_u32.to_be_bytes())),
                ]
                .concat(),
            ),
            (
                "heads that are no HPACK",
                repeated(&|n| frame(HEADERS, END_HEADERS | END_STREAM, streams(n), &[0xff; 16])),
            ),
            (
                "a small head that is 32 MB",
                frame(HEADERS, END_HEADERS | END_STREAM, 1, &remembered),
            ),
        ];
        for (name, frames) in floods {
            let during = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                serves(&field).await
            };
            let (flooded, served) = tokio::join!(send(&field, &frames), during);
            flooded.map_err(|error| error.context(name))?;
            served.map_err(|error| error.context(format!("while {name} came")))?;
        }
        serves(&field).await?;
        field.unharmed(memory).await
    })
}

#[test]
fn heads_that_http_2_forbids_are_nobodys_but_the_callers() -> Result<()> {
    block_on(async {
        let field = Field::start("framed").await?;
        let memory = field.gateway.health().resident_bytes()?;
        let authorization = format!("Bearer {}", field.arms.token);
        let path = format!("/clusters/{CLUSTER}/api/v1/pods").into_bytes();
        let honest: [Field2<'_>; 5] = [
            (b":method", b"GET"),
            (b":scheme", b"http"),
            (b":authority", b"x"),
            (b":path", &path),
            (b"authorization", authorization.as_bytes()),
        ];
        let added: [(&str, Field2<'_>); 24] = [
            ("a second path", (b":path", b"/clusters/other/version")),
            ("a second method", (b":method", b"DELETE")),
            ("a second authority", (b":authority", b"other")),
            ("a host of its own", (b"host", b"kubernetes")),
            ("an unknown pseudo header", (b":impersonate-user", b"admin")),
            ("a protocol", (b":protocol", b"websocket")),
            ("a status", (b":status", b"200")),
            ("a name in upper case", (b"Impersonate-User", b"admin")),
            ("a name with a colon", (b"impersonate-user:", b"admin")),
            ("a name with a blank", (b"impersonate-user ", b"admin")),
            (
                "a name with a line end",
                (b"x\r\nimpersonate-user", b"admin"),
            ),
            ("an empty name", (b"", b"admin")),
            (
                "a value with a line end",
                (b"x-a", b"b\r\nimpersonate-user: admin"),
            ),
            (
                "a value with a line feed",
                (b"x-a", b"b\nimpersonate-user: admin"),
            ),
            ("a value with a NUL", (b"x-a", b"b\0c")),
            ("a value of odd bytes", (b"x-a", b"\xff\xfe")),
            ("a connection", (b"connection", b"impersonate-user")),
            ("a coding", (b"transfer-encoding", b"chunked")),
            ("an upgrade", (b"upgrade", b"websocket")),
            ("a keep-alive", (b"keep-alive", b"x")),
            ("te", (b"te", b"chunked")),
            ("a length", (b"content-length", b"999999")),
            ("two lengths", (b"content-length", b"1, 2")),
            ("another cluster", (b"x-cubegate-cluster", b"cluster/other")),
        ];
        for (name, line) in added {
            let mut fields = honest.to_vec();
            fields.push(line);
            send(
                &field,
                &frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&fields)),
            )
            .await?;
            let reached = field.seen().map_err(|error| error.context(name))?;
            assert!(reached.len() <= 1, "{name}: {} requests", reached.len());
        }
        // Data behind a head that has ended, on no stream, and more than was told.
        let head = block(&honest);
        for (name, frames) in [
            (
                "data behind the end",
                [
                    frame(HEADERS, END_HEADERS | END_STREAM, 1, &head),
                    frame(DATA, END_STREAM, 1, b"more"),
                ]
                .concat(),
            ),
            ("data on stream 0", frame(DATA, END_STREAM, 0, b"x")),
            (
                "data on a stream that is not open",
                frame(DATA, END_STREAM, 99, b"x"),
            ),
            (
                "an even stream",
                frame(HEADERS, END_HEADERS | END_STREAM, 2, &head),
            ),
            (
                "streams that go back",
                [
                    frame(HEADERS, END_HEADERS | END_STREAM, 9, &head),
                    frame(HEADERS, END_HEADERS | END_STREAM, 3, &head),
                ]
                .concat(),
            ),
            (
                "a window beyond its size",
                frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes()),
            ),
            (
                "a frame that is cut",
                frame(HEADERS, END_HEADERS, 1, &head)
                    .split_at(20)
                    .0
                    .to_vec(),
            ),
            (
                "a frame of 16 MB",
                [0xff, 0xff, 0xff, HEADERS, END_HEADERS, 0, 0, 0, 1].to_vec(),
            ),
        ] {
            send(&field, &frames).await?;
            let reached = field.seen().map_err(|error| error.context(name))?;
            assert!(reached.len() <= 2, "{name}: {} requests", reached.len());
        }
        serves(&field).await?;
        field.unharmed(memory).await
    })
}
