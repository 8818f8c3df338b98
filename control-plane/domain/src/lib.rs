//! Users, access keys and clusters: the rules that hold without a database or a network.
