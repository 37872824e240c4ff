// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a device does on its own: its queues, and what it does later.

use crate::{
    event::Event,
    machine::Machine,
    script::{
        Action,
        Answer,
        Taken, //
    },
    state::{
        feature,
        status,
        NO_VECTOR, //
    }, //
};
use device::{
    Chain,
    Memory,
    Violation,
    Wish, //
};
use std::time::{
    Duration,
    Instant, //
};

/// What is to be done later.
#[derive(Debug)]
pub(crate) enum Task {
    /// The device is suspended, or has resumed.
    Settle(bool),
    /// A queue is reset.
    ResetQueue(u16),
    /// A request is done: queue, buffer, what was written, and what is said of it.
    Complete(u16, Chain, u32, Box<Answer>),
    /// Something out of turn.
    Act(Action),
}

impl Machine {
    /// Does what there is to do. When it is to be called again at the latest.
    pub fn work(&mut self) -> Option<Instant> {
        self.pending = false;
        self.look_at_config();
        let now = Instant::now();
        let (due, rest) = std::mem::take(&mut self.tasks)
            .into_iter()
            .partition(|(time, _)| *time <= now);
        self.tasks = rest;
        let mut due: Vec<(Instant, Task)> = due;
        due.sort_by_key(|(time, _)| *time);
        for (_, task) in due {
            self.run(task);
            self.react();
        }

        let suspended = self.state.status & status::SUSPEND != 0;
        if (self.state.status & status::DRIVER_OK != 0 && !suspended)
            || (suspended && self.script.restless)
        {
            for index in 0..self.state.queues.len() {
                // CAST: There are few queues.
                self.drain(index as u16);
                self.react();
            }
            self.deliver();
        }
        self.tasks.iter().map(|(time, _)| *time).min()
    }

    /// Whether there is something to do at once.
    pub fn has_work(&self) -> bool {
        self.pending
    }

    /// Does what was put off.
    fn run(&mut self, task: Task) {
        match task {
            Task::Settle(suspended) => {
                self.state.settle(suspended);
                if suspended {
                    self.event(Event::Suspended);
                } else {
                    self.suspending = false;
                    self.event(Event::Resumed);
                    if std::mem::take(&mut self.changed) {
                        self.interrupt_config();
                    }
                }
            }
            Task::ResetQueue(index) => {
                self.forget_queue(index);
                self.state.queue_is_reset(index);
                self.event(Event::QueueIsReset(index));
            }
            Task::Complete(queue, chain, written, answer) => {
                if self.suspending && !self.script.restless {
                    // Not before it has resumed.
                    let time = Duration::from_millis(20);
                    self.later(time, Task::Complete(queue, chain, written, answer));
                    self.pending = false;
                } else {
                    self.complete(queue, chain, written, &answer);
                }
            }
            Task::Act(action) => {
                self.altered.action(&action);
                self.act(action);
            }
        }
    }

    /// Stops using a queue whose driver broke a rule, and asks for a reset.
    pub(crate) fn give_up(&mut self, index: u16, what: Violation) {
        if let Some(queue) = self.queues.get_mut(usize::from(index)) {
            *queue = None;
        }
        self.violation(format!("queue {index}: {what:?}"));
        // 2.1.2: that is what a device does which can not go on.
        self.act(Action::NeedsReset);
    }

    /// Answers what is available in a queue.
    fn drain(&mut self, index: u16) {
        // A driver that adds all the time is to let others have their turn.
        for _ in 0..1024 {
            let Some(Some(queue)) = self.queues.get_mut(usize::from(index)) else {
                return;
            };
            let chain = match queue.take() {
                Ok(Some(chain)) => chain,
                // Whoever comes next is to say so, unless he has come meanwhile (2.7.10.2).
                Ok(None) => match queue.ask(Wish::All) {
                    Ok(true) => return,
                    Ok(false) => continue,
                    Err(what) => return self.give_up(index, what),
                },
                Err(what) => return self.give_up(index, what),
            };
            if self.state.status & status::SUSPEND != 0 {
                self.event(Event::TakenSuspended(index));
                self.violation("a buffer was made available while suspended");
            }
            self.answer(index, chain);
        }
        self.pending = true;
    }

    /// Answers a request.
    fn answer(&mut self, index: u16, chain: Chain) {
        self.event(Event::Taken(
            index,
            chain.id,
            chain.readable,
            chain.writable,
        ));
        let taken = Taken {
            queue: index,
            before: self.requests,
            starts: self.starts,
            chain: &chain,
        };
        let answer = match &mut self.script.answer {
            Some(answer) => answer(&taken),
            None => Answer::default(),
        };
        self.requests += 1;
        if answer != Answer::default() {
            self.altered.answer(&answer);
            self.log.note(format!("altered answer: {answer:?}"));
        }

        let mut written = 0;
        if answer.execute {
            match self.model.request(index, &chain, &self.map, &mut self.log) {
                Ok(Some(count)) => written = count,
                Ok(None) if !answer.keep => return self.wait(index, chain, answer),
                Ok(None) => {}
                Err(what) => return self.give_up(index, what),
            }
            self.look_at_config();
        }
        if answer.keep {
            self.kept.push((index, chain, written));
        } else {
            self.complete_in_time(index, chain, written, answer);
        }
    }

    /// Uses a buffer, at once or later.
    pub(crate) fn complete_in_time(
        &mut self,
        index: u16,
        chain: Chain,
        written: u32,
        answer: Answer,
    ) {
        if answer.after.is_zero() {
            self.complete(index, chain, written, &answer);
        } else {
            let time = answer.after;
            self.later(
                time,
                Task::Complete(index, chain, written, Box::new(answer)),
            );
        }
    }

