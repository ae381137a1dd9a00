//! Words of systemd, quoted so that no value can become anything but itself, and the first lines of generated files.
//! Every value that reaches a unit passes through here.
//! Not here: the scripts, which are templates.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use tera::Value;
use words::digest::Sha256;
use words::node::{Service, ServiceKind};

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
        ("service.environment", environment.collect::<Vec<_>>().into()),
        ("service.kind", kind.into()),
        ("service.lines", service.unit.clone().into()),
        ("service.user", service.user.as_str().into()),
    ]
}

/// What a line of a file's format begins and ends with so that nothing reads it; none if the format is not known.
fn comment(path: &str) -> Option<(&'static str, &'static str)> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("xml") => Some(("<!-- ", " -->")),
        // JSON has none: what nothing reads is a member that nobody knows.
        Some("json") => Some(("\"__made_from\": \"", "\",")),
        None | Some("cfg" | "conf" | "pem" | "properties" | "service" | "sh" | "toml" | "txt" | "yaml") => {
            Some(("# ", ""))
        }
        Some(_) => None,
    }
}

/// A generated file with a first line, in its format's comments, that says what it was made from and what the rest of
/// it is; none if the format has no known comment.
pub(super) fn stamped(path: &str, text: &str, stamp: &str) -> Option<String> {
    let (open, close) = comment(path)?;
    let (first, rest) = match text.split_once('\n') {
        // The kernel reads the interpreter from the very first line, and XML says there that it is XML.
        Some((first, rest)) if first.starts_with("#!") || first.starts_with("<?xml") => (format!("{first}\n"), rest),
        Some(("{", rest)) if path.ends_with(".json") => ("{\n".to_owned(), rest),
        _ if path.ends_with(".json") => return None,
        _ => (String::new(), text),
    };
    let digest = Sha256::of(rest.as_bytes());
    let stamp = format!("{stamp}; SHA-256 of what follows: {digest}").replace("--", "- -");
    Some(format!("{first}{open}{stamp}{close}\n{rest}"))
}

/// An identifier of 128 bits that stands for a text, in 22 characters, as Kafka names its clusters.
pub(super) fn id128(text: &str) -> String {
    let mut bytes = *Sha256::of(text.as_bytes()).as_bytes();
    // It must not begin like an option of a command line.
    bytes[0] &= 0x7f;
    URL_SAFE_NO_PAD.encode(&bytes[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_word_stays_one_word() {
        assert_eq!(unit_word("/opt/pnda/bin/flink"), "/opt/pnda/bin/flink");
        assert_eq!(unit_word("a b"), "\"a b\"");
        assert_eq!(unit_word("50%\\"), "\"50%%\\\\\"");
    }

    #[test]
    fn the_stamp_comes_after_what_must_be_first() {
        let digest = Sha256::of(b"x\n");
        let stamp = format!("made; SHA-256 of what follows: {digest}");
        assert_eq!(stamped("/a/x.sh", "#!/bin/sh\nx\n", "made").unwrap(), format!("#!/bin/sh\n# {stamp}\nx\n"));
        assert_eq!(stamped("/a/flink", "x\n", "made").unwrap(), format!("# {stamp}\nx\n"));
        let xml = stamped("/a/x.xml", "<?xml version=\"1.0\"?>\nx\n", "for a--b").unwrap();
        assert!(xml.starts_with("<?xml version=\"1.0\"?>\n<!-- for a- -b; "), "{xml}");
        let json = format!("{{\n\"__made_from\": \"{stamp}\",\nx\n");
        assert_eq!(stamped("/a/x.json", "{\nx\n", "made").unwrap(), json);
        assert_eq!(stamped("/a/x.json", "{}", "made"), None);
    }

    #[test]
    fn an_identifier_has_22_characters_and_is_no_option() {
        for text in ["pico", "standard", "a", "b", "c"] {
            let id = id128(text);
            assert!(id.len() == 22 && !id.starts_with('-'), "{id}");
        }
        assert_eq!(id128("pico"), id128("pico"));
    }
}
