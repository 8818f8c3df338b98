//! `signing.pem`: the key that tokens are signed with, and while it is being rotated another one
//! whose tokens are taken as well.
//!
//! ```text
//!                 signs   taken as well
//! at first        A
//! add             A       B              every control plane and Envoy gets to know B
//! use             B       A              tokens of A are good until they end
//! drop            B
//! ```
//!
//! The other one stands behind, below a line that says what it is and since when. Whatever reads
//! one key from the file reads the one that signs.

use anyhow::{Context as _, bail};
use cubegate_token::{Ed25519Key, Ed25519Signer};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// How long a key has to be known before it signs: control planes read the file every ten
/// seconds, and Envoys have it soon after.
const KNOWN: Duration = Duration::seconds(60);

/// How much longer than its life a token is taken: clocks differ.
const SKEW: Duration = Duration::minutes(5);

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";

/// What is in the file.
pub(crate) struct SigningFile {
    current: String,
    other: Option<Other>,
}

/// The key beside the one that signs.
struct Other {
    pem: String,
    role: Role,
    /// `None`: nobody has said.
    since: Option<OffsetDateTime>,
}

/// What it is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It will sign.
    Next,
    /// It has signed.
    Old,
}

/// Keys in use.
pub(crate) struct SigningKeys {
    pub(crate) signer: Ed25519Signer,
    pub(crate) others: Vec<Ed25519Key>,
}

// === impl SigningFile ===

impl SigningFile {
    /// One key.
    pub(crate) fn of(pem: &str) -> Self {
        Self {
            current: pem.trim_end().to_owned() + "\n",
            other: None,
        }
    }

    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut keys = text.split(BEGIN);
        // What stands before the first one, and after it a public half.
        let current = format!(
            "{BEGIN}{}",
            keys.by_ref().take(2).last().unwrap_or_default()
        );
        let Some(other) = keys.next() else {
            return Ok(Self::of(text));
        };
        if keys.next().is_some() {
            bail!("there are more than two keys in it");
        }
        let (current, said) = current.rsplit_once('#').unwrap_or((current.as_str(), ""));
        let mut words = said.split_whitespace();
        let role = match words.next() {
            Some("next") => Role::Next,
            _ => Role::Old,
        };
        let since = words
            .nth(1)
            .and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
        Ok(Self {
            other: Some(Other {
                pem: format!("{BEGIN}{}\n", other.trim_end()),
                role,
                since,
            }),
            ..Self::of(current)
        })
    }

    pub(crate) fn to_text(&self) -> String {
        let Self { current, other } = self;
        let Some(Other { pem, role, since }) = other else {
            return current.clone();
        };
        let since = since.and_then(|since| since.format(&Rfc3339).ok());
        let role = role.as_str();
        format!(
            "{current}# {role} since {}\n{pem}",
            since.unwrap_or_default()
        )
    }

    pub(crate) fn keys(&self, issuer: &str) -> anyhow::Result<SigningKeys> {
        let other = self.other.as_ref();
        let others = other.map(|other| Ed25519Signer::from_pem(&other.pem, issuer)?.public_key());
        Ok(SigningKeys {
            signer: Ed25519Signer::from_pem(&self.current, issuer)?,
            others: others.transpose()?.into_iter().collect(),
        })
    }

    /// The id of each key, and what it is there for.
    pub(crate) fn list(
        &self,
    ) -> anyhow::Result<Vec<(String, &'static str, Option<OffsetDateTime>)>> {
        let kid = |pem: &str| Ed25519Signer::from_pem(pem, "").map(|key| key.kid().to_owned());
        let mut list = vec![(kid(&self.current)?, "signs", None)];
        if let Some(other) = &self.other {
            list.push((kid(&other.pem)?, other.role.as_str(), other.since));
        }
        Ok(list)
    }

    /// Takes a new key in, which does not sign yet.
    pub(crate) fn add(&mut self, now: OffsetDateTime) -> anyhow::Result<()> {
        match self.other.as_ref().map(|other| other.role) {
            Some(Role::Next) => {
                bail!("there is a next signing key already; `use` it, or `drop` it")
            }
            Some(Role::Old) => bail!("the old signing key is still taken; `drop` it first"),
            None => {}
        }
        self.other = Some(Other {
            pem: Ed25519Signer::generate("").to_pem().trim_end().to_owned() + "\n",
            role: Role::Next,
            since: Some(now),
        });
        Ok(())
    }

    /// Signs with the next key from now on. `at_once`: also when not everybody knows it.
    pub(crate) fn use_next(&mut self, now: OffsetDateTime, at_once: bool) -> anyhow::Result<()> {
        let Some(next) = self.other.take_if(|other| other.role == Role::Next) else {
            bail!("there is no next signing key; `add` makes one");
        };
        let known = next.since.map_or(now, |since| since + KNOWN);
        if now < known && !at_once {
            let at = known.format(&Rfc3339)?;
            bail!(
                "not every control plane and Envoy knows the next signing key yet; wait until {at}, or give --now if nobody needs the tokens"
            );
        }
        let old = std::mem::replace(&mut self.current, next.pem);
        self.other = Some(Other {
            pem: old,
            role: Role::Old,
            since: Some(now),
        });
        Ok(())
    }

    /// Returns when the last token of the old key has ended, if tokens live at most so long;
    /// `None` when nothing waits for it.
    pub(crate) fn dropped_at(
        &self,
        longest: Duration,
        now: OffsetDateTime,
    ) -> anyhow::Result<Option<OffsetDateTime>> {
        let Some(other) = &self.other else {
            bail!("there is one signing key, and nothing to drop");
        };
        Ok(match other.role {
            // It has signed nothing.
            Role::Next => None,
            Role::Old => Some(other.since.unwrap_or(now) + longest + SKEW),
        })
    }

    /// Takes the other key out.
    pub(crate) fn drop_other(&mut self) {
        self.other = None;
    }

    pub(crate) fn role(&self) -> Option<Role> {
        self.other.as_ref().map(|other| other.role)
    }
}

