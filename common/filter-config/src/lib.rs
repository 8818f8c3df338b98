//! What the control plane tells the filter, versioned.
