//! One table of what never enters evidence, reports and snapshots: secrets.

use std::sync::LazyLock;

use regex::Regex;

/// What stands in place of a secret.
pub const REDACTED: &str = "[REDACTED]";

/// Each entry: what it hides, and the expression whose group `secret` is replaced.
const TABLE: &[(&str, &str)] = &[
    (
        "the value of an Authorization header",
        r#"(?i)authorization["']?\s*[:=]\s*["']?(?:basic|bearer|token)\s+(?P<secret>[^\s"',;]+)"#,
    ),
    (
        "the password in a URL",
        r"(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@]*:(?P<secret>[^\s/@]+)@",
    ),
    (
        "the value of a key that names a secret, in JSON, TOML, flags and variables",
        r#"(?i)[a-z0-9_.-]*(?:password|passwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token|private[_-]?key)[a-z0-9_-]*["']?\s*(?:=|:)\s*["']?(?P<secret>[^\s"',;}&]+)"#,
    ),
    (
        "a private key in PEM",
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<secret>.+?)-----END",
    ),
];

static EXPRESSIONS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    TABLE
        .iter()
        .map(|(what, expression)| Regex::new(expression).unwrap_or_else(|error| panic!("{what}: {error}")))
        .collect()
});

/// `text` without its secrets.
#[must_use]
pub fn redact(text: &str) -> String {
    EXPRESSIONS
        .iter()
        .fold(text.to_owned(), |text, expression| hide(expression, &text))
}

fn hide(expression: &Regex, text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut copied = 0;
    for captures in expression.captures_iter(text) {
        if let Some(secret) = captures.name("secret") {
            hidden.push_str(&text[copied..secret.start()]);
            hidden.push_str(REDACTED);
            copied = secret.end();
        }
    }
    hidden.push_str(&text[copied..]);
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let cases = [
            (
                "Authorization: Basic dXNlcjpwYXNz, next",
                "Authorization: Basic [REDACTED], next",
            ),
            (
                "{\"dbPassword\": \"s3cr3t\", \"cpus\": 4}",
                "{\"dbPassword\": \"[REDACTED]\", \"cpus\": 4}",
            ),
            ("--secret=abc --cpus=4", "--secret=[REDACTED] --cpus=4"),
            (
                "zk://admin:pw@10.9.1.11:2181/mesos",
                "zk://admin:[REDACTED]@10.9.1.11:2181/mesos",
            ),
            (
                "AWS_SECRET_KEY=x API_KEY=y",
                "AWS_SECRET_KEY=[REDACTED] API_KEY=[REDACTED]",
            ),
            ("zk://10.9.1.11:2181/mesos", "zk://10.9.1.11:2181/mesos"),
        ];
        for (given, wanted) in cases {
            assert_eq!(redact(given), wanted);
        }
    }

    #[test]
    fn a_private_key_is_hidden_whole() {
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----";
        assert!(!redact(pem).contains("MIIE"), "{}", redact(pem));
    }
}
