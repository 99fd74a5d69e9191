//! Traces written by hand: what must be found in them, and what must not.

use crate::rules::{Breach, RECEIVES_ONLY, Rule, SENDS_ONLY, Wrong, judge};
use crate::trace::Trace;

/// A socket that is 7, shut, bound, and has received something by line 4.
const SOURCE: &str = r#"10 socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_UDP) = 7
10 shutdown(7, SHUT_WR) = -1 ENOTCONN (Transport endpoint is not connected)
10 bind(7, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
10 recvmmsg(7, [{msg_hdr={msg_name=NULL, msg_iov=[{iov_base="abc", iov_len=9}], msg_iovlen=1}, msg_len=3}], 64, MSG_DONTWAIT, NULL) = 1
"#;

/// A socket that is 7, has its filter, is bound, and has sent something by line 5.
const SINK: &str = r#"10 socket(AF_INET6, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_UDP) = 7
10 setsockopt(7, SOL_SOCKET, SO_ATTACH_FILTER, {len=1, filter=[BPF_STMT(BPF_RET|BPF_K, 0)]}, 16) = 0
10 setsockopt(7, SOL_SOCKET, SO_LOCK_FILTER, [1], 4) = 0
10 bind(7, {sa_family=AF_INET6, sin6_port=htons(0)}, 28) = 0
10 sendmmsg(7, [{msg_hdr={msg_name={sa_family=AF_INET6}, msg_iovlen=1}, msg_len=3}], 1, MSG_DONTWAIT) = 1
"#;

/// What a source that goes on like this does against its rule.
fn source_then(lines: &str) -> Vec<Breach> {
    breaches(&format!("{SOURCE}{lines}"), &RECEIVES_ONLY)
}

fn sink_then(lines: &str) -> Vec<Breach> {
    breaches(&format!("{SINK}{lines}"), &SENDS_ONLY)
}

fn breaches(text: &str, rule: &Rule) -> Vec<Breach> {
    judge(&Trace::parse(text).unwrap(), rule).breaches
}

fn call(line: usize, name: &str) -> Breach {
    Breach {
        line,
        wrong: Wrong::Call(name.to_owned()),
    }
}

fn not_yet_closed(line: usize, name: &str) -> Breach {
    Breach {
        line,
        wrong: Wrong::NotYetClosed(name.to_owned()),
    }
}

fn unseen(line: usize, name: &str) -> Breach {
    Breach {
        line,
        wrong: Wrong::Unseen(name.to_owned()),
    }
}

/// The name of the call in the first line.
fn name_in(line: &str) -> &str {
    line["10 ".len()..].split('(').next().unwrap()
}

#[test]
fn what_goes_the_right_way_alone_is_no_breach_and_is_counted() {
    for (text, rule) in [(SOURCE, RECEIVES_ONLY), (SINK, SENDS_ONLY)] {
        let verdict = judge(&Trace::parse(text).unwrap(), &rule);
        assert_eq!((verdict.sockets, verdict.carried, verdict.breaches), (1, 1, vec![]));
    }
}

#[test]
fn a_call_that_carried_nothing_is_not_counted_as_one_that_did() {
    let text = SOURCE.replace("NULL) = 1", "NULL) = -1 EAGAIN (Resource temporarily unavailable)");
    assert_eq!(judge(&Trace::parse(&text).unwrap(), &RECEIVES_ONLY).carried, 0);
}

#[test]
fn every_call_that_could_send_on_a_source_is_found() {
    for line in [
        r#"10 sendto(7, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(9)}, 16) = 1"#,
        "10 sendmsg(7, {msg_name=NULL, msg_iovlen=1}, 0) = -1 EPIPE (Broken pipe)",
        "10 sendmmsg(7, [{msg_hdr={msg_name=NULL}, msg_len=1}], 1, 0) = 1",
        r#"10 write(7, "x", 1) = 1"#,
        r#"10 writev(7, [{iov_base="x", iov_len=1}], 1) = 1"#,
        r#"10 pwrite64(7, "x", 1, 0) = -1 ESPIPE (Illegal seek)"#,
        r#"10 pwritev(7, [{iov_base="x", iov_len=1}], 1, 0) = 1"#,
        r#"10 pwritev2(7, [{iov_base="x", iov_len=1}], 1, 0, 0) = 1"#,
        "10 sendfile(7, 5, NULL, 1) = 1",
        "10 splice(5, NULL, 7, NULL, 1, 0) = 1",
        r#"10 vmsplice(7, [{iov_base="x", iov_len=1}], 1, 0) = 1"#,
        "10 connect(7, {sa_family=AF_INET, sin_port=htons(9)}, 16) = 0",
        "10 setsockopt(7, SOL_IP, IP_ADD_MEMBERSHIP, {imr_multiaddr=inet_addr(\"224.0.0.9\")}, 8) = 0",
        "10 a_call_of_tomorrow(7) = 0",
    ] {
        assert_eq!(source_then(line), [call(5, name_in(line))]);
    }
}

#[test]
fn every_call_that_could_receive_on_a_sink_is_found() {
    for line in [
        r#"10 recvfrom(7, "x", 1, 0, NULL, NULL) = 1"#,
        "10 recvmsg(7, {msg_namelen=0}, MSG_ERRQUEUE) = -1 EAGAIN (Resource temporarily unavailable)",
        "10 recvmmsg(7, [{msg_hdr={msg_namelen=0}, msg_len=1}], 1, 0, NULL) = 1",
        r#"10 read(7, "x", 1) = 1"#,
        r#"10 readv(7, [{iov_base="x", iov_len=1}], 1) = 1"#,
        r#"10 pread64(7, "x", 1, 0) = -1 ESPIPE (Illegal seek)"#,
        r#"10 preadv(7, [{iov_base="x", iov_len=1}], 1, 0) = 1"#,
        "10 splice(7, NULL, 5, NULL, 1, 0) = 1",
        "10 sendfile(5, 7, NULL, 1) = 1",
        "10 connect(7, {sa_family=AF_INET, sin_port=htons(9)}, 16) = 0",
    ] {
        assert_eq!(sink_then(line), [call(6, name_in(line))]);
    }
}

#[test]
fn what_a_trace_cannot_show_is_a_breach_wherever_it_is() {
    for line in [
        "10 io_uring_setup(8, {flags=0}) = 9",
        "10 io_submit(0x7f0000000000, 1, [{aio_fildes=7}]) = 1",
        "10 pidfd_getfd(5, 7, 0) = 9",
        "10 sendmsg(5, {msg_control=[{cmsg_type=SCM_RIGHTS, cmsg_data=[3, ...]}]}, 0) = 1",
        "10 sendmsg(5, {msg_control=0x7f0000000000, msg_controllen=24}, 0) = 1",
        "10 recvmsg(5, {msg_control=[{cmsg_type=SCM_RIGHTS, cmsg_data=[9]}]}, 0) = 1",
    ] {
        assert_eq!(source_then(line), [unseen(5, name_in(line))]);
    }
}

#[test]
fn a_source_is_shut_before_it_has_a_port_and_before_it_receives() {
    let lines: Vec<&str> = SOURCE.lines().collect();
    let [made, shut, bound, received] = lines.try_into().unwrap();
    for (order, expected) in [
        ([made, bound, shut, received], vec![not_yet_closed(2, "bind")]),
        ([made, received, shut, bound], vec![not_yet_closed(2, "recvmmsg")]),
        (
            [made, bound, received, shut],
            vec![not_yet_closed(2, "bind"), not_yet_closed(3, "recvmmsg")],
        ),
    ] {
        assert_eq!(breaches(&order.join("\n"), &RECEIVES_ONLY), expected);
    }
}

#[test]
fn a_source_is_not_shut_by_a_call_that_failed_or_shut_the_other_way_or_another_socket() {
    for instead in [
        "shutdown(7, SHUT_WR) = -1 ENOTSOCK (Socket operation on non-socket)",
        "shutdown(7, SHUT_RD) = -1 ENOTCONN (Transport endpoint is not connected)",
        "shutdown(8, SHUT_WR) = -1 ENOTCONN (Transport endpoint is not connected)",
    ] {
        let text = SOURCE.replace(SOURCE.lines().nth(1).unwrap(), &format!("10 {instead}"));
        let expected = [not_yet_closed(3, "bind"), not_yet_closed(4, "recvmmsg")];
        assert_eq!(breaches(&text, &RECEIVES_ONLY), expected, "{instead}");
    }
}

#[test]
fn a_sink_without_a_locked_filter_that_drops_everything_is_found() {
    let attached = SINK.lines().nth(1).unwrap();
    let locked = SINK.lines().nth(2).unwrap();
    for (line, instead) in [
        (attached, "10 fcntl(7, F_GETFL) = 0x2 (flags O_RDWR)".to_owned()),
        (attached, attached.replace("BPF_K, 0)", "BPF_K, 0x40000)")),
        (
            attached,
            attached.replace("= 0", "= -1 ENOMEM (Cannot allocate memory)"),
        ),
        (locked, "10 fcntl(7, F_GETFL) = 0x2 (flags O_RDWR)".to_owned()),
        (locked, locked.replace("[1]", "[0]")),
        (locked, locked.replace("= 0", "= -1 EPERM (Operation not permitted)")),
        (locked, attached.replace("BPF_K, 0)", "BPF_K, 0x40000)")),
        (
            locked,
            "10 setsockopt(7, SOL_SOCKET, SO_DETACH_FILTER, NULL, 0) = 0".to_owned(),
        ),
        (
            locked,
            "10 setsockopt(7, SOL_SOCKET, SO_ATTACH_BPF, [9], 4) = 0".to_owned(),
        ),
    ] {
        let text = SINK.replace(line, &instead);
        let expected = [not_yet_closed(4, "bind"), not_yet_closed(5, "sendmmsg")];
        assert_eq!(breaches(&text, &SENDS_ONLY), expected, "{instead}");
    }
}

#[test]
fn a_number_that_is_used_again_after_its_close_is_another_descriptor() {
    let file = "10 close(7) = 0\n10 openat(AT_FDCWD, \"a\", O_WRONLY) = 7\n10 write(7, \"x\", 1) = 1\n";
    assert_eq!(source_then(file), []);
    let socket =
        "10 close(7) = 0\n10 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 7\n10 bind(7, {sa_family=AF_INET}, 16) = 0\n";
    assert_eq!(source_then(socket), [not_yet_closed(7, "bind")]);
}

#[test]
fn a_number_that_another_thread_has_again_before_close_returns_is_another_descriptor() {
    let lines = "\
10 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD} => {parent_tid=[11]}, 88) = 11
10 close(7 <unfinished ...>
11 openat(AT_FDCWD, \"a\", O_WRONLY) = 7
11 write(7, \"x\", 1) = 1
10 <... close resumed>) = 0
11 write(7, \"x\", 1) = 1
";
    assert_eq!(source_then(lines), []);
}

#[test]
fn a_close_of_what_is_not_open_closes_nothing() {
    let lines = "10 close(7) = -1 EBADF (Bad file descriptor)\n10 write(7, \"x\", 1) = 1\n";
    assert_eq!(source_then(lines), [call(6, "write")]);
}

#[test]
fn a_call_that_was_cut_in_two_is_found_in_its_first_line_alone() {
    let lines = "\
10 clone3({flags=CLONE_VM|CLONE_FILES} => {parent_tid=[11]}, 88) = 11
11 sendmmsg(7,  <unfinished ...>
10 recvmmsg(7,  <unfinished ...>
11 <... sendmmsg resumed>[{msg_hdr={msg_iovlen=1}, msg_len=9}], 1, 0) = 1
10 <... recvmmsg resumed>[], 64, MSG_DONTWAIT, NULL) = -1 EAGAIN (Resource temporarily unavailable)
";
    assert_eq!(source_then(lines), [call(6, "sendmmsg")]);
}

#[test]
fn a_call_that_never_returned_is_found() {
    let lines = "10 sendmmsg(7, [{msg_hdr={msg_iovlen=1}}], 1, 0 <unfinished ...>\n10 +++ killed by SIGKILL +++\n";
    assert_eq!(source_then(lines), [call(5, "sendmmsg")]);
}

#[test]
fn a_shutdown_counts_from_where_it_returned() {
    let text = "\
10 clone3({flags=CLONE_VM|CLONE_FILES} => {parent_tid=[11]}, 88) = 11
11 socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP <unfinished ...>
10 socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP) = 8
11 <... socket resumed>) = 7
11 shutdown(7, SHUT_WR <unfinished ...>
10 bind(7, {sa_family=AF_INET}, 16) = 0
11 <... shutdown resumed>) = 0
10 bind(7, {sa_family=AF_INET}, 16) = 0
";
    assert_eq!(breaches(text, &RECEIVES_ONLY), [not_yet_closed(6, "bind")]);
}

#[test]
fn a_duplicate_is_the_same_socket_also_when_the_first_is_closed() {
    for made in [
        "dup(7) = 9",
        "dup2(7, 9) = 9",
        "dup3(7, 9, O_CLOEXEC) = 9",
        "fcntl(7, F_DUPFD, 9) = 9",
        "fcntl(7, F_DUPFD_CLOEXEC, 9) = 9",
    ] {
        let lines = format!("10 {made}\n10 close(7) = 0\n10 write(7, \"x\", 1) = 1\n10 write(9, \"x\", 1) = 1\n");
        assert_eq!(source_then(&lines), [call(8, "write")], "{made}");
        let lines = format!("10 {made}\n10 recvfrom(9, \"x\", 1, 0, NULL, NULL) = 1\n");
        assert_eq!(source_then(&lines), [], "what was shut is shut: {made}");
    }
}

#[test]
fn a_number_that_something_else_is_duplicated_onto_is_no_socket_any_more() {
    let lines = "10 dup2(1, 7) = 7\n10 write(7, \"x\", 1) = 1\n";
    assert_eq!(source_then(lines), []);
}

#[test]
fn a_range_that_is_closed_has_no_sockets() {
    let write = "10 write(7, \"x\", 1) = 1\n";
    assert_eq!(
        source_then(&format!("10 close_range(3, 4294967295, 0) = 0\n{write}")),
        []
    );
    assert_eq!(
        source_then(&format!("10 close_range(8, ~0U, 0) = 0\n{write}")),
        [call(6, "write")]
    );
}

#[test]
fn a_process_has_the_sockets_of_its_maker_and_closes_its_own_alone() {
    let lines = "\
10 vfork( <unfinished ...>
11 write(7, \"x\", 1) = 1
11 close(7) = 0
11 write(7, \"x\", 1) = 1
10 <... vfork resumed>) = 11
10 write(7, \"x\", 1) = 1
";
    assert_eq!(source_then(lines), [call(6, "write"), call(10, "write")]);
}

#[test]
fn a_socket_is_gone_after_exec_only_if_it_closes_on_it() {
    let run =
        "10 clone(child_stack=NULL, flags=SIGCHLD) = 11\n11 execve(\"/bin/a\", [\"a\"], 0x7f00 /* 35 vars */) = 0\n";
    let write = "11 write(7, \"x\", 1) = 1\n10 recvfrom(7, \"x\", 1, 0, NULL, NULL) = 1\n";
    assert_eq!(source_then(&format!("{run}{write}")), []);
    let stays = format!("10 fcntl(7, F_SETFD, 0) = 0\n{run}{write}");
    assert_eq!(source_then(&stays), [call(8, "write")]);
}

#[test]
fn pipes_files_and_sockets_of_this_machine_may_be_written_to_and_read_from() {
    let lines = "\
10 socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 8
10 connect(8, {sa_family=AF_UNIX, sun_path=\"/run/a\"}, 9) = 0
10 sendto(8, \"x\", 1, MSG_NOSIGNAL, NULL, 0) = 1
10 recvfrom(8, \"x\", 1, 0, NULL, NULL) = 1
10 pipe2([5, 6], O_CLOEXEC) = 0
10 write(6, \"x\", 7) = 7
10 poll([{fd=7, events=POLLIN}], 1, 100) = 1 ([{fd=7, revents=POLLIN}])
";
    assert_eq!(source_then(lines), []);
    assert_eq!(sink_then(lines), []);
}

#[test]
fn a_socket_of_a_network_that_is_not_udp_is_found() {
    for (family, rest) in [
        ("AF_INET", "SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP"),
        ("AF_INET", "SOCK_RAW, IPPROTO_UDP"),
        ("AF_INET6", "SOCK_DGRAM, IPPROTO_ICMPV6"),
        ("AF_PACKET", "SOCK_DGRAM, htons(ETH_P_ALL)"),
    ] {
        let line = format!("10 socket({family}, {rest}) = 8\n");
        let wrong = Wrong::Foreign(family.to_owned());
        assert_eq!(source_then(&line), [Breach { line: 5, wrong }]);
    }
}

#[test]
fn a_thread_that_comes_from_nowhere_is_found() {
    let found = source_then("12 write(1, \"x\", 1) = 1\n");
    let wrong = Wrong::Stranger(12);
    assert_eq!(found, [Breach { line: 5, wrong }]);
}
