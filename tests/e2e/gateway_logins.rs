//! Passwords that are guessed: whom that keeps out, and for how long others wait.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use cubegate_tests::client::Answer;
use cubegate_tests::{Client, Gateway, Options, Site, block_on, until};
use futures::stream::{self, StreamExt as _};

const PASSWORD: &str = "a good Passw0rd";

/// Another address than the one that clients come from as a rule.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

async fn start(name: &str) -> Result<Gateway> {
    let options = Options {
        plain: true,
        ..Options::default()
    };
    let gateway = Gateway::start(Site::new(name)?, &options).await?;
    gateway.site().add_user("jeff", PASSWORD).await?;
    Ok(gateway)
}

async fn log_in(client: &Client, name: &str, password: &str) -> Result<Answer> {
    client
        .login_request(name, password)
        .patience(Duration::from_secs(60))
        .send()
        .await
}

/// Ten guesses that are looked at; between them a rate may ask to wait.
async fn guess_ten_times(client: &Client) -> Result<()> {
    let mut guesses = 0;
    for _ in 0..100 {
        let answer = log_in(client, "jeff", "a guess").await?;
        match answer.status {
            401 => guesses += 1,
            429 => tokio::time::sleep(Duration::from_millis(300)).await,
            _ => bail!("{}", answer.describe()),
        }
        if guesses == 10 {
            return Ok(());
        }
    }
    bail!("only {guesses} guesses were looked at")
}

/// The right password does not help. A rate alone asks to wait for a second or two, and
/// is looked at before a lock.
async fn assert_locked(client: &Client) -> Result<()> {
    until("the user is locked", Duration::from_secs(20), || async {
        let answer = log_in(client, "jeff", PASSWORD).await?;
        answer.cube_error(429)?;
        let wait = answer.header("retry-after").context("no Retry-After")?;
        Ok((wait.parse::<u64>()? > 60).then_some(()))
    })
    .await
}

#[test]
fn guesses_from_elsewhere_keep_nobody_out_who_was_there_before() -> Result<()> {
    block_on(async {
        let gateway = start("guesses").await?;
        let home = gateway.client();
        let elsewhere = Client::plain_from(&gateway.endpoints().gateway, ELSEWHERE)?;
        log_in(home, "jeff", PASSWORD).await?.expect(200)?;
        guess_ten_times(&elsewhere).await?;
        assert_locked(&elsewhere).await?;
        log_in(home, "jeff", PASSWORD).await?.expect(200)?;

        let site = gateway.site();
        let said = site.ok(&["user", "enable", "jeff"]).await?;
        ensure!(said.contains("cubegate user unlock jeff"), "{said}");
        // Neither the lock nor where the user was before is forgotten.
        gateway.kill_control_plane().await?;
        gateway.restart_control_plane().await?;
        assert_locked(&elsewhere).await?;
        log_in(home, "jeff", PASSWORD).await?.expect(200)?;

        let said = site.ok(&["user", "unlock", "jeff"]).await?;
        ensure!(said.contains("from everywhere"), "{said}");
        log_in(&elsewhere, "jeff", PASSWORD).await?.expect(200)?;
        let said = site.ok(&["user", "enable", "jeff"]).await?;
        ensure!(!said.contains("unlock"), "{said}");
        Ok(())
    })
}

#[test]
fn made_up_logins_by_the_hundred_do_not_delay_a_real_one() -> Result<()> {
    block_on(async {
        let gateway = start("made-up").await?;
        let home = gateway.client();
        let elsewhere = Client::plain_from(&gateway.endpoints().gateway, ELSEWHERE)?;
        let real = async || {
            let begun = Instant::now();
            log_in(home, "jeff", PASSWORD).await?.expect(200)?;
            anyhow::Ok(begun.elapsed())
        };
        real().await?;
        let idle = real().await?.max(real().await?);

        let names: Vec<String> = (0..500).map(|number| format!("nobody-{number}")).collect();
        let flood = stream::iter(&names)
            .map(|name| log_in(&elsewhere, name, "x"))
            .buffer_unordered(100)
            .collect::<Vec<_>>();
        let meanwhile = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            real().await
        };
        let (flood, busy) = futures::join!(flood, meanwhile);
        let busy = busy?;
        ensure!(
            busy < idle * 20 + Duration::from_secs(2),
            "{busy:?} during a flood, {idle:?} without one"
        );
        let (mut told, mut cut) = (0, 0);
        for answer in flood {
            let answer = answer?;
            match answer.status {
                401 => {}
                429 | 503 => told += 1,
                // A hundred connections at once may take longer than Envoy waits for
                // one, where the tests have all cores busy.
                502 => cut += 1,
                _ => bail!("{}", answer.describe()),
            }
        }
        ensure!(
            told > 300 && cut < 100,
            "{told} were told to come back, {cut} were cut off"
        );
        Ok(())
    })
}
