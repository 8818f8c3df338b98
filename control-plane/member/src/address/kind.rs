//! What an address is, when it is none that everybody reaches in the same way.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where clouds keep the credentials of a machine beside 169.254.169.254: Azure's host,
/// Alibaba's and Amazon's metadata service over IPv6.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Returns the IPv4 address that an IPv6 address stands for, if it does: mapped (RFC 4291
/// 2.5.5.2) or compatible (2.5.5.1), through NAT64 (RFC 6052) or 6to4 (RFC 3056).
pub(super) fn innermost(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let last = |segments: [u16; 8]| {
        let [.., high, low] = segments;
        v4(high, low)
    };
    let segments = v6.segments();
    match segments {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => last(segments),
        // Not :: and ::1.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => last(segments),
        [0x2002, high, low, ..] => v4(high, low),
        _ => ip,
    }
}

fn v4(high: u16, low: u16) -> IpAddr {
    Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)).into()
}

/// Returns what the address is, with an article; `None` when it is an ordinary one, of a private
/// network or of the internet.
pub(super) fn of(ip: IpAddr) -> Option<&'static str> {
    if METADATA.contains(&ip) {
        return Some("a cloud's metadata service");
    }
    let (link_local, reserved) = match ip {
        IpAddr::V4(v4) => {
            let [first, ..] = v4.octets();
            (v4.is_link_local(), first == 0 || first >= 240)
        }
        IpAddr::V6(v6) => (v6.is_unicast_link_local(), false),
    };
    let kinds = [
        (ip.is_unspecified(), "no address of a machine"),
        (ip.is_loopback(), "a loopback address"),
        (link_local, "a link-local address"),
        (ip.is_multicast(), "a multicast address"),
        (reserved, "a reserved address"),
    ];
    kinds.into_iter().find_map(|(is, kind)| is.then_some(kind))
}
