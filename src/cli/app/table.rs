//! Applications as tables and texts for people.
//! Not here: asking for them.
//! What comes from jobs and logs is escaped where it is printed.

use crate::words::alarm::Alarm;
use crate::words::application::{
    Application, Checkpoints, Component, Details, DryRun, Event, Explained, Failure, Finding, Metrics, OozieTold, SetBy,
};
use crate::words::change::{Difference, Plan, Upgrade};
use crate::words::moment;
use crate::words::names::PackageName;
use crate::words::shown::shown;

/// So many runs in Oozie are shown; JSON has more.
const SHOWN_RUNS: usize = 5;

/// A name a line.
pub(in crate::cli) fn packages(all: &[PackageName]) -> String {
    all.iter().map(|name| format!("{name}\n")).collect()
}

/// Rows as columns that are as wide as they must be.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let wide =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let wide: Vec<usize> = (0..count).map(wide).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&wide).map(|(cell, wide)| format!("{cell:wide$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// All applications, a component a line.
pub(in crate::cli) fn list(all: &[Application]) -> String {
    if all.is_empty() {
        return "no application yet; `pnda app create` makes one\n".to_owned();
    }
    let head = ["APPLICATION", "STATUS", "COMPONENT", "STATE", "OWNER", "PACKAGE"].map(str::to_owned).to_vec();
    let of = |application: &Application| {
        let row = |component: &Component| {
            vec![
                application.name.to_string(),
                application.status.to_string(),
                component.name.to_string(),
                component.state.to_string(),
                application.owner.to_string(),
                application.package.to_string(),
            ]
        };
        application.components.iter().map(row).collect::<Vec<_>>()
    };
    columns(&[head].into_iter().chain(all.iter().flat_map(of)).collect::<Vec<_>>())
}

/// One application.
pub(in crate::cli) fn application(application: &Application) -> String {
    let row = |key: &str, value: String| vec![key.to_owned(), value];
    let mut rows = vec![
        row("application", application.name.to_string()),
        row("status", application.status.to_string()),
        row("package", application.package.to_string()),
        row("owner", application.owner.to_string()),
    ];
    rows.extend(
        application.upgrade.iter().map(|upgrade| row(upgrade.purpose.to_string().as_str(), of_upgrade(upgrade))),
    );
    rows.extend(application.information.iter().map(|text| row("information", shown(text).to_string())));
    let mut text = columns(&rows);
    for component in &application.components {
        text += &format!("\n{}", columns(&of_component(component)));
    }
    text
}

fn of_component(component: &Component) -> Vec<Vec<String>> {
    let row = |key: &str, value: String| vec![key.to_owned(), value];
    let reason = if component.reason.is_empty() { String::new() } else { format!(": {}", shown(&component.reason)) };
    let mut rows =
        vec![row("component", component.name.to_string()), row("state", format!("{}{reason}", component.state))];
    let optional = [
        ("YARN", &component.yarn_id),
        ("queue", &component.queue),
        ("job", &component.job_id),
        ("began from", &component.restored_from),
    ];
    rows.extend(optional.iter().filter_map(|(key, value)| Some(row(key, shown(value.as_ref()?).to_string()))));
    let at = |ms: u64| moment::utc(ms / 1000);
    rows.extend(component.oozie.iter().flat_map(of_oozie));
    rows.extend(component.started_ms.map(|ms| row("started", at(ms))));
    rows.extend(component.ended_ms.map(|ms| row("ended", at(ms))));
    for savepoint in &component.savepoints {
        let place = savepoint.path.as_ref().or(savepoint.reason.as_ref()).map(|text| shown(text).to_string());
        let text = format!("{}  {}  {}", at(savepoint.asked_ms), savepoint.state, place.unwrap_or_default());
        rows.push(row("savepoint", text));
    }
    for Alarm { severity, name, since_ms, what, remedy, .. } in &component.alarms {
        let text = format!("{severity}: {name}, since {}: {what}; {remedy}", at(*since_ms));
        rows.push(row("alarm", shown(&text).to_string()));
    }
    rows.extend(component.details.iter().flat_map(of_details));
    rows
}

