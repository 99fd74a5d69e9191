//! How often a program waited for the disk, as `strace -c` counted it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::DriveError;

/// Whether there is an `strace` on this machine.
#[must_use]
pub fn has_strace() -> bool {
    let mut command = Command::new("strace");
    command.arg("--version").stdin(Stdio::null());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The calls in the table that was left in `file`. A program that made none leaves an empty one.
///
/// # Errors
/// [`DriveError::File`] if it can't be read.
pub fn syncs_counted(file: &Path) -> Result<u64, DriveError> {
    let table = fs::read_to_string(file).map_err(DriveError::file("cannot read", file))?;
    Ok(calls(&table))
}

/// The sum of the column `calls` over the rows that are a system call's.
fn calls(table: &str) -> u64 {
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let calls = rows.filter_map(|row| match row.as_slice() {
        // Share, seconds, microseconds a call, calls, perhaps errors, name.
        [_, _, _, calls, .., name] if *name != "total" => calls.parse::<u64>().ok(),
        _ => None,
    });
    calls.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 71.43    0.000500          50        10           fdatasync
 28.57    0.000200         100         2         1 fsync
------ ----------- ----------- --------- --------- ----------------
100.00    0.000700          58        12         1 total
";

    #[test]
    fn calls_are_added_up_and_the_sum_in_the_table_is_not() {
        assert_eq!(calls(TABLE), 12);
    }

    #[test]
    fn a_program_that_waited_for_nothing_has_no_calls() {
        assert_eq!(calls(""), 0);
    }
}
