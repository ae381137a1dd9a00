//! What systemd takes away from a service: one block of unit lines for each kind of program, which roles name.
//! A role's own lines come behind the block, so whatever a service needs back stands there, with its reason.
//! Not here: which service names which block (roles), or how a unit is printed (`script`).

/// The kind of program that a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hardening {
    /// A Java virtual machine.
    Jvm,
    /// A program that makes no code while it runs.
    Native,
}

/// What no service needs.
const BOTH: [&str; 24] = [
    "UMask=0027",
    "CapabilityBoundingSet=",
    "LockPersonality=yes",
    "NoNewPrivileges=yes",
    "PrivateDevices=yes",
    "PrivateTmp=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHome=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProtectSystem=strict",
    "RemoveIPC=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
];

/// Not MemoryDenyWriteExecute: a JVM compiles into memory that it then runs. Not ProcSubset=pid: it learns from
/// /proc/cgroups how much memory and how many cores it has.
const JVM: [&str; 1] = ["TasksMax=4096"];

/// A thread for each core, and a few more.
const NATIVE: [&str; 3] = ["MemoryDenyWriteExecute=yes", "ProcSubset=pid", "TasksMax=512"];

impl Hardening {
    /// Reads the name of a block.
    pub(super) fn parse(text: String) -> Result<Hardening, String> {
        match text.as_str() {
            "jvm" => Ok(Hardening::Jvm),
            "native" => Ok(Hardening::Native),
            _ => Err(format!("`{text}` is no hardening: they are jvm and native")),
        }
    }

    /// The lines of the unit's [Service] section.
    pub(super) fn lines(self) -> impl Iterator<Item = String> {
        let own: &[&str] = match self {
            Hardening::Jvm => &JVM,
            Hardening::Native => &NATIVE,
        };
        BOTH.iter().chain(own).map(|line| (*line).to_owned())
    }
}
