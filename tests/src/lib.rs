//! What the end-to-end tests stand on: the processes that they start, the
//! clients that they speak with, and the upstreams that they play.
//!
//! ```text
//! Client / raw ──> Gateway (cubegate up + Envoy) ──> Stack (two real API servers)
//!                                               ├──> Fixture (the vectors' upstream)
//!                                               └──> faults (scripted upstreams)
//! Browser (a real Chromium) ──> whatever serves pages
//! ```
//!
//! Nothing here asserts anything about the product; the tests in `e2e/` do. One
//! [`Run`] is one test process: everything that it starts is ended by a reaper
//! when the process ends, also when it is killed.

pub mod artifacts;
pub mod balancer;
pub mod browser;
pub mod cli;
pub mod client;
pub mod clock;
pub mod collector;
pub mod compatibility;
pub mod conformance;
pub mod database;
pub mod elsewhere;
pub mod envoy;
pub mod faults;
pub mod fixture;
pub mod gateway;
pub mod hasty;
pub mod http2_frames;
pub mod http2_upstream;
pub mod jwt;
pub mod kube;
pub mod kubeconfig;
pub mod kubelet;
pub mod metrics;
pub mod node;
pub mod postgres;
pub mod prometheus;
pub mod raw;
pub mod run;
pub mod schemathesis;
pub mod sluice;
pub mod stack;
pub mod static_envoy;
pub mod tls;
pub mod tls_upstream;
pub mod until;
pub mod vector;

pub use artifacts::Artifacts;
pub use browser::Browser;
pub use cli::Site;
pub use client::{Answer, Client, Stream};
pub use fixture::Fixture;
pub use gateway::{Gateway, Options};
pub use kube::Kube;
pub use node::Node;
pub use run::{Run, Shared, block_on};
pub use sluice::Sluice;
pub use stack::Stack;
pub use until::until;
