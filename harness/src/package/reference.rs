//! Names of container images, by the rule that engines read them with (distribution, `reference/regexp.go` and
//! `reference/normalize.go`).

/// The most that a name may have, without its tag.
const NAME_LENGTH: usize = 255;
/// The most that a tag may have.
const TAG_LENGTH: usize = 128;

/// Why an engine does not take `reference` as the name of an image; none where it does.
pub(super) fn mistake(reference: &str) -> Option<String> {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    if let Some(digest) = digest.filter(|digest| !is_digest(digest)) {
        return Some(format!("{digest} is no digest: sha256: and 64 digits in lower case"));
    }
    let (name, tag) = split(rest);
    if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
        return Some(format!(
            "{tag:?} is no tag: letters, digits, _ . and -, not more than {TAG_LENGTH}, and . and - not first"
        ));
    }
    if name.is_empty() {
        return Some("an image has a name".to_owned());
    }
    if name.len() > NAME_LENGTH {
        return Some(format!("an image's name has no more than {NAME_LENGTH} characters"));
    }
    if is_hex(name, 64) {
        return Some("64 hexadecimal digits are an image's id, not its name".to_owned());
    }
    let (host, path) = host_and_path(name);
    if let Some(host) = host.filter(|host| !is_host(host)) {
        return Some(format!("{host:?} is no registry's host"));
    }
    let part = path.split('/').find(|part| !is_part(part))?;
    Some(match part {
        part if is_part(&part.to_ascii_lowercase()) => "an image's name has no upper case".to_owned(),
        part => format!(
            "{part:?} is no part of an image's name: letters in lower case and digits, and . _ __ or hyphens between them"
        ),
    })
}

/// The name, and the tag behind it: a colon after the last slash begins one, one before it a port.
fn split(text: &str) -> (&str, Option<&str>) {
    let last = text.rfind('/').map_or(0, |slash| slash + 1);
    match text[last..].find(':') {
        Some(colon) => (&text[..last + colon], Some(&text[last + colon + 1..])),
        None => (text, None),
    }
}

/// What stands before the first slash is a host where it can be no part of a name on the default registry.
fn host_and_path(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
        _ => (None, name),
    }
}

fn is_host(host: &str) -> bool {
    let (host, port) = host.split_once(':').unwrap_or((host, "0"));
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(plain)
    };
    host.split('.').all(label) && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Lower-case letters and digits, with one dot, one or two underscores or any number of hyphens between them.
fn is_part(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [part.bytes().next(), part.bytes().next_back()];
    let separators = part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_one =
        |separator: &str| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-');
    ends.iter().all(|end| end.is_some_and(plain)) && separators.into_iter().all(is_one)
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= TAG_LENGTH
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || b".-".contains(&byte))
}

fn is_digest(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|hex| is_hex(hex, 64))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_takes_is_a_name() {
        let digest = format!("@sha256:{}", "0a".repeat(32));
        for good in [
            "debian",
            "python:3.4",
            "mesosphere/spark:1.6.0",
            "a/b/c/d:1",
            "a__b/c---d.e_f:1",
            "registry.example:5000/a/b:1",
            "localhost/a:1",
            "Registry.Example/a:1",
            "a:_Tag-1.0_x",
            &format!("a:{}", "t".repeat(128)),
            &"n".repeat(255),
            &format!("a/b{digest}"),
            &format!("a/b:1{digest}"),
        ] {
            assert_eq!(mistake(good), None, "{good}");
        }
    }

    #[test]
    fn what_no_engine_takes_is_told_by_the_part_that_is_wrong() {
        for (wrong, says) in [
            ("", "an image has a name"),
            (":1", "an image has a name"),
            ("Python", "no upper case"),
            ("Foo/bar:1", "no upper case"),
            ("a//b:1", "\"\" is no part"),
            ("/a:1", "\"\" is no part"),
            ("a/:1", "\"\" is no part"),
            ("../x:1", "\"..\" is no registry's host"),
            ("a/../x:1", "\"..\" is no part"),
            ("-x:1", "\"-x\" is no part"),
            ("x-:1", "\"x-\" is no part"),
            ("a..b:1", "\"a..b\" is no part"),
            ("a___b:1", "\"a___b\" is no part"),
            ("a_-b:1", "\"a_-b\" is no part"),
            ("py thon:1", "\"py thon\" is no part"),
            ("ä:1", "\"ä\" is no part"),
            ("a:b:c", "\"b:c\" is no tag"),
            ("a:", "\"\" is no tag"),
            ("a:-1", "\"-1\" is no tag"),
            ("a:1 ", "\"1 \" is no tag"),
            ("a:ä", "\"ä\" is no tag"),
            ("-.example/a:1", "is no registry's host"),
            ("a.example:port/b:1", "is no registry's host"),
            ("a.example:/b:1", "is no registry's host"),
            ("http://a.example/b:1", "\"http:\" is no registry's host"),
            ("a@sha256:12", "sha256:12 is no digest"),
            ("a@md5:0", "md5:0 is no digest"),
            (&"0a".repeat(32), "an image's id"),
            (&format!("a:{}", "t".repeat(129)), "is no tag"),
            (&"n".repeat(256), "no more than 255"),
            (&format!("a@sha256:{}", "0A".repeat(32)), "is no digest"),
        ] {
            let told = mistake(wrong).unwrap_or_default();
            assert!(told.contains(says), "{wrong:?}: {told}");
        }
    }
}
