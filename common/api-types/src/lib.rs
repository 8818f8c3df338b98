//! Request and answer bodies, and the error bodies of each API family.
//!
//! The filter and the control plane answer on the same paths, so both take the
//! bodies from here: a client cannot tell which of the two refused it.
//!
//! - [`cube`]: KubeCube paths, `{"code","message"}`
//! - [`kube`]: Kubernetes paths, a `Status` object
//! - [`sphere`]: KubeSphere paths, plain text
//!
//! It deliberately holds no HTTP types and no logic of either side.

pub mod cube;
pub mod kube;
pub mod sphere;
