//! The check macros. Each records what was expected and what was seen, and ends the scenario where they differ.

/// Records a check; where it does not hold, returns the [`Failure`](crate::evidence::Failure) from the enclosing
/// function (which may return [`Verdict`](crate::evidence::Verdict) or any `Result` of that failure).
///
/// ```
/// # use harness::{check, evidence::Failure};
/// # fn scenario(agents: Vec<u8>, message: &str, leads: bool, master: &str) -> Result<(), Failure> {
/// check!(agents.len() == 2); // what is seen == what is expected
/// check!(message.len() > 0, "a failed task has a message");
/// check!(leads, "{master} leads"); // a sentence for a plain condition
/// # Ok(())
/// # }
/// ```
///
/// In a comparison (`==`, `!=`, `<=`, `>=`, `<`, `>`) the left side is what is seen, and the right side is what is
/// expected; both are recorded by `Debug`. The text is the expression itself unless a sentence follows. An
/// expression with `&&` or `||` is a plain condition: write two checks instead. A side with generic arguments
/// beyond `::<T>` and `::<T<U>>`, or with a comma outside brackets, goes into parentheses.
#[macro_export]
macro_rules! check {
    ($($tokens:tt)+) => { $crate::__check!(left [] $($tokens)+) };
}

/// Splits the tokens of a check at its comparison; an implementation detail of [`check!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __check {
    // Reading the left side: turbofish as in `::<u8>` and `::<Vec<_>>`, then the comparisons, then a sentence, then anything else.
    (left [$($l:tt)*] :: < $g:tt > $($rest:tt)*) => { $crate::__check!(left [$($l)* :: < $g >] $($rest)*) };
    (left [$($l:tt)*] :: < $g:tt < $h:tt >> $($rest:tt)*) => {
        $crate::__check!(left [$($l)* :: < $g < $h >>] $($rest)*)
    };
    (left [$($l:tt)*] && $($rest:tt)*) => { $crate::__check!(whole [$($l)* &&] $($rest)*) };
    (left [$($l:tt)*] || $($rest:tt)*) => { $crate::__check!(whole [$($l)* ||] $($rest)*) };
    (left [$($l:tt)+] == $($rest:tt)+) => { $crate::__check!(right [$($l)+] == [] $($rest)+) };
    (left [$($l:tt)+] != $($rest:tt)+) => { $crate::__check!(right [$($l)+] != [] $($rest)+) };
    (left [$($l:tt)+] <= $($rest:tt)+) => { $crate::__check!(right [$($l)+] <= [] $($rest)+) };
    (left [$($l:tt)+] >= $($rest:tt)+) => { $crate::__check!(right [$($l)+] >= [] $($rest)+) };
    (left [$($l:tt)+] < $($rest:tt)+) => { $crate::__check!(right [$($l)+] < [] $($rest)+) };
    (left [$($l:tt)+] > $($rest:tt)+) => { $crate::__check!(right [$($l)+] > [] $($rest)+) };
    (left [$($l:tt)+]) => { $crate::__check!(holds [$($l)+] [stringify!($($l)+).to_owned()]) };
    (left [$($l:tt)+] ,) => { $crate::__check!(left [$($l)+]) };
    (left [$($l:tt)+] , $($text:tt)+) => { $crate::__check!(holds [$($l)+] [format!($($text)+)]) };
    (left [$($l:tt)*] . $next:tt $($rest:tt)*) => { $crate::__check!(left [$($l)* . $next] $($rest)*) };
    (left [$($l:tt)*] $next:tt $($rest:tt)*) => { $crate::__check!(left [$($l)* $next] $($rest)*) };

    // Reading the right side.
    (right [$($l:tt)+] $op:tt [$($r:tt)*] && $($rest:tt)*) => {
        $crate::__check!(whole [$($l)+ $op $($r)* &&] $($rest)*)
    };
    (right [$($l:tt)+] $op:tt [$($r:tt)*] || $($rest:tt)*) => {
        $crate::__check!(whole [$($l)+ $op $($r)* ||] $($rest)*)
    };
    (right [$($l:tt)+] $op:tt [$($r:tt)+]) => {
        $crate::__check!(compare [$($l)+] $op [$($r)+]
            [concat!(stringify!($($l)+), " ", stringify!($op), " ", stringify!($($r)+)).to_owned()])
    };
    (right [$($l:tt)+] $op:tt [$($r:tt)+] ,) => { $crate::__check!(right [$($l)+] $op [$($r)+]) };
    (right [$($l:tt)+] $op:tt [$($r:tt)+] , $($text:tt)+) => {
        $crate::__check!(compare [$($l)+] $op [$($r)+] [format!($($text)+)])
    };
    (right [$($l:tt)+] $op:tt [$($r:tt)*] . $next:tt $($rest:tt)*) => {
        $crate::__check!(right [$($l)+] $op [$($r)* . $next] $($rest)*)
    };
    (right [$($l:tt)+] $op:tt [$($r:tt)*] $next:tt $($rest:tt)*) => {
        $crate::__check!(right [$($l)+] $op [$($r)* $next] $($rest)*)
    };

    // Reading a condition that is not one comparison.
    (whole [$($c:tt)+]) => { $crate::__check!(holds [$($c)+] [stringify!($($c)+).to_owned()]) };
    (whole [$($c:tt)+] ,) => { $crate::__check!(whole [$($c)+]) };
    (whole [$($c:tt)+] , $($text:tt)+) => { $crate::__check!(holds [$($c)+] [format!($($text)+)]) };
    (whole [$($c:tt)+] $next:tt $($rest:tt)*) => { $crate::__check!(whole [$($c)+ $next] $($rest)*) };

    (holds [$($condition:tt)+] [$text:expr]) => {{
        let held: bool = { $($condition)+ };
        $crate::evidence::judge($crate::evidence::Check {
            text: $text,
            expected: "true".to_owned(),
            actual: held.to_string(),
            ok: held,
            at: concat!(file!(), ":", line!()).to_owned(),
        })?
    }};
    // `match` keeps the temporaries of both sides alive.
    (compare [$($l:tt)+] $op:tt [$($r:tt)+] [$text:expr]) => {
        match (&($($l)+), &($($r)+)) {
            (actual, expected) => $crate::evidence::judge($crate::evidence::Check {
                text: $text,
                expected: $crate::evidence::expected(stringify!($op), expected),
                actual: format!("{actual:?}"),
                ok: *actual $op *expected,
                at: concat!(file!(), ":", line!()).to_owned(),
            })?,
        }
    };
}

