//! What `/oauth` and the throttling of tries can be told.

use std::time::Duration;

use clap::Args;
use cubegate_api::{OauthClient, OauthSettings, ThrottleSettings};

/// How `/oauth` behaves.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "OAuth")]
pub(crate) struct OauthArgs {
    /// An OAuth client that may be named; a token request that names none is one of
    /// `kubesphere`, unless others are given here
    #[arg(
        long = "oauth-client",
        env = "CUBEGATE_OAUTH_CLIENT",
        value_name = "ID:SECRET",
        value_delimiter = ',',
        default_value = OauthClient::KUBESPHERE,
        hide_env_values = true
    )]
    pub(crate) clients: Vec<OauthClient>,

    /// How long an access token of /oauth/token is valid, in seconds
    #[arg(
        long, env = "CUBEGATE_OAUTH_TOKEN_LIFETIME", value_name = "SECONDS",
        default_value_t = OauthSettings::ACCESS_LIFETIME.as_secs(), value_parser = clap::value_parser!(u64).range(60..=86_400)
    )]
    pub(crate) oauth_token_lifetime: u64,

    /// How long a refresh token is valid, in seconds
    #[arg(
        long, env = "CUBEGATE_OAUTH_REFRESH_LIFETIME", value_name = "SECONDS",
        default_value_t = OauthSettings::REFRESH_LIFETIME.as_secs(), value_parser = clap::value_parser!(u64).range(60..=7_776_000)
    )]
    pub(crate) oauth_refresh_lifetime: u64,

    /// Whether a user may have several sessions; if not, a login or refresh at
    /// /oauth/token ends the others
    #[arg(
        long,
        env = "CUBEGATE_MULTIPLE_LOGIN",
        value_name = "BOOL",
        default_value_t = OauthSettings::MULTIPLE_LOGIN,
        action = clap::ArgAction::Set
    )]
    pub(crate) multiple_login: bool,

    /// An address that /oauth/logout may lead to (post_logout_redirect_uri)
    #[arg(
        long = "oauth-logout-redirect",
        env = "CUBEGATE_OAUTH_LOGOUT_REDIRECT",
        value_name = "URI",
        value_delimiter = ','
    )]
    pub(crate) logout_redirects: Vec<String>,
}

/// How often somebody may try. A rate of 0 is no bound.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Throttling")]
pub(crate) struct ThrottleArgs {
    /// Logins with a password of one user, per minute and at most 10 at once; 0 for no bound
    #[arg(
        long,
        env = "CUBEGATE_LOGINS_PER_USER",
        value_name = "NUMBER",
        default_value_t = ThrottleSettings::DEFAULT.logins_per_user
    )]
    pub(crate) logins_per_user: u32,

    /// Logins with a password from one address, per minute and at most 10 at once; 0 for no bound
    #[arg(
        long,
        env = "CUBEGATE_LOGINS_PER_ADDRESS",
        value_name = "NUMBER",
        default_value_t = ThrottleSettings::DEFAULT.logins_per_address
    )]
    pub(crate) logins_per_address: u32,

    /// Tokens made from one access key or refreshed by one user, per minute; 0 for no bound
    #[arg(
        long,
        env = "CUBEGATE_TOKENS_PER_USER",
        value_name = "NUMBER",
        default_value_t = ThrottleSettings::DEFAULT.tokens_per_user
    )]
    pub(crate) tokens_per_user: u32,

    /// Tokens made or refreshed from one address, per minute; 0 for no bound
    #[arg(
        long,
        env = "CUBEGATE_TOKENS_PER_ADDRESS",
        value_name = "NUMBER",
        default_value_t = ThrottleSettings::DEFAULT.tokens_per_address
    )]
    pub(crate) tokens_per_address: u32,

    /// Changes by the API of one user who is no administrator, per minute; 0 for no bound
    #[arg(
        long,
        env = "CUBEGATE_CHANGES_PER_USER",
        value_name = "NUMBER",
        default_value_t = ThrottleSettings::DEFAULT.changes_per_user
    )]
    pub(crate) changes_per_user: u32,

    /// Wrong passwords within the window that lock a user for addresses that it has not logged in from before; 0 locks nobody
    #[arg(
        long,
        env = "CUBEGATE_LOCK_FAILURES",
        value_name = "NUMBER",
        default_value_t = ThrottleSettings::DEFAULT.lock_failures
    )]
    pub(crate) lock_failures: u32,

    /// How long wrong passwords count, and how long a user is locked then, in seconds
    #[arg(
        long, env = "CUBEGATE_LOCK_WINDOW", value_name = "SECONDS",
        default_value_t = ThrottleSettings::DEFAULT.lock_window.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    pub(crate) lock_window: u64,
}

// === impl OauthArgs ===

impl OauthArgs {
    pub(crate) fn settings(&self) -> OauthSettings {
        let Self {
            clients,
            oauth_token_lifetime,
            oauth_refresh_lifetime,
            multiple_login,
            logout_redirects,
        } = self;
        OauthSettings {
            clients: clients.clone(),
            access_lifetime: Duration::from_secs(*oauth_token_lifetime),
            refresh_lifetime: Duration::from_secs(*oauth_refresh_lifetime),
            multiple_login: *multiple_login,
            logout_redirects: logout_redirects.clone(),
        }
    }
}

// === impl ThrottleArgs ===

impl ThrottleArgs {
    pub(crate) fn settings(&self) -> ThrottleSettings {
        let Self {
            logins_per_user,
            logins_per_address,
            tokens_per_user,
            tokens_per_address,
            changes_per_user,
            lock_failures,
            lock_window,
        } = self;
        ThrottleSettings {
            logins_per_user: *logins_per_user,
            logins_per_address: *logins_per_address,
            tokens_per_user: *tokens_per_user,
            tokens_per_address: *tokens_per_address,
            changes_per_user: *changes_per_user,
            lock_failures: *lock_failures,
            lock_window: Duration::from_secs(*lock_window),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Both {
        #[command(flatten)]
        oauth: OauthArgs,
        #[command(flatten)]
        throttle: ThrottleArgs,
    }

    #[test]
    fn each_flag_of_throttling_sets_its_bound() {
        let Both { throttle, .. } = Both::parse_from(["test"]);
        assert_eq!(throttle.settings(), ThrottleSettings::DEFAULT);
        let arguments = [
            "test",
            "--logins-per-user=1",
            "--logins-per-address=2",
            "--tokens-per-user=3",
            "--tokens-per-address=4",
            "--changes-per-user=5",
            "--lock-failures=6",
            "--lock-window=7",
        ];
        let expected = ThrottleSettings {
            logins_per_user: 1,
            logins_per_address: 2,
            tokens_per_user: 3,
            tokens_per_address: 4,
            changes_per_user: 5,
            lock_failures: 6,
            lock_window: Duration::from_secs(7),
        };
        assert_eq!(Both::parse_from(arguments).throttle.settings(), expected);
    }

    #[test]
    fn clients_and_switches_are_read() {
        let arguments = [
            "test",
            "--oauth-client",
            "a:b:c",
            "--oauth-client=d:e",
            "--multiple-login=false",
        ];
        let settings = Both::parse_from(arguments).oauth.settings();
        assert!(!settings.multiple_login);
        let clients: Vec<_> = settings
            .clients
            .iter()
            .map(|client| (client.id.as_str(), client.secret.as_str()))
            .collect();
        assert_eq!(clients, [("a", "b:c"), ("d", "e")]);
        for bad in ["a", "a:", ":b", ""] {
            assert!(Both::try_parse_from(["test", "--oauth-client", bad]).is_err());
        }
    }
}
