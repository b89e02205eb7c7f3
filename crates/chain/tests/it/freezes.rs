//! When a freeze holds, and what it covers.

use chain::freeze::{self, Coverage, Covered, Freeze, FreezeWindow};
use chain::{SpaceId, StackId};
use serde_json::json;

use crate::account::id;

fn window(from: &str, to: &str, zone: &str) -> FreezeWindow {
    serde_json::from_value(json!({"name": "w", "from": from, "to": to, "zone": zone})).unwrap()
}

fn ms(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// The current window, or the next one.
#[track_caller]
fn check(from: &str, to: &str, zone: &str, now: &str, expected: &str) {
    let period = window(from, to, zone).period(ms(now));
    let told = period.map_or("none".to_owned(), |period| {
        let at = |ms| jiff::Timestamp::from_millisecond(ms).unwrap();
        let now = if period.has(ms(now)) { "now, " } else { "" };
        format!("{now}{} to {}", at(period.from_ms), at(period.until_ms))
    });
    assert_eq!(told, expected, "{from} to {to} {zone} at {now}");
}

#[test]
fn the_length_of_a_freeze_has_days_of_24_hours() {
    let seconds = |text: &str| freeze::length(text).ok().map(|length| length.as_secs());
    assert_eq!(seconds("90m"), Some(5_400));
    assert_eq!(seconds("1d"), Some(86_400));
    assert_eq!(seconds("1d 2h"), Some(93_600));
    for text in ["", "soon", "0s", "-1h", "1 month"] {
        assert_eq!(seconds(text), None, "{text}");
    }
}

#[test]
fn windows_repeat_each_day() {
    for (now, expected) in [
        (
            "2026-11-25T17:59:59Z",
            "2026-11-25T18:00:00Z to 2026-11-26T06:00:00Z",
        ),
        (
            "2026-11-25T18:00:00Z",
            "now, 2026-11-25T18:00:00Z to 2026-11-26T06:00:00Z",
        ),
        (
            "2026-11-26T05:59:59Z",
            "now, 2026-11-25T18:00:00Z to 2026-11-26T06:00:00Z",
        ),
        (
            "2026-11-26T06:00:00Z",
            "2026-11-26T18:00:00Z to 2026-11-27T06:00:00Z",
        ),
    ] {
        check("18:00", "06:00", "UTC", now, expected);
    }
    check(
        "12:00",
        "13:30",
        "UTC",
        "2026-11-25T13:00:00Z",
        "now, 2026-11-25T12:00:00Z to 2026-11-25T13:30:00Z",
    );
}

#[test]
fn windows_repeat_each_week_in_their_zone() {
    for (now, expected) in [
        (
            "2026-11-25T12:00:00Z",
            "2026-11-27T17:00:00Z to 2026-11-30T05:00:00Z",
        ),
        (
            "2026-11-29T12:00:00Z",
            "now, 2026-11-27T17:00:00Z to 2026-11-30T05:00:00Z",
        ),
        (
            "2026-11-30T05:00:00Z",
            "2026-12-04T17:00:00Z to 2026-12-07T05:00:00Z",
        ),
    ] {
        check("Fri 18:00", "Mon 06:00", "Europe/Berlin", now, expected);
    }
    // On that Sunday the clocks go back an hour.
    check(
        "Sat 00:00",
        "Mon 00:00",
        "Europe/Berlin",
        "2026-10-25T12:00:00Z",
        "now, 2026-10-23T22:00:00Z to 2026-10-25T23:00:00Z",
    );
    let next = "2026-11-30T09:00:00Z to 2026-11-30T10:00:00Z";
    check("monday 09:00", "mon 10:00", "UTC", "2026-11-25T00:00:00Z", next);
}

#[test]
fn a_window_is_never_shorter_than_written_when_the_clocks_change() {
    // In Berlin 02:00 to 03:00 is repeated on 2026-10-25, from 00:00Z to 02:00Z, and missing on 2026-03-29 at 01:00Z.
    for (from, to, now, expected) in [
        (
            "22:00",
            "02:30",
            "2026-10-25T01:15:00Z",
            "now, 2026-10-24T20:00:00Z to 2026-10-25T01:30:00Z",
        ),
        (
            "22:00",
            "02:30",
            "2026-10-25T01:30:00Z",
            "2026-10-25T21:00:00Z to 2026-10-26T01:30:00Z",
        ),
        (
            "02:30",
            "06:00",
            "2026-10-25T00:30:00Z",
            "now, 2026-10-25T00:30:00Z to 2026-10-25T05:00:00Z",
        ),
        (
            "Sun 02:10",
            "Sun 02:50",
            "2026-10-25T01:45:00Z",
            "now, 2026-10-25T00:10:00Z to 2026-10-25T01:50:00Z",
        ),
        (
            "22:00",
            "02:30",
            "2026-03-29T01:15:00Z",
            "now, 2026-03-28T21:00:00Z to 2026-03-29T01:30:00Z",
        ),
        (
            "02:30",
            "06:00",
            "2026-03-29T00:45:00Z",
            "now, 2026-03-29T00:30:00Z to 2026-03-29T04:00:00Z",
        ),
        (
            "2026-03-29T02:10",
            "2026-03-29T02:50",
            "2026-03-29T01:30:00Z",
            "now, 2026-03-29T00:10:00Z to 2026-03-29T01:50:00Z",
        ),
    ] {
        check(from, to, "Europe/Berlin", now, expected);
    }
}

#[test]
fn a_window_with_dates_does_not_repeat() {
    let (from, to) = ("2026-12-20T18:00", "2027-01-04T06:00");
    check(
        from,
        to,
        "America/New_York",
        "2026-11-25T00:00:00Z",
        "2026-12-20T23:00:00Z to 2027-01-04T11:00:00Z",
    );
    check(from, to, "America/New_York", "2027-01-04T11:00:00Z", "none");
}

#[test]
fn unreadable_windows_are_reported() {
    for (from, to, zone, expected) in [
        (
            "soon",
            "06:00",
            "UTC",
            "`soon` is not a time such as `18:00`, `Fri 18:00` or `2026-12-20T18:00`",
        ),
        (
            "18:00",
            "Mon 06:00",
            "UTC",
            "`from` and `to` have to be of one kind",
        ),
        ("18:00", "18:00", "UTC", "it ends when or before it begins"),
        (
            "2026-12-20T18:00",
            "2026-12-20T17:00",
            "UTC",
            "it ends when or before it begins",
        ),
        (
            "18:00",
            "06:00",
            "Mars",
            "`Mars` is not a time zone such as `Europe/Berlin`",
        ),
    ] {
        let written = json!({"name": "w", "from": from, "to": to, "zone": zone});
        let error = serde_json::from_value::<FreezeWindow>(written)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("freeze window `w`: ") && error.contains(expected),
            "{error}"
        );
    }
}