/// Records that a text contains another, and returns the failure where it does not: `check_contains!(log, "error")`,
/// with a sentence after it where the two do not say enough.
#[macro_export]
macro_rules! check_contains {
    ($haystack:expr, $needle:expr $(,)?) => {
        $crate::check_contains!($haystack, $needle, "{} contains {}", stringify!($haystack), stringify!($needle))
    };
    ($haystack:expr, $needle:expr, $($text:tt)+) => {{
        let (haystack, needle) = (&$haystack, &$needle);
        let (haystack, needle): (&str, &str) = (haystack.as_ref(), needle.as_ref());
        $crate::evidence::judge($crate::evidence::Check {
            text: format!($($text)+),
            expected: format!("contains {needle:?}"),
            actual: format!("{haystack:?}"),
            ok: haystack.contains(needle),
            at: concat!(file!(), ":", line!()).to_owned(),
        })?
    }};
}

/// Records that a value has the shape of a pattern, and returns the failure where it has not:
/// `check_matches!(task.state, TaskState::Failed | TaskState::Lost)`.
#[macro_export]
macro_rules! check_matches {
    ($value:expr, $pattern:pat $(if $guard:expr)? $(,)?) => {{
        let value = &$value;
        $crate::evidence::judge($crate::evidence::Check {
            text: concat!(stringify!($value), " is ", stringify!($pattern), $(" if ", stringify!($guard))?).to_owned(),
            expected: concat!(stringify!($pattern), $(" if ", stringify!($guard))?).to_owned(),
            actual: format!("{value:?}"),
            ok: matches!(value, $pattern $(if $guard)?),
            at: concat!(file!(), ":", line!()).to_owned(),
        })?
    }};
}

