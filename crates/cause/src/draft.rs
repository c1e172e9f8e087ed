//! A finding in the making: what a detector writes down, step by step.

use base::{
    Confidence, EndKind, Evidence, Finding, Gap, LineSpan, LogEvent, NextStep, Place, Provenance,
    Trust,
};

use crate::{Traced, clues, pointers};

/// A finding without what the engine adds: title, common places, events.
#[derive(Clone, Debug)]
pub struct Draft {
    input: u32,
    verdict: Vec<String>,
    cause_named: bool,
    confidence: Confidence,
    places: Vec<Place>,
    evidence: Vec<Evidence>,
    gaps: Vec<Gap>,
    /// What debug info would tell.
    debug_info: Option<Gap>,
    next: Vec<NextStep>,
    events: Vec<u32>,
    late: bool,
    provenance: Option<Provenance>,
}

impl Draft {
    /// A draft about `event`; its first evidence is the line that made the event known.
    pub fn new(event: &LogEvent) -> Self {
        let draft = Draft {
            input: event.span.input,
            verdict: Vec::new(),
            cause_named: false,
            confidence: Confidence::Medium,
            places: Vec::new(),
            evidence: Vec::new(),
            gaps: Vec::new(),
            debug_info: None,
            next: Vec::new(),
            events: Vec::new(),
            late: false,
            provenance: None,
        };
        if event.headline.is_empty() {
            return draft;
        }
        draft.says(
            format!("\"{}\"", event.headline),
            Trust::PrintedByKernel,
            Some(event.span.start),
        )
    }

    /// Adds a sentence to the verdict.
    #[must_use]
    pub fn verdict(mut self, sentence: impl Into<String>) -> Self {
        self.verdict.push(sentence.into());
        self
    }

    /// The report itself names the cause.
    #[must_use]
    pub fn cause_named(mut self, confidence: Confidence) -> Self {
        self.cause_named = true;
        self.confidence = confidence;
        self
    }

    /// The report is damaged: nothing in it is sure.
    #[must_use]
    pub fn doubtful(mut self) -> Self {
        self.cause_named = false;
        self.confidence = Confidence::Low;
        self
    }

    /// The event tells where the trouble was noticed, not where it was made.
    #[must_use]
    pub fn noticed_late(mut self) -> Self {
        self.late = true;
        self
    }

    /// How sure the verdict is.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Adds a step of the argument, with its line where it stands on one.
    #[must_use]
    pub fn says(mut self, says: impl Into<String>, trust: Trust, line: Option<u64>) -> Self {
        let span = line.map(|line| LineSpan {
            input: self.input,
            start: line,
            end: line,
        });
        self.evidence.push(Evidence {
            says: says.into(),
            trust,
            span,
        });
        self
    }

    /// Adds what the other values of the report say about a bad one, as the guess that it is.
    #[must_use]
    pub fn near(self, event: &LogEvent, value: u64) -> Self {
        match pointers::near(event, value) {
            Some(near) => self.says(near.says(value), Trust::Inferred, None),
            None => self,
        }
    }

    /// Adds a step that stands on several lines.
    #[must_use]
    pub fn says_at(mut self, says: impl Into<String>, trust: Trust, span: LineSpan) -> Self {
        self.evidence.push(Evidence {
            says: says.into(),
            trust,
            span: Some(span),
        });
        self
    }

    /// Adds the address that faulted and what the error code says of the access.
    #[must_use]
    pub fn fault_address(mut self, event: &LogEvent) -> Self {
        let Some(fault) = &event.fault else {
            return self;
        };
        if let Some(address) = fault.address {
            let source = fault
                .address_source
                .as_ref()
                .map_or_else(String::new, |source| format!(", from {source}"));
            self = self.says(
                format!("Faulting address {address}{source}"),
                Trust::PrintedByKernel,
                None,
            );
        }
        if !fault.words.is_empty() {
            let code = fault
                .code
                .map_or_else(String::new, |code| format!(" {code}"));
            self = self.says(
                format!("Error code{code}: {}", fault.words.join(", ")),
                Trust::Computed,
                None,
            );
        }
        self
    }

    /// Adds the functions of the event's first trace, from the one held responsible outwards.
    #[must_use]
    pub fn call_path(self, event: &LogEvent) -> Self {
        match clues::call_path(event, 5) {
            Some((path, line)) => self.says(
                format!("Call path, innermost first: {path}"),
                Trust::PrintedByKernel,
                Some(line),
            ),
            None => self,
        }
    }

