//! `highwater run`: the daemon.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use super::{
    args::{Global, Run},
    load,
    logs::Fields,
    stop::{Code, Stop},
};
use crate::{
    clock::Clock,
    config::{
        Loaded, Settings,
        settings::{LogFormat, Telemetry},
    },
    engine::start::{Start, StartError, Started},
    server,
    store::{Bounds, Opening, Store},
    threads,
};

/// How long messages that are under way may take to arrive after a stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs until SIGTERM or Ctrl-C.
pub fn run(global: &Global, args: &Run) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let loaded = load::rules(&settings)?;
    start_logging(&settings, global.verbose, args.dry_run)?;
    let missing = load::missing_secrets(&settings);
    if !missing.is_empty() && !args.dry_run {
        return Err(Stop::Config(missing.join("\n")));
    }
    let serving = serve(settings, loaded, args.dry_run);
    super::with_threads(threads::of_a_daemon())?.block_on(async {
        // on the thread that does all the rest: nobody has to be woken for a beat
        tokio::spawn(serving).await.map_err(|error| Stop::Fault(error.to_string()))?
    })?;
    Ok(Code::Fine.into())
}

async fn serve(settings: Arc<Settings>, loaded: Loaded, dry_run: bool) -> Result<(), Stop> {
    let mut address = settings.server.listen;
    if dry_run {
        // a daemon beside it keeps its port
        address.set_port(0);
    }
    let listener = server::listen(address).await.map_err(|error| Stop::Io(error.to_string()))?;
    let address = listener.local_addr().map_err(|error| Stop::Io(error.to_string()))?;
    let (store, opening) = open_store(&settings, dry_run)?;
    let stop = CancellationToken::new();
    let hangups = obey_signals(&stop)?;
    let rules = loaded.set.rules.len();
    warn_of(&loaded);
    let start = Start { settings, loaded, store, opening, hangups, stop: stop.clone(), dry_run };
    let started = Started::new(start).await.map_err(cannot_start)?;
    let serving = tokio::spawn(server::serve(started.engine.clone(), listener, stop.clone()));
    tracing::info!(%address, rules, dry_run, version = env!("CARGO_PKG_VERSION"), "ready");
    started.run(PATIENCE).await?;
    tracing::info!("stopped");
    match serving.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Stop::Io(error.to_string())),
        Err(error) => Err(Stop::Fault(error.to_string())),
    }
}

/// A dry run leaves no trace.
fn open_store(settings: &Settings, dry_run: bool) -> Result<(Store, Opening), Stop> {
    if dry_run {
        return Ok((Store::in_memory(Clock::system())?, Opening::default()));
    }
    let (store, opening) = Store::open(&settings.store.path, Clock::system())?;
    Ok((store.within(Bounds::of(settings)), opening))
}

fn cannot_start(error: StartError) -> Stop {
    match error {
        StartError::Store(error) => Stop::Store(error),
        StartError::Cluster { .. } | StartError::Http(_) => Stop::Config(error.to_string()),
        StartError::Scheduler(words) => Stop::Fault(words),
    }
}

fn warn_of(loaded: &Loaded) {
    for warning in loaded.warnings.lines() {
        tracing::warn!(warning, "rule remarked on");
    }
}

/// SIGTERM and Ctrl-C stop; SIGHUP reads the rules again.
fn obey_signals(stop: &CancellationToken) -> Result<mpsc::Receiver<()>, Stop> {
    let (mut term, mut int, mut hup) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?, listen(SignalKind::hangup())?);
    let (to, hangups) = mpsc::channel(1);
    let stop = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = term.recv() => stop.cancel(),
                _ = int.recv() => stop.cancel(),
                _ = hup.recv() => {
                    // full means that a reload is asked for already
                    let _full = to.try_send(());
                }
            }
        }
    });
    Ok(hangups)
}

fn listen(kind: SignalKind) -> Result<Signal, Stop> {
    signal(kind).map_err(|error| Stop::Fault(format!("cannot listen for signals: {error}")))
}

/// Logs go to standard error: standard output belongs to the `stdout` sink.
fn start_logging(settings: &Settings, verbose: u8, dry_run: bool) -> Result<(), Stop> {
    let level = match verbose {
        0 => settings.telemetry.level.clone(),
        1 => "debug".to_owned(),
        _ => "trace".to_owned(),
    };
    // the scheduler tells of lost beats at `error` only, and of every job at `info`
    let mut directives = format!("{},tokio_cron_scheduler=warn", Telemetry::directives(&level));
    if dry_run {
        // nothing is delivered, whatever the lanes believe
        directives += ",highwater::engine::deliver=warn";
    }
    let filter = EnvFilter::try_new(directives).map_err(|_| {
        Stop::Config(format!("`telemetry.level: {level}` is no level; hint: `info`, `debug` or `warn`"))
    })?;
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines =
        tracing_subscriber::fmt::layer().fmt_fields(Fields).with_ansi(colours).with_writer(io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match settings.telemetry.format {
        LogFormat::Text => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    started.map_err(|error| Stop::Fault(error.to_string()))
}
