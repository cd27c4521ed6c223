//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::{
    check::worst::FailOn,
    given::{duration, entity, lasting, setting},
};
use crate::model::{Entity, Kind, Level, matcher::Matcher};

/// Alerting rules over Elasticsearch: judged on a schedule, told once.
#[derive(Debug, Parser)]
#[command(name = "highwater", version, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 fine · 64 usage · 70 a fault of highwater · 74 store, lock, port or output · \
                        78 settings or rules are wrong. `check` has its own, see `highwater check --help`."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Settings; of several files the later ones win
    #[arg(long, global = true, value_name = "FILE", env = "HIGHWATER_CONFIG", value_delimiter = ':')]
    #[arg(default_value = "config/highwater.yaml", action = ArgAction::Append)]
    pub config: Vec<PathBuf>,
    /// Rule files and folders, in place of those that the settings name
    #[arg(long, global = true, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// One setting, like `server.listen=127.0.0.1:0`; it wins over files and environment
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
    /// Accept passwords and tokens that stand in a settings file or in `--set` as plain text
    #[arg(long, global = true)]
    pub allow_literal_secrets: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Colour,
    /// Say more on standard error; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Run(Run),
    Check(Check),
    /// Read settings and rules, and say what is wrong with them
    Validate,
    /// Show what is loaded: check, schedule, next look, levels, whom it tells, what is muted
    Rules,
    Alerts(Alerts),
    Mute(Mute),
    Unmute(Unmute),
    Render(Render),
    /// List what is muted: by whom, until when, why
    Silences {
        /// For people, or for programs
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: Format,
    },
    Routes(Routes),
    Sinks(Sinks),
    Setup(Setup),
    Import(Import),
    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Run the daemon: look on schedule, remember, tell
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// Judge, and print what would be sent; nothing is sent, and nothing is remembered
    #[arg(long)]
    pub dry_run: bool,
}

/// Judge rules once: nothing is sent, and no state is written
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Exit codes, in this order: 2 critical · 3 anything unknown · 1 warning · 0 clear (info too).\n\
                        Data that is missing counts as the rule says: keep 3, resolve 0, fire LEVEL as that level."
)]
pub struct Check {
    /// Only these rules
    #[arg(id = "chosen", value_name = "RULE")]
    pub rules: Vec<String>,
    /// The mildest level that counts; nothing turns "unknown" into success
    #[arg(long, value_name = "LEVEL", default_value = "warning")]
    pub fail_on: FailOn,
    /// For people, or for programs
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Remember here from call to call, so that `for` counts
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Take a breach as lasting (the default without --state)
    #[arg(long, conflicts_with_all = ["state", "wait"])]
    pub at_once: bool,
    /// Keep looking until all is clear, or a breach outlives its `for`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub wait: Option<Duration>,
}

/// Show what is pending and firing, and what waits for a sink, also while the daemon runs
#[derive(Clone, Debug, Args)]
pub struct Alerts {
    /// Show what happened in this time instead
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<Duration>,
    /// For people, or for programs
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
}

/// Tell nobody of some alerts for a while; what still fires then is told then
#[derive(Clone, Debug, Args)]
pub struct Mute {
    /// Of this rule
    #[arg(required_unless_present = "matchers")]
    pub rule: Option<String>,
    /// Only those with these labels: `node=es-1`, or `index=a,shard=0`
    #[arg(value_parser = entity)]
    pub entity: Option<Entity>,
    /// Only those that match: `team="search"`, `level!="critical"`, `node=~"es-.*"`; may be given again
    #[arg(long = "match", id = "matchers", value_name = "MATCHER")]
    pub matchers: Vec<Matcher>,
    /// How long
    #[arg(long = "for", value_name = "DURATION", value_parser = lasting)]
    pub span: Duration,
    /// Why, for whoever asks
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Whose it is; left out: you
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// Mute even every alert there is
    #[arg(long)]
    pub yes: bool,
}

/// Show the exact request that a sink would be sent for an alert of a rule; nothing is sent
#[derive(Clone, Debug, Args)]
pub struct Render {
    /// Its id
    pub rule: String,
    /// For this sink, as the settings name it
    #[arg(long, value_name = "NAME")]
    pub sink: String,
    /// At this level; left out, the rule's worst
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<Level>,
    /// What happened
    #[arg(long, value_name = "KIND", default_value = "fired")]
    pub kind: What,
    /// Of this one: `node=es-1`; left out, one that is open, or a made-up one
    #[arg(long, value_name = "ENTITY", value_parser = entity)]
    pub entity: Option<Entity>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    Fired,
    Raised,
    Lowered,
    Resolved,
    Reminded,
}

