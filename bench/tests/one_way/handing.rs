//! Traces written by hand, of descriptors that are handed to another process: which may be, and that they are followed.

use crate::rules::{Breach, RECEIVES_ONLY, Rule, SENDS_ONLY, Wrong, judge};
use crate::trace::Trace;

/// A process 10 with a pair of sockets, 5 and 6, a socket of a network, 7, a process, 8, and a file in memory, 9; and a process 11
/// that has 6 as its standard input and else nothing. Eight lines.
const PAIR: &str = r#"10 socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, [5, 6]) = 0
10 socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_UDP) = 7
10 shutdown(7, SHUT_WR) = -1 ENOTCONN (Transport endpoint is not connected)
10 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_VFORK|SIGCHLD) = 11
11 dup2(6, 0) = 0
11 execve("/proc/self/exe", ["diode"], 0x7f00 /* 0 vars */) = 0
10 pidfd_open(11, 0) = 8
10 memfd_create("diode-file", MFD_CLOEXEC|MFD_ALLOW_SEALING) = 9
"#;

/// What is against the rule in what follows [`PAIR`].
fn pair_then(lines: &str) -> Vec<Breach> {
    pair_then_by(&RECEIVES_ONLY, lines)
}

fn pair_then_by(rule: &Rule, lines: &str) -> Vec<Breach> {
    judge(&Trace::parse(&format!("{PAIR}{lines}")).unwrap(), rule).breaches
}

/// A message, with these numbers.
fn message(call: &str, numbers: &str) -> String {
    format!(
        "{call}, {{msg_name=NULL, msg_namelen=0, msg_iov=[{{iov_base=\"a\", iov_len=1}}], msg_iovlen=1, \
         msg_control=[{{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[{numbers}]}}], \
         msg_controllen=24, msg_flags=0}}, MSG_CMSG_CLOEXEC) = 1\n"
    )
}

fn sent(numbers: &str) -> String {
    message("10 sendmsg(5", numbers)
}

fn received(numbers: &str) -> String {
    message("11 recvmsg(0", numbers)
}

fn breach(line: usize, wrong: Wrong) -> Breach {
    Breach { line, wrong }
}

fn call(line: usize, name: &str) -> Breach {
    breach(line, Wrong::Call(name.to_owned()))
}

fn unseen(line: usize) -> Breach {
    breach(line, Wrong::Unseen("recvmsg".to_owned()))
}

fn handed_over(line: usize, number: i32) -> Breach {
    breach(line, Wrong::HandedOver(number))
}

#[test]
fn what_leads_to_no_network_may_be_handed_over_and_taken() {
    for numbers in ["6", "8", "9", "6, 8"] {
        let taken = numbers.replace('6', "3").replace('8', "4");
        for rule in [RECEIVES_ONLY, SENDS_ONLY] {
            let lines = format!("{}{}", sent(numbers), received(&taken));
            assert_eq!(pair_then_by(&rule, &lines), [], "{numbers}");
        }
    }
    let other = "10 socket(AF_UNIX, SOCK_STREAM, 0) = 12\n";
    assert_eq!(pair_then(&format!("{other}{}{}", sent("12"), received("3"))), []);
}

#[test]
fn a_socket_of_a_network_that_is_handed_over_is_found() {
    assert_eq!(pair_then(&sent("7")), [handed_over(9, 7)]);
    assert_eq!(pair_then(&sent("6, 7")), [handed_over(9, 7)]);
    assert_eq!(pair_then_by(&SENDS_ONLY, &sent("7")), [handed_over(9, 7)]);
    let duplicate = format!("10 fcntl(7, F_DUPFD_CLOEXEC, 3) = 12\n{}", sent("12"));
    assert_eq!(pair_then(&duplicate), [handed_over(10, 12)]);
    let by_a_child = format!("10 fork() = 12\n{}", sent("7").replace("10 sendmsg", "12 sendmsg"));
    assert_eq!(pair_then(&by_a_child), [handed_over(10, 7)]);
}

#[test]
fn a_socket_of_a_network_is_found_in_any_call_that_sends_whatever_it_returned() {
    let many = "10 sendmmsg(5, [{msg_hdr={msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, \
                cmsg_type=SCM_RIGHTS, cmsg_data=[7]}]}, msg_len=1}], 1, 0) = 1\n";
    assert_eq!(pair_then(many), [handed_over(9, 7)]);
    let failed = sent("7").replace("= 1\n", "= -1 EAGAIN (Resource temporarily unavailable)\n");
    assert_eq!(pair_then(&failed), [handed_over(9, 7)]);
    let cut = sent("7").replace(") = 1\n", " <unfinished ...>\n10 +++ killed by SIGKILL +++\n");
    assert_eq!(pair_then(&cut), [handed_over(9, 7)]);
}

#[test]
fn what_is_not_known_to_lead_to_no_network_may_not_be_handed_over() {
    assert_eq!(pair_then(&sent("1")), [handed_over(9, 1)], "from before the trace");
    let file = "10 openat(AT_FDCWD, \"a\", O_RDONLY) = 12\n";
    assert_eq!(pair_then(&format!("{file}{}", sent("12"))), [handed_over(10, 12)]);
    let closed = "10 close(9) = 0\n";
    assert_eq!(pair_then(&format!("{closed}{}", sent("9"))), [handed_over(10, 9)]);
    let replaced = "10 dup2(1, 9) = 9\n";
    assert_eq!(pair_then(&format!("{replaced}{}", sent("9"))), [handed_over(10, 9)]);
    let elsewhere = message("11 sendmsg(0", "9");
    assert_eq!(pair_then(&elsewhere), [handed_over(9, 9)], "it is the other process's");
}

