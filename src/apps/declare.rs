//! What it takes to bring about what is declared: the orders for each application, those that can be given now and those that wait
//! for something to be over. Pure: the same state and the same declaration give the same orders, and none where all is so already.
//! Not here: looking at what stands against an order, and giving it (`manager::declared`).

use crate::decide::upgrade::runs;
use crate::journal::{Application, Release, State};
use crate::orders::{self, Caller};
use crate::package::overrides::Overrides;
use crate::status::phase;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use words::application::{Finding, Phase};
use words::declared::{Apply, Declarations, Declared, Order, Settings, Wanted};
use words::names::{ApplicationName, ComponentName, ComponentType, PackageName};

/// What is to be done with one application.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// The application.
    pub name: ApplicationName,
    /// The orders.
    pub orders: Vec<Order>,
    /// So many of them can be given now.
    pub ready: usize,
    /// For what the others wait, or what is under way where none is left.
    pub waits: Option<String>,
    /// What differs, by name.
    pub differs: Vec<String>,
    /// What it is to be made of; none where it goes.
    pub release: Option<Release>,
    /// The application from whose state it begins, if it is made.
    pub state_of: Option<ApplicationName>,
    /// What stands against it.
    pub findings: Vec<Finding>,
}

impl Way {
    fn new(name: &ApplicationName) -> Way {
        let (orders, waits, differs, release, state_of, findings) = Default::default();
        Way { name: name.clone(), orders, ready: 0, waits, differs, release, state_of, findings }
    }

    fn refuse(&mut self, what: impl Into<String>, remedy: &str) {
        self.findings.push(Finding::refusal(self.name.as_str(), what, remedy));
    }

    /// The orders of what runs or not, the first of which can be given now.
    fn go(&mut self, orders: Vec<Order>) {
        self.waits = (orders.len() > 1).then(|| match orders.first() {
            Some(Order::Stop) => "it has to stop first".to_owned(),
            _ => "its upgrade has to be over first".to_owned(),
        });
        (self.ready, self.orders) = (orders.len().min(1), orders);
    }

    /// The same where something is under way.
    fn wait(&mut self, orders: Vec<Order>, why: String) {
        (self.waits, self.orders) = (Some(why), orders);
    }
}

/// The ways of all applications that are declared, and of those of this caller that are to go. `fitted` gives what is set the types
/// that its package has.
pub fn ways(state: &State, apply: &Apply, by: &Caller, fitted: &dyn Fn(Overrides) -> Overrides) -> Vec<Way> {
    let declared = apply.applications.iter().map(|(name, declared)| way(state, (name, declared), by, fitted));
    let is_missing = |name: &&ApplicationName| apply.delete_missing && !apply.applications.contains_key(*name);
    let own = state.applications.iter().filter(|(_, application)| application.owner == by.name);
    let missing = own.filter(|(name, _)| is_missing(name)).map(|(name, application)| end(name, application));
    let something = |way: &Way| !way.orders.is_empty() || !way.findings.is_empty() || way.waits.is_some();
    declared.chain(missing).filter(something).collect()
}

/// What an application is made of as a request has it.
fn body(declared: &Declared) -> Value {
    let mut body = Map::from_iter([("package".to_owned(), json!(declared.package))]);
    for (kind, components) in &declared.set {
        body.entry(kind.as_str()).or_insert_with(|| json!(components));
    }
    Value::Object(body)
}

fn way(
    state: &State,
    (name, declared): (&ApplicationName, &Declared),
    by: &Caller,
    fitted: &dyn Fn(Overrides) -> Overrides,
) -> Way {
    let mut way = Way::new(name);
    let known = state.applications.get(name);
    if declared.set.keys().any(|kind| matches!(kind.as_str(), "package" | "user")) {
        way.refuse("`package` and `user` are no types of components", "write set.TYPE.COMPONENT.PROPERTY");
    }
    match Overrides::parse(&body(declared)) {
        Ok(overrides) => {
            let release = Release { package: declared.package.clone(), overrides: fitted(overrides).to_json() };
            way.release = Some(release);
        }
        Err(problems) => problems.into_iter().for_each(|one| way.refuse(one.what, &one.remedy)),
    }
    let (owner, remedy) = match known {
        Some(application) => (&application.owner, "write its owner, or leave the line out"),
        None => (&by.name, "whoever applies it owns it: leave the line out, or have that user apply it"),
    };
    if let Some(said) = declared.owner.as_ref().filter(|said| *said != owner) {
        way.refuse(format!("it would belong to {owner}, not to {said}"), remedy);
    }
    let Some(application) = known else {
        make(&mut way, declared);
        way.ready = way.orders.len();
        return way;
    };
    if let Err(refusal) = orders::own(state, name, by) {
        way.refuse(refusal.to_string(), "");
    }
    let Some(release) = way.release.clone() else { return way };
    change(&mut way, application, declared, &release);
    if let Some(why) = tried(application, &release).filter(|_| way.orders.contains(&Order::Upgrade)) {
        let what = format!("{} was tried, and came to nothing: {why}", release.package);
        way.refuse(what, &format!("declare another version, or try it again with `pnda app upgrade {name}`"));
    }
    way
}

/// Why the last upgrade came to nothing, if it was to this: whoever declares it every minute would stop what runs each time.
fn tried<'a>(application: &'a Application, release: &Release) -> Option<&'a str> {
    let last = application.upgrade.as_ref().filter(|last| !last.is_under_way() && last.to == *release)?;
    last.why.as_deref()
}