    /// Adds what the event says under `name`, as printed, at most `limit` of it.
    #[must_use]
    pub fn quote(self, event: &LogEvent, name: &str, limit: usize) -> Self {
        self.quote_where(event, name, limit, |_| true)
    }

    /// The same, only what `fits`: a line of the next report may stand at the end of this one.
    #[must_use]
    pub fn quote_where(
        mut self,
        event: &LogEvent,
        name: &str,
        limit: usize,
        fits: impl Fn(&str) -> bool,
    ) -> Self {
        let fitting = clues::details(event, name).filter(|detail| fits(&detail.value));
        for detail in fitting.take(limit) {
            let says = format!("\"{}\"", detail.value);
            // What the headline, or another name, has shown is not shown again.
            if !self
                .evidence
                .iter()
                .any(|known| known.says.contains(&detail.value))
            {
                self = self.says(says, Trust::PrintedByKernel, Some(detail.line));
            }
        }
        self
    }

    /// Says that debug info is needed to name `what`.
    #[must_use]
    pub fn needs_debug_info(mut self, event: &LogEvent, what: &str) -> Self {
        let object = clues::object(event);
        self.debug_info = Some(
            Gap::new(
                what,
                "the log tells addresses and functions, not variables and lines",
            )
            .supply(format!(
                "the debug info of {object} of exactly this build (--debuginfo)"
            )),
        );
        self
    }

    /// Adds a labelled part of "where".
    #[must_use]
    pub fn place(mut self, label: &str, value: impl Into<String>) -> Self {
        self.places.push(Place {
            label: label.to_owned(),
            value: value.into(),
        });
        self
    }

    /// Adds what could not be determined.
    #[must_use]
    pub fn gap(mut self, gap: Gap) -> Self {
        self.gaps.push(gap);
        self
    }

    /// Adds a next step.
    #[must_use]
    pub fn next(mut self, what: impl Into<String>) -> Self {
        self.next.push(NextStep {
            what: what.into(),
            command: None,
        });
        self
    }

    /// Adds a next step with the command line that does it.
    #[must_use]
    pub fn next_command(mut self, what: impl Into<String>, command: impl Into<String>) -> Self {
        self.next.push(NextStep {
            what: what.into(),
            command: Some(command.into()),
        });
        self
    }

    /// Names another event that the finding rests on.
    #[must_use]
    pub fn rests_on(mut self, event: u32) -> Self {
        if !self.events.contains(&event) {
            self.events.push(event);
        }
        self
    }

    /// Adds what the files of the code that ran tell of the bad pointer.
    #[must_use]
    pub fn traced(mut self, traced: &Traced) -> Self {
        self.verdict.extend(traced.verdict.iter().cloned());
        self.evidence.extend(traced.evidence.iter().cloned());
        self.gaps.extend(traced.gaps.iter().cloned());
        self.next.extend(traced.next.iter().cloned());
        self.cause_named |= traced.cause_named;
        if let Some(confidence) = traced.confidence {
            self.confidence = confidence;
        }
        self.provenance.clone_from(&traced.provenance);
        self
    }

    /// How strong the draft is against another one about the same event.
    ///
    /// A way through the files to a named origin is more than what the printed bytes tell, however sure that is.
    pub fn rank(&self) -> (bool, bool, Confidence) {
        let has_origin = self
            .provenance
            .as_ref()
            .is_some_and(|provenance| provenance.ends.kind != EndKind::Unknown);
        (self.cause_named, has_origin, self.confidence)
    }

    /// The finished finding; `common` places stand before the detector's own.
    pub fn finish(
        self,
        detector: &str,
        index: u32,
        event: &LogEvent,
        common: Vec<Place>,
        are_files_given: bool,
    ) -> Finding {
        let mut events = vec![index];
        events.extend(self.events.into_iter().filter(|other| *other != index));
        let mut places = common;
        for place in &mut places {
            if self.late && place.label == "function" {
                place.label = "noticed in".to_owned();
            }
        }
        places.extend(self.places);
        let mut gaps = self.gaps;
        // With the files given their absence is no reason.
        gaps.extend(self.debug_info.filter(|_| !are_files_given));
        Finding {
            detector: detector.to_owned(),
            title: event.title.clone(),
            verdict: self.verdict.join(" "),
            cause_named: self.cause_named,
            confidence: self.confidence,
            places,
            evidence: self.evidence,
            gaps,
            next: self.next,
            events,
            provenance: self.provenance,
            hang: None,
        }
    }
}
