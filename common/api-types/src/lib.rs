//! Request and answer bodies, and the error bodies of each API family.
//!
//! The filter and the control plane answer on the same paths, so both take the
//! bodies from here: a client cannot tell which of the two refused it. What Kubernetes
//! paths answer is in `cubegate-kube`.
//!
//! - [`cube`]: KubeCube paths, `{"code","message"}`
//! - [`kubesphere`]: KubeSphere paths, plain text
//!
//! It deliberately holds no HTTP types and no logic of either side.

pub mod cube;
pub mod kubesphere;
