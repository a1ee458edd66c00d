//! Sentences that several renderings share.

use super::Outcome;
use super::model::Report;

/// The verdict, what it rests on, and how many gaps there are: the first line of every rendering.
pub(super) fn sentence(report: &Report) -> String {
    let all = report.requirements.len();
    let mut parts = vec![format!(
        "{} of {} passed",
        report.count(Outcome::Passed),
        plural(all, "requirement")
    )];
    for outcome in Outcome::WORST_FIRST {
        let count = report.count(outcome);
        if count > 0 && outcome != Outcome::Passed {
            parts.push(format!("{count} {outcome}"));
        }
    }
    if !report.cleanup.leaked.is_empty() {
        parts.push(format!("{} leaked", report.cleanup.leaked.len()));
    }
    if !report.problems.is_empty() {
        parts.push(plural(report.problems.len(), "problem"));
    }
    if report.run.interrupted {
        parts.push("interrupted".to_owned());
    }
    let gaps = match report.gaps.len() {
        0 => "no gaps".to_owned(),
        count => format!("{} without a scenario", plural(count, "gap")),
    };
    format!("{}: {}; {gaps}", report.verdict, parts.join(", "))
}

/// `1 gap`, `2 gaps`.
pub(super) fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// Seconds for people: `0.42 s`, `73 s`, `12 min 5 s`.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.2} s")
    } else if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(seconds(0.4219), "0.42 s");
        assert_eq!(seconds(73.2), "73 s");
        assert_eq!(seconds(725.4), "12 min 5 s");
    }
}
