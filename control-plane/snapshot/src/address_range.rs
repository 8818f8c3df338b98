//! Ranges of IP addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses with a common beginning, as `10.0.0.0/8`; one address alone is a range, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    prefix_bits: u8,
}

/// Why a range is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no range of addresses; write for example 10.0.0.0/8, fd00::/8 or 192.0.2.7")]
pub struct AddressRangeError(String);

// === impl AddressRange ===

impl AddressRange {
    /// Its first address, as it was written.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// Returns how many bits all its addresses have in common.
    pub fn prefix_bits(self) -> u8 {
        self.prefix_bits
    }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AddressRangeError(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            None => longest,
            Some(prefix) => prefix
                .parse()
                .ok()
                .filter(|bits| *bits <= longest)
                .ok_or_else(wrong)?,
        };
        Ok(Self {
            address,
            prefix_bits,
        })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_written_everywhere() {
        for (text, expected) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("fd00::/8", "fd00::/8"),
            ("::1", "::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            let range: AddressRange = text.parse().unwrap();
            assert_eq!(range.to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_range_is_refused_in_words() {
        for text in [
            "",
            "lb.example",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0/8",
            "10.0.0.0/8/8",
        ] {
            let error = text.parse::<AddressRange>().unwrap_err().to_string();
            assert!(
                error.contains("is no range of addresses"),
                "{text}: {error}"
            );
        }
    }
}
