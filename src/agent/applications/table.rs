//! The one table of routes: what is asked for, what that needs, takes and gives, and who answers.
//! Dispatch reads it, and the published document is made of it; a route that is not here is nowhere.
//! Not here: what a route is (`route`), and the answers.

use super::access::Right::{Admin, Create, Deploy, Look, Own, Read};
use super::changes::{self, ChangeTold};
use super::route::{CREATION, Route, Takes, choices, get, order};
use super::shapes::{
    self, ApplicationTold, Detail, Findings, HandOver, Listed, ManagerState, NotCreated, Notes, PackageStatus,
    PackageTold, Start, StartTold, Status, Stop, Uploaded, any_object, of, own_creation,
};
use super::{dashboard, declared, dm, own, repository, streams};
use std::collections::BTreeMap;
use words::alarm::Alarm;
use words::application::{Application, Details, Event, Explained, Following, Logs};
use words::change::Difference;
use words::declared::{Applied, Apply, Declarations};
use words::figures::Figures;
use words::foreign::{Adopted, Adoption, Foreign};
use words::happened::Page;
use words::housekeeping::{Clean, Cleaning};
use words::names::{ApplicationName, PackageName};
use words::savepoints::{Adopt, Dispose, Removed, Savepoints, Taken};

/// All of them.
pub(super) static ROUTES: &[Route] = &[
    // PNDA's package repository.
    get("/repository/packages", Look, of::<Vec<Listed>>, repository::list, "Packages in the repository, newest first.")
        .asking("recency", repository::MOST_VERSIONS, "How many versions of each; 1 unless told."),
    get("/repository/packages/{file}", Read, shapes::bytes, repository::download, "The file of a package."),
    Route::new(
        "PUT",
        "/repository/packages/{file}",
        Deploy,
        (200, Some(of::<Uploaded>)),
        repository::upload,
        "Bring a package; a published version never changes.",
    )
    .taking(Takes::Package),
    Route::new(
        "DELETE",
        "/repository/packages/{file}",
        Admin,
        (200, None),
        repository::remove,
        "Remove a package that is not deployed.",
    ),
    // PNDA's Deployment Manager.
    get("/packages", Look, of::<Vec<PackageName>>, dm::packages, "Packages that are deployed."),
    get("/packages/{package}", Look, of::<PackageTold>, dm::package, "A package, deployed or not."),
    get("/packages/{package}/status", Look, of::<PackageStatus>, dm::package_status, "How a package is."),
    get(
        "/packages/{package}/applications",
        Look,
        of::<Vec<ApplicationName>>,
        dm::applications_of,
        "The applications made of a package.",
    ),
    order(
        "PUT",
        "/packages/{package}",
        Deploy,
        dm::deploy,
        "Deploy a package from the repository; its state says how that went.",
    ),
    order("DELETE", "/packages/{package}", Own, dm::undeploy, "Take a deployed package back."),
    get("/applications", Look, of::<Vec<ApplicationName>>, dm::applications, "The names of all applications."),
    get(
        "/applications/{application}",
        Look,
        of::<ApplicationTold>,
        dm::application,
        "An application; one that is not there is told as NOTCREATED.",
    ),
    get("/applications/{application}/status", Look, of::<Status>, dm::status, "How an application is."),
    get("/applications/{application}/detail", Look, of::<Detail>, dm::detail, "What YARN knows of its components.")
        .or(404, of::<NotCreated>),
    get(
        "/applications/{application}/summary",
        Look,
        shapes::summary,
        dm::summary,
        "How its components are, with Flink's pages.",
    ),
    Route::new(
        "GET",
        "/applications/{application}/{what}",
        Look,
        (400, None),
        dm::no_view,
        "Any other view is refused.",
    ),
    order("PUT", "/applications/{application}", Create, dm::create, "Make an application.").taking(CREATION),
    order("POST", "/applications/{application}/start", Own, dm::start, "Start it from its newest state."),
    order("POST", "/applications/{application}/stop", Own, dm::stop, "Stop it with a savepoint."),
    Route::new(
        "POST",
        "/applications/{application}/{what}",
        Own,
        (400, None),
        dm::no_action,
        "Any other action is refused.",
    ),
    order("DELETE", "/applications/{application}", Own, dm::delete, "Forget it; what runs of it is killed."),
    get(
        "/environment/endpoints",
        Look,
        of::<BTreeMap<String, String>>,
        dm::environment,
        "What packages may refer to; no secret is among it.",
    ),
    // Our own.
    get("/v1/openapi.json", Look, any_object, own::interface, "This document."),
    get("/v1/state", Read, of::<ManagerState>, own::state, "How the manager is."),
    Route::new(
        "PUT",
        "/v1/packages/{package}",
        Deploy,
        (202, Some(of::<Findings>)),
        own::deploy,
        "Deploy a package of the repository or the mirror, or find that it is; mistakes are told at once.",
    ),
    get("/v1/applications", Read, of::<Vec<Application>>, own::applications, "All applications."),
    get("/v1/applications/{application}", Read, of::<Application>, own::application, "An application."),
    Route::new(
        "PUT",
        "/v1/applications/{application}",
        Create,
        (201, Some(of::<Notes>)),
        own::create,
        "Make an application; says what is worth knowing.",
    )
    .taking(Takes::Document { schema: own_creation, required: true }),
    order("DELETE", "/v1/applications/{application}", Own, own::delete, "Forget it; what runs of it is killed."),
    Route::new(
        "POST",
        "/v1/applications/{application}/start",
        Own,
        (202, Some(of::<StartTold>)),
        own::start,
        "Start it, unless something stands against it; or say what that would do.",
    )
    .taking(choices(of::<Start>)),
    order("POST", "/v1/applications/{application}/stop", Own, own::stop, "Stop it.").taking(choices(of::<Stop>)),
    Route::new(
        "POST",
        "/v1/applications/{application}/savepoint",
        Own,
        (202, Some(of::<Taken>)),
        own::savepoint,
        "Take a savepoint of what runs, or join one that is under way; it goes on.",
    ),
    order(
        "POST",
        "/v1/applications/{application}/savepoints/adopt",
        Own,
        own::adopt_state,
        "Have its next run begin from a savepoint or checkpoint that lies in HDFS, wherever it comes from.",
    )
    .taking(Takes::Document { schema: of::<Adopt>, required: true }),
    Route::new(
        "POST",
        "/v1/applications/{application}/upgrade",
        Own,
        (202, Some(of::<ChangeTold>)),
        changes::upgrade,
        "Make another version or other settings of it, tried, and back by itself; or say what that would do.",
    )
    .taking(choices(of::<changes::Upgrade>)),
    Route::new(
        "POST",
        "/v1/applications/{application}/rollback",
        Own,
        (202, Some(of::<ChangeTold>)),
        changes::rollback,
        "Go back to the version before, from the state that it had; or say what that would do.",
    )
    .taking(choices(of::<changes::Rollback>)),
    Route::new(
        "POST",
        "/v1/applications/{application}/restart",
        Own,
        (202, Some(of::<ChangeTold>)),
        changes::restart,
        "Stop it with a savepoint and start it from there; or say what that would do.",
    )
    .taking(choices(of::<changes::Restart>)),
    order("POST", "/v1/handover", Admin, own::hand_over, "Have another node manage; this one stands by from then on.")
        .taking(Takes::Document { schema: of::<HandOver>, required: true }),
    get(
        "/v1/foreign",
        Read,
        of::<Vec<Foreign>>,
        own::foreign,
        "Flink's applications on YARN that no application here has.",
    ),
    Route::new(
        "POST",
        "/v1/applications/{application}/adopt",
        Own,
        (202, Some(of::<Adopted>)),
        own::adopt,
        "Have it go on with what somebody else submitted to YARN; a savepoint of it is taken at once.",
    )
    .taking(Takes::Document { schema: of::<Adoption>, required: true }),
    Route::new(
        "POST",
        "/v1/applications/{application}/rescale",
        Own,
        (202, Some(of::<ChangeTold>)),
        changes::rescale,
        "Give it another parallelism, which stays; or say what that would do.",
    )
    .taking(Takes::Document { schema: of::<changes::Rescale>, required: true }),
    Route::new(
        "POST",
        "/v1/applications/{application}/diff",
        Own,
        (200, Some(of::<Difference>)),
        changes::difference,
        "What an upgrade would change.",
    )
    .taking(choices(of::<changes::Upgrade>)),
    get(
        "/v1/applications/{application}/savepoints",
        Read,
        of::<Savepoints>,
        own::savepoints,
        "All savepoints of an application, those too that others made, with who needs them.",
    ),
    Route::new(
        "POST",
        "/v1/applications/{application}/savepoints/{savepoint}/dispose",
        Own,
        (202, Some(of::<Removed>)),
        own::dispose,
        "Remove a savepoint with its files, unless somebody needs it; or say what that would do.",
    )
    .taking(choices(of::<Dispose>)),
    get(
        "/v1/applications/{application}/explain",
        Own,
        of::<Vec<Explained>>,
        own::explain,
        "What a start would submit.",
    ),
    get(
        "/v1/applications/{application}/components/{component}/logs",
        Read,
        of::<Logs>,
        own::logs,
        "The ends of the logs of a component's last run.",
    )
    .asking("bytes", own::MOST_LOG, "How much of each container; 65536 unless told."),
    Route::new(
        "POST",
        "/v1/applications/{application}/components/{component}/logs",
        Read,
        (200, Some(of::<Logs>)),
        own::more_logs,
        "What came to the logs of a component's last run since they were read.",
    )
    .taking(Takes::Document { schema: of::<Following>, required: true }),
    get(
        "/v1/applications/{application}/components/{component}/details",
        Read,
        of::<Details>,
        own::details,
        "What Flink says of the job of a component's last run: checkpoints, failures, its page.",
    ),
    get(
        "/v1/applications/{application}/components/{component}/dashboard/{page}",
        Read,
        shapes::bytes,
        dashboard::page,
        "Flink's own pages of a component that runs, to look at: what would change anything is not passed on.",
    )
    .deep(),
    get(
        "/v1/applications/{application}/history",
        Read,
        of::<Vec<Event>>,
        own::history,
        "What happened to an application, when, by whom and why; the last thousand records.",
    ),
    get(
        "/v1/declarations",
        Read,
        of::<Declarations>,
        declared::all,
        "Whoever asks has these applications, as they would be declared.",
    ),
    get(
        "/v1/applications/{application}/declaration",
        Own,
        of::<Declarations>,
        declared::one,
        "An application as it would be declared.",
    ),
    Route::new(
        "POST",
        "/v1/apply",
        Create,
        (202, Some(of::<Applied>)),
        declared::apply,
        "Bring about what is declared, unless something stands against any of it; or say what that would do.",
    )
    .taking(Takes::Document { schema: of::<Apply>, required: true }),
    get(
        "/v1/events",
        Read,
        of::<Page>,
        streams::events,
        "What happened, as far as whoever asks may see it; with `Accept: text/event-stream` all that happens from now on, or after `Last-Event-ID`.",
    )
    .asking("after", streams::NEWEST, "Only what came after the record of this number; the last ones unless told."),
    get(
        "/v1/alarms",
        Read,
        of::<Vec<Alarm>>,
        own::alarms,
        "What somebody should look at, of all applications and the manager.",
    ),
    get(
        "/v1/applications/{application}/alarms",
        Read,
        of::<Vec<Alarm>>,
        own::alarms_of,
        "What somebody should look at of an application.",
    ),
    get(
        "/v1/figures",
        Read,
        of::<Figures>,
        own::figures,
        "What is counted and measured, for the agent of the manager's node.",
    ),
    Route::new(
        "POST",
        "/v1/clean",
        Admin,
        (202, Some(of::<Cleaning>)),
        own::clean,
        "Remove from HDFS what nobody needs any more; or say what that would be, and why everything else stays.",
    )
    .taking(choices(of::<Clean>)),
];