/// What a comparison expects, in words: the value itself for equality.
#[doc(hidden)]
pub fn expected(operator: &str, value: &dyn std::fmt::Debug) -> String {
    match operator {
        "==" => format!("{value:?}"),
        "!=" => format!("anything but {value:?}"),
        other => format!("{other} {value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::evidence::{Check, Concluded, Failure, Verdict, current, passed};

    fn last() -> Check {
        current().snapshot().checks.pop().expect("a check was recorded")
    }

    #[test]
    fn a_comparison_records_both_sides() -> Verdict {
        let agents = ["slave1", "slave2"];
        check!(agents.len() == 2);
        let check = last();
        assert_eq!(check.text.replace(' ', ""), "agents.len()==2");
        assert_eq!((check.expected.as_str(), check.actual.as_str()), ("2", "2"));
        assert!(check.at.contains("check.rs:"), "{}", check.at);
        check!(agents.len() >= 1, "at least {} agent", 1);
        assert_eq!(last().expected, ">= 1");
        assert_eq!(last().text, "at least 1 agent");
        check!(agents[0] != agents[1]);
        check!(agents.len() < 3,);
        check!("7".parse::<u8>().is_ok());
        check!(agents.iter().map(|agent| agent.len()).collect::<Vec<_>>() == [6, 6]);
        check!(agents.len() == 2 && agents[0] == "slave1", "both hold");
        assert_eq!(last().expected, "true");
        check_contains!(format!("{agents:?}"), "slave1");
        check_matches!(agents.first(), Some(name) if name.ends_with('1'));
        passed()
    }

    #[test]
    fn a_failed_check_ends_the_function_and_is_recorded() {
        fn scenario() -> Verdict {
            check!(1 + 1 == 3, "arithmetic is broken");
            unreachable!("the check before returns")
        }
        let failure: Failure = scenario().expect_err("two is not three");
        assert!(failure.explain().contains("expected: 3"), "{failure:?}");
        assert!(failure.explain().contains("actual: 2"), "{failure:?}");
        assert!(!last().ok);
        let verdict: Result<Concluded, Failure> = passed();
        assert!(verdict.is_err(), "a failed check cannot be passed over");
    }

    #[test]
    fn no_form_of_a_check_is_always_true() {
        type Scenario = fn() -> Verdict;
        macro_rules! broken {
            ($($form:literal: $check:expr;)+) => {
                [$(($form, || { $check; passed() })),+]
            };
        }
        let broken: [(&str, Scenario); 9] = broken! {
            "==": check!(1 + 1 == 3);
            "!=": check!(2 != 2);
            "<": check!(2 < 2);
            ">": check!(2 > 2);
            "<=": check!(3 <= 2);
            ">=": check!(1 >= 2);
            "a condition": check!("".parse::<u8>().is_ok(), "it parses");
            "contains": check_contains!("a log", "an error");
            "matches": check_matches!(Some(1), Some(2) | None);
        };
        for (form, scenario) in broken {
            assert!(scenario().is_err(), "{form} can fail");
            assert!(!last().ok, "{form} is recorded as broken");
        }
    }

    #[tokio::test]
    async fn both_sides_may_await_and_fail() -> Verdict {
        async fn count() -> crate::Result<usize> {
            Ok(2)
        }
        check!(count().await? == count().await?);
        check!(count().await? > 1);
        passed()
    }
}