impl From<What> for Kind {
    fn from(what: What) -> Self {
        match what {
            What::Fired => Self::Fired,
            What::Raised => Self::Raised,
            What::Lowered => Self::Lowered,
            What::Resolved => Self::Resolved,
            What::Reminded => Self::Reminded,
        }
    }
}

/// End what is muted before its time
#[derive(Clone, Debug, Args)]
pub struct Unmute {
    /// An id from `silences`, or a rule: whatever is muted of it
    #[arg(value_name = "ID|RULE")]
    pub what: String,
    /// Only what was muted with these labels
    #[arg(value_parser = entity)]
    pub entity: Option<Entity>,
}

/// Make in the clusters what the settings need there: the data stream of a history. Done again, it changes nothing
#[derive(Clone, Debug, Args)]
pub struct Setup {
    /// Look, and say what would be made
    #[arg(long)]
    pub dry_run: bool,
}

/// Take rules over from another program
#[derive(Clone, Debug, Args)]
pub struct Import {
    #[command(subcommand)]
    pub from: ImportFrom,
}

#[derive(Clone, Debug, Subcommand)]
pub enum ImportFrom {
    Elastalert(Elastalert),
}

/// From ElastAlert2 2.31: say of each rule whether it can be the same here, and write the new rules and settings
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "`--config` names ElastAlert's own config.yaml here; left out, one in DIR or beside it is taken.\n\
                        Exit codes: 0 every rule was taken over, if need be approximately · 1 not every one · \
                        74 nothing to read, or nowhere to write."
)]
pub struct Elastalert {
    /// The folder of its rules; folders in it are read too
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Write `highwater.yaml` and `rules/` here; left out, nothing is written
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// For people, or for programs
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
}

/// Show the routes, or the way of one rule's alerts through them
#[derive(Clone, Debug, Args)]
pub struct Routes {
    #[command(subcommand)]
    pub way: Option<Way>,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Way {
    Explain(Explain),
}

/// Which routes an alert takes and which not, who is told, and what withholds it now
#[derive(Clone, Debug, Args)]
pub struct Explain {
    /// Its id
    pub rule: String,
    /// At this level; left out: each that the rule has
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<Level>,
    /// Of this entity: `node=es-1`, or `index=a,shard=0`
    #[arg(long, value_name = "LABELS", value_parser = entity)]
    pub entity: Option<Entity>,
    /// On this cluster; left out: each that the rule watches
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
}

/// Show what every sink is like and what waits for it; try sinks; deal with messages that were given up
#[derive(Clone, Debug, Args)]
pub struct Sinks {
    #[command(subcommand)]
    pub command: Option<SinksCommand>,
    /// For people, or for programs
    #[arg(long, global = true, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
}

#[derive(Clone, Debug, Subcommand)]
pub enum SinksCommand {
    /// Send a message that is marked as a test, and its recovery, and say what the service answered
    Test {
        /// As the settings name it
        #[arg(value_name = "NAME")]
        sink: String,
        /// The whole life of an alert: it fires, gets worse, and recovers
        #[arg(long)]
        life: bool,
    },
    /// List messages that were given up, with the reason
    Dead {
        /// Only those of this sink
        #[arg(value_name = "NAME")]
        sink: Option<String>,
    },
    Retry(Retry),
    Drop(Drop),
}

/// Send messages after all that were given up; they are rendered anew, and who did it is kept
#[derive(Clone, Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    pub letters: Letters,
    /// Why, for whoever asks
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// Also where the alert has ended since: a service that keeps a state would open it and never close it
    #[arg(long)]
    pub even_if_over: bool,
}

/// Put messages away that were given up, with `--all` also what waits for a sink that is gone; who did it and why is kept
#[derive(Clone, Debug, Args)]
pub struct Drop {
    #[command(flatten)]
    pub letters: Letters,
    /// Why, for whoever asks
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Which of the messages that were given up.
#[derive(Clone, Debug, Args)]
pub struct Letters {
    /// As the settings name it
    #[arg(value_name = "NAME")]
    pub sink: String,
    /// As `sinks dead` shows it; its first letters do
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    pub id: Option<String>,
    /// All of this sink
    #[arg(long)]
    pub all: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_rule_can_be_named_beside_the_folders_of_rules() {
        let cli = Cli::try_parse_from(["highwater", "check", "a", "b", "--rules", "folder"]).unwrap();
        let Command::Check(check) = cli.command else { panic!("check") };
        assert_eq!(check.rules, ["a", "b"]);
        assert_eq!(cli.global.rules, [PathBuf::from("folder")]);
    }
}
