//! Who has each role, as templates see it: `nodes['kafka'][0].address`.
//! A member shows its name, its address, and the settings that tell it from the others; no other setting, so that a
//! change on one node does not change the files of all.
//! Not here: deciding who has a role (`assign`).

use super::assign::Assignment;
use super::context::nested;
use super::resolve::Settings;
use super::role::Role;
use super::setting::Value as Setting;
use std::collections::BTreeMap;
use tera::Value;
use words::names::Word;

/// The members of every role, in the order of their names; a role that nobody has is an empty list.
pub(super) fn members(
    roles: &BTreeMap<Word, Role>,
    assignment: &Assignment,
    settings: &BTreeMap<Word, Settings>,
) -> Value {
    let of_role = |(name, role): (&Word, &Role)| {
        let having = assignment.nodes.iter().filter(|node| node.roles.contains(name));
        let members = having.enumerate().map(|(at, node)| {
            let mut names: BTreeMap<String, Value> = BTreeMap::new();
            names.insert("name".into(), node.node.as_str().into());
            names.insert("address".into(), node.address.as_str().into());
            names.insert("number".into(), number(node.node.as_str(), at).into());
            for setting in role.lists.settings.iter().filter(|setting| setting.unique) {
                let resolved = settings.get(&node.node).and_then(|own| own.get(&setting.name));
                names.insert(setting.name.clone(), resolved.map_or_else(|| ().into(), |one| value(&one.value)));
            }
            nested(&names)
        });
        (name.to_string(), Value::from(members.collect::<Vec<_>>()))
    };
    roles.iter().map(of_role).collect::<BTreeMap<String, Value>>().into()
}

/// The number that a node's name ends with, as in `kafka-3`, and else its place among the members, from 1 on.
fn number(name: &str, at: usize) -> u64 {
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    name[name.len() - digits..].parse().unwrap_or(at as u64 + 1)
}

/// A setting as a template prints it.
pub(super) fn value(setting: &Setting) -> Value {
    match setting {
        Setting::Unset => ().into(),
        Setting::Text(text) => text.as_str().into(),
        Setting::Integer(number) => (*number).into(),
        Setting::Boolean(flag) => (*flag).into(),
        Setting::Secret(secret) => secret.mark().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_from_the_name() {
        assert_eq!((number("kafka-12", 0), number("broker", 1), number("7", 3)), (12, 2, 7));
    }
}
