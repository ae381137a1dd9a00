//! Nothing is declared that nobody uses, and nothing used that nobody declares.
//! Held against the defaults that the program carries.
//! Not here: what values settings have.

use super::*;

#[test]
fn every_template_is_used_by_a_role() {
    let mut problems = Problems::default();
    let roles = role::read_all(&default_roles(), &mut problems);
    let items = roles.values().flat_map(|role| &role.lists.items);
    let mut used: BTreeSet<String> = [desired::UNIT, render::INSTALL].map(String::from).into();
    used.extend(items.filter_map(|item| match &item.what {
        What::File { template, .. } => Some(template.text.clone()),
        _ => None,
    }));
    // Those that others include are used by way of them.
    for text in default_templates().into_values() {
        let included = text.split("{% include \"").skip(1).filter_map(|rest| rest.split_once('"'));
        used.extend(included.map(|(name, _)| name.to_owned()));
    }
    assert_eq!(used, default_templates().into_keys().collect());
}

/// Every name that a text uses.
fn uses(text: &str) -> BTreeSet<String> {
    let reading = dialect::read(text);
    assert_eq!(reading.mistakes, [], "{text}");
    reading.names.into_keys().collect()
}

#[test]
fn every_setting_is_used_and_every_use_is_declared() {
    let mut problems = Problems::default();
    let roles = role::read_all(&default_roles(), &mut problems);
    let declared: BTreeSet<String> = resolve::declarations(&roles).into_keys().map(str::to_owned).collect();
    let mut used = BTreeSet::new();
    // Names that are no settings: the node's own, the engine's, and those of one template each.
    let other = |name: &String| {
        ["cluster", "node", "address", "nodes", "each", "peers"].contains(&name.as_str())
            || name.starts_with("service.")
            || name.starts_with("door.")
            || name.starts_with("mirror.")
    };
    for text in default_templates().into_values().chain(default_roles().into_iter().map(|(_, text)| text)) {
        used.extend(uses(&text).into_iter().filter(|name| !other(name)));
    }
    for item in roles.values().flat_map(|role| &role.lists.items) {
        let names = item
            .when
            .iter()
            .chain(&item.unless)
            .chain(&item.each)
            .filter_map(|condition| condition.text.split(' ').next());
        used.extend(names.map(str::to_owned));
    }
    let facts: BTreeSet<String> =
        used.iter().filter_map(|name| name.strip_prefix("facts.")).map(String::from).collect();
    assert_eq!(facts, FACTS.iter().map(|fact| fact.name.to_owned()).collect());
    used.retain(|name| !name.starts_with("facts."));
    used.extend(FACTS.iter().flat_map(|fact| fact.uses).map(|name| (*name).to_owned()));
    assert_eq!(used, declared);
}