/// Reads what `signing.pem` holds.
///
/// # Errors
/// What is wrong with it, for somebody who knows which file it is.
pub(crate) fn parse_keys(text: &str, issuer: &str) -> anyhow::Result<SigningKeys> {
    SigningFile::parse(text)?
        .keys(issuer)
        .context("it does not hold Ed25519 keys")
}

// === impl Role ===

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Old => "old",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_900_000_000 + seconds).unwrap()
    }

    fn reread(file: &SigningFile) -> SigningFile {
        SigningFile::parse(&file.to_text()).unwrap()
    }

    fn kids(file: &SigningFile) -> (String, Vec<String>) {
        let keys = file.keys("cubegate").unwrap();
        let others = keys.others.iter().map(|key| key.kid().to_owned());
        (keys.signer.kid().to_owned(), others.collect())
    }

    #[test]
    fn a_key_is_known_before_it_signs_and_known_as_long_as_its_tokens_live() {
        let first = Ed25519Signer::generate("cubegate");
        let mut file = SigningFile::parse(&first.to_pem()).unwrap();
        assert_eq!(kids(&file), (first.kid().to_owned(), vec![]));
        assert!(
            file.use_next(at(0), true).is_err() && file.dropped_at(Duration::HOUR, at(0)).is_err()
        );

        file.add(at(0)).unwrap();
        let mut file = reread(&file);
        let (signs, others) = kids(&file);
        assert_eq!((signs.as_str(), others.len()), (first.kid(), 1));
        assert!(file.add(at(0)).is_err());

        let early = reread(&file)
            .use_next(at(59), false)
            .unwrap_err()
            .to_string();
        assert!(early.contains("not every control plane"), "{early}");
        reread(&file).use_next(at(1), true).unwrap();
        file.use_next(at(60), false).unwrap();
        let mut file = reread(&file);
        assert_eq!(
            kids(&file),
            (others[0].clone(), vec![first.kid().to_owned()])
        );
        assert!(
            file.add(at(61))
                .unwrap_err()
                .to_string()
                .contains("still taken")
        );
        let end = file.dropped_at(Duration::HOUR, at(61)).unwrap();
        assert_eq!(end, Some(at(60 + 3_600 + 300)));

        file.drop_other();
        assert_eq!(kids(&reread(&file)), (others[0].clone(), vec![]));
    }

    #[test]
    fn a_key_that_has_not_signed_is_dropped_at_once() {
        let mut file = SigningFile::of(&Ed25519Signer::generate("").to_pem());
        file.add(at(0)).unwrap();
        assert_eq!(
            reread(&file).dropped_at(Duration::HOUR, at(0)).unwrap(),
            None
        );
    }

    #[test]
    fn whoever_reads_one_key_reads_the_one_that_signs() {
        let first = Ed25519Signer::generate("cubegate");
        let mut file = SigningFile::of(&first.to_pem());
        file.add(at(0)).unwrap();
        let read = Ed25519Signer::from_pem(&file.to_text(), "cubegate");
        assert_eq!(read.unwrap().kid(), first.kid());
    }
}