/// The newest of what Oozie runs.
fn of_oozie(told: &OozieTold) -> Vec<Vec<String>> {
    let row = |key: &str, value: String| vec![key.to_owned(), value];
    let mut rows: Vec<_> = told.id.iter().map(|id| row("Oozie", shown(id).to_string())).collect();
    rows.extend(told.runs.iter().take(SHOWN_RUNS).map(|run| {
        let parts =
            [&run.status, &run.name, &run.kind, run.yarn_id.as_ref().or(run.workflow.as_ref()).unwrap_or(&run.id)];
        let parts = parts.into_iter().chain(&run.error).filter(|part| !part.is_empty());
        row("run", shown(&parts.cloned().collect::<Vec<_>>().join("  ")).to_string())
    }));
    rows
}

/// Alarms, each with what to do on a line of its own.
pub(in crate::cli) fn alarms(all: &[Alarm]) -> String {
    if all.is_empty() {
        return "no alarm\n".to_owned();
    }
    let head = ["SINCE", "SEVERITY", "ALARM", "OF", "WHAT"].map(str::to_owned).to_vec();
    let rows = all.iter().flat_map(|alarm| {
        let (since, severity) = (moment::utc(alarm.since_ms / 1000), alarm.severity.to_string());
        let row = vec![since, severity, alarm.name.to_string(), alarm.place(), shown(&alarm.what).to_string()];
        [row, vec![String::new(), String::new(), String::new(), String::new(), shown(&alarm.remedy).to_string()]]
    });
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>())
}

fn of_details(details: &Details) -> Vec<Vec<String>> {
    let row = |key: &str, value: String| vec![key.to_owned(), shown(&value).to_string()];
    let mut rows: Vec<_> = details.dashboard.iter().map(|url| row("dashboard", url.clone())).collect();
    if let Some(checkpoints) = &details.checkpoints {
        let Checkpoints { completed, failed, in_progress, last_ms, last_bytes, .. } = checkpoints;
        let last = last_ms
            .zip(*last_bytes)
            .map(|(ms, bytes)| format!("; the last one of {}, {bytes} bytes", moment::utc(ms / 1000)));
        rows.push(row(
            "checkpoints",
            format!("{completed} completed, {failed} failed, {in_progress} under way{}", last.unwrap_or_default()),
        ));
        rows.extend(checkpoints.last_path.iter().map(|path| row("checkpoint", path.clone())));
        rows.extend(checkpoints.last_failure.iter().map(|why| row("not taken", why.clone())));
    }
    rows.extend(details.metrics.iter().map(|metrics| row("metrics", of_metrics(metrics))));
    for Failure { cause, step, at_ms, count } in &details.failures {
        let when = at_ms.map(|ms| format!("{}  ", moment::utc(ms / 1000))).unwrap_or_default();
        let step = step.as_ref().map(|step| format!(" ({step})")).unwrap_or_default();
        let count = if *count > 1 { format!("{count} times  ") } else { String::new() };
        rows.push(row("failure", format!("{when}{count}{cause}{step}")));
    }
    rows.extend(details.hidden.iter().map(|why| row("not seen", why.clone())));
    rows
}

fn of_metrics(Metrics { last_ms, are_late, hidden }: &Metrics) -> String {
    let last = last_ms.map(|ms| format!("the last of {}", moment::utc(ms / 1000)));
    match (hidden, are_late) {
        (Some(why), _) => why.clone(),
        (None, true) => format!("late: {}", last.unwrap_or_else(|| "none has come to Graphite".to_owned())),
        (None, false) => last.unwrap_or_else(|| "none has come yet".to_owned()),
    }
}

/// What happened, a line each.
pub(in crate::cli) fn history(events: &[Event]) -> String {
    let head = ["WHEN", "BY", "COMPONENT", "WHAT"].map(str::to_owned).to_vec();
    let row = |event: &Event| {
        let component = event.component.as_ref().map(ToString::to_string).unwrap_or_default();
        vec![moment::utc(event.at_ms / 1000), event.by.to_string(), component, shown(&event.what).to_string()]
    };
    columns(&[head].into_iter().chain(events.iter().map(row)).collect::<Vec<_>>())
}

/// What was found before a start, one thing after the other.
pub(in crate::cli) fn findings(all: &[Finding]) -> String {
    all.iter().map(|finding| format!("{finding}\n")).collect()
}

