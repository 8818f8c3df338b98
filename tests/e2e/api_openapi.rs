//! The API as its OpenAPI document describes it.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use cubegate_tests::artifacts::root;
use cubegate_tests::gateway::Options;
use cubegate_tests::schemathesis::Schemathesis;
use cubegate_tests::{Gateway, Shared, Site, block_on};
use serde_json::Value;

/// One for all tests here: what requests by chance do to it concerns nobody else.
async fn gateway() -> Result<&'static Gateway> {
    static GATEWAY: Shared<Gateway> = Shared::new();
    GATEWAY
        .get(async { Gateway::start(Site::new("openapi")?, &Options::default()).await })
        .await
}

#[test]
fn the_document_is_served_to_everybody_through_the_gateway() -> Result<()> {
    block_on(async {
        let answer = gateway()
            .await?
            .client()
            .get("/openapi.json")
            .send()
            .await?;
        let served: Value = answer.expect(200)?.json()?;
        let committed: Value =
            serde_json::from_slice(&fs::read(root().join("docs/openapi.json"))?)?;
        assert_eq!(served, committed);
        Ok(())
    })
}

#[test]
fn anonymous_requests_by_chance_are_answered_as_described() -> Result<()> {
    block_on(async {
        let gateway = gateway().await?;
        Schemathesis {
            name: "schemathesis-anonymous",
            document: &root().join("docs/openapi.json"),
            server: &gateway.endpoints().control_plane,
            ca: &gateway.endpoints().control_plane_ca,
            token: None,
            without: &[],
            checks: &[],
            max_examples: 8,
            within: Duration::from_secs(240),
        }
        .run()
        .await
    })
}

#[test]
fn an_administrators_requests_by_chance_are_answered_as_described() -> Result<()> {
    block_on(async {
        let gateway = gateway().await?;
        let token = gateway.admin_token().await?;
        Schemathesis {
            name: "schemathesis-admin",
            document: &root().join("docs/openapi.json"),
            server: &gateway.endpoints().control_plane,
            ca: &gateway.endpoints().control_plane_ca,
            token: Some(token),
            // Each would be the last request of this token that is answered.
            without: &[
                "/oauth/logout",
                "/api/v1/cube/logout",
                "/api/v1/cube/user/{name}/sessions",
            ],
            // The same call without the token, and with a wrong one, is refused.
            checks: &["ignored_auth"],
            max_examples: 15,
            within: Duration::from_secs(300),
        }
        .run()
        .await?;
        // It was the administrator's to the end.
        let answer = gateway
            .client()
            .with_bearer(token)?
            .get("/api/v1/cube/clusters")
            .send()
            .await?;
        answer.expect(200)?;
        Ok(())
    })
}
