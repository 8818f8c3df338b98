//! What the tests of the console walk with.

use anyhow::Result;
use cubegate_tests::block_on;
use cubegate_tests::browser::Visitor;

use super::{origin, pages};
use crate::support::console::{Console, View};

#[test]
fn a_walk_through_a_console_finds_each_fault_on_each_page() -> Result<()> {
    block_on(async {
        let pages = pages::serve().await?;
        let origin = origin(&pages);
        let console = Console {
            origin: &origin,
            account: Some(("admin", "right")),
        };
        let start = View {
            name: "harness/start",
            path: "/console/",
        };
        let nobody = Console {
            account: None,
            ..console
        };
        let log_in = View {
            name: "harness/log-in",
            path: "/console/login",
        };
        nobody.walk(&[log_in]).await?;

        let faint = View {
            name: "harness/faint",
            path: "/console/faint",
        };
        let wide = View {
            name: "harness/wide",
            path: "/console/wide",
        };
        let missing = View {
            name: "harness/missing",
            path: "/console/missing",
        };
        let faults = console
            .walk(&[start, faint, wide, missing])
            .await
            .unwrap_err();
        let faults = faults.to_string();
        for expected in [
            "harness/faint-en-light: serious: color-contrast",
            "harness/faint-zh-dark: serious: color-contrast",
            "harness/wide-zh-phone: it is 1",
            "harness/missing-zh-dark: its language is \"en\"",
        ] {
            assert!(faults.contains(expected), "{expected}: {faults}");
        }
        for none in [
            "harness/start",
            "harness/missing-en",
            "harness/wide-en-light: serious",
        ] {
            assert!(!faults.contains(none), "{none}: {faults}");
        }

        let stranger = Console {
            account: Some(("admin", "wrong")),
            ..console
        };
        let refused = stranger
            .visit("harness/stranger", Visitor::default(), async |_| Ok(()))
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("input[name=password]"),
            "{refused}"
        );
        Ok(())
    })
}
