//! What is behind a reading of a service, and what to do about it.

use super::Measure;
use crate::{
    checks::Advice,
    model::{Number, Reading},
};

pub fn advise(host: &str, measure: Measure, reading: &Reading) -> Advice {
    let shown = reading.unit.show(reading.value);
    let (cause, next_step) = match measure {
        Measure::Up => return down(host, reading),
        Measure::Value => (
            format!("`{}` of `{host}` is {shown}", reading.facts.text("pointer").unwrap_or_default()),
            "ask the service itself what this number tells, and who owns it",
        ),
        Measure::Latency => (
            format!("`{host}` took {shown} to answer"),
            "compare with its own timings: what it waits for, how busy it is, and the network between",
        ),
        Measure::Status => (
            format!("`{host}` answers with status {shown}"),
            "read its logs at this time; a proxy in front of it may also say this",
        ),
        Measure::CertificateDays => (
            certificate(host, reading),
            "renew the certificate, and see why nothing renewed it before; who checks certificates trusts it no longer afterwards",
        ),
    };
    Advice { cause: Some(cause), next_step: Some(next_step.to_owned()) }
}

fn certificate(host: &str, reading: &Reading) -> String {
    let end = reading.facts.text("not_after").unwrap_or("an unknown time");
    if reading.value < Number::Int(0) {
        return format!("the certificate of `{host}` was valid until {end}");
    }
    let days = reading.unit.show(reading.value);
    format!("the certificate of `{host}` is valid until {end}, {days} days from now")
}

fn down(host: &str, reading: &Reading) -> Advice {
    let Some(cause) = reading.facts.text("cause").filter(|_| reading.value > Number::Int(0)) else {
        return Advice::default();
    };
    let why = reading.facts.text("reason").unwrap_or_default();
    let step = match cause {
        "unreachable" => "see whether it runs; then its name, its certificate, and the network from here",
        "timeout" => "it accepts connections and does not answer: look at what it waits for",
        "refused" => "check the credentials of this rule; the service itself is up",
        "overloaded" => "it asks for fewer requests: look at who else asks it",
        "failing" => "read its logs, and ask what it depends on",
        _ => "compare the rule's URL with what the service offers; a proxy or a login page may answer for it",
    };
    Advice { cause: Some(format!("`{host}` {why}")), next_step: Some(step.to_owned()) }
}
