//! Resources and attributes in the agent's own notation.
//!
//! Follows Mesos 1.11.0, `src/common/{resources,values,attributes,roles}.cpp`: entries are separated by `;`, a name
//! from its value by `:`; a value is a scalar, ranges in brackets or a set in braces; a role may follow the name in
//! parentheses. Resources may also be a JSON list of `Resource` messages.

use std::fmt;

/// The value of one resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// As in `cpus:4`. Memory and disk are in MB.
    Scalar(f64),
    /// As in `ports:[31000-32000]`, both ends included.
    Ranges(Vec<(u64, u64)>),
    /// As in `{a,b}`.
    Set(Vec<String>),
}

impl Quantity {
    fn kind(&self) -> &'static str {
        match self {
            Quantity::Scalar(_) => "a number",
            Quantity::Ranges(_) => "ranges",
            Quantity::Set(_) => "a set",
        }
    }
}

/// One entry of [`Resources`].
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// As in `cpus`.
    pub name: String,
    /// Where the entry reserves it for a role; never `*`.
    pub role: Option<String>,
    /// How much of it.
    pub quantity: Quantity,
}

/// What an agent offers. `Display` is the text for `--resources`.
#[derive(Clone, Debug, PartialEq)]
pub struct Resources {
    text: String,
    entries: Vec<Resource>,
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Resources {
    /// Reads and checks `text`.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = if text.trim_start().starts_with('[') {
            from_json(text)?
        } else {
            tokens(text, ";").map(entry).collect::<Result<Vec<_>, _>>()?
        };
        if entries.is_empty() {
            return Err("names no resource".to_owned());
        }
        for (index, entry) in entries.iter().enumerate() {
            let same_name = entries[..index].iter().find(|other| other.name == entry.name);
            if same_name.is_some_and(|other| other.quantity.kind() != entry.quantity.kind()) {
                return Err(format!("{} is given twice, with different types", entry.name));
            }
            check_kind(entry)?;
        }
        Ok(Resources {
            text: text.to_owned(),
            entries,
        })
    }

    /// The entries in the order given.
    #[must_use]
    pub fn entries(&self) -> &[Resource] {
        &self.entries
    }

    /// The sum of all scalars called `name`, whatever their role; memory and disk in MB.
    #[must_use]
    pub fn scalar(&self, name: &str) -> f64 {
        let amount = |entry: &Resource| match entry.quantity {
            Quantity::Scalar(amount) if entry.name == name => amount,
            _ => 0.0,
        };
        self.entries.iter().map(amount).sum()
    }

    /// All ranges called `name`.
    #[must_use]
    pub fn ranges(&self, name: &str) -> Vec<(u64, u64)> {
        let own = self.entries.iter().filter(|entry| entry.name == name);
        own.filter_map(|entry| match &entry.quantity {
            Quantity::Ranges(ranges) => Some(ranges.clone()),
            _ => None,
        })
        .flatten()
        .collect()
    }
}

/// What an agent says of itself. `Display` is the text for `--attributes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    text: String,
    entries: Vec<(String, String)>,
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Attributes {
    /// Reads and checks `text`; it may be empty.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut entries = Vec::new();
        for token in tokens(text, ";\n") {
            let (name, value) = token
                .split_once(':')
                .map(|(name, value)| (name.trim(), value.trim()))
                .filter(|(name, value)| !name.is_empty() && !value.is_empty())
                .ok_or_else(|| format!("{token:?} is not name:value"))?;
            // Text that looks like a number, ranges or a set must be one.
            quantity(value)?;
            entries.push((name.to_owned(), value.to_owned()));
        }
        Ok(Attributes {
            text: text.to_owned(),
            entries,
        })
    }

    /// Names and values in the order given.
    #[must_use]
    pub fn entries(&self) -> &[(String, String)] {
        &self.entries
    }
}

/// Checks a role's name as `roles.cpp` does.
///
/// # Errors
/// What is wrong, as a fragment.
pub fn check_role(role: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("{role:?} is no role: {why}"));
    if role == "*" {
        return Ok(());
    }
    if role.is_empty() {
        return wrong("it is empty");
    }
    if role.contains(|c: char| c.is_ascii_whitespace() || c == '\u{8}' || c == '\u{b}') {
        return wrong("it has white space in it");
    }
    for part in role.split('/') {
        match part {
            "" => return wrong("a slash starts it, ends it or follows another"),
            "." | ".." | "*" => return wrong("no part of it can be `.`, `..` or `*`"),
            _ if part.starts_with('-') => return wrong("a dash starts a part of it"),
            _ => {}
        }
    }
    Ok(())
}

/// Mesos drops the empty tokens between separators.
fn tokens<'t>(text: &'t str, separators: &'static str) -> impl Iterator<Item = &'t str> {
    text.split(|c| separators.contains(c)).filter(|token| !token.is_empty())
}

