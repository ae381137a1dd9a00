//! What a template may call: every filter, test, function and tag by its name, and what is written instead of what Jinja
//! has besides. `guide/templates.md` says the same to those who write templates.
//! Not here: finding the calls (`dialect`), or what they do (`filters`).

/// What may be called, and the names of its arguments.
pub(super) type Called = (&'static str, &'static str);
/// What Jinja has, and what is written instead.
pub(super) type Instead = (&'static str, &'static str);

/// Filters of our own.
pub(super) const OWN_FILTERS: [Called; 9] = [
    ("bytes", ""),
    ("id128", ""),
    ("jvm", ""),
    ("megabytes", ""),
    ("milliseconds", ""),
    ("seconds", ""),
    ("sh", ""),
    ("toml", ""),
    ("xml", ""),
];

/// Filters of the engine. Those for HTML are left out, and `group_by`, which gives its groups in any order.
pub(super) const FILTERS: [Called; 29] = [
    ("abs", ""),
    ("capitalize", ""),
    ("default", "value=…"),
    ("first", ""),
    ("float", ""),
    ("get", "key=…"),
    ("indent", "width=…"),
    ("int", "base=…"),
    ("join", "sep=…"),
    ("keys", ""),
    ("last", ""),
    ("length", ""),
    ("lower", ""),
    ("nth", "n=…"),
    ("pairs", ""),
    ("replace", "from=…, to=…"),
    ("reverse", ""),
    ("round", "precision=…"),
    ("sort", "attribute=…"),
    ("split", "pat=…"),
    ("str", ""),
    ("title", ""),
    ("trim", "pat=…"),
    ("trim_end", "pat=…"),
    ("trim_start", "pat=…"),
    ("truncate", "length=…"),
    ("unique", ""),
    ("upper", ""),
    ("values", ""),
];

pub(super) const TESTS: [Called; 15] = [
    ("array", ""),
    ("bool", ""),
    ("containing", "pat=…"),
    ("divisible_by", "divisor=…"),
    ("ending_with", "pat=…"),
    ("even", ""),
    ("float", ""),
    ("integer", ""),
    ("iterable", ""),
    ("map", ""),
    ("none", ""),
    ("number", ""),
    ("odd", ""),
    ("starting_with", "pat=…"),
    ("string", ""),
];

pub(super) const FUNCTIONS: [Called; 3] = [("at", "path=…"), ("range", "end=…"), ("throw", "message=…")];

pub(super) const TAGS: [&str; 14] = [
    "break",
    "continue",
    "elif",
    "else",
    "endfor",
    "endif",
    "endraw",
    "endset",
    "for",
    "if",
    "include",
    "raw",
    "set",
    "set_global",
];

const SELECT: &str = "write `[each for each in list if each.name == …]`";
const INCLUDE: &str = "put the text in a template of its own and `include` it";

pub(super) const JINJA_FILTERS: [Instead; 27] = [
    ("attr", "write `value[name]`"),
    ("batch", "write `list[0:3]`"),
    ("bool", "write `if value`"),
    ("count", "write `length`"),
    ("d", "write `default(value=…)`"),
    ("dictsort", "leave it out: maps go in the order of their keys"),
    ("e", "write `xml`"),
    ("escape", "write `xml`"),
    ("format", "join texts with `~`"),
    ("group_by", "write `[each for each in list if each.name == …]` for each group"),
    ("groupby", "write `[each for each in list if each.name == …]` for each group"),
    ("items", "write `for key, value in map`, or `pairs`"),
    ("lines", "write `split(pat=\"\\n\")`"),
    ("list", "leave it out: a `[… for … in …]` is a list"),
    ("map", "write `[each.name for each in list]`"),
    ("max", "write `sort | last`"),
    ("min", "write `sort | first`"),
    ("pprint", "write `str`"),
    ("reject", SELECT),
    ("rejectattr", SELECT),
    ("safe", "leave it out: nothing is escaped"),
    ("select", SELECT),
    ("selectattr", SELECT),
    ("slice", "write `list[0:3]`"),
    ("string", "write `str`"),
    ("tojson", "write `toml`, which quotes a text"),
    ("wordcount", "write `split(pat=\" \") | length`"),
];

pub(super) const JINJA_TESTS: [Instead; 23] = [
    ("boolean", "write `is bool`"),
    ("defined", "write `is not none`"),
    ("divisibleby", "write `is divisible_by(divisor=…)`"),
    ("endingwith", "write `is ending_with(pat=…)`"),
    ("eq", "write `==`"),
    ("equalto", "write `==`"),
    ("false", "write `== false`"),
    ("ge", "write `>=`"),
    ("greaterthan", "write `>`"),
    ("gt", "write `>`"),
    ("in", "write `in` without `is`"),
    ("le", "write `<=`"),
    ("lessthan", "write `<`"),
    ("lower", "write `value == value | lower`"),
    ("lt", "write `<`"),
    ("mapping", "write `is map`"),
    ("ne", "write `!=`"),
    ("sameas", "write `==`"),
    ("sequence", "write `is array`"),
    ("startingwith", "write `is starting_with(pat=…)`"),
    ("true", "write `== true`"),
    ("undefined", "write `is none`"),
    ("upper", "write `value == value | upper`"),
];

pub(super) const JINJA_FUNCTIONS: [Instead; 5] = [
    ("cycler", "write `list[loop.index0 % 2]`"),
    ("dict", "write `{\"key\": value}`"),
    ("joiner", "write `{{ \", \" if not loop.last else \"\" }}`"),
    ("namespace", "write `set_global`"),
    ("super", INCLUDE),
];

pub(super) const JINJA_TAGS: [Instead; 11] = [
    ("autoescape", "leave it out: nothing is escaped"),
    ("block", INCLUDE),
    ("call", INCLUDE),
    ("component", INCLUDE),
    ("do", "write `set`"),
    ("extends", INCLUDE),
    ("filter", "write `{% set text %}…{% endset %}{{ text | … }}`"),
    ("from", INCLUDE),
    ("import", INCLUDE),
    ("macro", INCLUDE),
    ("with", "write `set`"),
];
