//! `async`: a task's module as a job of its own, and asking about it (`poll`).

use std::time::Duration;

use super::attempt::execute;
use super::evaluation::{Evaluation, Trouble};
use super::keywords::{Job, Keywords};
use crate::kit::Outcome;
use crate::kit::job::ASYNC_STATUS;
use crate::value::{Dict, Value};
use crate::wire::{Invocation, JobNews, Step};

/// Why the step's module is no job.
pub(super) fn refused(step: &Step) -> Trouble {
    let action = step.asynchronous.as_ref().map(|job| &*job.action);
    Trouble::new(format!(
        "This action ({}) does not support async.",
        action.unwrap_or(&step.module)
    ))
}

/// Waits for the end of a job that was just begun, as long as the task says; its result is the task's. With `poll: 0` the task's
/// result is that it was begun.
pub(super) fn wait(
    begun: Outcome,
    job: Job,
    step: &Step,
    keywords: &Keywords,
    evaluation: &Evaluation<'_>,
) -> Result<Outcome, Trouble> {
    if job.poll == 0 || begun.failed || begun.skipped {
        return Ok(begun);
    }
    let Some(id) = begun.values.get("ansible_job_id").map(Value::to_text) else {
        return Err(Trouble::new("No job id was returned by the async task"));
    };
    let executor = evaluation.context.executor;
    let ask = |mode: &str| {
        let question = Invocation {
            module: ASYNC_STATUS.to_owned(),
            arguments: Value::dict(Dict::new().with("jid", id.as_str()).with("mode", mode)),
            check: false,
            becoming: keywords.becoming.clone(),
            environment: keywords.environment.clone(),
            supplied: Vec::new(),
            timeout: None,
            hold: false,
            seen: true,
            asynchronous: None,
        };
        execute(question, step, keywords, evaluation)
    };
    let mut left = job.limit;
    let mut last = Outcome::default();
    while left > 0 {
        if !executor.sleep(Duration::from_secs(job.poll)) {
            return Err(Trouble::new("interrupted"));
        }
        left = left.saturating_sub(job.poll);
        match ask("status") {
            Ok(answer) => {
                let over = is_finished(&answer) || answer.failed || answer.skipped;
                last = answer;
                if over {
                    break;
                }
                executor.job(step.id, JobNews::Running(id.clone()));
            }
            // The job does not need the connection: it may come back.
            Err(trouble) if left == 0 => return Err(trouble),
            Err(_) => {}
        }
    }
    if !is_finished(&last) {
        let message = format!(
            "async task did not complete within the requested time - {}s",
            job.limit
        );
        executor.job(step.id, JobNews::Failed(id));
        return Ok(Outcome {
            failed: true,
            ..Outcome::default()
                .with("msg", message)
                .with("async_result", Value::dict(last.values))
        });
    }
    // What is left of the job is a file, and the task has its end.
    let _ = ask("cleanup");
    let news = if last.failed {
        JobNews::Failed(id)
    } else {
        JobNews::Done(id)
    };
    executor.job(step.id, news);
    Ok(last)
}