fn entry(token: &str) -> Result<Resource, String> {
    let parts: Vec<&str> = tokens(token, ":").collect();
    let [name, value] = parts[..] else {
        return Err(format!("{token:?} has a missing or an extra `:`"));
    };
    let (name, role) = match name.split_once('(') {
        None => (name.trim(), None),
        Some((name, rest)) => {
            let (role, _) = rest
                .split_once(')')
                .ok_or_else(|| format!("{token:?} has unmatched parentheses"))?;
            (name.trim(), Some(role.trim()))
        }
    };
    checked(
        name,
        role,
        quantity(value)?.ok_or_else(|| format!("{value:?} of {name} is no number, range or set"))?,
    )
}

fn checked(name: &str, role: Option<&str>, quantity: Quantity) -> Result<Resource, String> {
    if name.is_empty() {
        return Err("a resource has no name".to_owned());
    }
    role.map_or(Ok(()), check_role)?;
    Ok(Resource {
        name: name.to_owned(),
        role: role.filter(|role| *role != "*").map(str::to_owned),
        quantity,
    })
}

/// `None` for other text, which only an attribute may be.
fn quantity(text: &str) -> Result<Option<Quantity>, String> {
    let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if packed.starts_with('[') {
        let inside = packed.strip_suffix(']').unwrap_or(&packed).trim_start_matches('[');
        if !packed.ends_with(']') {
            return Err(format!("{text:?} has no closing bracket"));
        }
        let ranges = tokens(inside, ",").map(range).collect::<Result<Vec<_>, _>>()?;
        return disjoint(ranges).map(|ranges| Some(Quantity::Ranges(ranges)));
    }
    if packed.starts_with('{') {
        let inside = packed
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .ok_or_else(|| format!("{text:?} has no closing brace"))?;
        let mut items: Vec<String> = Vec::new();
        for item in tokens(inside, ",") {
            if items.iter().any(|other| other == item) {
                return Err(format!("{text:?} names {item} twice"));
            }
            items.push(item.to_owned());
        }
        return Ok(Some(Quantity::Set(items)));
    }
    if packed.contains(['[', '{']) {
        return Err(format!("{text:?} has a bracket in the middle"));
    }
    match packed.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(Some(Quantity::Scalar(number))),
        Ok(_) if packed.starts_with('-') => Err(format!("{text:?} is negative")),
        _ => Ok(None),
    }
}

fn range(token: &str) -> Result<(u64, u64), String> {
    let ends = token
        .split_once('-')
        .and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
    match ends {
        Some((low, high)) if low <= high => Ok((low, high)),
        Some(_) => Err(format!("the range {token} begins after its end")),
        None => Err(format!("{token:?} is no range of two whole numbers")),
    }
}

fn disjoint(mut ranges: Vec<(u64, u64)>) -> Result<Vec<(u64, u64)>, String> {
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        if pair[1].0 <= pair[0].1 {
            let ((a, b), (c, d)) = (pair[0], pair[1]);
            return Err(format!("the ranges {a}-{b} and {c}-{d} overlap"));
        }
    }
    Ok(ranges)
}

/// The allocator knows these names, and an agent with another type under one of them exits.
fn check_kind(entry: &Resource) -> Result<(), String> {
    let wanted = match entry.name.as_str() {
        "cpus" | "mem" | "disk" | "gpus" => "a number",
        "ports" => "ranges",
        _ => return Ok(()),
    };
    let found = entry.quantity.kind();
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{} is {found}, not {wanted}", entry.name))
    }
}

fn from_json(text: &str) -> Result<Vec<Resource>, String> {
    let list: Vec<serde_json::Value> =
        serde_json::from_str(text).map_err(|error| format!("starts as a JSON list, but is none: {error}"))?;
    list.iter().map(from_message).collect()
}

fn from_message(message: &serde_json::Value) -> Result<Resource, String> {
    let name = message["name"].as_str().unwrap_or_default();
    let lacks = |what: &str| format!("the JSON resource {message} has no {what}");
    let quantity = match message["type"].as_str() {
        Some("SCALAR") => {
            let number = message["scalar"]["value"].as_f64().filter(|number| *number >= 0.0);
            Quantity::Scalar(number.ok_or_else(|| lacks("`scalar.value` of 0 or more"))?)
        }
        Some("RANGES") => {
            let ranges = message["ranges"]["range"]
                .as_array()
                .ok_or_else(|| lacks("`ranges.range`"))?;
            let pair = |range: &serde_json::Value| {
                let (low, high) = (range["begin"].as_u64()?, range["end"].as_u64()?);
                (low <= high).then_some((low, high))
            };
            let pairs = ranges.iter().map(pair).collect::<Option<Vec<_>>>();
            Quantity::Ranges(disjoint(
                pairs.ok_or_else(|| lacks("`begin` up to `end` in every range"))?,
            )?)
        }
        Some("SET") => {
            let items = message["set"]["item"].as_array().ok_or_else(|| lacks("`set.item`"))?;
            Quantity::Set(
                items
                    .iter()
                    .filter_map(|item| item.as_str().map(str::to_owned))
                    .collect(),
            )
        }
        _ => return Err(lacks("`type` of SCALAR, RANGES or SET")),
    };
    checked(name, message["role"].as_str(), quantity)
}
