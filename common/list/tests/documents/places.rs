//! Where in a list a piece of JSON may stand, and at which byte.

/// What stands around a piece of JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Begins with the `{` of the list.
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
}

/// Where a value may stand.
pub(crate) const VALUES: [Place; 11] = [
    Place::new("{\"items\":[", "]}"),
    Place::new("{\"items\":[{},", ",[]]}"),
    Place::new("{\"items\":[ ", " ] }"),
    IN_ITEM,
    Place::new("{\"items\":[[{\"a\":[0,", ",{}],\"b\":{}}]]}"),
    Place::new("{\"items\":[{\"metadata\":{\"name\":", "}}]}"),
    Place::new("{\"items\":[{\"metadata\":", "}]}"),
    IN_ENVELOPE,
    Place::new("{\"items\":[1],\"metadata\":", "}"),
    Place::new("{\"metadata\":{\"x\":[", "]},\"items\":[]}"),
    Place::new("{\"total\":", ",\"items\":[{}]}"),
];

/// Where a string may stand besides.
pub(crate) const KEYS: [Place; 5] = [
    KEY_IN_ITEM,
    Place::new("{\"items\":[{\"a\":{\"b\":[{", ":[]}]}}]}"),
    Place::new("{\"items\":[{\"metadata\":{", ":\"x\"}}]}"),
    Place::new("{", ":1,\"items\":[]}"),
    Place::new("{\"items\":[],\"metadata\":{", ":{}}}"),
];

/// The places that stand for all others where there is much to try.
pub(crate) const IN_ITEM: Place = Place::new("{\"items\":[{\"a\":", ",\"b\":[1]}]}");
pub(crate) const KEY_IN_ITEM: Place = Place::new("{\"items\":[{", ":1,\"b\":2}]}");
pub(crate) const IN_ENVELOPE: Place = Place::new("{\"kind\":", ",\"items\":[1]}");

/// What moves a piece of JSON on within a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Padding {
    /// A string far before it.
    Text,
    /// White space right before it.
    Space,
}

// === impl Place ===

impl Place {
    pub(crate) const fn new(before: &'static str, after: &'static str) -> Self {
        Self { before, after }
    }

    pub(crate) fn with(self, piece: impl AsRef<[u8]>) -> Vec<u8> {
        [
            self.before.as_bytes(),
            piece.as_ref(),
            self.after.as_bytes(),
        ]
        .concat()
    }

    /// The document, and where in it the piece stands.
    pub(crate) fn padded(
        self,
        padding: Padding,
        length: usize,
        piece: impl AsRef<[u8]>,
    ) -> (Vec<u8>, usize) {
        let before = match padding {
            Padding::Text => {
                let rest = self.before.strip_prefix('{').unwrap();
                format!("{{\"p\":\"{}\",{rest}", "x".repeat(length))
            }
            Padding::Space => format!("{}{}", self.before, " ".repeat(length)),
        };
        let at = before.len();
        let body = [before.as_bytes(), piece.as_ref(), self.after.as_bytes()].concat();
        (body, at)
    }
}
