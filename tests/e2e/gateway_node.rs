//! kubectl at a pod that runs on a node: `exec`, `attach`, `port-forward`, `cp` and `logs`, through
//! the gateway and a real API server to a kubelet's ends.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::kube::{Rule, Subject};
use cubegate_tests::run::unique;
use cubegate_tests::{Node, Run};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::support::{World, in_the_world, kube, kubectl};

const PATIENCE: Duration = Duration::from_secs(60);

/// What is copied.
const COPIED: usize = 8 << 20;

const MEMBER: &str = "member-1";

/// A pod on a node of its own, and kubectl with a token.
struct Pod {
    world: &'static World,
    _node: Node,
    namespace: String,
    token: String,
    folder: std::path::PathBuf,
}

// === impl Pod ===

impl Pod {
    async fn new(world: &'static World) -> Result<Self> {
        let server = &world.stack.member;
        let node = Node::join(server).await?;
        let namespace = server.kube.namespace("node").await?;
        let folder = node.run(&namespace, "web").await?;
        let token = world.gateway.admin_token().await?.to_owned();
        Ok(Self {
            world,
            _node: node,
            namespace,
            token,
            folder,
        })
    }

    async fn command(&self, arguments: &[&str]) -> Result<Command> {
        let path = kube(MEMBER, "");
        let gateway = &self.world.gateway;
        let mut command = kubectl::command(gateway, &path, &self.token, &[]).await?;
        command
            .args(["--namespace", &self.namespace])
            .args(arguments);
        Ok(command)
    }

    /// Runs it to its end, with this input.
    async fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Output> {
        let mut command = self.command(arguments).await?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().context("no stdin")?;
        let feed = async {
            // A command that does not read its input may end before.
            let _ = stdin.write_all(input).await;
            drop(stdin);
        };
        let work = async { tokio::join!(feed, child.wait_with_output()).1 };
        let ended = tokio::time::timeout(PATIENCE, work).await;
        Ok(ended.with_context(|| format!("kubectl {arguments:?} hangs"))??)
    }
}

fn digest(path: &Path) -> Result<Vec<u8>> {
    Ok(Sha256::digest(std::fs::read(path)?).to_vec())
}

#[test]
fn what_is_executed_ends_with_its_own_exit_code_and_words() -> Result<()> {
    in_the_world(async |world| {
        let pod = Pod::new(world).await?;
        for code in [0, 3, 137] {
            let script = format!("echo out; echo err >&2; exit {code}");
            let ended = pod
                .run(&["exec", "web", "--", "sh", "-c", &script], b"")
                .await?;
            assert_eq!(ended.status.code(), Some(code), "{ended:?}");
            assert_eq!(ended.stdout, b"out\n", "{ended:?}");
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            ensure!(said.lines().any(|line| line == "err"), "{said}");
        }
        let missing = pod
            .run(&["exec", "web", "--", "no-such-program"], b"")
            .await?;
        ensure!(!missing.status.success(), "{missing:?}");
        let said = String::from_utf8_lossy(&missing.stderr);
        ensure!(said.contains("cannot be started"), "{said}");
        Ok(())
    })
}

#[test]
fn the_end_of_the_input_arrives_and_what_comes_after_it_comes_back() -> Result<()> {
    in_the_world(async |world| {
        let pod = Pod::new(world).await?;
        // More than fits into any buffer on the way.
        let large = "0123456789abcde\n".repeat(200_000);
        for input in ["x\n", large.as_str()] {
            // Its last word is sent when its input has ended.
            let script = "cat; echo the end";
            let arguments = ["exec", "-i", "web", "--", "sh", "-c", script];
            let ended = pod.run(&arguments, input.as_bytes()).await?;
            ensure!(ended.status.success(), "{:?}", ended.status);
            let expected = format!("{input}the end\n");
            ensure!(
                ended.stdout == expected.as_bytes(),
                "{} bytes",
                ended.stdout.len()
            );
        }
        let ended = pod
            .run(&["attach", "-i", "web"], b"to the process\n")
            .await?;
        ensure!(ended.status.success(), "{ended:?}");
        assert_eq!(ended.stdout, b"to the process\n");
        Ok(())
    })
}

