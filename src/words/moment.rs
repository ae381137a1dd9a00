//! A moment as people read it: UTC, to the second, from seconds since 1970.
//! The calendar is the proleptic Gregorian one.
//! Not here: asking a clock, or other time zones.

/// `2026-03-01 12:00:00 UTC` from seconds since 1970.
pub fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", rest / 3600, rest / 60 % 60, rest % 60)
}

/// `2026-03-01T12:00:00.000Z` from milliseconds since 1970.
pub fn utc_ms(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let text = utc(seconds).replacen(' ', "T", 1);
    format!("{}.{:03}Z", text.trim_end_matches(" UTC"), milliseconds % 1000)
}

/// A length of time, in its two largest units: `2 d 3 h`, from seconds.
pub fn age(seconds: u64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let at = units.iter().position(|(size, _)| seconds >= *size).unwrap_or(units.len() - 1);
    let (size, unit) = units[at];
    match units.get(at + 1) {
        Some((less, lesser)) => format!("{} {unit} {} {lesser}", seconds / size, seconds % size / less),
        None => format!("{} {unit}", seconds / size),
    }
}

/// Year, month and day from days since 1970, counted in eras of 400 years that begin in March, so that the leap day
/// is a year's last.
pub fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_its_two_largest_units() {
        let ages =
            [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (7_260, "2 h 1 min"), (86_400 * 400 + 3_599, "400 d 0 h")];
        for (seconds, text) in ages {
            assert_eq!(age(seconds), text);
        }
    }

    #[test]
    fn moments_are_those_of_the_calendar() {
        // As `date --utc --date @SECONDS` prints them.
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59:59 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }
}
