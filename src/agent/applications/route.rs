//! One route of the manager: what is asked for, what that needs, takes and gives, and who answers.
//! Which there are is the table's to say.
//! Not here: dispatch, and the answers.

use super::access::Right;
use super::failure::Failure;
use super::routes::{Answer, Asked};
use super::shapes::{SchemaOf, creation};
use apps::manager::Manager;
use words::shown::shown;

/// One route.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// With names in braces where anything may stand.
    pub(super) path: &'static str,
    pub(super) about: &'static str,
    pub(super) right: Right,
    /// Its last name stands for the rest of a path, however deep, and for nothing, too.
    pub(super) deep: bool,
    /// A number that may be asked for, and the most that it may be.
    pub(super) query: Option<(&'static str, u32, &'static str)>,
    pub(super) takes: Takes,
    /// What comes if all is well: the status, and the document.
    pub(super) gives: (u16, Option<SchemaOf>),
    /// Documents of other statuses that are no refusals.
    pub(super) or: Option<(u16, SchemaOf)>,
    pub(super) act: fn(&Manager, Asked) -> Result<Answer, Failure>,
}

/// What goes along with a request.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    Nothing,
    /// A document that may be left out, or must be there.
    Document {
        schema: SchemaOf,
        required: bool,
    },
    /// A package's file.
    Package,
}

impl Route {
    fn segments(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.path.split('/').filter(|segment| !segment.is_empty())
    }

    /// The names that its path has, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.segments().filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }

    /// How many parts of its path are words.
    pub(super) fn literals(&self) -> usize {
        self.segments().filter(|segment| !segment.starts_with('{')).count()
    }

    /// Where to look what becomes of an order; none for questions, and for files, which come for as long as they take.
    pub(super) fn asked_next(&self, captured: &[String]) -> Option<String> {
        let (first, one) = (self.names().next()?, shown(captured.first()?));
        match (self.method, self.takes, first) {
            _ if matches!(self.right, Right::Look | Right::Read) => None,
            (_, Takes::Package, _) => None,
            (_, _, "application") => Some(format!("GET /v1/applications/{one}")),
            (_, _, "package") => Some(format!("GET /packages/{one}/status")),
            _ => None,
        }
    }

    /// Whether a path is one of its.
    pub(super) fn fits(&self, path: &[String]) -> bool {
        let same = |(own, given): (&str, &String)| own.starts_with('{') || own == given;
        let count = self.segments().count();
        let is_long_enough = if self.deep { path.len() + 1 >= count } else { path.len() == count };
        is_long_enough && self.segments().zip(path).all(same)
    }

    /// What stands for its names.
    pub(super) fn captured(&self, path: &[String]) -> Vec<String> {
        let own = self.segments().count() - usize::from(self.deep);
        let names = self.segments().zip(path).take(own).filter(|(own, _)| own.starts_with('{'));
        let rest = self.deep.then(|| path.get(own..).unwrap_or_default().join("/"));
        names.map(|(_, given)| given.clone()).chain(rest).collect()
    }

    pub(super) const fn new(
        method: &'static str,
        path: &'static str,
        right: Right,
        gives: (u16, Option<SchemaOf>),
        act: fn(&Manager, Asked) -> Result<Answer, Failure>,
        about: &'static str,
    ) -> Route {
        Route { method, path, about, right, deep: false, query: None, takes: Takes::Nothing, gives, or: None, act }
    }

    pub(super) const fn taking(self, takes: Takes) -> Route {
        Route { takes, ..self }
    }

    pub(super) const fn deep(self) -> Route {
        Route { deep: true, ..self }
    }

    pub(super) const fn asking(self, name: &'static str, most: u32, about: &'static str) -> Route {
        Route { query: Some((name, most, about)), ..self }
    }

    pub(super) const fn or(self, status: u16, schema: SchemaOf) -> Route {
        Route { or: Some((status, schema)), ..self }
    }
}

/// A question.
pub(super) const fn get(
    path: &'static str,
    right: Right,
    schema: SchemaOf,
    act: fn(&Manager, Asked) -> Result<Answer, Failure>,
    about: &'static str,
) -> Route {
    Route::new("GET", path, right, (200, Some(schema)), act, about)
}

/// An order that is taken with 202.
pub(super) const fn order(
    method: &'static str,
    path: &'static str,
    right: Right,
    act: fn(&Manager, Asked) -> Result<Answer, Failure>,
    about: &'static str,
) -> Route {
    Route::new(method, path, right, (202, None), act, about)
}

/// What an application is made of.
pub(super) const CREATION: Takes = Takes::Document { schema: creation, required: true };

/// A document of choices, each of which has its usual value.
pub(super) const fn choices(schema: SchemaOf) -> Takes {
    Takes::Document { schema, required: false }
}