    /// Uses a buffer.
    fn complete(&mut self, index: u16, chain: Chain, written: u32, answer: &Answer) {
        let vector = self.state.queues.get(usize::from(index));
        let vector = vector.map_or(NO_VECTOR, |queue| queue.vector);
        let is_there = matches!(self.queues.get(usize::from(index)), Some(Some(_)));
        let id = chain.id.into();
        match self.put(index, chain, written, answer) {
            Err(what) => self.give_up(index, what),
            Ok(wanted) => {
                if is_there {
                    self.altered.completion(answer, id, written, wanted);
                }
                if wanted && !answer.silent {
                    self.interrupt(vector, 1);
                }
            }
        }
    }

    /// Uses buffers that the driver is to see together (5.1.9.4.1).
    pub(crate) fn complete_together(&mut self, index: u16, chains: Vec<(Chain, u32)>) {
        let used: Vec<Event> = chains
            .iter()
            .map(|(chain, len)| Event::Used(index, chain.id.into(), *len))
            .collect();
        let at = usize::from(index);
        let vector = self.state.queues.get(at);
        let vector = vector.map_or(NO_VECTOR, |queue| queue.vector);
        let Some(Some(queue)) = self.queues.get_mut(at) else {
            return;
        };
        match queue.complete(chains) {
            Err(what) => self.give_up(index, what),
            Ok(wanted) => {
                used.into_iter().for_each(|event| self.event(event));
                if wanted {
                    self.interrupt(vector, 1);
                }
            }
        }
    }

    /// Writes what says that a buffer is used. Whether the driver wants to be told.
    fn put(
        &mut self,
        index: u16,
        chain: Chain,
        written: u32,
        answer: &Answer,
    ) -> Result<bool, Violation> {
        let map = self.map.clone();
        if let (Some(tail), Some(last)) = (answer.tail, chain.elements.last()) {
            map.write(last.addr + u64::from(last.len.max(1) - 1), &[tail])?;
        }
        if let Some(claim) = answer.claim {
            // What lies behind is not the driver's to look at.
            let room = u32::try_from(chain.writable).unwrap_or(u32::MAX);
            let rest = room.saturating_sub(claim).min(1 << 16);
            if answer.execute && answer.tail.is_none() && chain.readable == 0 && rest != 0 {
                let junk = vec![b'!'; rest.try_into().unwrap_or(0)];
                crate::model::scatter(&chain, &map, claim.into(), &junk)?;
            }
        }
        if answer.scribble {
            self.scribble(index)?;
        }
        if answer.deface {
            self.deface(index)?;
        }
        let len = answer.claim.unwrap_or(written);
        let id = u32::from(chain.id);
        let Some(Some(queue)) = self.queues.get_mut(usize::from(index)) else {
            return Ok(false);
        };
        if answer.entry.is_some() || answer.jump != 0 {
            let forged = answer.entry.unwrap_or(id);
            queue.forge(forged, len, answer.jump)?;
            self.event(Event::Used(index, forged, len));
            return Ok(true);
        }
        if answer.scribble {
            // The ring's own way looks at what was overwritten.
            queue.forge(id, len, 0)?;
            self.event(Event::Used(index, id, len));
            return Ok(true);
        }
        let wanted = queue.complete(vec![(chain, len)])?;
        if answer.twice {
            queue.forge(id, len, 0)?;
        }
        self.event(Event::Used(index, id, len));
        Ok(wanted || answer.twice)
    }

    /// Overwrites the descriptors of a queue with such that go on with themselves.
    fn scribble(&mut self, index: u16) -> Result<(), Violation> {
        let Some(fields) = self.state.queues.get(usize::from(index)).cloned() else {
            return Ok(());
        };
        for entry in 0..u64::from(fields.size) {
            let at = fields.at.desc + 16 * entry;
            self.map.write64(at, 0xffff_ffff_ffff_f000)?;
            self.map.write32(at + 8, 0xffff_ffff)?;
            // Both orders of flags and next, or id: NEXT and INDIRECT, and the entry itself.
            self.map.write16(at + 12, 0x7f05)?;
            self.map.write16(at + 14, 0x7f05)?;
        }
        self.log
            .note(format!("descriptors of queue {index} are overwritten"));
        Ok(())
    }

    /// Overwrites the driver's area of a queue.
    fn deface(&mut self, index: u16) -> Result<(), Violation> {
        let Some(fields) = self.state.queues.get(usize::from(index)).cloned() else {
            return Ok(());
        };
        let len = match self.state.has(feature::PACKED) {
            true => 4,
            // Flags, index, ring, and the event index.
            false => 6 + 2 * usize::from(fields.size),
        };
        self.map.write(fields.at.driver, &vec![0xa5; len])?;
        self.log
            .note(format!("the driver's area of queue {index} is overwritten"));
        Ok(())
    }

    /// Answers all that was kept.
    pub(crate) fn release(&mut self) {
        for (index, chain, written) in std::mem::take(&mut self.kept) {
            self.complete(index, chain, written, &Answer::default());
        }
    }

    /// Looks whether the driver made something available while the device was suspended.
    pub(crate) fn look_for_more(&mut self) {
        for index in 0..self.queues.len() {
            // CAST: There are few queues.
            let number = index as u16;
            let Some(Some(queue)) = self.queues.get_mut(index) else {
                continue;
            };
            match queue.poll() {
                Ok(0) => {}
                Ok(_) => {
                    self.event(Event::TakenSuspended(number));
                    self.violation("a buffer was made available while suspended");
                }
                Err(what) => self.give_up(number, what),
            }
        }
    }
}
