//! Numbers of bytes as people write and read them: `500`, `10M`, `1.5G`, in powers of 1024.
//! What cannot be meant is refused: no sign, no fraction of a byte, nothing beyond 64 bits.
//! Not here: what is measured.

use std::fmt;
use std::str::FromStr;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// The text is no number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no number of bytes: write 500, 64K, 10M, 1.5G or 2T")]
pub struct NotASize(String);

const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

impl FromStr for Size {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Size, NotASize> {
        let bad = || NotASize(text.chars().take(40).collect());
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let power = match unit.trim().to_ascii_uppercase().trim_end_matches('B').trim_end_matches('I') {
            "" => 0,
            "K" => 1,
            "M" => 2,
            "G" => 3,
            "T" => 4,
            _ => return Err(bad()),
        };
        let factor = 1024_u64.pow(power);
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(factor).map(Size).ok_or_else(bad);
        }
        let number: f64 = number.parse().ok().filter(|_| power > 0).ok_or_else(bad)?;
        let bytes = number * factor as f64;
        if bytes < u64::MAX as f64 { Ok(Size(bytes as u64)) } else { Err(bad()) }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut number, mut unit) = (self.0 as f64, 0);
        while number >= 1024.0 && unit + 1 < UNITS.len() {
            (number, unit) = (number / 1024.0, unit + 1);
        }
        if unit == 0 { write!(out, "{} B", self.0) } else { write!(out, "{number:.1} {}", UNITS[unit]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        for (text, bytes) in [
            ("0", 0),
            ("500", 500),
            ("64k", 65_536),
            ("10M", 10 << 20),
            ("1.5G", 3 << 29),
            ("1GiB", 1 << 30),
            ("2 TB", 2 << 40),
            ("7B", 7),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in ["", "M", "-1", "1.5", "1,5G", "1X", "1.2.3G", "99999999999T", "1e3", "..K"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_is_short() {
        assert_eq!(
            [0, 1023, 1024, 3 << 29].map(|bytes| Size(bytes).to_string()),
            ["0 B", "1023 B", "1.0 KiB", "1.5 GiB"]
        );
    }
}
