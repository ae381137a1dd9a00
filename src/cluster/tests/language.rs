//! The language of templates is what its page says: the engine knows everything that is offered, the page names it, and
//! what is unset or not there is told where it is printed.
//! Not here: single words of the language, which are tested beside `dialect`.

use super::super::dialect;
use super::super::offered::{
    FILTERS, FUNCTIONS, JINJA_FILTERS, JINJA_FUNCTIONS, JINJA_TAGS, JINJA_TESTS, OWN_FILTERS, TAGS, TESTS,
};
use super::*;
use words::problem::Problems;

/// The page's words between backquotes, taken apart.
fn page() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guide/templates.md");
    let text = std::fs::read_to_string(path).unwrap();
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let words = quoted.flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words.map(str::to_owned).collect()
}

#[test]
fn the_page_of_templates_names_all_that_is_offered_and_all_that_jinja_has_besides() {
    let page = page();
    let called = [&OWN_FILTERS[..], &FILTERS, &TESTS, &FUNCTIONS].concat();
    let jinja = [&JINJA_FILTERS[..], &JINJA_TESTS, &JINJA_FUNCTIONS, &JINJA_TAGS].concat();
    let names = called.iter().chain(&jinja).map(|(name, _)| *name).chain(TAGS);
    let missing: Vec<&str> = names.filter(|name| !page.contains(*name)).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn the_engine_knows_all_that_is_offered() {
    let mut engine = filters::engine("");
    let filters = OWN_FILTERS.iter().chain(&FILTERS).map(|(name, _)| format!("{{{{ x | {name} }}}}"));
    let tests = TESTS.iter().map(|(name, _)| format!("{{% if x is {name} %}}{{% endif %}}"));
    let functions = FUNCTIONS.iter().map(|(name, _)| format!("{{{{ {name}() }}}}"));
    for text in filters.chain(tests).chain(functions) {
        engine.add_raw_template("text", &text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(dialect::read(&text).mistakes, [], "{text}");
    }
}

#[test]
fn the_engine_finds_the_same_names() {
    for text in default_templates().into_values() {
        let reading = dialect::read(&text);
        let mut engine = filters::engine("");
        for (name, ..) in &reading.includes {
            engine.add_raw_template(name, "").unwrap();
        }
        engine.add_raw_template("text", &reading.text).unwrap();
        let found = engine.get_template_variables("text").unwrap();
        let names = reading.names.keys().map(|name| name.split('.').next().unwrap()).collect();
        assert_eq!(found, names, "{text}");
    }
}

/// What a template says to the production cluster's first worker, or why it says nothing.
fn printed(text: &str) -> String {
    let role = "about = \"A role of this test.\"\nplacement = \"every worker\"\n\n[[setting]]\nname = \"extra.word\"\nkind = \"word\"\n\
        optional = true\nabout = \"A word.\"\n\n[[file]]\ntemplate = \"etc/extra.conf\"\npath = \"/etc/extra.conf\"\n";
    let mut case = Case::example("production");
    case.roles.push(("roles/extra.toml".into(), role.to_owned()));
    case.templates.insert("etc/extra.conf".into(), text.to_owned());
    case.templates.insert("etc/extra.part".into(), "{{ extra.wrod }}".to_owned());
    match case.render() {
        Ok(rendered) => {
            let text = super::text(&rendered, "worker-1", "files/etc/extra.conf");
            text.split_once('\n').map(|(_, text)| text.to_owned()).unwrap_or_default()
        }
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn what_is_unset_or_not_there_is_told_where_it_is_printed() {
    let cases = [
        ("a\n{{ extra.word }}", "templates/etc/extra.conf:2: Field `word` is not set here"),
        ("a\nb\n{{ extra.word | sh }}", "templates/etc/extra.conf:3: a setting that this file needs is not set"),
        ("{{ extra.word if true else 1 }}", "templates/etc/extra.conf:1: Tried to render a variable that is undefined"),
        (
            "{{ extra.wrod }}",
            "templates/etc/extra.conf:1: nothing defines `extra.wrod` here\n    did you mean `extra.word`?",
        ),
        ("{% include \"etc/extra.part\" %}", "templates/etc/extra.part:1: nothing defines `extra.wrod` here"),
        (
            "{% include \"etc/extra.prt\" %}",
            "templates/etc/extra.conf:1: there is no template `etc/extra.prt`\n    did you mean `etc/extra.part`?",
        ),
        ("{% include \"etc/extra.conf\" %}", "templates/etc/extra.conf: Circular include"),
        (
            "{% for m in nodes['agent'] %}\n{{ m.adress }}{% endfor %}",
            "templates/etc/extra.conf:2: Field `adress` is not set here\n    there are fields: address, name, number",
        ),
        ("{{ __tera_context }}", "nothing defines `__tera_context` here"),
        ("{{ node | bytes }}", "templates/etc/extra.conf:1: `worker-1` is no size or duration"),
        ("{% if node", "templates/etc/extra.conf:1: Unexpected end of input"),
    ];
    for (text, told) in cases {
        let printed = printed(text);
        assert!(printed.contains(told), "{text}: {printed}");
    }
}

#[test]
fn a_template_prints_what_the_page_says() {
    let cases = [
        ("{% if extra.word %}a{% endif %}{{ \"b\" if extra.word is none else \"c\" }}", "b"),
        ("{% for key, value in {\"b\": 1, \"a\": 2} %}{{ key }}{{ value }}{% endfor %}", "b1a2"),
        ("{{ [m.name for m in nodes['agent'] if m.number > 3] | join(sep=\",\") }}", "worker-4"),
        ("  {% set x = 7 // 2 %}\n  {{ x }}\n{# c #}\n", "  3\n"),
        ("{{ at(path=\"/etc\") | toml }} {{ \"2g\" | jvm }}", "\"/etc\" 4608m"),
        ("{{ [3, 1] | sort | first }}{{ \"a\" ~ 1 }}", "1a1"),
    ];
    for (text, expected) in cases {
        assert_eq!(printed(text), expected, "{text}");
    }
}

#[test]
fn a_mistake_in_one_template_hides_none_in_another() {
    let mut case = Case::example("pico");
    case.templates.insert("etc/one.conf".into(), "{% if %}".into());
    case.templates.insert("etc/two.conf".into(), "a\n{{ at('/x') }}\n{{ x | selectattr('a', 'b') }}".into());
    let told = case.told();
    for part in [
        "templates/etc/one.conf:1: Found `%}`",
        "templates/etc/two.conf:2: an argument has no name\n    write `at(path=…)`",
        "templates/etc/two.conf:3: there is no filter `selectattr` in templates\n    write `[each for each in list",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(told.matches("templates/").count(), 3, "{told}");
    let mut problems = Problems::default();
    let templates = [("etc/a.conf".to_owned(), "{{ x }}".to_owned())].into();
    template::Engine::new(&templates, [], "", &mut problems);
    assert!(problems.into_result(()).is_ok());
}
