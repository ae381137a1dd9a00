//! Flink's own pages with our rights: read, bounded, without what a client sent about himself, and shut in, for what comes is the
//! job's, whose program may write anything there: in a browser it reaches nothing but the same pages.
//! Not here: which pages are passed on.

use super::failure::Failure;
use super::own::readable;
use super::routes::{Answer, Asked, bytes_of, empty, invalid};
use apps::manager::Manager;
use apps::orders::Refusal;
use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, HOST, HeaderValue, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use systems::jobmanager::Page;
use url::form_urlencoded::{Serializer, parse};
use words::names::ComponentName;

/// What a file is by its name; everything else is JSON, and logs are text.
const MEDIA_TYPES: [(&str, &str); 9] = [
    ("css", "text/css"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("js", "text/javascript; charset=utf-8"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("ttf", "font/ttf"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
];

pub(super) fn page(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let (one, component): (_, ComponentName) = (readable(manager, &asked)?, asked.name(1)?);
    let path = asked.captured.get(2).cloned().unwrap_or_default();
    if path.is_empty() && !asked.parts.uri.path().ends_with('/') {
        // Its own addresses are relative to this.
        let mut answer = empty(StatusCode::PERMANENT_REDIRECT);
        answer.headers_mut().insert(LOCATION, HeaderValue::from_static("dashboard/"));
        return Ok(answer);
    }
    let given = parse(asked.parts.uri.query().unwrap_or_default().as_bytes()).filter(|(key, _)| key != "user.name");
    let query = Serializer::new(String::new()).extend_pairs(given).finish();
    let query = Some(query.as_str()).filter(|query| !query.is_empty());
    let Page { status, bytes } = manager.dashboard(&one, &component, (&path, query))?;
    let status =
        StatusCode::from_u16(status).ok().filter(|status| !status.is_redirection() && !status.is_informational());
    let status = status.ok_or_else(|| Refusal::Unavailable("the JobManager answers with something else".to_owned()))?;
    let mut answer = bytes_of(status, media_type(&path), bytes);
    let policy = policy(&asked, &format!("/v1/applications/{one}/components/{component}/dashboard/"))?;
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(answer)
}

fn media_type(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_log = path.contains("/logs/") || matches!(name, "log" | "stdout");
    let kind = if path.is_empty() { "html" } else { name.rsplit_once('.').map_or("", |(_, kind)| kind) };
    let known = MEDIA_TYPES.iter().find(|(known, _)| *known == kind).map(|(_, media_type)| *media_type);
    match is_log {
        true => "text/plain; charset=utf-8",
        false => known.unwrap_or("application/json"),
    }
}

/// What a page may reach: itself, and what lies below the same component.
fn policy(asked: &Asked, path: &str) -> Result<HeaderValue, Failure> {
    let host = asked.parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let plain = |host: &&str| host.chars().all(|c| c.is_ascii_alphanumeric() || ".:-[]".contains(c));
    let host = host.filter(plain).ok_or_else(|| invalid("a browser says by which name it asks: `Host`".to_owned()))?;
    let at = format!("{host}{path}");
    let policy = format!(
        "sandbox allow-scripts allow-same-origin; default-src 'none'; script-src {at} 'unsafe-inline'; \
         style-src {at} 'unsafe-inline'; img-src {at} data:; font-src {at} data:; connect-src {at}; base-uri {at}; \
         worker-src 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).map_err(|_| invalid("`Host` is no name".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::media_type;

    #[test]
    fn what_a_page_is_follows_from_its_name_alone() {
        assert!(media_type("").starts_with("text/html") && media_type("main.1.js").starts_with("text/javascript"));
        assert_eq!(media_type("jobs/overview"), "application/json");
        for log in ["jobmanager/log", "jobmanager/stdout", "jobmanager/logs/x.html", "taskmanagers/a/logs/b.log"] {
            assert_eq!(media_type(log), "text/plain; charset=utf-8", "{log}");
        }
    }
}
