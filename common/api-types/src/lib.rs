//! Request and answer bodies, and the error bodies of each API family.
