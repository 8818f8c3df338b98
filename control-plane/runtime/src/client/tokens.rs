//! Tokens by a credential: from the cache while they are good, else from the gateway.

use anyhow::{anyhow, bail};
use time::OffsetDateTime;

use super::cache::{Asked, Cache, Entries, Entry};
use super::gateway::{GatewayClient, Refused};
use super::source::{Credential, Source};
use crate::args::ClientArgs;

/// Gives tokens.
pub(crate) struct Tokens {
    gateway: GatewayClient,
    source: Source,
    cache: Cache,
}

/// A token that is good.
pub(crate) struct Given {
    /// The token.
    pub(crate) token: String,
    /// When another one is to be asked for.
    pub(crate) renew_at: OffsetDateTime,
}

// === impl Tokens ===

impl Tokens {
    /// Those of a gateway's client for this credential.
    ///
    /// # Errors
    /// A credential or a cache that cannot be used.
    pub(crate) fn new(gateway: GatewayClient, args: &ClientArgs) -> anyhow::Result<Self> {
        let ClientArgs {
            gateway: _,
            gateway_ca: _,
            credential_file,
            credential_helper,
            cache_dir,
        } = args;
        let source = Source::new(credential_file.as_deref(), credential_helper.as_deref())?;
        let cache = Cache::open(cache_dir.as_deref(), gateway.url(), &source)?;
        Ok(Self {
            gateway,
            source,
            cache,
        })
    }

    /// What asks the gateway with them.
    pub(crate) fn gateway(&self) -> &GatewayClient {
        &self.gateway
    }

    /// Returns a token for a cluster, or for all of them, for this process.
    ///
    /// kubectl asks once, and again when a server has refused the token before its end: then the
    /// gateway is asked whether it is still good.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub(crate) async fn get(&self, cluster: Option<&str>, process: u32) -> anyhow::Result<Given> {
        let entries = self.cache.read();
        let mut is_doubtful = false;
        if let Some(entry) = entries.good(cluster)
            && self.is_of(&entries).await?
        {
            is_doubtful = self.cache.comes_again(&Asked {
                process,
                cluster: cluster.map(str::to_owned),
                renew_at: entry.renew_at,
            });
            if !is_doubtful {
                return entry.give();
            }
        }
        let _alone = self.cache.lock().await?;
        let entry = self.renew(cluster, is_doubtful).await?;
        self.cache.comes_again(&Asked {
            process,
            cluster: cluster.map(str::to_owned),
            renew_at: entry.renew_at,
        });
        entry.give()
    }

    /// Returns whether what is kept is of the credential that there is now. A keyring is asked
    /// only when a token is to be renewed.
    async fn is_of(&self, entries: &Entries) -> anyhow::Result<bool> {
        if !self.source.is_file() {
            return Ok(true);
        }
        let credential = self.source.read(self.gateway.url()).await?;
        Ok(entries.credential == credential.digest())
    }

    /// Returns a token that is good, once no other process renews one: it may have been faster.
    async fn renew(&self, cluster: Option<&str>, is_doubtful: bool) -> anyhow::Result<Entry> {
        let credential = self.source.read(self.gateway.url()).await?;
        let mut entries = self.cache.read();
        if entries.credential != credential.digest() {
            entries = Entries {
                credential: credential.digest(),
                ..Entries::default()
            };
        }
        if let Some(entry) = entries.good(cluster) {
            if !is_doubtful || self.stands(&entry).await? {
                return Ok(entry);
            }
            // One that is taken back may have been so with its session, or its key's generation.
            entries.clusters.clear();
            if let Some(wide) = entries.good(None)
                && (cluster.is_none() || !self.stands(&wide).await?)
            {
                entries.wide = None;
            }
        }
        let entry = match cluster {
            None => self.wide(&mut entries, &credential).await?,
            Some(cluster) => self.narrow(&mut entries, &credential, cluster).await?,
        };
        Ok(entry)
    }

    /// Returns whether the gateway still takes a token.
    async fn stands(&self, entry: &Entry) -> anyhow::Result<bool> {
        match self.gateway.whoami(&entry.token).await? {
            Ok(_) => Ok(true),
            Err(refused) if refused.is_for_now() => Err(anyhow!(
                "the gateway does not say whether the token is good: {refused}"
            )),
            Err(_) => Ok(false),
        }
    }

    /// A token for one cluster, by one for all of them.
    async fn narrow(
        &self,
        entries: &mut Entries,
        credential: &Credential,
        cluster: &str,
    ) -> anyhow::Result<Entry> {
        let refused = |refused: Refused| {
            anyhow!("the gateway gives no token for the cluster {cluster}: {refused}")
        };
        let kept = entries.good(None);
        let is_kept = kept.is_some();
        let wide = match kept {
            Some(wide) => wide,
            None => self.wide(entries, credential).await?,
        };
        let tokens = match self.gateway.exchange(&wide.token, cluster).await? {
            Ok(tokens) => tokens,
            // What was kept may have been taken back meanwhile.
            Err(first) if is_kept && !first.is_for_now() && !self.stands(&wide).await? => {
                entries.wide = None;
                let wide = self.wide(entries, credential).await?;
                let again = self.gateway.exchange(&wide.token, cluster).await?;
                again.map_err(refused)?
            }
            Err(first) => return Err(refused(first)),
        };
        let entry = Entry::new(tokens.access_token, now())?;
        entries.clusters.insert(cluster.to_owned(), entry.clone());
        self.cache.write(entries, now())?;
        Ok(entry)
    }

    /// A token for all clusters, by the credential. Those before it may have ended with it.
    async fn wide(&self, entries: &mut Entries, credential: &Credential) -> anyhow::Result<Entry> {
        if let Some(wide) = entries.good(None) {
            return Ok(wide);
        }
        entries.clusters.clear();
        let token = match credential {
            Credential::Key {
                access_key,
                secret_key,
            } => {
                let answer = self.gateway.by_key(access_key, secret_key).await?;
                answer.map_err(|refused| {
                    anyhow!(
                        "the gateway gives no token for the access key in {}: {refused}",
                        self.source
                    )
                })?
            }
            Credential::Refresh(token) => {
                self.source.check_writable()?;
                let answer = self.gateway.by_refresh_token(token).await?;
                let tokens = answer.map_err(|refused| match refused.is_for_now() {
                    true => anyhow!("the gateway renews no token: {refused}"),
                    false => anyhow!(
                        "the session of {} is over; log in again and put the answer of /oauth/token there: {refused}",
                        self.source
                    ),
                })?;
                let Some(refresh) = tokens.refresh_token else {
                    bail!("the gateway's answer holds no refresh token");
                };
                self.source.replace(self.gateway.url(), &refresh).await?;
                entries.credential = Credential::Refresh(refresh).digest();
                tokens.access_token
            }
        };
        let wide = Entry::new(token, now())?;
        entries.wide = Some(wide.clone());
        self.cache.write(entries, now())?;
        Ok(wide)
    }
}

// === impl Entries ===

impl Entries {
    /// The token for a cluster, or for all of them, if it is there and lasts.
    fn good(&self, cluster: Option<&str>) -> Option<Entry> {
        let entry = match cluster {
            Some(cluster) => self.clusters.get(cluster),
            None => self.wide.as_ref(),
        };
        entry.filter(|entry| entry.is_good(now())).cloned()
    }
}

// === impl Entry ===

impl Entry {
    fn give(self) -> anyhow::Result<Given> {
        Ok(Given {
            renew_at: OffsetDateTime::from_unix_timestamp(self.renew_at)?,
            token: self.token,
        })
    }
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}
