//! Descriptors that come with messages (SCM_RIGHTS), as `strace` writes them.
//!
//! ```text
//! sendmsg(5, {…, msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[7, 8]}], …}, 0) = 1
//!                                                                                                  └──┴ numbers
//! ```
//!
//! Always true: a list that is not there in full, or is not understood, is never taken for a shorter one.

use crate::trace::{Call, Step, Trace};

/// Whether a call of this name may send messages.
pub(crate) fn sends(name: &str) -> bool {
    name.starts_with("send")
}

/// Whether a call of this name may receive messages.
pub(crate) fn receives(name: &str) -> bool {
    name.starts_with("recv")
}

/// The numbers of the descriptors that come with a call's messages, in order: those of its own process. Absent if they are not shown.
pub(crate) fn rights(call: &Call) -> Option<Vec<i32>> {
    let mut numbers = Vec::new();
    for arg in &call.args {
        let mut controls = arg.split("msg_control=").skip(1);
        // What can't be read is written as an address.
        if !controls.all(|control| control.starts_with("NULL") || control.starts_with("[{")) {
            return None;
        }
        for behind in arg.split("SCM_RIGHTS").skip(1) {
            let (list, _) = behind.strip_prefix(", cmsg_data=[")?.split_once(']')?;
            for number in list.split(", ") {
                numbers.push(number.parse().ok()?);
            }
        }
    }
    Some(numbers)
}

/// The descriptors of a call with this control data.
fn rights_of(control: &str) -> Option<Vec<i32>> {
    let text = format!(
        "10 sendmsg(5, {{msg_iov=[{{iov_base=\"a\", iov_len=1}}], msg_iovlen=1{control}, msg_flags=0}}, 0) = 1\n"
    );
    let trace = Trace::parse(&text).unwrap();
    match trace.steps().next().unwrap() {
        Step::Begins(call) => rights(call),
        step => panic!("{step:?}"),
    }
}

#[test]
fn a_message_without_control_data_or_with_other_data_has_no_descriptors() {
    for control in [
        "",
        ", msg_control=NULL, msg_controllen=0",
        ", msg_control=[{cmsg_len=18, cmsg_level=SOL_UDP, cmsg_type=0x67}], msg_controllen=24",
    ] {
        assert_eq!(rights_of(control), Some(vec![]), "{control}");
    }
}

#[test]
fn the_descriptors_of_all_lists_are_read_in_order() {
    let list =
        |numbers: &str| format!("{{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[{numbers}]}}");
    let control = format!(", msg_control=[{}, {}], msg_controllen=48", list("7, 12"), list("3"));
    assert_eq!(rights_of(&control), Some(vec![7, 12, 3]));
}

#[test]
fn descriptors_that_are_not_all_shown_are_not_read() {
    for control in [
        ", msg_control=0x7ffd3a0, msg_controllen=24",
        ", msg_control=[{cmsg_type=SCM_RIGHTS, cmsg_data=[7, ...]}], msg_controllen=24",
        ", msg_control=[{cmsg_type=SCM_RIGHTS, cmsg_data=0x7ffd3a0}], msg_controllen=24",
        ", msg_control=[{cmsg_type=SCM_RIGHTS}], msg_controllen=24",
        ", msg_control=[{cmsg_type=SCM_RIGHTS, cmsg_data=[7</dev/null>]}], msg_controllen=24",
    ] {
        assert_eq!(rights_of(control), None, "{control}");
    }
}
