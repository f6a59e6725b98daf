//! Keys are in this program's memory: nobody is given a copy of it.

/// No core file is written of this process, and no other process of this user reads its memory, as far as the system allows:
/// Linux refuses both; elsewhere core files alone are refused. Swap and hibernation are the machine's owner's to switch off.
///
/// # Errors
/// The system's, if it refuses.
#[cfg(unix)]
pub(crate) fn keep() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // A handler of core files (core_pattern with a pipe) does not ask for the limit.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// The system has no core files that can be refused here.
#[cfg(not(unix))]
pub(crate) fn keep() -> std::io::Result<()> {
    Ok(())
}