/// What a start would do, or why nothing would be submitted.
pub(in crate::cli) fn dry_run(dry: &DryRun) -> String {
    let end = if dry.is_refused() {
        "a start would be refused: nothing would be submitted\n"
    } else {
        "nothing stands against a start; nothing was submitted\n"
    };
    // What was found is told above already.
    let bare: Vec<Explained> =
        dry.components.iter().map(|one| Explained { findings: Vec::new(), ..one.clone() }).collect();
    format!("{}{}\n{end}", findings(&dry.findings), explained(&bare))
}

fn of_upgrade(upgrade: &Upgrade) -> String {
    let Upgrade { from, to, step, reason, .. } = upgrade;
    let reason = reason.as_ref().map(|why| format!(": {}", shown(why))).unwrap_or_default();
    match step.is_under_way() {
        true => format!("from {from} to {to}, under way: {step}{reason}"),
        false => format!("from {from} to {to}: {step}{reason}"),
    }
}

/// What an upgrade would change.
pub(in crate::cli) fn difference(difference: &Difference) -> String {
    let Difference { from, to, components } = difference;
    let mut text = match from == to {
        true => format!("package {from}\n"),
        false => format!("package {from} -> {to}\n"),
    };
    if components.is_empty() {
        text += "no component differs\n";
    }
    for one in components {
        text += &format!("\ncomponent {} ({})\n", one.component, one.presence);
        let changed = one.flink.iter().chain(&one.properties).chain(&one.files);
        let none = || "-".to_owned();
        let said = |value: &Option<String>| value.as_ref().map_or_else(none, |value| shown(value).to_string());
        let rows = changed
            .map(|one| vec![format!("  {}", shown(&one.name)), format!("{} -> {}", said(&one.old), said(&one.new))]);
        text += &columns(&rows.collect::<Vec<_>>());
    }
    text
}

/// What an upgrade would change and do.
pub(in crate::cli) fn plan(plan: &Plan) -> String {
    let steps: String =
        plan.steps.iter().enumerate().map(|(at, step)| format!("{}. {}\n", at + 1, shown(step))).collect();
    let end =
        if plan.is_refused() { "it would be refused: nothing would be changed\n" } else { "nothing was changed\n" };
    format!("{}\n{steps}\n{}{end}", difference(&plan.difference), findings(&plan.findings))
}

/// The component's own properties, each with who says it.
fn of_properties(explained: &Explained) -> String {
    let by =
        |name: &String| explained.set_by.get(name).filter(|by| !matches!(by, SetBy::Environment | SetBy::Submission));
    let row = |(name, value): (&String, &String)| {
        let own = name.strip_prefix("component_")?;
        Some(vec![own.to_owned(), by(name)?.to_string(), shown(value).to_string()])
    };
    let rows: Vec<_> = explained.properties.iter().filter_map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = ["PROPERTY", "FROM", "VALUE"].map(str::to_owned).to_vec();
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>()) + "\n"
}

/// What a start would submit.
pub(in crate::cli) fn explained(all: &[Explained]) -> String {
    let one = |explained: &Explained| {
        let row = |key: &str, value: String| vec![key.to_owned(), value];
        let mut rows = vec![row("component", explained.component.to_string())];
        match explained.flink.as_str() {
            "" => rows.push(row("Oozie", explained.main_jar.clone())),
            flink => rows.extend([
                row("Flink", flink.to_owned()),
                row("program", format!("{} in {}", explained.main_class, explained.main_jar)),
                row("arguments", format!("{:?}", explained.arguments)),
                row("begins from", explained.restore.clone().unwrap_or_else(|| "nothing".to_owned())),
            ]),
        }
        rows.extend(explained.warnings.iter().map(|text| row("warning", shown(text).to_string())));
        let found = findings(&explained.findings);
        let head = vec!["KEY".to_owned(), "FROM".to_owned(), "VALUE".to_owned()];
        let pairs = explained.configuration.iter();
        let pairs = pairs.map(|pair| vec![pair.key.clone(), pair.from.to_string(), shown(&pair.value).to_string()]);
        let text = columns(&[head].into_iter().chain(pairs).collect::<Vec<_>>());
        format!("{}{found}\n{}{text}", columns(&rows), of_properties(explained))
    };
    all.iter().map(one).collect::<Vec<_>>().join("\n")
}
