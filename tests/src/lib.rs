//! End-to-end tests on real Envoy, real kube-apiserver and etcd.
