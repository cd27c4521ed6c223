//! Elasticsearch's own marks, as they are in effect on one disk.
//!
//! A percentage and a ratio mean used space, an amount means free space. Default percentages are capped by a head-room, so that a
//! large disk is not declared full with hundreds of gigabytes free; a mark that somebody set has no cap but one set beside it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::common::{explicit, setting};

const PREFIX: &str = "cluster.routing.allocation.disk";

pub struct Watermarks {
    /// By the name that rules use.
    marks: BTreeMap<&'static str, Watermark>,
    frozen_flood_stage: Option<Watermark>,
    pub enforced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Watermark {
    at: At,
    /// At most so much has to stay free.
    headroom: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    UsedPercent(f64),
    FreeBytes(f64),
}

impl Watermarks {
    pub fn of(settings: &Value) -> Self {
        let names = [
            ("watermark.low", "watermark.low"),
            ("watermark.high", "watermark.high"),
            ("watermark.flood_stage", "watermark.flood_stage"),
        ];
        let marks = names.into_iter().filter_map(|(name, key)| Some((name, Watermark::of(settings, key)?)));
        let enabled = setting(settings, &format!("{PREFIX}.threshold_enabled"));
        Self {
            marks: marks.collect(),
            frozen_flood_stage: Watermark::of(settings, "watermark.flood_stage.frozen"),
            enforced: enabled.as_deref() != Some("false"),
        }
    }

    /// The marks of one disk in percent used. Nodes that are only frozen have no low and no high mark, and a flood stage of their own.
    pub fn on(&self, total: u64, frozen_only: bool) -> Vec<(&'static str, f64)> {
        let total = total as f64;
        if frozen_only {
            let flood = self.frozen_flood_stage.iter();
            return flood.map(|mark| ("watermark.flood_stage", mark.percent_used(total))).collect();
        }
        let order = ["watermark.low", "watermark.high", "watermark.flood_stage"];
        order.into_iter().filter_map(|name| Some((name, self.marks.get(name)?.percent_used(total)))).collect()
    }
}

impl Watermark {
    fn of(settings: &Value, key: &str) -> Option<Self> {
        let (mark, cap) = (format!("{PREFIX}.{key}"), format!("{PREFIX}.{key}.max_headroom"));
        let at = At::parse(&setting(settings, &mark)?)?;
        let headroom = match explicit(settings, &cap) {
            Some(cap) => bytes(&cap),
            None if explicit(settings, &mark).is_some() => None,
            None => setting(settings, &cap).and_then(|cap| bytes(&cap)),
        };
        Some(Self { at, headroom })
    }

    fn percent_used(self, total: f64) -> f64 {
        let free = match self.at {
            At::FreeBytes(free) => free,
            At::UsedPercent(used) => {
                let free = total * (100.0 - used) / 100.0;
                match self.headroom {
                    Some(most) if most < free => most,
                    _ => return used,
                }
            }
        };
        (100.0 * (total - free) / total).clamp(0.0, 100.0)
    }
}

impl At {
    fn parse(text: &str) -> Option<Self> {
        if let Some(percent) = text.trim().strip_suffix('%') {
            let percent: f64 = percent.trim().parse().ok()?;
            return (0.0..=100.0).contains(&percent).then_some(Self::UsedPercent(percent));
        }
        match text.trim().parse::<f64>() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => Some(Self::UsedPercent(100.0 * ratio)),
            Ok(_) => None,
            Err(_) => bytes(text).map(Self::FreeBytes),
        }
    }
}

/// `500mb`, `200GB`, `0`; `-1` is no amount.
fn bytes(text: &str) -> Option<f64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let power = match unit {
        "" | "b" => 0,
        "k" | "kb" => 1,
        "m" | "mb" => 2,
        "g" | "gb" => 3,
        "t" | "tb" => 4,
        "p" | "pb" => 5,
        _ => return None,
    };
    let number: f64 = number.trim().parse().ok()?;
    let bytes = number * 1024_f64.powi(power);
    (bytes.is_finite() && bytes >= 0.0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GB: u64 = 1 << 30;

    fn marks(explicit: Value, total: u64, frozen_only: bool) -> Vec<(&'static str, f64)> {
        let key = |name: &str| format!("{PREFIX}.{name}");
        let defaults = json!({
            key("watermark.low"): "85%", key("watermark.low.max_headroom"): "200GB",
            key("watermark.high"): "90%", key("watermark.high.max_headroom"): "150GB",
            key("watermark.flood_stage"): "95%", key("watermark.flood_stage.max_headroom"): "100GB",
            key("watermark.flood_stage.frozen"): "95%", key("watermark.flood_stage.frozen.max_headroom"): "20GB",
        });
        let explicit: Value =
            explicit.as_object().unwrap().iter().map(|(k, v)| (key(k), v.clone())).collect();
        Watermarks::of(&json!({ "persistent": explicit, "transient": {}, "defaults": defaults }))
            .on(total, frozen_only)
    }

    fn low(explicit: Value, total: u64) -> f64 {
        marks(explicit, total, false)[0].1
    }

    #[test]
    fn percentages_and_ratios_are_used_space_and_amounts_are_free_space() {
        assert_eq!(low(json!({ "watermark.low": "80%" }), 100 * GB), 80.0);
        assert_eq!(low(json!({ "watermark.low": "0.8" }), 100 * GB), 80.0);
        assert_eq!(low(json!({ "watermark.low": "30gb" }), 100 * GB), 70.0);
        assert_eq!(low(json!({ "watermark.low": "150gb" }), 100 * GB), 0.0);
    }

    #[test]
    fn a_default_percentage_is_capped_by_its_headroom_on_a_large_disk_only() {
        assert_eq!(low(json!({}), 1000 * GB), 85.0);
        assert_eq!(low(json!({}), 10_000 * GB), 98.0);
        let all = marks(json!({}), 10_000 * GB, false);
        assert_eq!(all, [("watermark.low", 98.0), ("watermark.high", 98.5), ("watermark.flood_stage", 99.0)]);
    }

    #[test]
    fn a_mark_that_somebody_set_is_capped_only_by_what_was_set_beside_it() {
        assert_eq!(low(json!({ "watermark.low": "85%" }), 10_000 * GB), 85.0);
        let both = json!({ "watermark.low": "85%", "watermark.low.max_headroom": "100gb" });
        assert_eq!(low(both, 10_000 * GB), 99.0);
        let off = json!({ "watermark.low": "85%", "watermark.low.max_headroom": "-1" });
        assert_eq!(low(off, 10_000 * GB), 85.0);
    }

    #[test]
    fn a_frozen_node_has_a_flood_stage_of_its_own_and_nothing_else() {
        assert_eq!(marks(json!({}), 100 * GB, true), [("watermark.flood_stage", 95.0)]);
        assert_eq!(marks(json!({}), 1000 * GB, true), [("watermark.flood_stage", 98.0)]);
    }

    #[test]
    fn a_cluster_without_headrooms_has_its_plain_percentages() {
        let settings = json!({ "defaults": { "cluster.routing.allocation.disk.watermark.low": "85%" } });
        assert_eq!(Watermarks::of(&settings).on(10_000 * GB, false), [("watermark.low", 85.0)]);
    }

    #[test]
    fn what_is_no_watermark_is_left_out() {
        for nonsense in ["", "much", "85", "-5%", "101%", "NaN", "12xb"] {
            assert_eq!(At::parse(nonsense), None, "{nonsense}");
        }
    }
}