#[test]
fn a_copy_is_the_same_at_both_ends() -> Result<()> {
    in_the_world(async |world| {
        let pod = Pod::new(world).await?;
        let dir = Run::current()?.folder("copies")?;
        let byte = |at: usize| u8::try_from((at ^ (at >> 8) ^ (at >> 16)) & 0xff).unwrap_or(0);
        let bytes: Vec<u8> = (0..COPIED).map(byte).collect();
        std::fs::write(dir.join("there"), &bytes)?;
        let (there, back) = (dir.join("there"), dir.join("back"));
        let (there_name, back_name) = (there.to_string_lossy(), back.to_string_lossy());
        let copied = pod.run(&["cp", &there_name, "web:copy"], b"").await?;
        ensure!(copied.status.success(), "{copied:?}");
        assert_eq!(digest(&pod.folder.join("copy"))?, digest(&there)?);
        let copied = pod.run(&["cp", "web:copy", &back_name], b"").await?;
        ensure!(copied.status.success(), "{copied:?}");
        assert_eq!(digest(&back)?, digest(&there)?);
        Ok(())
    })
}

#[test]
fn a_forwarded_port_serves_several_connections_one_after_the_other_and_at_once() -> Result<()> {
    in_the_world(async |world| {
        let pod = Pod::new(world).await?;
        // Sends back what it gets, in capitals, until its client sends no more.
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut line = [0; 64];
                    while let Ok(read @ 1..) = stream.read(&mut line).await {
                        let upper = line[..read].to_ascii_uppercase();
                        stream.write_all(&upper).await?;
                    }
                    anyhow::Ok(())
                });
            }
        });
        let mut child = pod
            .command(&["port-forward", "web", &format!(":{port}")])
            .await?
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??;
        // Forwarding from 127.0.0.1:40000 -> 80
        let line = line.context("no forwarding")?;
        let local = line
            .split([':', ' '])
            .find_map(|word| word.parse::<u16>().ok());
        let local = local.with_context(|| line.clone())?;
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(TcpStream::connect(("127.0.0.1", local)).await?);
        }
        for (number, stream) in open.iter_mut().enumerate() {
            let said = format!("connection {number}");
            stream.write_all(said.as_bytes()).await?;
            let mut back = vec![0; said.len()];
            tokio::time::timeout(PATIENCE, stream.read_exact(&mut back)).await??;
            assert_eq!(back, said.to_ascii_uppercase().as_bytes());
        }
        child.kill().await?;
        Ok(())
    })
}

#[test]
fn a_log_is_followed_line_by_line() -> Result<()> {
    in_the_world(async |world| {
        let pod = Pod::new(world).await?;
        let log = pod.folder.join("log");
        std::fs::write(&log, "first\nsecond\n")?;
        let whole = pod.run(&["logs", "web"], b"").await?;
        assert_eq!(whole.stdout, b"first\nsecond\n", "{whole:?}");
        let mut child = pod
            .command(&["logs", "--follow", "--tail=1", "web"])
            .await?
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        for expected in ["second", "third", "fourth"] {
            if expected != "second" {
                let mut log = std::fs::OpenOptions::new().append(true).open(&log)?;
                std::io::Write::write_all(&mut log, format!("{expected}\n").as_bytes())?;
            }
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??;
            assert_eq!(line.as_deref(), Some(expected));
        }
        child.kill().await?;
        Ok(())
    })
}

#[test]
fn a_refused_protocol_is_a_failed_handshake_and_a_refused_user_is_told_so() -> Result<()> {
    in_the_world(async |world| {
        let pod = Pod::new(world).await?;
        // kubectl of 1.31 and later begins with this one, which no kubelet knows.
        let path = kube(
            MEMBER,
            &format!(
                "/api/v1/namespaces/{}/pods/web/exec?command=true&stdout=true",
                pod.namespace
            ),
        );
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n",
            pod.token
        );
        let raw = world.gateway.raw()?;
        let mut answer = raw.begin(request.as_bytes()).await?;
        let head = answer.until("\r\n\r\n", PATIENCE).await?;
        let head = head.to_ascii_lowercase();
        // An API server of 1.30 and later knows it, and has a kubelet asked in the older one.
        ensure!(
            head.starts_with("http/1.1 101 ")
                || head.starts_with("http/1.1 403 ") && !head.contains("\r\nupgrade:"),
            "{head}"
        );
        let name = format!("reader-{}", unique());
        world.gateway.user(&name, &[]).await?;
        let rules = [Rule {
            group: "",
            resources: &["pods"],
            verbs: &["get"],
        }];
        let server = &world.stack.member.kube;
        let subject = Subject::User(&name);
        server.grant(&pod.namespace, subject, &rules).await?;
        let token = world.gateway.new_token(&name).await?;
        let reader = Pod { token, ..pod };
        let refused = reader.run(&["exec", "web", "--", "true"], b"").await?;
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let said = String::from_utf8_lossy(&refused.stderr);
        ensure!(
            said.contains(&name) && said.contains("pods/exec") && said.contains("cannot create"),
            "{said}"
        );
        Ok(())
    })
}
