//! Claims, key set, verification and (feature) signing of Cubegate tokens.