fn is_finished(answer: &Outcome) -> bool {
    answer.values.get("finished").is_some_and(Value::is_true)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::sync::Arc;

    use super::*;
    use crate::kit::{Failure, Need, Supplied};
    use crate::step::{ExecutionError, Executor, StepContext, run};
    use crate::template::Templar;
    use crate::wire::{Asynchronous, ItemResult, Shared, Status, StepId, StepTask, TaskResult};

    type Answer = Result<Outcome, ExecutionError>;

    /// A host that begins a job and gives these answers to the questions about it.
    struct Host {
        answers: RefCell<VecDeque<Answer>>,
        asked: RefCell<Vec<String>>,
        slept: RefCell<u64>,
        news: RefCell<Vec<JobNews>>,
    }

    impl Executor for Host {
        fn execute(&self, _: StepId, invocation: Invocation, _: Option<&str>) -> Answer {
            if invocation.asynchronous.is_some() {
                self.asked.borrow_mut().push("begin".to_owned());
                return Ok(Outcome::changed().with("ansible_job_id", "j1"));
            }
            let mode = invocation.arguments.get("mode").map(Value::to_text);
            let mode = mode.unwrap_or_default();
            self.asked.borrow_mut().push(mode.clone());
            if mode == "cleanup" {
                return Ok(Outcome::unchanged());
            }
            self.answers.borrow_mut().pop_front().unwrap()
        }

        fn supply(&self, _: StepId, _: &Need) -> Result<Supplied, String> {
            Err("there are no files".to_owned())
        }

        fn sleep(&self, length: Duration) -> bool {
            *self.slept.borrow_mut() += length.as_secs();
            true
        }

        fn item_done(&self, _: StepId, _: &ItemResult) {}

        fn retrying(&self, _: StepId, _: u32, _: &Dict) {}

        fn job(&self, _: StepId, news: JobNews) {
            self.news.borrow_mut().push(news);
        }
    }

    fn performed(module: &str, limit: u64, poll: u64, answers: Vec<Answer>) -> (TaskResult, Host) {
        let host = Host {
            answers: RefCell::new(answers.into()),
            asked: RefCell::default(),
            slept: RefCell::default(),
            news: RefCell::default(),
        };
        let task = StepTask {
            module: module.into(),
            arguments: Dict::new()
                .with("argv", Value::list(["true".into()]))
                .into(),
            asynchronous: Some(Asynchronous {
                seconds: limit.into(),
                poll: poll.into(),
                action: Arc::from("word"),
            }),
            ..StepTask::default()
        };
        let step = Step {
            task: Shared::new(task),
            ..Step::default()
        };
        let (templar, variables) = (Templar::default(), Dict::new());
        let context = StepContext {
            templar: &templar,
            variables: &variables,
            outside: None,
            sources: None,
            executor: &host,
        };
        (run(&step, &context), host)
    }

    fn running() -> Outcome {
        Outcome::unchanged().with("finished", false)
    }

    fn lost() -> Answer {
        Err(ExecutionError::Unreachable("gone".to_owned()))
    }

    #[test]
    fn a_job_is_asked_about_until_it_has_ended() {
        let ended = Ok(Outcome::changed().with("finished", true).with("rc", 0));
        let answers = vec![Ok(running()), lost(), ended];
        let (result, host) = performed("ansible.builtin.command", 30, 5, answers);
        assert_eq!(result.status, Status::Changed);
        assert_eq!(result.value.get("rc"), Some(&Value::from(0)));
        assert_eq!(
            *host.asked.borrow(),
            ["begin", "status", "status", "status", "cleanup"]
        );
        assert_eq!(*host.slept.borrow(), 15);
        let id = || "j1".to_owned();
        assert_eq!(
            *host.news.borrow(),
            [JobNews::Running(id()), JobNews::Done(id())]
        );
    }

    #[test]
    fn a_job_that_fails_fails_its_task() {
        let failed: Outcome = Failure::new("no").with("finished", true).into();
        let (result, host) = performed("ansible.builtin.command", 30, 1, vec![Ok(failed)]);
        assert_eq!(result.status, Status::Failed);
        assert_eq!(
            host.news.borrow().last(),
            Some(&JobNews::Failed("j1".to_owned()))
        );
    }

    #[test]
    fn a_job_without_end_fails_when_its_time_is_over() {
        let (result, _) = performed(
            "ansible.builtin.command",
            3,
            2,
            vec![Ok(running()), Ok(running())],
        );
        assert_eq!(result.status, Status::Failed);
        let message = result.value.get("msg").map(Value::to_text);
        let expected = "async task did not complete within the requested time - 3s";
        assert_eq!(message.as_deref(), Some(expected));
        assert!(result.value.contains("async_result"));
        let (result, _) = performed("ansible.builtin.command", 1, 1, vec![lost()]);
        assert_eq!(result.status, Status::Unreachable);
    }

    #[test]
    fn nobody_waits_without_a_poll() {
        let (result, host) = performed("ansible.builtin.command", 30, 0, Vec::new());
        assert_eq!(result.status, Status::Changed);
        assert_eq!(*host.asked.borrow(), ["begin"]);
    }

    #[test]
    fn what_works_on_the_controller_is_no_job() {
        for module in ["ansible.builtin.debug", "ansible.builtin.async_status"] {
            let (result, host) = performed(module, 30, 0, Vec::new());
            assert_eq!(
                result.value.get("msg").map(Value::to_text).as_deref(),
                Some("This action (word) does not support async.")
            );
            assert!(host.asked.borrow().is_empty());
        }
    }
}
