//! What calls from JavaScript come back with: a value, or a typed fault that says which parties are to blame.
use std::cell::Cell;
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe, PanicHookInfo};

use napi::bindgen_prelude::{AsyncTask, Either, ToNapiValue, TypeName};
use napi::{Env, Task};
use napi_derive::napi;

use crate::erase::without_trace;

/// Parties are identifiers, 1 to n.
#[derive(Debug)]
pub enum Fault {
    /// A cryptographic check failed on messages of these parties.
    Culprit(Vec<u16>, String),
    /// Commitments of these parties are no valid points.
    BadCommitment(Vec<u16>),
    /// One of these parties made the step fail, and nobody can prove which.
    Suspects(Vec<u16>, String),
    /// The library says never to run this protocol with that party again: state that both keep would leak the key.
    Ban(u16, String),
    /// Input that no honest caller gives, or a step out of order. Nobody is to blame.
    Refused(String),
    /// The library panicked, at this line of it; the session it happened in is over.
    Panic(String),
}

pub type Outcome<T> = Result<T, Fault>;

/// A fault as JavaScript sees it; index.d.ts describes it.
#[napi(object, object_from_js = false)]
pub struct JsFault {
    pub fault: &'static str,
    pub parties: Vec<u16>,
    pub message: String,
}

impl From<Fault> for JsFault {
    fn from(fault: Fault) -> Self {
        let (fault, parties, message) = match fault {
            Fault::Culprit(parties, message) => ("Culprit", parties, message),
            Fault::BadCommitment(parties) => ("BadCommitment", parties, String::new()),
            Fault::Suspects(parties, message) => ("Suspects", parties, message),
            Fault::Ban(party, message) => ("Ban", vec![party], message),
            Fault::Refused(message) => ("Refused", vec![], message),
            Fault::Panic(at) => ("Panic", vec![], format!("the library panicked at {at}")),
        };
        JsFault {
            fault,
            parties,
            message,
        }
    }
}

pub type JsOutcome<T> = Either<T, JsFault>;

thread_local! {
    /// Where this thread panicked last.
    static PANICKED: Cell<Option<String>> = const { Cell::new(None) };
}

/// Keeps panics off stderr, as what they say may be of secrets; a fault says where they happened.
pub fn quiet_panics() {
    set_hook(Box::new(|info: &PanicHookInfo| {
        let at = info.location().map(ToString::to_string);
        // A thread that ends has no such cell any more.
        let _ = PANICKED.try_with(|panicked| panicked.set(at));
    }));
}

/// Runs `work` so that a panic ends it and nothing else.
pub fn contained<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let at = PANICKED.take().unwrap_or_else(|| "an unknown place".into());
        Err(Fault::Panic(at))
    })
}

/// Answers on the caller's thread.
pub fn answer<T>(work: impl FnOnce() -> Outcome<T>) -> JsOutcome<T> {
    match without_trace(|| contained(work)) {
        Ok(value) => Either::A(value),
        Err(fault) => Either::B(fault.into()),
    }
}

/// Work for the thread pool.
pub struct Job<T>(Option<Box<dyn FnOnce() -> Outcome<T> + Send>>);

/// Answers by a promise, off the event loop.
pub fn answer_later<T>(work: impl FnOnce() -> Outcome<T> + Send + 'static) -> AsyncTask<Job<T>>
where
    T: ToNapiValue + TypeName + Send + 'static,
{
    AsyncTask::new(Job(Some(Box::new(work))))
}

impl<T: ToNapiValue + TypeName + Send + 'static> Task for Job<T> {
    type Output = JsOutcome<T>;
    type JsValue = JsOutcome<T>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(match self.0.take() {
            Some(work) => answer(work),
            None => Either::B(Fault::Refused("work was done before".into()).into()),
        })
    }

    fn resolve(&mut self, _: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::take_hook;

    use super::*;

    #[test]
    fn a_panic_is_a_fault_that_says_where_and_nothing_more() {
        let before = take_hook();
        quiet_panics();
        let outcome: Outcome<()> = contained(|| panic!("of a secret"));
        set_hook(before);
        let Err(fault @ Fault::Panic(_)) = outcome else {
            unreachable!()
        };
        let JsFault {
            fault,
            parties,
            message,
        } = fault.into();
        assert_eq!((fault, parties), ("Panic", vec![]));
        assert!(
            message.starts_with("the library panicked at src/outcome.rs:"),
            "{message}"
        );
        assert!(!message.contains("secret"), "{message}");
    }
}
