use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Asked, Belated, Destination, Events, Message, Sink, Verdict, written};
use crate::model::{
    notification::{Delivery, Handle},
    published::Published,
    tally,
};

/// A counter per rule, level and sink, over UDP: how often which alert was told.
///
/// It needs no place in `notify`: whatever any sink took is counted here, after it was delivered and never in its way. An alert counts
/// when it fires and when it is raised. Datagrams may get lost, as StatsD accepts; `/metrics` has the same as
/// `highwater_alerts_told_total`, which misses nothing while the daemon runs.
///
/// Where a rule's `publish` names it, every reading of every look is a gauge, `PREFIX.reading.RULE.CLUSTER` followed by the values of
/// the entity's labels; with `tags` it is `PREFIX.reading` with rule, cluster and the entity's labels as tags.
///
/// A counter is `PREFIX.alerts_told.RULE.LEVEL.SINK`; every character but ASCII letters, digits, `_` and `-` of a part becomes `_`.
/// Clusters whose names become the same are refused.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statsd {
    /// Host and port.
    #[serde(default = "local")]
    pub address: String,
    /// What every name begins with; parts are joined with `.`.
    #[serde(default = "highwater")]
    pub prefix: String,
    /// Rule, level and sink as DogStatsD tags of `PREFIX.alerts_told`, and not as parts of the name.
    #[serde(default)]
    pub tags: bool,
}

/// What one datagram may hold: Ethernet's 1,500 bytes without the headers, and some room for tunnels.
const DATAGRAM: usize = 1432;
/// The most characters of one part of a name.
const PART: usize = 128;

fn local() -> String {
    "127.0.0.1:8125".to_owned()
}

fn highwater() -> String {
    "highwater".to_owned()
}

impl Statsd {
    pub const EXAMPLE: &str = "statsd: { address: \"127.0.0.1:8125\", prefix: highwater }";

    fn line(&self, delivery: &Delivery, level: &str, count: u64) -> String {
        let prefix = &self.prefix;
        let (rule, sink) = (part(&delivery.notification.rule), part(&delivery.sink));
        if self.tags {
            return format!("{prefix}.alerts_told:{count}|c|#rule:{rule},level:{level},sink:{sink}");
        }
        format!("{prefix}.alerts_told.{rule}.{level}.{sink}:{count}|c")
    }

    /// Below 0 a gauge without tags would be taken as a step down, so that it is set to 0 first.
    fn gauge(&self, delivery: &Delivery, reading: &Published) -> String {
        let (prefix, value) = (&self.prefix, reading.value);
        let (rule, cluster) = (part(&delivery.notification.rule), part(&delivery.notification.cluster));
        let name = match self.tags {
            true => format!("{prefix}.reading"),
            false => {
                let values = reading.entity.labels().map(|(_, value)| format!(".{}", part(value)));
                format!("{prefix}.reading.{rule}.{cluster}{}", values.collect::<String>())
            }
        };
        let mut tags = String::new();
        if self.tags {
            tags = format!("|#rule:{rule},cluster:{cluster}");
            for (label, value) in reading.entity.labels() {
                tags.push_str(&format!(",{}:{}", part(label), part(value)));
            }
        }
        let line = format!("{name}:{value}|g{tags}");
        if value.as_f64() < 0.0 && !self.tags { format!("{name}:0|g\n{line}") } else { line }
    }
}

impl Sink for Statsd {
    fn destination(&self) -> Destination {
        Destination::Udp(self.address.clone())
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        if !delivery.notification.readings.is_empty() {
            let readings = &delivery.notification.readings;
            return Message::Datagrams(packed(readings.iter().map(|reading| self.gauge(delivery, reading))));
        }
        let counts = tally::told(&delivery.notification);
        let lines = counts.into_iter().map(|(level, count)| self.line(delivery, level.name(), count));
        Message::Datagrams(packed(lines))
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        self.render(delivery, None)
    }

    fn events(&self) -> Events {
        Events::Together
    }

    fn belated(&self) -> Belated {
        Belated::Each
    }

    fn counts(&self) -> bool {
        true
    }

    fn series(&self, cluster: &str) -> String {
        part(cluster)
    }

    fn keeps_numbers(&self) -> bool {
        true
    }

    fn classify(&self, _: &Asked<'_>, answer: &Answer) -> Verdict {
        written(answer)
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let port = self.address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        if !port.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0)) {
            let text = &self.address;
            complaints.push(format!("`{text}` is not a host and a port; write one like `127.0.0.1:8125`"));
        }
        let parts = self.prefix.split('.').all(|text| !text.is_empty() && text == part(text));
        if !parts {
            let text = &self.prefix;
            complaints
                .push(format!("`{text}` is no prefix; ASCII letters, digits, `_` and `-`, joined with `.`"));
        }
        complaints
    }
}

/// As part of a name, or as a tag: `:`, `|`, `@`, `#`, `,` and `.` would begin something else.
fn part(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let part: String = text.chars().take(PART).map(safe).collect();
    if part.is_empty() { "_".to_owned() } else { part }
}

