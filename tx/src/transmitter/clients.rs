//! Whoever handed bundles to this run over the control socket, and what each is still to be told.
//!
//! ```text
//! Task ──take──▶ Taken ──▶ Ended, for each bundle whose ending is written ──▶ Done, after the last
//! ```
//!
//! Always true:
//! - what is wrong with a client's bundles is told to that client alone;
//! - a client that does not listen any more holds nobody up: there is a place for each answer that it may get.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crossbeam_channel::Sender;

use super::failure;
use super::handover::Answer;
use super::job::{Asker, Waiting};
use super::progress::Ahead;
use super::record::RecordJson;
use crate::complaint::Complaint;

/// Bundles that a client wants sent; all were looked at.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) waiting: Vec<Waiting>,
    pub(super) ahead: Ahead,
    /// Who it is, for the log.
    pub(super) actor: String,
    /// With a place for an answer to each bundle, and for [`ANSWERS_BESIDES`].
    pub(super) answers: Sender<Answer>,
}

/// Answers that are about no bundle: that all were taken, and that nothing more comes.
pub(super) const ANSWERS_BESIDES: usize = 2;

/// The clients of a run.
#[derive(Debug, Default)]
pub(super) struct Clients {
    next: u64,
    known: BTreeMap<u64, Client>,
}

#[derive(Debug)]
struct Client {
    actor: String,
    answers: Sender<Answer>,
    /// Bundles that are neither over nor given up.
    left: usize,
    failure: Option<Complaint>,
    not_begun: Vec<PathBuf>,
}

impl Clients {
    /// Takes note of a client, tells it so, and gives its bundles.
    pub(super) fn take(&mut self, task: Task) -> Vec<Waiting> {
        let Task {
            mut waiting,
            actor,
            answers,
            ..
        } = task;
        let id = self.next;
        self.next += 1;
        let client = Client {
            actor,
            answers,
            left: waiting.len(),
            failure: None,
            not_begun: Vec::new(),
        };
        client.tell(Answer::Taken { bundles: client.left });
        self.known.insert(id, client);
        self.close_if_done(id);
        waiting.iter_mut().for_each(|waiting| waiting.asker = Asker::Client(id));
        waiting
    }

    /// Who a client is, for the log.
    pub(super) fn actor(&self, id: u64) -> Option<String> {
        self.known.get(&id).map(|client| client.actor.clone())
    }

    /// Something failed; the first failure is what the client ends with.
    pub(super) fn fail(&mut self, id: u64, complaint: Complaint) {
        if let Some(client) = self.known.get_mut(&id) {
            client.failure.get_or_insert(complaint);
        }
    }

    /// A bundle's ending is written; `text` is what people read of it.
    pub(super) fn ended(&mut self, id: u64, record: RecordJson, text: Option<String>) {
        if let Some(client) = self.known.get_mut(&id) {
            client.tell(Answer::Ended {
                record: Box::new(record),
                text,
            });
            client.left = client.left.saturating_sub(1);
        }
        self.close_if_done(id);
    }

    /// A bundle could not be begun for what [`fail`](Self::fail) was told.
    pub(super) fn gave_up(&mut self, id: u64) {
        if let Some(client) = self.known.get_mut(&id) {
            client.left = client.left.saturating_sub(1);
        }
        self.close_if_done(id);
    }

    /// A bundle will not be begun any more, though nothing is known against it.
    pub(super) fn not_begun(&mut self, id: u64, path: PathBuf) {
        if let Some(client) = self.known.get_mut(&id) {
            client.not_begun.push(path);
        }
        self.gave_up(id);
    }

    fn close_if_done(&mut self, id: u64) {
        if self.known.get(&id).is_some_and(|client| client.left == 0)
            && let Some(client) = self.known.remove(&id)
        {
            client.close();
        }
    }
}

impl Client {
    fn tell(&self, answer: Answer) {
        // Fails only if nobody listens any more; what was handed over is sent all the same.
        let _ = self.answers.try_send(answer);
    }

    fn close(self) {
        let complaint = match &self.failure {
            Some(complaint) => Some(failure::with_rest(complaint.clone(), &self.not_begun)),
            None if self.not_begun.is_empty() => None,
            None => Some(failure::owner_ended(&self.not_begun)),
        };
        self.tell(Answer::Done { complaint });
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Receiver, bounded};
    use protocol::digest::{BundleId, Digest};

    use super::*;
    use crate::transmitter::priority::Priority;

    fn task(bundles: usize) -> (Task, Receiver<Answer>) {
        let (answers, told) = bounded(bundles + ANSWERS_BESIDES);
        let waiting = Waiting {
            path: "/a.bundle".into(),
            bundle: BundleId(Digest([1; 32])),
            bytes: 1,
            priority: Priority::Normal,
            asker: Asker::Operator,
        };
        let ahead = Ahead {
            title: String::new(),
            datagrams: 0,
            bytes: 0,
            passes: 1,
            repair_ppm: 0,
        };
        let task = Task {
            waiting: vec![waiting; bundles],
            ahead,
            actor: "uid 7".to_owned(),
            answers,
        };
        (task, told)
    }

    fn told(answers: &Receiver<Answer>) -> Vec<Answer> {
        answers.try_iter().collect()
    }

    #[test]
    fn a_client_is_told_what_was_taken_and_its_bundles_are_marked_as_its_own() {
        let (mut clients, (task, answers)) = (Clients::default(), task(2));
        let taken = clients.take(task);
        assert!(taken.iter().all(|waiting| waiting.asker == Asker::Client(0)));
        assert_eq!(told(&answers), [Answer::Taken { bundles: 2 }]);
        assert_eq!(clients.actor(0).as_deref(), Some("uid 7"));
    }

    #[test]
    fn the_first_failure_is_what_a_client_ends_with_and_others_hear_nothing_of_it() {
        let mut clients = Clients::default();
        let ((one, to_one), (other, to_other)) = (task(2), task(1));
        clients.take(one);
        clients.take(other);
        clients.fail(0, Complaint::integrity("the first"));
        clients.gave_up(0);
        clients.fail(0, Complaint::failed("the second"));
        clients.not_begun(0, "/b.bundle".into());
        let Some(Answer::Done {
            complaint: Some(complaint),
        }) = told(&to_one).pop()
        else {
            panic!("it was not told");
        };
        assert_eq!(complaint.to_string().lines().count(), 2);
        assert!(complaint.summary() == "the first" && complaint.to_string().contains("/b.bundle"));
        assert_eq!(told(&to_other), [Answer::Taken { bundles: 1 }]);
    }

    #[test]
    fn bundles_that_nobody_got_to_are_named() {
        let (mut clients, (task, answers)) = (Clients::default(), task(1));
        clients.take(task);
        clients.not_begun(0, "/a.bundle".into());
        let Some(Answer::Done {
            complaint: Some(complaint),
        }) = told(&answers).pop()
        else {
            panic!("it was not told");
        };
        assert!(complaint.to_string().contains("not begun  /a.bundle"), "{complaint}");
    }

    #[test]
    fn a_client_that_is_gone_holds_nobody_up() {
        let (mut clients, (task, answers)) = (Clients::default(), task(3));
        drop(answers);
        clients.take(task);
        for _ in 0..3 {
            clients.gave_up(0);
        }
        assert!(clients.known.is_empty());
    }
}