#[track_caller]
fn check_covers(coverage: &Coverage, expected: &str) {
    let space: SpaceId = "prod-eu".parse().unwrap();
    let all = [
        ("prod-db", None, "team:a"),
        ("prod-web", Some(&space), "team:b"),
        ("dev-db", None, "critical"),
    ];
    let covered = all.iter().filter(|(stack, space, label)| {
        coverage.covers(&Covered {
            id: &id(stack),
            space: *space,
            labels: &[(*label).to_owned()],
        })
    });
    let covered: Vec<&str> = covered.map(|(stack, ..)| *stack).collect();
    assert_eq!(covered.join(" "), expected, "{coverage}");
}

#[test]
fn patterns_cover_stacks_by_id_space_and_label() {
    let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let coverage = |stacks, spaces, labels| Coverage {
        stacks: list(stacks),
        spaces: list(spaces),
        labels: list(labels),
    };
    check_covers(&Coverage::default(), "prod-db prod-web dev-db");
    check_covers(&coverage("prod-*", "", ""), "prod-db prod-web");
    check_covers(&coverage("*-db", "", ""), "prod-db dev-db");
    check_covers(&coverage("*o*-*b", "", ""), "prod-db prod-web");
    check_covers(&coverage("prod", "", ""), "");
    check_covers(&coverage("prod-db*db", "", ""), "");
    check_covers(&coverage("", "prod-*", ""), "prod-web");
    check_covers(&coverage("", "", "team:* critical"), "prod-db prod-web dev-db");
    check_covers(&coverage("dev-db", "prod-eu", ""), "prod-web dev-db");
}

