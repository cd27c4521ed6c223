//! What highwater's own alerts say: while they stand, when they are over, and what to do.

use super::Own;

impl Own {
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Blind { rule, .. } => format!("Rule {rule} cannot be judged"),
            Self::DeadLetter { sink } => format!("A message for sink {sink} could not be delivered"),
            Self::SinkGone { sink } => {
                format!("Messages are left for sink {sink}, which is not in the settings any more")
            }
            Self::SinkMisconfigured { sink } => format!("Sink {sink} takes no messages"),
            Self::Outbox { sink } => format!("Messages wait long for sink {sink}"),
            Self::Store => "highwater's store is not as it should be".to_owned(),
            Self::Reload => "The newest rule files are not in force".to_owned(),
            Self::Late => "highwater looks too late".to_owned(),
            Self::SilenceEnding { .. } => "A silence ends soon, and alerts wait for it".to_owned(),
            Self::Template { of } => format!("A text of {of} cannot be filled in"),
            Self::Canary { sink } => format!("The canary is not heard by sink {sink}"),
            Self::Disk => "Little room is left on the disk of highwater's store".to_owned(),
            Self::Certificate { host } => format!("The certificate of {host} ends soon"),
            Self::ClockSkew { .. } => "The cluster's clocks differ from highwater's".to_owned(),
        }
    }

    /// The same after it is over: a title says `RECOVERED` before it.
    pub(super) fn recovered(&self) -> String {
        match self {
            Self::Blind { rule, .. } => format!("Rule {rule} can be judged again"),
            Self::DeadLetter { sink } => format!("No dead letter of sink {sink} is left"),
            Self::SinkGone { sink } => {
                format!("Sink {sink} is in the settings again, or nothing is left for it")
            }
            Self::SinkMisconfigured { sink } => format!("Sink {sink} takes messages again"),
            Self::Outbox { sink } => format!("No message waits long for sink {sink}"),
            Self::Store => "highwater's store is as it should be".to_owned(),
            Self::Reload => "The newest rule files are in force".to_owned(),
            Self::Late => "highwater looks in time again".to_owned(),
            Self::SilenceEnding { .. } => "No alert waits for the end of this silence any more".to_owned(),
            Self::Template { of } => format!("The texts of {of} can be filled in again"),
            Self::Canary { sink } => format!("The canary is heard by sink {sink} again"),
            Self::Disk => "There is room again on the disk of highwater's store".to_owned(),
            Self::Certificate { host } => format!("The certificate of {host} is valid for long enough"),
            Self::ClockSkew { .. } => "The cluster's clocks agree with highwater's".to_owned(),
        }
    }

    pub(super) fn next_step(&self) -> &'static str {
        match self {
            Self::Blind { .. } => {
                "make the query answer completely, or accept what is missing in the rule; its alerts stand still until then"
            }
            Self::DeadLetter { .. } => {
                "read the reason, mend the sink or the message, and have it sent after all with `highwater sinks retry`; or tell the people concerned by hand, and put it away with `highwater sinks drop`"
            }
            Self::SinkGone { .. } => {
                "put it back and restart, and all of it is sent; or tell the people concerned by hand, and put all of it away with `highwater sinks drop NAME --all`"
            }
            Self::SinkMisconfigured { .. } => {
                "mend the sink's settings; what waits for it is kept and sent then"
            }
            Self::Outbox { .. } => {
                "see what the sink answers: `highwater sinks` shows it; nothing is lost, and all of it is sent when it can be"
            }
            Self::Store => {
                "look at the disk and the file that the reason names; nothing is lost while highwater runs"
            }
            Self::Reload => {
                "run `highwater validate` and mend what it shows; the last good rules stay in force"
            }
            Self::Canary { .. } => {
                "see what the sink answers, `highwater sinks` shows it, and whether a silence or a maintenance window withholds it"
            }
            Self::Disk => {
                "make room: without any, highwater goes on in memory, and a restart would lose what is not on disk"
            }
            Self::Certificate { .. } => "renew it, and see why nothing renewed it before",
            Self::ClockSkew { .. } => {
                "see that both keep time (NTP, chrony): windows of documents are cut by these clocks"
            }
            Self::Template { .. } => {
                "mend the template; until then its messages go out with highwater's own words"
            }
            Self::SilenceEnding { .. } => {
                "mute again to prolong it; `highwater alerts` shows what waits, `highwater silences` whose it is"
            }
            Self::Late => "give highwater more processor time, or its rules wider schedules",
        }
    }
}
