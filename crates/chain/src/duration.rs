//! How long something took, as people read it.

/// `4s`, `2m 05s`, `3h 20m`, `5d 02h`: the two largest units. What has begun is not rounded up, so that a duration grows as
/// a clock does.
pub fn took(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    let (days, hours, minutes, seconds) = (s / 86_400, s / 3_600 % 24, s / 60 % 60, s % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {seconds:02}s"),
        (0, _, _) => format!("{hours}h {minutes:02}m"),
        _ => format!("{days}d {hours:02}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::took;

    #[test]
    fn a_duration_has_its_two_largest_units() {
        for (ms, text) in [
            (-5, "0s"),
            (999, "0s"),
            (59_999, "59s"),
            (61_000, "1m 01s"),
            (3_600_000, "1h 00m"),
            (12_007_000, "3h 20m"),
            (90_061_000, "1d 01h"),
        ] {
            assert_eq!(took(ms), text);
        }
    }
}
