//! Who looks at pages, and through what.

/// Somebody with a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    /// What they read.
    pub language: Language,
    /// What their desktop looks like.
    pub theme: Theme,
    /// How large the page is to them.
    pub viewport: Viewport,
    /// Whether their browser runs what pages bring.
    pub scripts: bool,
    /// Where they are, as the IANA database names it.
    pub time_zone: &'static str,
}

/// What somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// As in the United States.
    English,
    /// As in the People's Republic.
    Chinese,
}

/// What a desktop prefers (`prefers-color-scheme`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Pixels of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewport {
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
}

// === impl Visitor ===

impl Default for Visitor {
    fn default() -> Self {
        Self {
            language: Language::English,
            theme: Theme::Light,
            viewport: Viewport::DESK,
            scripts: true,
            time_zone: "UTC",
        }
    }
}

// === impl Language ===

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Names files.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// The browser's own (`navigator.language`).
    pub fn locale(self) -> &'static str {
        match self {
            Self::English => "en-US",
            Self::Chinese => "zh-CN",
        }
    }

    /// What is asked for (`Accept-Language`), best first.
    pub(super) fn accepted(self) -> &'static str {
        match self {
            Self::English => "en-US,en",
            Self::Chinese => "zh-CN,zh",
        }
    }
}

// === impl Theme ===

impl Theme {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

    /// As CSS names it; it names files, too.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

// === impl Viewport ===

impl Viewport {
    /// A laptop's.
    pub const DESK: Self = Self {
        width: 1280,
        height: 800,
    };

    /// A telephone's, held upright.
    pub const PHONE: Self = Self {
        width: 360,
        height: 740,
    };
}
