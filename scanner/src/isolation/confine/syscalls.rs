//! seccomp: what a worker may ask the kernel for. Anything else kills it.
//!
//! Always true: nothing in the list opens, connects, starts, signals another process, or makes memory executable.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use super::Lacking;

/// Allows the calling thread what is listed here and nothing else, for good.
///
/// # Errors
/// [`Lacking::Seccomp`].
pub(super) fn allow_few() -> Result<(), Lacking> {
    let program = filter().map_err(|_| Lacking::Seccomp)?;
    apply_filter(&program).map_err(|_| Lacking::Seccomp)
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let own = u64::from(std::process::id());
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = ANY_ARGUMENTS.map(|call| (call, Vec::new())).into();
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![only(2, SeccompCmpOp::MaskedEq(PROT_EXEC), 0)?]);
    }
    // Looking at a descriptor: its seals, and whether it is open.
    let looks = [libc::F_GET_SEALS, libc::F_GETFD].map(|look| only(1, SeccompCmpOp::Eq, look.unsigned_abs().into()));
    rules.insert(libc::SYS_fcntl, looks.into_iter().collect::<Result<_, _>>()?);
    // An abort is a signal to itself.
    rules.insert(libc::SYS_tgkill, vec![only(0, SeccompCmpOp::Eq, own)?]);
    SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        TargetArch::try_from(ARCH)?,
    )?
    .try_into()
}

fn only(argument: u8, compare: SeccompCmpOp, value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    // The kernel takes no more of a command or a process id, and PROT_EXEC is a low bit.
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value)?;
    SeccompRule::new(vec![condition])
}

const PROT_EXEC: u64 = libc::PROT_EXEC.unsigned_abs() as u64;

/// Reading and writing what is open, memory, time, randomness, and the end.
const ANY_ARGUMENTS: [c_long; 23] = [
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_recvmsg,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_filter_for_this_processor() {
        assert!(!filter().unwrap().is_empty());
    }

    #[test]
    fn no_call_that_opens_connects_or_starts_is_in_the_list() {
        for call in [
            libc::SYS_openat,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_sendmsg,
            libc::SYS_sendto,
            libc::SYS_clone,
            libc::SYS_clone3,
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_kill,
            libc::SYS_prctl,
            libc::SYS_memfd_create,
            libc::SYS_io_uring_setup,
            libc::SYS_bpf,
        ] {
            assert!(!ANY_ARGUMENTS.contains(&call), "{call}");
        }
    }
}
