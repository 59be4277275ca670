//! Several actions on one host, one after the other: how far each has come, and when the rest is left.
//! Pure.

use protocol::FaultCode;

/// How far one of them has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step<T> {
    Waiting,
    UnderWay,
    Ended(T),
    /// Nobody asked for it: those before it said that none should follow.
    Left,
}

/// Why those that waited were left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// A person called it off.
    CalledOff,
    /// The host refused one for a reason that holds for all.
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Series<T> {
    steps: Vec<Step<T>>,
    halt: Option<Halt>,
}

/// True if what refused one would refuse the next as well, so that asking on is of no use or does harm: a
/// guard that is not met, a host that cannot be reached or signed in to, a password that root's right
/// does not come for.
pub(crate) fn refuses_all(code: FaultCode) -> bool {
    use FaultCode::*;
    let is_of_the_host = matches!(code.exit_status(), 3..=6);
    let is_of_root = matches!(code, SudoRefused | SudoPasswordMissing | SudoPasswordWrong);
    is_of_the_host || is_of_root || matches!(code, GuardNotMet | HostUnknown | AppLocked)
}

impl<T> Series<T> {
    pub(crate) fn of(count: usize) -> Self {
        Self { steps: std::iter::repeat_with(|| Step::Waiting).take(count).collect(), halt: None }
    }

    /// Begins the next one, while none is under way and nothing has stopped them.
    pub(crate) fn begin_next(&mut self) -> Option<usize> {
        if self.is_under_way() || self.halt.is_some() {
            return None;
        }
        let at = self.steps.iter().position(|step| matches!(step, Step::Waiting))?;
        self.steps[at] = Step::UnderWay;
        Some(at)
    }

    /// Takes what came of the one that is under way. With `halt` the others are left.
    pub(crate) fn end(&mut self, told: T, halt: Option<Halt>) {
        if let Some(step) = self.steps.iter_mut().find(|step| matches!(step, Step::UnderWay)) {
            *step = Step::Ended(told);
        }
        // What a person asked for first is the reason.
        self.halt = self.halt.or(halt);
        self.leave_the_rest();
    }

    /// Lets none begin any more; the one under way comes to its end.
    pub(crate) fn call_off(&mut self) {
        self.halt = self.halt.or(Some(Halt::CalledOff));
        if !self.is_under_way() {
            self.leave_the_rest();
        }
    }

    fn leave_the_rest(&mut self) {
        if self.halt.is_some() {
            for step in self.steps.iter_mut().filter(|step| matches!(step, Step::Waiting)) {
                *step = Step::Left;
            }
        }
    }

    pub(crate) fn step(&self, at: usize) -> Option<&Step<T>> {
        self.steps.get(at)
    }

    pub(crate) fn halt(&self) -> Option<Halt> {
        self.halt
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.steps.iter().any(|step| !matches!(step, Step::Waiting))
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::UnderWay))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Ended(_) | Step::Left))
    }

    /// How many came to an end as `which` says.
    pub(crate) fn count(&self, which: impl Fn(&T) -> bool) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Ended(told) if which(told))).count()
    }

    /// How many are still to begin: what is called off is not.
    pub(crate) fn to_come(&self) -> usize {
        let waiting = || self.steps.iter().filter(|step| matches!(step, Step::Waiting)).count();
        if self.halt.is_some() { 0 } else { waiting() }
    }

    pub(crate) fn left(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Left)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(series: &Series<bool>) -> String {
        let letter = |step: &Step<bool>| match step {
            Step::Waiting => '.',
            Step::UnderWay => '>',
            Step::Ended(true) => '+',
            Step::Ended(false) => '-',
            Step::Left => 'o',
        };
        series.steps.iter().map(letter).collect()
    }

    #[test]
    fn each_begins_when_the_one_before_it_has_ended() {
        let mut series = Series::of(3);
        assert!(!series.has_begun());
        assert_eq!(series.begin_next(), Some(0));
        assert_eq!(series.begin_next(), None, "never two at once");
        series.end(true, None);
        assert_eq!(series.begin_next(), Some(1));
        series.end(false, None);
        assert_eq!(picture(&series), "+-.", "one that failed by itself stops no other");
        assert_eq!(series.begin_next(), Some(2));
        assert!(series.is_under_way() && !series.is_over());
        series.end(true, None);
        assert_eq!(series.begin_next(), None);
        assert!(series.is_over());
        assert_eq!((series.count(|done| *done), series.count(|done| !*done), series.left()), (2, 1, 0));
    }

    #[test]
    fn after_a_refusal_that_holds_for_all_no_other_is_asked_for() {
        let mut series = Series::of(3);
        series.begin_next();
        series.end(false, Some(Halt::Refused));
        assert_eq!(picture(&series), "-oo");
        assert_eq!(series.begin_next(), None);
        assert!(series.is_over());
        assert_eq!(series.halt(), Some(Halt::Refused));
    }

    #[test]
    fn called_off_between_two_the_one_under_way_comes_to_its_end() {
        let mut series = Series::of(3);
        series.begin_next();
        series.call_off();
        assert_eq!(picture(&series), ">..");
        assert!(!series.is_over());
        series.end(true, Some(Halt::Refused));
        assert_eq!(picture(&series), "+oo");
        assert_eq!(series.halt(), Some(Halt::CalledOff), "the person was first");
        let mut series = Series::<bool>::of(2);
        series.call_off();
        assert_eq!((picture(&series).as_str(), series.left()), ("oo", 2));
    }

    #[test]
    fn what_has_not_begun_is_still_to_come_until_it_is_called_off() {
        let mut series = Series::of(3);
        assert_eq!(series.to_come(), 3);
        series.begin_next();
        assert_eq!(series.to_come(), 2, "the one under way has begun");
        series.end(true, None);
        assert_eq!(series.to_come(), 2);
        series.begin_next();
        series.call_off();
        assert_eq!(series.to_come(), 0, "the last one waits and will not begin");
    }

    #[test]
    fn what_would_refuse_all_is_told_from_what_refuses_one() {
        for code in [
            FaultCode::GuardNotMet,
            FaultCode::LinkLost,
            FaultCode::HostKeyChanged,
            FaultCode::SignInRefused,
            FaultCode::SudoPasswordWrong,
            FaultCode::AppLocked,
        ] {
            assert!(refuses_all(code), "{code:?}");
        }
        for code in [
            FaultCode::ProcessGone,
            FaultCode::UnitUnknown,
            FaultCode::UnitFailed,
            FaultCode::NotPermitted,
            FaultCode::TimedOut,
        ] {
            assert!(!refuses_all(code), "{code:?}");
        }
    }
}
