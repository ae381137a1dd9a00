//! Words of shell and of systemd, quoted so that no value can become anything but itself.
//! Every value that reaches a script or a unit passes through here.
//! Not here: the scripts, which are templates.

use crate::words::node::{Service, ServiceKind};
use minijinja::Value;

/// A text as one word of POSIX sh.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text as one quoted word of a unit's command line or environment: systemd expands `%` itself and `$` in commands.
fn unit_word(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "/._+-=:,".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    let escaped = text.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{escaped}\"")
}

/// What the template of units prints of a service.
pub(super) fn unit(service: &Service) -> [(&'static str, Value); 6] {
    let command = service.command.iter().map(|word| unit_word(&word.replace('$', "$$")));
    let environment = service.environment.iter().map(|(name, value)| unit_word(&format!("{name}={value}")));
    let kind = match service.kind {
        ServiceKind::Exec => "exec",
        ServiceKind::Notify => "notify",
    };
    [
        ("service.about", service.about.replace('%', "%%").into()),
        ("service.command", command.collect::<Vec<_>>().join(" ").into()),
        ("service.environment", environment.map(Value::from).collect()),
        ("service.kind", kind.into()),
        ("service.lines", service.unit.iter().map(Value::from).collect()),
        ("service.user", service.user.as_str().into()),
    ]
}

/// The first line of a generated file, in its format's comments; none if the format has no known comment.
pub(super) fn stamped(path: &str, text: &str, stamp: &str) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let commented = match name.rsplit_once('.') {
        None => true,
        Some((_, ending)) => ["conf", "properties", "service", "sh", "toml", "txt", "yaml"].contains(&ending),
    };
    if !commented {
        return None;
    }
    let (first, rest) = match text.split_once('\n') {
        // The kernel reads the interpreter from the very first line.
        Some((first, rest)) if first.starts_with("#!") => (format!("{first}\n"), rest),
        _ => (String::new(), text),
    };
    Some(format!("{first}# {stamp}\n{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_word_stays_one_word() {
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's $(x)"), r"'it'\''s $(x)'");
    }

    #[test]
    fn a_unit_word_stays_one_word() {
        assert_eq!(unit_word("/opt/pnda/bin/flink"), "/opt/pnda/bin/flink");
        assert_eq!(unit_word("a b"), "\"a b\"");
        assert_eq!(unit_word("50%\\"), "\"50%%\\\\\"");
    }

    #[test]
    fn the_stamp_comes_after_the_interpreter() {
        assert_eq!(stamped("/a/x.sh", "#!/bin/sh\nx\n", "made").unwrap(), "#!/bin/sh\n# made\nx\n");
        assert_eq!(stamped("/a/flink", "x\n", "made").unwrap(), "# made\nx\n");
        assert_eq!(stamped("/a/x.json", "{}", "made"), None);
    }
}