#[test]
fn a_number_that_is_a_socket_of_a_network_by_now_is_found() {
    let again = "10 close(9) = 0\n10 socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP) = 9\n";
    assert_eq!(pair_then(&format!("{again}{}", sent("9"))), [handed_over(11, 9)]);
    let duplicate = "10 dup3(7, 9, O_CLOEXEC) = 9\n";
    assert_eq!(pair_then(&format!("{duplicate}{}", sent("9"))), [handed_over(10, 9)]);
}

#[test]
fn what_was_handed_over_is_followed_under_its_new_number() {
    let write = "11 write(3, \"x\", 1) = 1\n";
    let socket = format!("{}{}{write}", sent("7"), received("3"));
    assert_eq!(pair_then(&socket), [handed_over(9, 7), call(11, "write")]);
    let second = format!("{}{}{write}", sent("8, 7"), received("4, 3"));
    assert_eq!(pair_then(&second), [handed_over(9, 7), call(11, "write")]);
    let first = format!("{}{}{write}", sent("7, 8"), received("4, 3"));
    assert_eq!(pair_then(&first), [handed_over(9, 7)], "3 is the process");
    let shut = format!(
        "{}{}11 recvfrom(3, \"x\", 1, 0, NULL, NULL) = 1\n",
        sent("7"),
        received("3")
    );
    assert_eq!(pair_then(&shut), [handed_over(9, 7)], "what was shut is shut");
}

#[test]
fn what_was_taken_before_the_sender_returned_is_followed() {
    let sending = sent("7").replace(", MSG_CMSG_CLOEXEC) = 1\n", " <unfinished ...>\n");
    let lines = format!(
        "{sending}{}10 <... sendmsg resumed>, MSG_CMSG_CLOEXEC) = 1\n11 write(3, \"x\", 1) = 1\n",
        received("3")
    );
    assert_eq!(pair_then(&lines), [handed_over(9, 7), call(12, "write")]);
}

#[test]
fn a_socket_that_was_handed_over_closes_on_exec_only_where_it_is_taken_so() {
    let run = "11 execve(\"/bin/a\", [\"a\"], 0x7f00 /* 0 vars */) = 0\n11 write(3, \"x\", 1) = 1\n";
    let closing = format!("{}{}{run}", sent("7"), received("3"));
    assert_eq!(pair_then(&closing), [handed_over(9, 7)]);
    let staying = format!("{}{}{run}", sent("7"), received("3").replace("MSG_CMSG_CLOEXEC", "0"));
    assert_eq!(pair_then(&staying), [handed_over(9, 7), call(12, "write")]);
}

#[test]
fn an_end_of_a_pair_that_was_handed_over_hands_over_in_its_turn() {
    let onward = format!(
        "10 socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, [12, 13]) = 0\n{}{}{}{}",
        sent("13"),
        received("3"),
        message("10 sendmsg(12", "9"),
        message("11 recvmsg(3", "4"),
    );
    assert_eq!(pair_then(&onward), []);
}

#[test]
fn what_nobody_was_seen_to_hand_over_is_found() {
    assert_eq!(pair_then(&received("3")), [unseen(9)], "nothing was sent");
    let more = format!("{}{}", sent("9"), received("3, 4"));
    assert_eq!(pair_then(&more), [unseen(10)], "one was sent");
    let twice = format!("{}{}{}", sent("9"), received("3"), received("4"));
    assert_eq!(pair_then(&twice), [unseen(11)], "it was taken");
    let own_end = format!("{}{}", sent("9"), message("10 recvmsg(5", "12"));
    assert_eq!(pair_then(&own_end), [unseen(10)], "it waits at the other end");
    let failed = sent("9").replace("= 1\n", "= -1 EAGAIN (Resource temporarily unavailable)\n");
    assert_eq!(
        pair_then(&format!("{failed}{}", received("3"))),
        [unseen(10)],
        "it was not sent"
    );
    let from_outside =
        "10 socket(AF_UNIX, SOCK_STREAM, 0) = 12\n10 connect(12, {sa_family=AF_UNIX, sun_path=\"/a\"}, 9) = 0\n";
    let lines = format!("{from_outside}{}", message("10 recvmsg(12", "13"));
    assert_eq!(pair_then(&lines), [unseen(11)], "who is at the other end is not traced");
    let hidden = "11 recvmsg(0, {msg_control=0x7f0000000000, msg_controllen=24}, 0) = 1\n";
    assert_eq!(pair_then(hidden), [unseen(9)], "it is not shown");
}

#[test]
fn a_number_that_came_from_nowhere_is_not_taken_for_what_it_was() {
    let lines = format!("{}{}", message("10 recvmsg(5", "9"), sent("9"));
    assert_eq!(pair_then(&lines), [unseen(9), handed_over(10, 9)]);
}

#[test]
fn a_pair_of_sockets_of_another_family_is_found() {
    let lines = "10 socketpair(AF_TIPC, SOCK_STREAM, 0, [12, 13]) = 0\n";
    let foreign = || breach(9, Wrong::Foreign("AF_TIPC".to_owned()));
    assert_eq!(pair_then(lines), [foreign()]);
    assert_eq!(
        pair_then(&format!("{lines}{}", sent("13"))),
        [foreign(), handed_over(10, 13)]
    );
}
