//! What the tests of several modules share.

pub(crate) mod console;
pub(crate) mod forms;
pub(crate) mod kubectl;
pub(crate) mod vectors;

use anyhow::Result;
use cubegate_tests::gateway::Options;
use cubegate_tests::jwt::Minter;
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Gateway, Shared, Site, Stack, block_on};

/// KubeCube's shared secret in the vectors: sixteen bytes, as its own are.
pub(crate) const HS256_SECRET: &str = "56F0D8DB90241C6E";

/// A gateway before two real API servers.
pub(crate) struct World {
    pub(crate) stack: &'static Stack,
    pub(crate) gateway: Gateway,
}

/// A gateway before the upstreams that the tests play.
pub(crate) struct Playground {
    pub(crate) gateway: Gateway,
    minter: Minter,
}

/// Runs a test before real API servers. Whatever it did, Envoy must have got
/// through it unharmed.
pub(crate) fn in_the_world(test: impl AsyncFnOnce(&'static World) -> Result<()>) -> Result<()> {
    static WORLD: Shared<World> = Shared::new();
    block_on(async {
        let world = WORLD.get(World::start()).await?;
        test(world).await?;
        world.gateway.health().check().await
    })
}

/// Runs a test before upstreams of its own.
pub(crate) fn in_the_playground(
    test: impl AsyncFnOnce(&'static Playground) -> Result<()>,
) -> Result<()> {
    static PLAYGROUND: Shared<Playground> = Shared::new();
    block_on(async {
        let playground = PLAYGROUND.get(Playground::start()).await?;
        test(playground).await?;
        playground.gateway.health().check().await
    })
}

/// The two kinds of path to an API server.
pub(crate) fn cube(cluster: &str, path: &str) -> String {
    format!("/api/v1/cube/proxy/clusters/{cluster}{path}")
}

/// See [`cube`].
pub(crate) fn kube(cluster: &str, path: &str) -> String {
    format!("/clusters/{cluster}{path}")
}

// === impl World ===

impl World {
    async fn start() -> Result<Self> {
        let stack = Stack::shared().await?;
        // The API servers of the tests are on this machine, and so are all that log in there.
        let flags = [
            "--allow-cluster-address=127.0.0.0/8",
            "--logins-per-address=0",
        ];
        let options = Options {
            flags: flags.map(str::to_owned).to_vec(),
            ..Options::default()
        };
        Ok(Self {
            stack,
            gateway: Self::gateway_with("gateway", stack, &options).await?,
        })
    }

    /// A gateway of one test's own before the same API servers.
    pub(crate) async fn another_gateway(name: &str, stack: &Stack) -> Result<Gateway> {
        Self::gateway_with(name, stack, &Options::default()).await
    }

    /// The same with options of its own.
    pub(crate) async fn gateway_with(
        name: &str,
        stack: &Stack,
        options: &Options,
    ) -> Result<Gateway> {
        let site = Site::new(name)?;
        for server in [&stack.pivot, &stack.member] {
            site.add_cluster(&server.name, &server.gateway_kubeconfig, true)
                .await?;
        }
        Gateway::start(site, options).await
    }
}

// === impl Playground ===

impl Playground {
    async fn start() -> Result<Self> {
        Self::of(Site::new("playground")?, true, &[]).await
    }

    /// One of a test's own, in clear or not, with these flags.
    pub(crate) async fn of(site: Site, plain: bool, flags: &[&str]) -> Result<Self> {
        let options = Options {
            plain,
            hs256_secret: Some(HS256_SECRET.to_owned()),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        Ok(Self {
            gateway,
            minter: Minter::new(HS256_SECRET),
        })
    }

    /// A client with a good token.
    pub(crate) fn client(&self) -> Result<Client> {
        self.gateway
            .client()
            .with_bearer(&self.minter.token("admin")?)
    }

    /// What mints its tokens.
    pub(crate) fn minter(&self) -> &Minter {
        &self.minter
    }

    /// Registers an upstream on this port, and waits until Envoy knows it.
    pub(crate) async fn cluster(&self, port: u16) -> Result<String> {
        let name = format!("played-{}", unique());
        self.gateway.site().add_plain_cluster(&name, port).await?;
        self.gateway
            .wait_for_cluster(&self.client()?, &name)
            .await?;
        Ok(name)
    }
}