/// As many lines in one datagram as fit.
fn packed(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut datagrams: Vec<String> = Vec::new();
    for line in lines {
        match datagrams.last_mut().filter(|last| last.len() + 1 + line.len() <= DATAGRAM) {
            Some(last) => {
                last.push('\n');
                last.push_str(&line);
            }
            None => datagrams.push(line),
        }
    }
    datagrams
}

#[cfg(test)]
mod tests {
    use chrono_tz::UTC;

    use super::*;
    use crate::model::{
        Ending, Kind, Level, Number,
        samples::{change, notification, readings, resolved},
    };

    fn sent(yaml: &str, delivery: &Delivery) -> Vec<String> {
        let sink: Statsd = serde_saphyr::from_str(yaml).unwrap();
        let Message::Datagrams(sent) = sink.render(delivery, None) else { panic!("datagrams") };
        sent
    }

    fn delivery(sink: &str, rule: &str) -> Delivery {
        let alerts = vec![
            change(Kind::Fired, Level::Critical),
            change(Kind::Raised, Level::Critical),
            change(Kind::Fired, Level::Warning),
            resolved(Ending::Cleared),
        ];
        let mut notification = notification(alerts);
        notification.rule = rule.to_owned();
        Delivery::of_rule(sink, notification, UTC)
    }

    #[test]
    fn every_level_is_one_counter_and_all_of_them_one_datagram() {
        let delivery = delivery("bot", "http-5xx");
        let plain =
            "highwater.alerts_told.http-5xx.warning.bot:1|c\nhighwater.alerts_told.http-5xx.critical.bot:2|c";
        assert_eq!(sent("{}", &delivery), [plain]);
        let tagged = "a.b.alerts_told:1|c|#rule:http-5xx,level:warning,sink:bot\n\
                      a.b.alerts_told:2|c|#rule:http-5xx,level:critical,sink:bot";
        assert_eq!(sent("{ prefix: a.b, tags: true }", &delivery), [tagged]);
    }

    #[test]
    fn every_reading_is_a_gauge_and_one_below_zero_is_no_step_down() {
        let delivery = Delivery::of_readings(
            "stats",
            readings(&[("es.1", Number::Float(91.5)), ("b", Number::Int(-3))]),
            UTC,
        );
        let plain = "highwater.reading.elasticsearch-storage.main.es_1:91.5|g\n\
                     highwater.reading.elasticsearch-storage.main.b:0|g\n\
                     highwater.reading.elasticsearch-storage.main.b:-3|g";
        assert_eq!(sent("{}", &delivery), [plain]);
        let tagged = "highwater.reading:91.5|g|#rule:elasticsearch-storage,cluster:main,node:es_1\n\
                      highwater.reading:-3|g|#rule:elasticsearch-storage,cluster:main,node:b";
        assert_eq!(sent("{ tags: true }", &delivery), [tagged]);
    }

    #[test]
    fn a_recovery_counts_nothing_and_is_no_datagram() {
        let delivery = Delivery::of_rule("bot", notification(vec![resolved(Ending::Cleared)]), UTC);
        assert_eq!(sent("{}", &delivery), Vec::<String>::new());
    }

    #[test]
    fn no_name_can_begin_another_value_or_another_counter() {
        let delivery = delivery("b.o|t", "a:1|c\nb.é#x,y@0.1");
        for yaml in ["{}", "{ tags: true }"] {
            let all = sent(yaml, &delivery).join("\n");
            assert_eq!(all.lines().count(), 2, "{all}");
            assert!(all.contains("a_1_c_b___x_y_0_1") && all.contains("b_o_t"), "{all}");
        }
    }

    #[test]
    fn datagrams_are_filled_up_to_their_limit_and_no_further() {
        let line = "x".repeat(100);
        let packed = packed(std::iter::repeat_n(line, 100));
        assert!(packed.iter().all(|datagram| datagram.len() <= DATAGRAM));
        assert_eq!(packed.iter().map(|datagram| datagram.lines().count()).sum::<usize>(), 100);
        assert_eq!(packed.len(), 100_usize.div_ceil(14));
    }

    #[test]
    fn an_address_without_a_port_and_a_prefix_with_a_value_are_told_when_loaded() {
        let complaints = |yaml: &str| serde_saphyr::from_str::<Statsd>(yaml).unwrap().complaints();
        assert!(complaints("{ address: stats }")[0].contains("127.0.0.1:8125"));
        assert!(complaints("{ address: 'stats:0' }")[0].contains("`stats:0`"));
        assert!(complaints("{ prefix: 'a:1|c' }")[0].contains("prefix"));
        assert!(complaints("{ prefix: 'a..b' }")[0].contains("prefix"));
        assert_eq!(complaints("{ address: '[::1]:8125', prefix: eu.search }"), Vec::<String>::new());
    }
}