fn make(way: &mut Way, declared: &Declared) {
    way.orders.push(Order::Create);
    way.orders.extend((declared.wanted == Wanted::Running).then_some(Order::Start));
    way.state_of = declared.state_of.clone();
}

fn change(way: &mut Way, application: &Application, declared: &Declared, release: &Release) {
    let upgrade = application.upgrading();
    let now =
        upgrade.map_or((&application.package, &application.overrides), |one| (&one.to.package, &one.to.overrides));
    way.differs = differing(now, release);
    let orders = |runs: bool, differs: bool| {
        let upgrade = differs.then_some(Order::Upgrade);
        let first = (runs && declared.wanted == Wanted::Stopped).then_some(Order::Stop);
        let last = (!runs && declared.wanted == Wanted::Running).then_some(Order::Start);
        [first, upgrade, last].into_iter().flatten().collect::<Vec<_>>()
    };
    let differs = !way.differs.is_empty();
    match (phase(application), upgrade) {
        (Phase::Destroying, _) => {
            make(way, declared);
            way.differs.clear();
            way.waits = Some("it is being forgotten".to_owned());
        }
        (_, Some(upgrade)) => {
            let why = format!("its {} to {} is under way", upgrade.purpose, upgrade.to.package);
            way.wait(orders(upgrade.starts, differs), why);
        }
        (Phase::Stopping, None) => way.wait(orders(false, differs), "it is stopping".to_owned()),
        (Phase::Created, None) => way.go(orders(false, differs)),
        (now @ (Phase::Starting | Phase::Started), None) => {
            way.go(orders(true, differs));
            if way.orders.is_empty() && now == Phase::Starting {
                way.waits = Some("it is starting".to_owned());
            }
            // Whoever declares that it runs does not say that it is begun again when it has ended.
            if way.orders.is_empty() && runs(application).is_empty() {
                let remedy = format!("`pnda app start {}` begins it anew", way.name);
                way.findings.push(Finding::warning(way.name.as_str(), "all of it has ended", remedy));
            }
        }
    }
}

/// What is no longer declared: saved and stopped, then forgotten.
fn end(name: &ApplicationName, application: &Application) -> Way {
    let mut way = Way::new(name);
    match (phase(application), application.upgrading()) {
        (Phase::Destroying, _) => way.waits = Some("it is being forgotten".to_owned()),
        (_, Some(upgrade)) if upgrade.starts => {
            way.wait(vec![Order::Stop, Order::Delete], format!("its {} is under way", upgrade.purpose));
        }
        (_, Some(upgrade)) => way.wait(vec![Order::Delete], format!("its {} is under way", upgrade.purpose)),
        (Phase::Stopping, None) => way.wait(vec![Order::Delete], "it is stopping".to_owned()),
        (Phase::Created, None) => way.go(vec![Order::Delete]),
        (Phase::Starting | Phase::Started, None) => way.go(vec![Order::Stop, Order::Delete]),
    }
    way
}

fn differing((package, overrides): (&PackageName, &Value), release: &Release) -> Vec<String> {
    let (old, new) = (flat(overrides), flat(&release.overrides));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let set = names.into_iter().filter(|name| old.get(*name) != new.get(*name)).cloned();
    (*package != release.package).then(|| "package".to_owned()).into_iter().chain(set).collect()
}

/// What is set, by TYPE/COMPONENT/PROPERTY.
fn flat(overrides: &Value) -> BTreeMap<String, &Value> {
    let mut all = BTreeMap::new();
    for (kind, components) in objects_of(overrides).filter(|(name, _)| *name != "package") {
        for (component, properties) in objects_of(components) {
            all.extend(objects_of(properties).map(|(name, value)| (format!("{kind}/{component}/{name}"), value)));
        }
    }
    all
}

fn objects_of(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// All applications of this caller, or those of these names, as they would be declared.
pub fn declarations<'a>(all: impl Iterator<Item = (&'a ApplicationName, &'a Application)>) -> Declarations {
    all.filter(|(_, application)| phase(application) != Phase::Destroying)
        .map(|(name, application)| (name.clone(), declaration(application)))
        .collect()
}

fn declaration(application: &Application) -> Declared {
    let upgrade = application.upgrading();
    let (package, overrides) =
        upgrade.map_or((&application.package, &application.overrides), |one| (&one.to.package, &one.to.overrides));
    let runs =
        upgrade.is_some_and(|upgrade| upgrade.starts) || matches!(phase(application), Phase::Starting | Phase::Started);
    Declared {
        package: package.clone(),
        owner: Some(application.owner.clone()),
        wanted: if runs { Wanted::Running } else { Wanted::Stopped },
        state_of: None,
        set: settings(overrides),
    }
}

/// The overrides in the journal have been read once, and each is a text.
fn settings(overrides: &Value) -> Settings {
    let mut all = Settings::new();
    for (kind, components) in objects_of(overrides).filter(|(name, _)| *name != "package") {
        let Ok(kind) = ComponentType::new(kind.as_str()) else { continue };
        for (component, properties) in objects_of(components) {
            let Ok(component) = ComponentName::new(component.as_str()) else { continue };
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let set: BTreeMap<String, String> =
                objects_of(properties).map(|(name, value)| (name.clone(), text(value))).collect();
            if !set.is_empty() {
                all.entry(kind.clone()).or_default().insert(component, set);
            }
        }
    }
    all
}