#[test]
fn the_freeze_that_ends_last_applies() {
    let windows = [
        window("18:00", "06:00", "Europe/Berlin"),
        window("2026-11-25T00:00", "2026-11-25T20:00", "UTC"),
    ];
    let stack: StackId = id("db");
    let covered = Covered {
        id: &stack,
        space: None,
        labels: &[],
    };
    let freeze = |until: &str| Freeze {
        by: "carol".to_owned(),
        reason: "incident 7".to_owned(),
        until_ms: ms(until),
        coverage: Coverage::default(),
    };
    let hold = |freeze: Option<&Freeze>, now: &str| {
        freeze::hold(&windows, freeze, &covered, ms(now)).map(|(hold, _)| hold.text)
    };
    let text = hold(None, "2026-11-25T19:00:00Z").unwrap();
    assert_eq!(text, "the freeze window `w` lasts until Thu 2026-11-26 06:00 CET");
    let long = freeze("2026-11-27T00:00:00Z");
    let text = hold(Some(&long), "2026-11-25T19:00:00Z").unwrap();
    assert_eq!(text, "frozen by carol until Fri 2026-11-27 00:00 UTC: incident 7");
    assert_eq!(
        hold(Some(&long), "2026-11-27T00:00:00Z").map(|text| text.contains("window")),
        Some(true)
    );
    assert_eq!(hold(None, "2026-11-27T06:00:00Z"), None);
    let noon = "2026-11-27T12:00:00Z";
    assert_eq!(hold(Some(&freeze(noon)), noon), None, "it has ended");
    assert!(hold(Some(&freeze(noon)), "2026-11-27T11:59:59Z").is_some());
    let elsewhere = Freeze {
        coverage: Coverage {
            stacks: vec!["app".parse().unwrap()],
            ..Coverage::default()
        },
        ..freeze("2026-11-28T00:00:00Z")
    };
    assert_eq!(hold(Some(&elsewhere), noon), None);
}

#[test]
fn every_day_of_the_week_has_two_names() {
    let days = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    for (nth, day) in days.into_iter().enumerate() {
        // A Monday.
        let now = ms("2026-11-23T00:00:00Z") + i64::try_from(nth).unwrap() * 86_400_000;
        for name in [day, &day[..3]] {
            let window = window(&format!("{name} 10:00"), &format!("{name} 11:00"), "UTC");
            let period = window.period(now).unwrap();
            assert_eq!(period.from_ms - now, 10 * 3_600_000, "{name}");
        }
    }
}

#[test]
fn a_window_says_when_and_where_it_applies() {
    let written = json!({"name": "w", "from": "18:00", "to": "06:00", "stacks": ["prod-*", "db"], "labels": ["critical"]});
    let window: FreezeWindow = serde_json::from_value(written).unwrap();
    assert_eq!(window.times(), "18:00 to 06:00 UTC");
    assert_eq!(
        window.coverage().to_string(),
        "stacks prod-*, db; labels critical"
    );
    assert_eq!(Coverage::default().to_string(), "every stack");
    let stack: StackId = id("app");
    let covered = Covered {
        id: &stack,
        space: None,
        labels: &[],
    };
    assert_eq!(
        freeze::hold(&[window], None, &covered, ms("2026-11-25T19:00:00Z")),
        None
    );
}
