//! Aggregated discovery (delta xDS) over gRPC.
